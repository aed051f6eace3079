/* Quantised numbers on vectors, and matrix products of 16-bit integers: pairs of products are
 * added by one instruction, so that B lies in pairs of rows. */
#ifndef TDNN_KERNELS_SIMD_INTEGER_H
#define TDNN_KERNELS_SIMD_INTEGER_H

#include "kernels/kernels.h"
#include "kernels/simd/quantize.h"

enum { TILE_ROWS = V_LANES == 16 ? 8 : 4, TILE_VECTORS = 2 };

static inline v_f32 v_quantize(v_f32 x, const v_divisor *by, v_f32 zero, v_f32 low, v_f32 high)
{
    const v_f32 r = v_add(v_round_quotient(x, by), zero);
    return v_min(v_max(r, low), high); /* NaN becomes low */
}

static void quantize_x8(void *y_, const float *x, size_t n, float scale, int zero, int low,
                        int high)
{
    const v_divisor by = v_divide_by(scale);
    const v_f32 z = v_set1((float)zero);
    const v_f32 l = v_set1((float)low), h = v_set1((float)high);
    uint8_t *y = y_, rest[V_LANES];
    size_t i = 0;
    for (; i + V_LANES <= n; i += V_LANES)
        v_to_x8(y + i, v_quantize(v_load(x + i), &by, z, l, h));
    if (i == n) return;
    v_to_x8(rest, v_quantize(v_load_n(x + i, n - i), &by, z, l, h));
    for (size_t k = i; k < n; k++) y[k] = rest[k - i];
}

#define V_DEQUANTIZE(name, load)                                                               \
    static void name(float *y, const void *x_, size_t n, float scale, int zero)                \
    {                                                                                          \
        const v_f32 s = v_set1(scale), z = v_set1((float)zero);                                \
        const uint8_t *x = x_;                                                                 \
        uint8_t rest[V_LANES] = {0};                                                           \
        size_t i = 0;                                                                          \
        for (; i + V_LANES <= n; i += V_LANES)                                                 \
            v_store(y + i, v_mul(v_sub(load(x + i), z), s));                                   \
        if (i == n) return;                                                                    \
        for (size_t k = i; k < n; k++) rest[k - i] = x[k];                                     \
        v_store_n(y + i, v_mul(v_sub(load(rest), z), s), n - i);                               \
    }
V_DEQUANTIZE(dequantize_u8, v_of_u8)
V_DEQUANTIZE(dequantize_i8, v_of_i8)

/* `rows` rows of C by TILE_VECTORS vectors of columns. */
static inline __attribute__((always_inline)) void tile_i16(int32_t *c, size_t ldc,
                                                           const int16_t *a, size_t lda,
                                                           const int16_t *b, size_t ldb,
                                                           size_t pairs, size_t rows)
{
    v_i32 sum[TILE_ROWS][TILE_VECTORS];
    V_UNROLL
    for (size_t i = 0; i < rows; i++) V_UNROLL
    for (size_t v = 0; v < TILE_VECTORS; v++) sum[i][v] = vi_zero();
    for (size_t k = 0; k < pairs; k++) {
        v_i32 column[TILE_VECTORS];
        V_UNROLL
        for (size_t v = 0; v < TILE_VECTORS; v++)
            column[v] = vi_load(b + 2 * (k * ldb + v * V_LANES));
        V_UNROLL
        for (size_t i = 0; i < rows; i++) {
            const v_i32 both = vi_pair(a + i * lda + 2 * k);
            V_UNROLL
            for (size_t v = 0; v < TILE_VECTORS; v++)
                sum[i][v] = vi_madd(sum[i][v], both, column[v]);
        }
    }
    V_UNROLL
    for (size_t i = 0; i < rows; i++) V_UNROLL
    for (size_t v = 0; v < TILE_VECTORS; v++) vi_store(c + i * ldc + v * V_LANES, sum[i][v]);
}

static void gemm_i16(int32_t *c, size_t ldc, const int16_t *a, size_t lda, const int16_t *b,
                     size_t ldb, size_t m, size_t n, size_t pairs)
{
    for (size_t j = 0; j < n; j += TILE_VECTORS * V_LANES) {
        size_t i = 0;
        for (; i + TILE_ROWS <= m; i += TILE_ROWS)
            tile_i16(c + i * ldc + j, ldc, a + i * lda, lda, b + 2 * j, ldb, pairs, TILE_ROWS);
        for (; i < m; i++)
            tile_i16(c + i * ldc + j, ldc, a + i * lda, lda, b + 2 * j, ldb, pairs, 1);
    }
}

static void fill_integer(tdnn_kernels *t)
{
    t->quantize_x8 = quantize_x8;
    t->dequantize_u8 = dequantize_u8;
    t->dequantize_i8 = dequantize_i8;
    t->gemm_i16 = gemm_i16;
}

#endif

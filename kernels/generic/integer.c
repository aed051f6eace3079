/* Quantised numbers: to and from f32, and matrix products of 16-bit integers, in portable C. */
#include "kernels/kernels.h"

#include <math.h>

static void quantize_x8(void *y_, const float *x, size_t n, float scale, int zero, int low,
                        int high)
{
    uint8_t *y = y_;
    for (size_t i = 0; i < n; i++) {
        const float r = rintf(x[i] / scale) + (float)zero;
        const int q = r < (float)low || r != r ? low : r > (float)high ? high : (int)r;
        y[i] = (uint8_t)q;
    }
}

static void dequantize_u8(float *y, const void *x_, size_t n, float scale, int zero)
{
    const uint8_t *x = x_;
    for (size_t i = 0; i < n; i++) y[i] = (float)(x[i] - zero) * scale;
}

static void dequantize_i8(float *y, const void *x_, size_t n, float scale, int zero)
{
    const int8_t *x = x_;
    for (size_t i = 0; i < n; i++) y[i] = (float)(x[i] - zero) * scale;
}

static void gemm_i16(int32_t *c, size_t ldc, const int16_t *a, size_t lda, const int16_t *b,
                     size_t ldb, size_t m, size_t n, size_t pairs)
{
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) c[i * ldc + j] = 0;
        for (size_t k = 0; k < pairs; k++) {
            const int a0 = a[i * lda + 2 * k], a1 = a[i * lda + 2 * k + 1];
            const int16_t *row = b + 2 * k * ldb;
            for (size_t j = 0; j < n; j++)
                c[i * ldc + j] = (int32_t)((uint32_t)c[i * ldc + j] +
                                           (uint32_t)(a0 * row[2 * j] + a1 * row[2 * j + 1]));
        }
    }
}

void tdnn_fill_integer_generic(tdnn_kernels *t);
void tdnn_fill_integer_generic(tdnn_kernels *t)
{
    t->quantize_x8 = quantize_x8;
    t->dequantize_u8 = dequantize_u8;
    t->dequantize_i8 = dequantize_i8;
    t->gemm_i16 = gemm_i16;
}

/* What the two ways of multiplying matrices of bf16 share: few rows, and what is done to sums. */
#ifndef TDNN_KERNELS_X86_GEMM_BF16_H
#define TDNN_KERNELS_X86_GEMM_BF16_H

#include "kernels/simd/tile.h"
#include "kernels/simd/vact.h"

enum { ROWS = TDNN_GEMM_BF16_ROWS, COLUMNS = TDNN_GEMM_BF16_COLUMNS, STEP_BYTES = 2048 };

/* While the rows of one panel of B are computed the next one is fetched, some lines with each
 * step: B most often comes from memory. (197 x 768 x 3072: 870 GFLOP/s for 715.) */
typedef struct ahead {
    const char *at;
    size_t lines; /* with each step */
} ahead;

/* Row r, vector v of a tile's sums is at v * ROWS + r. `rows` of A lie side by side in each
 * plane. */
typedef void gemm_bf16_tile_fn(float *sums, const char *a, const char *b, size_t rows,
                               size_t planes, const ahead *next);

/* Vector v of row r of C, of which `count` columns are there. */
INLINE void finish_vector(const tdnn_gemm *g, const tdnn_gemm_io *io, v_f32 x, size_t r,
                          size_t column, size_t count)
{
    const size_t at = r * g->c_stride + column;
    x = v_mul(v_set1(g->alpha), x);
    if (io->d) {
        const float *d = io->d + r * g->d_row + column * g->d_column;
        x = v_fma(v_set1(g->beta), g->d_column ? v_load_n(d, count) : v_set1(*d), x);
    }
    if (g->act.kind == TDNN_ACTIVATE_CLIP)
        x = v_clip(x, v_set1(g->act.alpha), v_set1(g->act.beta));
    if (g->act.kind == TDNN_ACTIVATE_GELU) x = v_gelu(x);
    if (io->r) x = v_add(x, v_load_n(io->r + at, count));
    v_store_n(io->c + at, x, count);
}

INLINE bool finish_late(const tdnn_gemm *g)
{
    return g->act.kind != TDNN_ACTIVATE_NONE && g->act.kind != TDNN_ACTIVATE_CLIP &&
           g->act.kind != TDNN_ACTIVATE_GELU;
}

/* Activations that are not in finish_vector: on the tile's part of C, and R behind them. */
static void finish_rows(const tdnn_gemm *g, const tdnn_gemm_io *io, size_t row, size_t rows,
                        size_t column, size_t columns, const tdnn_kernels *table)
{
    for (size_t r = row; r < row + rows; r++) {
        float *c = io->c + r * g->c_stride + column;
        table->activate_f32(c, c, columns, &g->act);
        for (size_t i = 0; io->r && i < columns; i++) c[i] += io->r[r * g->c_stride + column + i];
    }
}

static void finish_sums(const tdnn_gemm *g, const tdnn_gemm_io *io, const float *sums, size_t row,
                        size_t rows, size_t column, size_t columns, const tdnn_kernels *table)
{
    tdnn_gemm_io early = *io;
    if (finish_late(g)) early.r = NULL;
    for (size_t v = 0; v * V_LANES < columns; v++) {
        const size_t left = columns - v * V_LANES, count = left < V_LANES ? left : V_LANES;
        for (size_t r = 0; r < rows; r++)
            finish_vector(g, &early, v_load(sums + (v * ROWS + r) * V_LANES), row + r,
                          column + v * V_LANES, count);
    }
    if (finish_late(g)) finish_rows(g, io, row, rows, column, columns, table);
}

INLINE void gemm_bf16(const tdnn_gemm *g, const tdnn_gemm_io *io, const tdnn_gemm_part *part,
                      const tdnn_kernels *table, gemm_bf16_tile_fn *tile)
{
    float sums[2 * ROWS * V_LANES] __attribute__((aligned(64)));
    const size_t planes = (g->k + TDNN_BF16_PLANE - 1) / TDNN_BF16_PLANE;
    for (size_t column = part->column_begin; column < part->column_end; column += COLUMNS) {
        const size_t left = part->column_end - column, columns = left < COLUMNS ? left : COLUMNS;
        const char *b = (const char *)io->b + column / COLUMNS * planes * STEP_BYTES;
        const size_t tiles = (part->row_end - part->row_begin + ROWS - 1) / ROWS;
        ahead next = {b + planes * STEP_BYTES, (STEP_BYTES / 64 + tiles - 1) / tiles};
        if (column + COLUMNS >= part->column_end) next.lines = 0;
        for (size_t row = part->row_begin; row < part->row_end; row += ROWS) {
            const size_t rows = part->row_end - row < ROWS ? part->row_end - row : ROWS;
            tile(sums, (const char *)io->a + row * planes * 64, b, rows, planes, &next);
            next.at += planes * next.lines * 64;
            finish_sums(g, io, sums, row, rows, column, columns, table);
        }
    }
}

/* By dot products: P rows with 32 columns, and for a single row several sums side by side. */
INLINE void dot_tile(const int P, const int CHAINS, float *sums, const char *a, const char *b,
                     size_t rows, size_t planes)
{
    __m512 s[8][2];
    V_UNROLL for (int p = 0; p < P * CHAINS; p++) s[p][0] = s[p][1] = _mm512_setzero_ps();
    for (size_t i = 0; i < planes; i++, a += rows * 64, b += STEP_BYTES)
        for (int k = 0; k < 16; k += CHAINS) {
            V_UNROLL for (int c = 0; c < CHAINS; c++) {
                const char *at = b + (k + c) * 64;
                const __m512bh low = (__m512bh)_mm512_loadu_si512(at);
                const __m512bh high = (__m512bh)_mm512_loadu_si512(at + 1024);
                _mm_prefetch(at + 4 * STEP_BYTES, _MM_HINT_T0);
                _mm_prefetch(at + 4 * STEP_BYTES + 1024, _MM_HINT_T0);
                V_UNROLL for (int p = 0; p < P; p++) {
                    const __m512bh x = (__m512bh)_mm512_set1_ps(
                        *(const float *)(const void *)(a + p * 64 + (k + c) * 4));
                    s[p * CHAINS + c][0] = _mm512_dpbf16_ps(s[p * CHAINS + c][0], x, low);
                    s[p * CHAINS + c][1] = _mm512_dpbf16_ps(s[p * CHAINS + c][1], x, high);
                }
            }
        }
    V_UNROLL for (int p = 0; p < P; p++) {
        V_UNROLL for (int v = 0; v < 2; v++) {
            __m512 x = s[p * CHAINS][v];
            V_UNROLL for (int c = 1; c < CHAINS; c++) x = _mm512_add_ps(x, s[p * CHAINS + c][v]);
            v_store(sums + (v * ROWS + p) * V_LANES, x);
        }
    }
}

/* Few rows, which are bound by the reading of B. */
static void few_rows(float *sums, const char *a, const char *b, size_t rows, size_t planes)
{
    switch (rows) {
    case 1: dot_tile(1, 4, sums, a, b, rows, planes); break;
    case 2: dot_tile(2, 2, sums, a, b, rows, planes); break;
    case 3: dot_tile(3, 2, sums, a, b, rows, planes); break;
    default: dot_tile(4, 2, sums, a, b, rows, planes);
    }
}

#endif

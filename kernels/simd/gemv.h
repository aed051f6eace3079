/* Products of a few rows with a matrix that is read once, where it lies: bound by memory, so no
 * packing, and several streams at a time. Each sum is the same however the columns are cut. */
#ifndef TDNN_KERNELS_SIMD_GEMV_H
#define TDNN_KERNELS_SIMD_GEMV_H

#include "kernels/kernels.h"
#include "kernels/simd/tile.h"

enum { GEMV_STREAMS = 4, GEMV_AHEAD = 512 /* floats */ };

static void gemv_finish(const tdnn_gemm *g, const tdnn_gemm_io *io, size_t begin, size_t end,
                        const tdnn_kernels *table)
{
    const v_f32 alpha = v_set1(g->alpha), beta = v_set1(g->beta);
    for (size_t r = 0; r < g->m; r++) {
        float *c = io->c + r * g->c_stride;
        for (size_t j = begin; j < end; j += V_LANES) {
            const size_t n = end - j < V_LANES ? end - j : V_LANES;
            v_f32 x = v_mul(alpha, v_load_n(c + j, n));
            if (io->d) {
                const float *d = io->d + r * g->d_row + j * g->d_column;
                x = v_fma(beta, g->d_column ? v_load_n(d, n) : v_set1(*d), x);
            }
            v_store_n(c + j, x, n);
        }
        if (g->act.kind != TDNN_ACTIVATE_NONE)
            table->activate_f32(c + begin, c + begin, end - begin, &g->act);
    }
}

/* M rows of A with S rows of the transposed B from column j on. */
INLINE void gemv_dots(const int M, const int S, const tdnn_gemm *g, const tdnn_gemm_io *io,
                      size_t row, size_t j)
{
    v_f32 sum[4][GEMV_STREAMS];
    V_UNROLL for (int m = 0; m < M; m++) {
        V_UNROLL for (int s = 0; s < S; s++) sum[m][s] = v_set1(0);
    }
    const float *a = io->a + row * g->k, *b = io->b + j * g->k;
    size_t i = 0;
    for (; i + V_LANES <= g->k; i += V_LANES) {
        v_f32 av[4];
        V_UNROLL for (int m = 0; m < M; m++) av[m] = v_load(a + (size_t)m * g->k + i);
        V_UNROLL for (int s = 0; s < S; s++) {
            const float *from = b + (size_t)s * g->k + i;
            const v_f32 bv = v_load(from);
            v_prefetch(from + GEMV_AHEAD);
            V_UNROLL for (int m = 0; m < M; m++) sum[m][s] = v_fma(av[m], bv, sum[m][s]);
        }
    }
    const size_t rest = g->k - i;
    V_UNROLL for (int m = 0; m < M; m++) {
        V_UNROLL for (int s = 0; s < S; s++) {
            if (rest)
                sum[m][s] = v_fma(v_load_n(a + (size_t)m * g->k + i, rest),
                                  v_load_n(b + (size_t)s * g->k + i, rest), sum[m][s]);
            io->c[(row + (size_t)m) * g->c_stride + j + (size_t)s] = v_sum(sum[m][s]);
        }
    }
}

static void gemv_rows(const tdnn_gemm *g, const tdnn_gemm_io *io, size_t begin, size_t end,
                      const tdnn_kernels *table)
{
    for (size_t row = 0; row < g->m; row += 4) {
        const size_t rows = g->m - row;
        size_t j = begin;
        for (; j + GEMV_STREAMS <= end; j += GEMV_STREAMS)
            switch (rows) {
            case 1: gemv_dots(1, GEMV_STREAMS, g, io, row, j); break;
            case 2: gemv_dots(2, GEMV_STREAMS, g, io, row, j); break;
            case 3: gemv_dots(3, GEMV_STREAMS, g, io, row, j); break;
            default: gemv_dots(4, GEMV_STREAMS, g, io, row, j); break;
            }
        for (; j < end; j++)
            for (size_t r = 0; r < rows && r < 4; r++) gemv_dots(1, 1, g, io, row + r, j);
    }
    gemv_finish(g, io, begin, end, table);
}

/* Adds D rows of B, from row i on, to row `row` of C. */
INLINE void gemv_add(const int D, const tdnn_gemm *g, const tdnn_gemm_io *io, size_t row,
                     size_t i, size_t begin, size_t end)
{
    float *c = io->c + row * g->c_stride;
    v_f32 a[2 * GEMV_STREAMS];
    V_UNROLL for (int d = 0; d < D; d++) a[d] = v_set1(io->a[row * g->k + i + (size_t)d]);
    size_t j = begin;
    for (; j + V_LANES <= end; j += V_LANES) {
        v_f32 sum = i ? v_load(c + j) : v_set1(0);
        V_UNROLL for (int d = 0; d < D; d++)
            sum = v_fma(a[d], v_load(io->b + (i + (size_t)d) * g->n + j), sum);
        v_store(c + j, sum);
    }
    const size_t rest = end - j;
    if (!rest) return;
    v_f32 sum = i ? v_load_n(c + j, rest) : v_set1(0);
    V_UNROLL for (int d = 0; d < D; d++)
        sum = v_fma(a[d], v_load_n(io->b + (i + (size_t)d) * g->n + j, rest), sum);
    v_store_n(c + j, sum, rest);
}

static void gemv_columns(const tdnn_gemm *g, const tdnn_gemm_io *io, size_t begin, size_t end,
                         const tdnn_kernels *table)
{
    size_t i = 0;
    for (size_t r = 0; g->k == 0 && r < g->m; r++)
        for (size_t j = begin; j < end; j++) io->c[r * g->c_stride + j] = 0;
    for (; i + 2 * GEMV_STREAMS <= g->k; i += 2 * GEMV_STREAMS)
        for (size_t r = 0; r < g->m; r++) gemv_add(2 * GEMV_STREAMS, g, io, r, i, begin, end);
    for (; i < g->k; i++)
        for (size_t r = 0; r < g->m; r++) gemv_add(1, g, io, r, i, begin, end);
    gemv_finish(g, io, begin, end, table);
}

#endif

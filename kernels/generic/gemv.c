/* Products of a few rows with a matrix that is read where it lies, in portable C. */
#include "kernels/kernels.h"

#include <string.h>

void tdnn_fill_gemv_generic(tdnn_kernels *t);

/* Element `index` of a matrix at any address. */
static float element(const float *b, size_t index)
{
    float x;
    memcpy(&x, (const unsigned char *)b + index * sizeof x, sizeof x);
    return x;
}

static void finish(const tdnn_gemm *g, const tdnn_gemm_io *io, size_t begin, size_t end,
                   const tdnn_kernels *table)
{
    for (size_t r = 0; r < g->m; r++) {
        float *c = io->c + r * g->c_stride;
        for (size_t j = begin; j < end; j++) {
            const float d = io->d ? g->beta * io->d[r * g->d_row + j * g->d_column] : 0;
            c[j] = g->alpha * c[j] + d;
        }
        table->activate_f32(c + begin, c + begin, end - begin, &g->act);
    }
}

static void gemv_rows(const tdnn_gemm *g, const tdnn_gemm_io *io, size_t begin, size_t end,
                      const tdnn_kernels *table)
{
    for (size_t r = 0; r < g->m; r++)
        for (size_t j = begin; j < end; j++) {
            float sum = 0;
            for (size_t i = 0; i < g->k; i++)
                sum += io->a[r * g->k + i] * element(io->b, j * g->k + i);
            io->c[r * g->c_stride + j] = sum;
        }
    finish(g, io, begin, end, table);
}

static void gemv_columns(const tdnn_gemm *g, const tdnn_gemm_io *io, size_t begin, size_t end,
                         const tdnn_kernels *table)
{
    for (size_t r = 0; r < g->m; r++) {
        float *c = io->c + r * g->c_stride;
        for (size_t j = begin; j < end; j++) c[j] = 0;
        for (size_t i = 0; i < g->k; i++)
            for (size_t j = begin; j < end; j++)
                c[j] += io->a[r * g->k + i] * element(io->b, i * g->n + j);
    }
    finish(g, io, begin, end, table);
}

void tdnn_fill_gemv_generic(tdnn_kernels *t)
{
    t->gemv_rows_f32 = gemv_rows;
    t->gemv_columns_f32 = gemv_columns;
}

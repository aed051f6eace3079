/* The portable level's matrix product through OpenBLAS.
 *
 * OpenBLAS has one global number of threads, which belongs to the program around us and stays
 * as it is. Products of at most 2^18 multiplications it always computes in the calling thread;
 * so panels are multiplied piece by piece, 64 x 64 x 64, in an order that depends on nothing
 * else. Our own AVX2 and AVX-512 products are as fast as its best and take the place of this
 * one.
 */
#include "kernels/kernels.h"

#include <cblas.h>

void tdnn_fill_blas_generic(tdnn_kernels *t);

enum { PIECE = 64 };

static void add_product(const tdnn_gemm *g, const float *a, size_t rows, const float *b,
                        size_t columns, float *c)
{
    for (size_t i = 0; i < g->k; i += PIECE) {
        const size_t depth = g->k - i < PIECE ? g->k - i : PIECE;
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)rows, (int)columns,
                    (int)depth, 1, a + i * rows, (int)rows, b + i * PIECE, PIECE, i > 0, c,
                    (int)g->c_stride);
    }
    for (size_t r = 0; g->k == 0 && r < rows; r++)
        for (size_t j = 0; j < columns; j++) c[r * g->c_stride + j] = 0;
}

static void finish_row(const tdnn_gemm *g, const float *d, float *c, size_t columns,
                       const tdnn_kernels *table)
{
    for (size_t j = 0; j < columns; j++)
        c[j] = g->alpha * c[j] + (d ? g->beta * d[j * g->d_column] : 0);
    table->activate_f32(c, c, columns, &g->act);
}

static void gemm(const tdnn_gemm *g, const tdnn_gemm_io *io, const tdnn_gemm_part *part,
                 const tdnn_kernels *table)
{
    const size_t panel = tdnn_gemm_panel_rows(table, g->m);
    for (size_t column = part->column_begin; column < part->column_end; column += PIECE)
        for (size_t row = part->row_begin; row < part->row_end; row += panel) {
            const size_t left = part->column_end - column, columns = left < PIECE ? left : PIECE;
            const size_t below = part->row_end - row, rows = below < panel ? below : panel;
            float *c = io->c + row * g->c_stride + column;
            add_product(g, io->a + row * g->k, rows, io->b + column * g->k, columns, c);
            for (size_t r = 0; r < rows; r++) {
                const float *d =
                    io->d ? io->d + (row + r) * g->d_row + column * g->d_column : NULL;
                finish_row(g, d, c + r * g->c_stride, columns, table);
                float *end = c + r * g->c_stride;
                if (io->r) table->add_f32(end, end, 1, io->r + (end - io->c), 1, columns);
            }
        }
}

void tdnn_fill_blas_generic(tdnn_kernels *t)
{
    t->gemm_rows = t->gemm_columns = PIECE;
    t->gemm_f32 = gemm;
}

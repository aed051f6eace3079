/* Matrix products of bf16 with f32 sums: packing, and their meaning in portable C. */
#include "kernels/generic/bf16.h"
#include "kernels/kernels.h"

#include <string.h>

void tdnn_fill_gemm_bf16_generic(tdnn_kernels *t);

enum { PLANE = TDNN_BF16_PLANE, COLUMNS = TDNN_GEMM_BF16_COLUMNS, LANES = COLUMNS / 2 };
/* bf16 numbers of a plane of one row of A; of a panel of B */
enum { STEP = COLUMNS * PLANE };

static size_t planes_of(size_t k) { return (k + PLANE - 1) / PLANE; }

size_t tdnn_gemm_bf16_a_count(size_t m, size_t k)
{
    return (m * planes_of(k) + 16) * PLANE / 2; /* a tile has 16 rows, and the last may be less */
}

size_t tdnn_gemm_bf16_b_count(size_t n, size_t k)
{
    return (n + COLUMNS - 1) / COLUMNS * planes_of(k) * STEP / 2;
}

static void pack_a(float *packed, const float *a, size_t row, size_t column, size_t m, size_t k,
                   size_t panel, const tdnn_kernels *table)
{
    (void)table;
    uint16_t *to = (uint16_t *)(void *)packed;
    for (size_t begin = 0; begin < m; begin += panel)
        for (size_t plane = 0; plane < planes_of(k); plane++)
            for (size_t r = begin; r < m && r < begin + panel; r++)
                for (size_t i = plane * PLANE; i < (plane + 1) * PLANE; i++)
                    *to++ = i < k ? tdnn_bf16_narrow(a[r * row + i * column]) : 0;
}

/* One plane of 16 columns, of which `count` are there. */
static void pack_tile(uint16_t *to, const float *b, size_t row, size_t column, size_t rows,
                      size_t count)
{
    if (column == 1 && count == LANES) {
        for (size_t i = 0; i < rows; i++, b += row) {
            uint16_t *at = to + i / 2 * LANES * 2 + i % 2;
            for (size_t c = 0; c < LANES; c++) at[2 * c] = tdnn_bf16_narrow(b[c]);
        }
        return;
    }
    for (size_t c = 0; c < count; c++)
        for (size_t i = 0; i < rows; i++)
            to[(i / 2 * LANES + c) * 2 + i % 2] = tdnn_bf16_narrow(b[i * row + c * column]);
}

static void pack_b(float *packed, const float *b, size_t row, size_t column, size_t k, size_t n,
                   size_t panel, const tdnn_kernels *table)
{
    (void)panel, (void)table;
    uint16_t *to = (uint16_t *)(void *)packed;
    memset(to, 0, tdnn_gemm_bf16_b_count(n, k) * sizeof(float));
    for (size_t i = 0; i < k; i += PLANE, to += STEP) /* rows from end to end: see the f32 one */
        for (size_t c = 0; c < n; c += LANES)
            pack_tile(to + c / COLUMNS * planes_of(k) * STEP + c % COLUMNS / LANES * (STEP / 2),
                      b + i * row + c * column, row, column, k - i < PLANE ? k - i : PLANE,
                      n - c < LANES ? n - c : LANES);
}

static float sum(const tdnn_gemm *g, const tdnn_gemm_io *io, size_t r, size_t c)
{
    const size_t high = TDNN_GEMM_BF16_ROWS, begin = r / high * high, planes = planes_of(g->k);
    const size_t rows = g->m - begin < high ? g->m - begin : high;
    const uint16_t *a =
        (const uint16_t *)(const void *)io->a + (begin * planes + r % high) * PLANE;
    const uint16_t *b = (const uint16_t *)(const void *)io->b + c / COLUMNS * planes * STEP +
                        c % COLUMNS / LANES * (STEP / 2) + c % LANES * 2;
    float x = 0;
    for (size_t i = 0; i < g->k; i++)
        x += tdnn_bf16_widen(a[i / PLANE * rows * PLANE + i % PLANE]) *
             tdnn_bf16_widen(b[i / PLANE * STEP + i % PLANE / 2 * COLUMNS + i % 2]);
    return x;
}

static void gemm(const tdnn_gemm *g, const tdnn_gemm_io *io, const tdnn_gemm_part *part,
                 const tdnn_kernels *table)
{
    for (size_t r = part->row_begin; r < part->row_end; r++) {
        float *c = io->c + r * g->c_stride;
        for (size_t i = part->column_begin; i < part->column_end; i++)
            c[i] = g->alpha * sum(g, io, r, i) +
                   (io->d ? g->beta * io->d[r * g->d_row + i * g->d_column] : 0);
        const size_t n = part->column_end - part->column_begin;
        table->activate_f32(c + part->column_begin, c + part->column_begin, n, &g->act);
        for (size_t i = part->column_begin; io->r && i < part->column_end; i++)
            c[i] += io->r[r * g->c_stride + i];
    }
}

void tdnn_fill_gemm_bf16_generic(tdnn_kernels *t)
{
    t->gemm_pack_a_bf16 = pack_a;
    t->gemm_pack_b_bf16 = pack_b;
    t->gemm_bf16 = gemm;
}

/* Matrix products in portable C, and the packing that every level shares. */
#include "kernels/kernels.h"

#include <string.h>

void tdnn_fill_gemm_generic(tdnn_kernels *t);

enum { ROWS = 4, COLUMNS = 8 };

size_t tdnn_gemm_panel_rows(const tdnn_kernels *table, size_t m)
{
    const size_t panels = (m + table->gemm_rows - 1) / table->gemm_rows;
    return panels ? (m + panels - 1) / panels : 1;
}

size_t tdnn_gemm_a_count(const tdnn_kernels *table, size_t m, size_t k)
{
    (void)table;
    return m * k;
}

size_t tdnn_gemm_b_count(const tdnn_kernels *table, size_t n, size_t k)
{
    const size_t width = table->gemm_columns;
    return (n + width - 1) / width * width * k;
}

/* A column after the other: the transpose of `rows` rows, each of adjacent elements. Squares of
 * 8 x 8 are the fast part of that: the last 8 rows are done once more rather than fewer of
 * them. */
static void pack_rows(float *to, const float *from, size_t row, size_t rows, size_t k,
                      size_t width, const tdnn_kernels *table)
{
    const size_t stride = sizeof *to * width, whole = rows & ~(size_t)7;
    if (rows > 8 && whole < rows) {
        table->transpose_x32(to, stride, from, row * sizeof *from, whole, k);
        from += (rows - 8) * row, to += rows - 8, rows = 8;
    }
    table->transpose_x32(to, stride, from, row * sizeof *from, rows, k);
}

/* Panels are stored one after another; the last one has only the rows that there are. */
static void pack_a(float *to, const float *a, size_t row, size_t column, size_t m, size_t k,
                   size_t panel, const tdnn_kernels *table)
{
    for (size_t begin = 0; begin < m; begin += panel, a += panel * row) {
        const size_t rows = m - begin < panel ? m - begin : panel;
        if (column == 1) {
            pack_rows(to, a, row, rows, k, rows, table);
            to += rows * k;
            continue;
        }
        for (size_t i = 0; i < k; i++)
            for (size_t r = 0; r < rows; r++) *to++ = a[r * row + i * column];
    }
}

/* One row of a panel: `columns` elements, then zeros. */
static inline void copy_row(float *to, const float *from, size_t columns, size_t panel)
{
    if (columns == panel && panel % 8 == 0) {
        for (size_t c = 0; c < panel; c += 8) memcpy(to + c, from + c, 8 * sizeof *to);
        return;
    }
    memcpy(to, from, columns * sizeof *to);
    memset(to + columns, 0, (panel - columns) * sizeof *to);
}

/* A few rows at a time through all panels, so that rows are read from end to end: of a file's
 * pages, each is found once. */
static void pack_b_rows(float *to, const float *b, size_t row, size_t k, size_t n, size_t panel)
{
    enum { ROWS_AT_ONCE = 16 };
    for (size_t first = 0; first < k; first += ROWS_AT_ONCE) {
        const size_t last = k - first < ROWS_AT_ONCE ? k : first + ROWS_AT_ONCE;
        for (size_t begin = 0; begin < n; begin += panel) {
            const size_t columns = n - begin < panel ? n - begin : panel;
            for (size_t i = first; i < last; i++)
                copy_row(to + begin * k + i * panel, b + i * row + begin, columns, panel);
        }
    }
}

static void pack_b(float *to, const float *b, size_t row, size_t column, size_t k, size_t n,
                   size_t panel, const tdnn_kernels *table)
{
    if (column == 1) {
        pack_b_rows(to, b, row, k, n, panel);
        return;
    }
    for (size_t begin = 0; begin < n; begin += panel, b += panel * column) {
        const size_t columns = n - begin < panel ? n - begin : panel;
        const bool transposed = row == 1;
        if (transposed) pack_rows(to, b, column, columns, k, panel, table);
        for (size_t i = 0; i < k; i++, to += panel) {
            const float *from = b + i * row;
            for (size_t c = 0; c < columns && !transposed; c++) to[c] = from[c * column];
            for (size_t c = columns; c < panel; c++) to[c] = 0;
        }
    }
}

static void multiply_panels(const tdnn_gemm *g, const tdnn_gemm_io *io, size_t row, size_t rows,
                            size_t column, size_t columns)
{
    float sum[ROWS][COLUMNS] = {{0}};
    const float *a = io->a + row * g->k, *b = io->b + column * g->k;
    for (size_t i = 0; i < g->k; i++, a += rows, b += COLUMNS)
        for (size_t r = 0; r < rows; r++)
            for (size_t c = 0; c < COLUMNS; c++) sum[r][c] += a[r] * b[c];
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++) {
            const float *d = io->d + (row + r) * g->d_row + (column + c) * g->d_column;
            io->c[(row + r) * g->c_stride + column + c] =
                g->alpha * sum[r][c] + (io->d ? g->beta * *d : 0);
        }
}

static void gemm(const tdnn_gemm *g, const tdnn_gemm_io *io, const tdnn_gemm_part *part,
                 const tdnn_kernels *table)
{
    const size_t panel = tdnn_gemm_panel_rows(table, g->m);
    for (size_t column = part->column_begin; column < part->column_end; column += COLUMNS)
        for (size_t row = part->row_begin; row < part->row_end; row += panel) {
            const size_t rows = part->row_end - row, columns = part->column_end - column;
            multiply_panels(g, io, row, rows < panel ? rows : panel, column,
                            columns < COLUMNS ? columns : COLUMNS);
        }
    for (size_t row = part->row_begin; row < part->row_end; row++) {
        float *c = io->c + row * g->c_stride + part->column_begin;
        const size_t columns = part->column_end - part->column_begin;
        table->activate_f32(c, c, columns, &g->act);
        if (io->r) table->add_f32(c, c, 1, io->r + (c - io->c), 1, columns);
    }
}

void tdnn_fill_gemm_generic(tdnn_kernels *t)
{
    t->gemm_rows = ROWS;
    t->gemm_columns = COLUMNS;
    t->gemm_pack_a_f32 = pack_a;
    t->gemm_pack_b_f32 = pack_b;
    t->gemm_f32 = gemm;
}

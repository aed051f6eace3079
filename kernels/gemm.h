/* Matrix products of packed matrices: C = act(alpha A B + beta D) + R.
 *
 * Both factors are packed first, once if they are constants. A is cut into panels of equal
 * height, at most table->gemm_rows, each stored column by column; B into panels of
 * table->gemm_columns columns, each stored row by row, the last one filled up with zeros. What
 * the panels look like is the level's own business; their sizes are those that the functions
 * below tell.
 *
 * Each element of C is one sum over k in ascending order: cutting C into tasks changes no bit,
 * as long as the cuts are at panels.
 */
#ifndef TDNN_KERNELS_GEMM_H
#define TDNN_KERNELS_GEMM_H

#include <stddef.h>

#include "kernels/types.h"

typedef struct tdnn_gemm {
    size_t m, n, k; /* C is m x n */
    size_t c_stride; /* floats between rows of C; columns are adjacent */
    float alpha, beta;
    size_t d_row, d_column; /* strides of D in floats; d_column 0 or 1: zeros broadcast it */
    tdnn_act act;
} tdnn_gemm;

typedef struct tdnn_gemm_io {
    const float *a, *b; /* packed, whole                     */
    const float *d;     /* NULL: beta counts for nothing     */
    float *c;
    const float *r;     /* laid out as C, in other memory; NULL: zeros */
} tdnn_gemm_io;

/* The part of C that one call computes; begins are multiples of a panel's height and width. */
typedef struct tdnn_gemm_part {
    size_t row_begin, row_end, column_begin, column_end;
} tdnn_gemm_part;

struct tdnn_kernels;

/* Rows of every panel of A but the last, which may have fewer. */
size_t tdnn_gemm_panel_rows(const struct tdnn_kernels *table, size_t m);
size_t tdnn_gemm_a_count(const struct tdnn_kernels *table, size_t m, size_t k); /* floats */
size_t tdnn_gemm_b_count(const struct tdnn_kernels *table, size_t n, size_t k);

/* Products of bf16: panels of A have 32 rows, cut into planes of 32 columns, each stored row by
 * row (the last plane filled up with zeros); panels of B have 32 columns in the same planes,
 * each two halves of 16 columns: 16 pairs of rows, the two numbers of a column side by side.
 * Counts are in floats. */
enum { TDNN_GEMM_BF16_ROWS = 32, TDNN_GEMM_BF16_COLUMNS = 32 };
size_t tdnn_gemm_bf16_a_count(size_t m, size_t k);
size_t tdnn_gemm_bf16_b_count(size_t n, size_t k);

#endif

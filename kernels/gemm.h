/* Matrix products of packed matrices: C = act(alpha A B + beta D) + R.
 *
 * Both factors are packed first, once if they are constants. A is cut into panels of equal height, at
 * most table->gemm_rows, each stored column by column; B into panels of table->gemm_columns
 * columns, each stored row by row, the last one filled up with zeros. What the panels look like is
 * the level's own business; their sizes are those that the functions below tell.
 *
 * Each element of C is one sum over k in ascending order: cutting C into tasks changes no bit, as
 * long as the cuts are at panels.
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

#endif

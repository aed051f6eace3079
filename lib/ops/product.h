/* Matrix products of tensors, as Gemm and MatMul ask for them: C[i] = act(alpha A[ai] B[bi] +
 * beta D) + R[i] for each i of a batch. */
#ifndef TDNN_OPS_PRODUCT_H
#define TDNN_OPS_PRODUCT_H

#include "lib/ops/activation.h"

typedef struct tdnn_product {
    size_t m, n, k;
    size_t batch;                  /* products; each gives m * n adjacent elements              */
    size_t a_matrices, b_matrices; /* different ones, adjacent, of m * k and k * n elements     */
    const uint32_t *a_index, *b_index; /* of each product; NULL: all 0                          */
    size_t a_row, a_column, b_row, b_column; /* strides in elements                             */
    float alpha, beta;
    bool has_d;                    /* input 2 is D                                              */
    size_t d_row, d_column;        /* its strides, 0 where it is broadcast                      */
    tdnn_act act;
    bool has_r;                    /* input 3, of the result's shape, is added last             */
} tdnn_product;

/* Plans the step for inputs A, B and D (0, 1, 2); f32 by the kernels, other types element by
 * element. */
tdnn_status tdnn_product_plan(tdnn_plan_ctx *ctx, const tdnn_product *product);
/* The former for few rows, where tdnn_product_is_thin: nothing is packed. */
bool tdnn_product_is_thin(const tdnn_plan_ctx *ctx, const tdnn_product *product);
tdnn_status tdnn_product_plan_thin(tdnn_plan_ctx *ctx, const tdnn_product *product);
/* The latter. */
tdnn_status tdnn_product_plan_wide(tdnn_plan_ctx *ctx, const tdnn_product *product);

#endif

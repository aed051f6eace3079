/* Element-wise operators: the one place that knows broadcasting, layouts, narrow types and
 * tasks, so that an operator is a formula over a run of elements.
 */
#ifndef TDNN_OPS_ELEMENTWISE_H
#define TDNN_OPS_ELEMENTWISE_H

#include "lib/ops/convert.h"
#include "lib/ops/op.h"

#define TDNN_ELEMENTWISE_CHUNK                                                                 \
    1024 /* elements: what is converted at a time stays in the first cache */

typedef struct tdnn_formula_args {
    const tdnn_kernels *kernels;
    const void *params; /* of the operator, or what the plan gives in its place */
    size_t count;       /* of operands */
} tdnn_formula_args;

/* y[i] = f(x[0][i * step[0]], x[1][i * step[1]], ...) for i < n. Steps are 0 or 1; y may be one
 * of x that has step 1. */
typedef void tdnn_formula_fn(void *y, const void *const *x, const size_t *step, size_t n,
                             const tdnn_formula_args *args);

/* A formula for each element type; NULL: none. Half types without one of their own are computed
 * in f32: operands of those types are widened, and so is the result narrowed. */
typedef struct tdnn_formulas {
    tdnn_formula_fn *of[TDNN_DTYPE_COUNT];
} tdnn_formulas;

typedef struct tdnn_elementwise_spec {
    const tdnn_formulas *formulas;
    size_t typed;                /* the input whose type chooses the formula               */
    size_t operands;             /* how many inputs take part, from the first on; 0: all   */
    bool chain;                  /* a binary formula for any number: f(f(x0, x1), x2) ...  */
    const tdnn_formulas *finish; /* of a chain: applied to its result; NULL: none      */
    const void *params;          /* NULL: those of the operator                            */
    double cost;                 /* of an element, in flops                                */
} tdnn_elementwise_spec;

tdnn_status tdnn_elementwise_plan(tdnn_plan_ctx *ctx, const tdnn_elementwise_spec *spec);

/* Blocked if an operand of the output's shape is, and the others can be seen so. For formulas
 * that give something finite for any finite operands. */
void tdnn_elementwise_layout(tdnn_layout_query *query);
/* The same for formulas that do not: only where no lane is left over. */
void tdnn_elementwise_layout_strict(tdnn_layout_query *query);

#endif

/* Arithmetic on two tensors, or on any number of them: a formula each, expanded over types.
 *
 * f32 goes through the table of kernels; integers wrap around, and division by zero gives 0.
 */
#include "lib/ops/elementwise.h"
#include "lib/ops/loops.h"
#include "lib/ops/types.h"

#include <math.h>

/* A loop over two operands p and q of type T. */
#define LOOP(E, suffix, T, W, op, formula)                                                     \
    static void op##_##suffix(void *y_, const void *const *x, const size_t *step, size_t n,    \
                              const tdnn_formula_args *args)                                   \
    {                                                                                          \
        (void)args;                                                                            \
        T *y = y_;                                                                             \
        const T *a = x[0], *b = x[1];                                                          \
        TDNN_EACH_PAIR(y, T, T, W, a, step[0], b, step[1], n, formula);                        \
    }
#define LOOP_F32_KERNEL(op, slot)                                                              \
    static void op##_f32(void *y, const void *const *x, const size_t *step, size_t n,          \
                         const tdnn_formula_args *args)                                        \
    {                                                                                          \
        args->kernels->slot(y, x[0], step[0], x[1], step[1], n);                               \
    }
#define ROW(E, suffix, T, W, op) [E] = op##_##suffix,

/* Formulas. */
#define F_ADD(T, W, p, q) ((p) + (q))
#define F_SUB(T, W, p, q) ((p) - (q))
#define F_MUL(T, W, p, q) ((p) * (q))
#define F_DIV(T, W, p, q) ((p) / (q))
#define F_MAX(T, W, p, q) ((p) > (q) || (p) != (p) ? (p) : (q))
#define F_MIN(T, W, p, q) ((p) < (q) || (p) != (p) ? (p) : (q))
#define I_ADD(T, W, p, q) (T)((W)(p) + (W)(q))
#define I_SUB(T, W, p, q) (T)((W)(p) - (W)(q))
#define I_MUL(T, W, p, q) (T)((W)(p) * (W)(q))
/* -1 apart: the smallest number divided by it does not fit */
#define S_DIV(T, W, p, q) (T)((q) == 0 ? 0 : (q) == -1 ? (T)((W)0 - (W)(p)) : (T)((p) / (q)))
#define U_DIV(T, W, p, q) (T)((q) == 0 ? 0 : (p) / (q))
#define I_MAX(T, W, p, q) ((p) > (q) ? (p) : (q))
#define I_MIN(T, W, p, q) ((p) < (q) ? (p) : (q))

#define ARITHMETIC(op, slot, float_formula, signed_formula, unsigned_formula)                  \
    LOOP_F32_KERNEL(op, slot)                                                                  \
    LOOP(TDNN_F64, f64, double, double, op, float_formula)                                     \
    TDNN_SIGNED_TYPES(LOOP, op, signed_formula)                                                \
    TDNN_UNSIGNED_TYPES(LOOP, op, unsigned_formula)                                            \
    static const tdnn_formulas op##_map = {                                                    \
        {[TDNN_F32] = op##_f32, [TDNN_F64] = op##_f64, TDNN_INT_TYPES(ROW, op)}};

ARITHMETIC(add, add_f32, F_ADD, I_ADD, I_ADD)
ARITHMETIC(sub, sub_f32, F_SUB, I_SUB, I_SUB)
ARITHMETIC(mul, mul_f32, F_MUL, I_MUL, I_MUL)
ARITHMETIC(div, div_f32, F_DIV, S_DIV, U_DIV)
ARITHMETIC(max, max_f32, F_MAX, I_MAX, I_MAX)
ARITHMETIC(min, min_f32, F_MIN, I_MIN, I_MIN)

/* The sum becomes the mean. */
#define MEAN(suffix, T)                                                                        \
    static void mean_##suffix(void *y_, const void *const *x, const size_t *step, size_t n,    \
                              const tdnn_formula_args *args)                                   \
    {                                                                                          \
        (void)step;                                                                            \
        T *y = y_;                                                                             \
        const T *sum = x[0], count = (T)args->count;                                           \
        TDNN_EACH (n) y[i] = sum[i] / count;                                                   \
    }
MEAN(f32, float)
MEAN(f64, double)
static const tdnn_formulas mean_map = {{[TDNN_F32] = mean_f32, [TDNN_F64] = mean_f64}};

#define BINARY(Op, name, layout_)                                                              \
    static tdnn_status plan_##name(tdnn_plan_ctx *ctx)                                         \
    {                                                                                          \
        const tdnn_elementwise_spec spec = {.formulas = &name##_map, .cost = 1};               \
        return tdnn_elementwise_plan(ctx, &spec);                                              \
    }                                                                                          \
    const tdnn_op tdnn_op_##Op = {.schema = {TDNN_SCHEMA_PLAIN(Op, 2, 2, 1, 1)},               \
                                  .infer = tdnn_infer_broadcast,                               \
                                  .layout = layout_,                                           \
                                  .plan = plan_##name};

#define VARIADIC(Op, name, map_, finish_)                                                      \
    static tdnn_status plan_all_##name(tdnn_plan_ctx *ctx)                                     \
    {                                                                                          \
        const tdnn_elementwise_spec spec = {.formulas = map_,                                  \
                                            .chain = true,                                     \
                                            .finish = finish_,                                 \
                                            .cost = (double)ctx->step->input_count};           \
        return tdnn_elementwise_plan(ctx, &spec);                                              \
    }                                                                                          \
    const tdnn_op tdnn_op_##Op = {.schema = {TDNN_SCHEMA_PLAIN(Op, 1, -1, 1, 1)},              \
                                  .infer = tdnn_infer_broadcast,                               \
                                  .layout = tdnn_elementwise_layout,                           \
                                  .plan = plan_all_##name};

BINARY(Add, add, tdnn_elementwise_layout)
BINARY(Sub, sub, tdnn_elementwise_layout)
BINARY(Mul, mul, tdnn_elementwise_layout)
BINARY(Div, div, tdnn_elementwise_layout_strict)
VARIADIC(Max, max, &max_map, NULL)
VARIADIC(Min, min, &min_map, NULL)
VARIADIC(Sum, sum, &add_map, NULL)
VARIADIC(Mean, mean, &add_map, &mean_map)

/* Functions of one element, other than activations: a formula each, expanded over types. */
#include "lib/ops/elementwise.h"
#include "lib/ops/loops.h"
#include "lib/ops/types.h"

#include <math.h>

#define LOOP(E, suffix, T, W, op, R, formula)                                                  \
    static void op##_##suffix(void *y_, const void *const *x, const size_t *step, size_t n,    \
                              const tdnn_formula_args *args)                                   \
    {                                                                                          \
        (void)args, (void)step;                                                                \
        R *y = y_;                                                                             \
        const T *a = x[0];                                                                     \
        TDNN_EACH (n) {                                                                        \
            const T v = a[i];                                                                  \
            y[i] = (R)(formula(T, W, v));                                                      \
        }                                                                                      \
    }
#define LOOP_SAME(E, suffix, T, W, op, formula) LOOP(E, suffix, T, W, op, T, formula)
#define ROW(E, suffix, T, W, op) [E] = op##_##suffix,

/* What Op does on each type is `rows`. */
#define UNARY(Op, name, layout_, infer_, ...)                                                  \
    static const tdnn_formulas name##_formulas = {{__VA_ARGS__}};                              \
    static tdnn_status plan_##name(tdnn_plan_ctx *ctx)                                         \
    {                                                                                          \
        const tdnn_elementwise_spec spec = {.formulas = &name##_formulas, .cost = 4};          \
        return tdnn_elementwise_plan(ctx, &spec);                                              \
    }                                                                                          \
    const tdnn_op tdnn_op_##Op = {.schema = {TDNN_SCHEMA_PLAIN(Op, 1, 1, 1, 1)},               \
                                  .infer = infer_,                                             \
                                  .layout = layout_,                                           \
                                  .plan = plan_##name};

/* ---- signs ---- */

/* the smallest number's magnitude wraps to itself */
#define ABS_SIGNED(T, W, v) ((v) < 0 ? (T)((W)0 - (W)(v)) : (v))
#define ABS_FLOAT(T, W, v) ((v) < 0 ? -(v) : (v) == 0 ? 0 : (v))
#define SAME(T, W, v) (v)
#define NEG_SIGNED(T, W, v) ((W)0 - (W)(v))
#define NEG_FLOAT(T, W, v) (-(v))
#define SIGN_SIGNED(T, W, v) (((v) > 0) - ((v) < 0))
#define SIGN_UNSIGNED(T, W, v) ((v) > 0)
#define SIGN_FLOAT(T, W, v) ((v) > 0 ? 1 : (v) < 0 ? -1 : (v))

LOOP_SAME(TDNN_F32, f32, float, float, abs, ABS_FLOAT)
LOOP_SAME(TDNN_F64, f64, double, double, abs, ABS_FLOAT)
TDNN_SIGNED_TYPES(LOOP_SAME, abs, ABS_SIGNED)
TDNN_UNSIGNED_TYPES(LOOP_SAME, abs, SAME)
LOOP_SAME(TDNN_F32, f32, float, float, neg, NEG_FLOAT)
LOOP_SAME(TDNN_F64, f64, double, double, neg, NEG_FLOAT)
TDNN_SIGNED_TYPES(LOOP_SAME, neg, NEG_SIGNED)
LOOP_SAME(TDNN_F32, f32, float, float, sign, SIGN_FLOAT)
LOOP_SAME(TDNN_F64, f64, double, double, sign, SIGN_FLOAT)
TDNN_SIGNED_TYPES(LOOP_SAME, sign, SIGN_SIGNED)
TDNN_UNSIGNED_TYPES(LOOP_SAME, sign, SIGN_UNSIGNED)

UNARY(Abs, abs, tdnn_elementwise_layout,
      tdnn_infer_same, [TDNN_F32] = abs_f32, [TDNN_F64] = abs_f64, TDNN_INT_TYPES(ROW, abs))
UNARY(Neg, neg, tdnn_elementwise_layout,
      tdnn_infer_same, [TDNN_F32] = neg_f32, [TDNN_F64] = neg_f64, TDNN_SIGNED_TYPES(ROW, neg))
UNARY(Sign, sign, tdnn_elementwise_layout,
      tdnn_infer_same, [TDNN_F32] = sign_f32, [TDNN_F64] = sign_f64, TDNN_INT_TYPES(ROW, sign))

/* ---- functions of floats ---- */

#define FLOATS(name, formula_f32, formula_f64)                                                 \
    LOOP_SAME(TDNN_F32, f32, float, float, name, formula_f32)                                  \
    LOOP_SAME(TDNN_F64, f64, double, double, name, formula_f64)
#define FLOAT_OP(Op, name, layout_)                                                            \
    UNARY(Op, name, layout_, tdnn_infer_same, [TDNN_F32] = name##_f32, [TDNN_F64] = name##_f64)

/* One that libm has for both widths. */
#define LIBM(Op, name, layout_)                                                                \
    static float name##_one_f32(float v) { return name##f(v); }                                \
    static double name##_one_f64(double v) { return name(v); }                                 \
    FLOATS_OF(name)                                                                            \
    FLOAT_OP(Op, name, layout_)
#define FLOATS_OF(name)                                                                        \
    static void name##_f32(void *y, const void *const *x, const size_t *step, size_t n,        \
                           const tdnn_formula_args *args)                                      \
    {                                                                                          \
        (void)args, (void)step;                                                                \
        for (size_t i = 0; i < n; i++)                                                         \
            ((float *)y)[i] = name##_one_f32(((const float *)x[0])[i]);                        \
    }                                                                                          \
    static void name##_f64(void *y, const void *const *x, const size_t *step, size_t n,        \
                           const tdnn_formula_args *args)                                      \
    {                                                                                          \
        (void)args, (void)step;                                                                \
        for (size_t i = 0; i < n; i++)                                                         \
            ((double *)y)[i] = name##_one_f64(((const double *)x[0])[i]);                      \
    }

LIBM(Asinh, asinh, tdnn_elementwise_layout)
LIBM(Tan, tan, tdnn_elementwise_layout_strict)
LIBM(Sinh, sinh, tdnn_elementwise_layout_strict)
LIBM(Cosh, cosh, tdnn_elementwise_layout_strict)
LIBM(Acosh, acosh, tdnn_elementwise_layout_strict)
LIBM(Atanh, atanh, tdnn_elementwise_layout_strict)

#define RECIPROCAL(T, W, v) (1 / (v))
#define SOFTSIGN(T, W, v) ((v) / (1 + ((v) < 0 ? -(v) : (v))))
FLOATS(reciprocal, RECIPROCAL, RECIPROCAL)
FLOATS(softsign, SOFTSIGN, SOFTSIGN)
FLOAT_OP(Reciprocal, reciprocal, tdnn_elementwise_layout_strict)
FLOAT_OP(Softsign, softsign, tdnn_elementwise_layout)

/* One that the table of kernels has. */
#define KERNEL(Op, name, slot, function, layout_)                                              \
    static void name##_f32(void *y, const void *const *x, const size_t *step, size_t n,        \
                           const tdnn_formula_args *args)                                      \
    {                                                                                          \
        (void)step;                                                                            \
        args->kernels->slot(y, x[0], n);                                                       \
    }                                                                                          \
    static void name##_f64(void *y, const void *const *x, const size_t *step, size_t n,        \
                           const tdnn_formula_args *args)                                      \
    {                                                                                          \
        (void)args, (void)step;                                                                \
        for (size_t i = 0; i < n; i++) ((double *)y)[i] = function(((const double *)x[0])[i]); \
    }                                                                                          \
    FLOAT_OP(Op, name, layout_)
KERNEL(Exp, kernel_exp, exp_f32, exp, tdnn_elementwise_layout_strict)
KERNEL(Log, kernel_log, log_f32, log, tdnn_elementwise_layout_strict)
KERNEL(Sqrt, kernel_sqrt, sqrt_f32, sqrt, tdnn_elementwise_layout_strict)
KERNEL(Ceil, kernel_ceil, ceil_f32, ceil, tdnn_elementwise_layout)
KERNEL(Floor, kernel_floor, floor_f32, floor, tdnn_elementwise_layout)
KERNEL(Sin, kernel_sin, sin_f32, sin, tdnn_elementwise_layout)
KERNEL(Cos, kernel_cos, cos_f32, cos, tdnn_elementwise_layout)
KERNEL(Atan, kernel_atan, atan_f32, atan, tdnn_elementwise_layout)
KERNEL(Asin, kernel_asin, asin_f32, asin, tdnn_elementwise_layout_strict)
KERNEL(Acos, kernel_acos, acos_f32, acos, tdnn_elementwise_layout_strict)
KERNEL(Round, kernel_round, round_f32, rint, tdnn_elementwise_layout) /* halves to even */
KERNEL(Erf, kernel_erf, erf_f32, erf, tdnn_elementwise_layout)

/* ---- truth values and bits ---- */

static tdnn_status infer_bool(tdnn_infer *ctx)
{
    tdnn_infer_set(ctx, 0, TDNN_BOOL, &ctx->in[0]->shape);
    return TDNN_OK;
}

#define NOT(T, W, v) (!(v))
#define BITS_NOT(T, W, v) (~(W)(v))
#define IS_NAN(T, W, v) ((v) != (v))
LOOP_SAME(TDNN_BOOL, truth, uint8_t, uint8_t, not, NOT)
TDNN_INT_TYPES(LOOP_SAME, bits_not, BITS_NOT)
LOOP(TDNN_F32, f32, float, float, is_nan, uint8_t, IS_NAN)
LOOP(TDNN_F64, f64, double, double, is_nan, uint8_t, IS_NAN)
UNARY(Not, not, NULL, tdnn_infer_same, [TDNN_BOOL] = not_truth)
UNARY(BitwiseNot, bits_not, NULL, tdnn_infer_same, TDNN_INT_TYPES(ROW, bits_not))
UNARY(IsNaN, is_nan, NULL, infer_bool, [TDNN_F32] = is_nan_f32, [TDNN_F64] = is_nan_f64)

typedef struct is_inf_params {
    int64_t detect_negative, detect_positive;
} is_inf_params;

static const tdnn_attr is_inf_attrs[] = {TDNN_INT(is_inf_params, detect_negative, 1),
                                         TDNN_INT(is_inf_params, detect_positive, 1),
                                         {0}};

#define IS_INF(suffix, T)                                                                      \
    static void is_inf_##suffix(void *y_, const void *const *x, const size_t *step, size_t n,  \
                                const tdnn_formula_args *args)                                 \
    {                                                                                          \
        (void)step;                                                                            \
        const is_inf_params *p = args->params;                                                 \
        uint8_t *y = y_;                                                                       \
        const T *a = x[0];                                                                     \
        const uint8_t low = p->detect_negative != 0, high = p->detect_positive != 0;           \
        TDNN_EACH(n)                                                                           \
        y[i] = (uint8_t)((a[i] == -(T)INFINITY ? low : 0) | (a[i] == (T)INFINITY ? high : 0)); \
    }
IS_INF(f32, float)
IS_INF(f64, double)

static tdnn_status plan_is_inf(tdnn_plan_ctx *ctx)
{
    static const tdnn_formulas formulas = {{[TDNN_F32] = is_inf_f32, [TDNN_F64] = is_inf_f64}};
    const tdnn_elementwise_spec spec = {.formulas = &formulas, .cost = 1};
    return tdnn_elementwise_plan(ctx, &spec);
}

const tdnn_op tdnn_op_IsInf = {
    .schema = {TDNN_SCHEMA(IsInf, 1, 1, 1, 1, is_inf_attrs, is_inf_params)},
    .infer = infer_bool,
    .plan = plan_is_inf};

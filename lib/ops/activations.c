/* Activations: those that the table of kernels has go through it, the rest are formulas here.
 */
#include "lib/ops/elementwise.h"
#include "lib/ops/loops.h"
#include "lib/ops/types.h"

#include <math.h>

/* ---- one kernel for all kinds; args->params is a tdnn_act ---- */

static void act_f32(void *y, const void *const *x, const size_t *step, size_t n,
                    const tdnn_formula_args *args)
{
    (void)step;
    args->kernels->activate_f32(y, x[0], n, args->params);
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }
static double unit(double x) { return x < 0 ? 0 : x > 1 ? 1 : x; }

static double gelu_tanh(double x)
{
    return 0.5 * x * (1 + tanh(0.79788456080286536 * (x + 0.044715 * x * x * x)));
}

static double act_one(double x, const tdnn_act *act)
{
    const double a = (double)act->alpha, b = (double)act->beta;
    switch (act->kind) {
    case TDNN_ACTIVATE_NONE: return x;
    case TDNN_ACTIVATE_CLIP: return x < a ? a : x > b ? b : x;
    case TDNN_ACTIVATE_LEAKY: return x < 0 ? a * x : x;
    case TDNN_ACTIVATE_SIGMOID: return sigmoid(x);
    case TDNN_ACTIVATE_TANH: return tanh(x);
    case TDNN_ACTIVATE_SILU: return x * sigmoid(a * x);
    case TDNN_ACTIVATE_HARDSIGMOID: return unit(a * x + b);
    case TDNN_ACTIVATE_HARDSWISH: return x * unit(a * x + b);
    case TDNN_ACTIVATE_MISH: return x * tanh(softplus(x));
    case TDNN_ACTIVATE_GELU: return 0.5 * x * (1 + erf(x * 0.70710678118654752));
    case TDNN_ACTIVATE_GELU_TANH: return gelu_tanh(x);
    case TDNN_ACTIVATE_ELU: return x < 0 ? a * expm1(x) : x;
    case TDNN_ACTIVATE_SELU: return b * (x < 0 ? a * expm1(x) : x);
    case TDNN_ACTIVATE_SOFTPLUS: return softplus(x);
    case TDNN_ACTIVATE_KINDS: break;
    }
    return x;
}

static void act_f64(void *y_, const void *const *x, const size_t *step, size_t n,
                    const tdnn_formula_args *args)
{
    (void)step;
    double *y = y_;
    const double *a = x[0];
    for (size_t i = 0; i < n; i++) y[i] = act_one(a[i], args->params);
}

static tdnn_status plan_act(tdnn_plan_ctx *ctx, tdnn_act_kind kind, float alpha, float beta)
{
    static const tdnn_formulas formulas = {{[TDNN_F32] = act_f32, [TDNN_F64] = act_f64}};
    tdnn_act *act = tdnn_plan_alloc(ctx, 1, sizeof *act);
    if (!act) return TDNN_NO_MEMORY(ctx->err);
    *act = (tdnn_act){kind, alpha, beta};
    const bool cheap = kind == TDNN_ACTIVATE_CLIP || kind == TDNN_ACTIVATE_LEAKY;
    const tdnn_elementwise_spec spec = {
        .formulas = &formulas, .params = act, .cost = cheap ? 1 : 8};
    return tdnn_elementwise_plan(ctx, &spec);
}

#define ACTIVATION(Op, name, kind, schema_, alpha_, beta_, ...)                                \
    static tdnn_status plan_##name(tdnn_plan_ctx *ctx)                                         \
    {                                                                                          \
        __VA_ARGS__;                                                                           \
        return plan_act(ctx, kind, alpha_, beta_);                                             \
    }                                                                                          \
    const tdnn_op tdnn_op_##Op = {.schema = {schema_},                                         \
                                  .infer = tdnn_infer_same,                                    \
                                  .layout = tdnn_elementwise_layout,                           \
                                  .plan = plan_##name};
#define PLAIN(Op, name, kind, alpha, beta)                                                     \
    ACTIVATION(Op, name, kind, TDNN_SCHEMA_PLAIN(Op, 1, 1, 1, 1), alpha, beta, )
#define WITH(Op, name, kind, T, alpha, beta)                                                   \
    ACTIVATION(Op, name, kind, TDNN_SCHEMA(Op, 1, 1, 1, 1, name##_attrs, T), alpha, beta,      \
               const T *p = ctx->step->params)

static const tdnn_attr leaky_attrs[] = {TDNN_FLOAT(tdnn_alpha_params, alpha, 0.01f), {0}};
static const tdnn_attr elu_attrs[] = {TDNN_FLOAT(tdnn_alpha_params, alpha, 1.0f), {0}};
static const tdnn_attr swish_attrs[] = {TDNN_FLOAT(tdnn_alpha_params, alpha, 1.0f), {0}};
static const tdnn_attr hard_sigmoid_attrs[] = {
    TDNN_FLOAT(tdnn_hard_sigmoid_params, alpha, 0.2f),
    TDNN_FLOAT(tdnn_hard_sigmoid_params, beta, 0.5f),
    {0}};
typedef struct selu_params {
    float alpha, gamma;
} selu_params;
static const tdnn_attr selu_attrs[] = {
    TDNN_FLOAT(selu_params, alpha, 1.67326319217681884765625f),
    TDNN_FLOAT(selu_params, gamma, 1.05070102214813232421875f),
    {0}};
static const char *const approximations[] = {"none", "tanh", NULL};
static const tdnn_attr gelu_attrs[] = {
    TDNN_ENUM(tdnn_gelu_params, approximate, approximations, 0), {0}};

PLAIN(Sigmoid, sigmoid, TDNN_ACTIVATE_SIGMOID, 0, 0)
PLAIN(Tanh, tanh, TDNN_ACTIVATE_TANH, 0, 0)
PLAIN(HardSwish, hard_swish, TDNN_ACTIVATE_HARDSWISH, 1.0f / 6, 0.5f)
PLAIN(Mish, mish, TDNN_ACTIVATE_MISH, 0, 0)
PLAIN(Softplus, softplus, TDNN_ACTIVATE_SOFTPLUS, 0, 0)
WITH(LeakyRelu, leaky, TDNN_ACTIVATE_LEAKY, tdnn_alpha_params, p->alpha, 0)
WITH(Elu, elu, TDNN_ACTIVATE_ELU, tdnn_alpha_params, p->alpha, 0)
WITH(Swish, swish, TDNN_ACTIVATE_SILU, tdnn_alpha_params, p->alpha, 0)
WITH(Selu, selu, TDNN_ACTIVATE_SELU, selu_params, p->alpha, p->gamma)
WITH(HardSigmoid, hard_sigmoid, TDNN_ACTIVATE_HARDSIGMOID, tdnn_hard_sigmoid_params, p->alpha,
     p->beta)
WITH(Gelu, gelu, p->approximate ? TDNN_ACTIVATE_GELU_TANH : TDNN_ACTIVATE_GELU,
     tdnn_gelu_params, 0, 0)

/* ---- Relu, which integers have too ---- */

#define RELU(E, suffix, T, W, op)                                                              \
    static void relu_##suffix(void *y_, const void *const *x, const size_t *step, size_t n,    \
                              const tdnn_formula_args *args)                                   \
    {                                                                                          \
        (void)args, (void)step;                                                                \
        T *y = y_;                                                                             \
        const T *a = x[0];                                                                     \
        TDNN_EACH (n) y[i] = a[i] < 0 ? 0 : a[i];                                              \
    }
#define RELU_ROW(E, suffix, T, W, op) [E] = relu_##suffix,
TDNN_SIGNED_TYPES(RELU, relu)

static tdnn_status plan_relu(tdnn_plan_ctx *ctx)
{
    static const tdnn_formulas formulas = {{TDNN_SIGNED_TYPES(RELU_ROW, relu)}};
    if (tdnn_dtype_is_float(ctx->step->in[0]->dtype))
        return plan_act(ctx, TDNN_ACTIVATE_CLIP, 0, INFINITY);
    const tdnn_elementwise_spec spec = {.formulas = &formulas, .cost = 1};
    return tdnn_elementwise_plan(ctx, &spec);
}

const tdnn_op tdnn_op_Relu = {.schema = {TDNN_SCHEMA_PLAIN(Relu, 1, 1, 1, 1)},
                              .infer = tdnn_infer_same,
                              .layout = tdnn_elementwise_layout,
                              .plan = plan_relu};

/* ---- formulas over f32 and f64 ---- */

#define FORMULA(Op, name, suffix, T, P, formula)                                               \
    static void name##_##suffix(void *y_, const void *const *x, const size_t *step, size_t n,  \
                                const tdnn_formula_args *args)                                 \
    {                                                                                          \
        (void)step;                                                                            \
        const P *p = args->params;                                                             \
        T *y = y_;                                                                             \
        const T *a = x[0];                                                                     \
        for (size_t i = 0; i < n; i++) {                                                       \
            const T v = a[i];                                                                  \
            y[i] = (T)(formula(T, v, p));                                                      \
        }                                                                                      \
    }
#define FORMULA_OP(Op, name, P, cost_, ...)                                                    \
    static tdnn_status plan_##name(tdnn_plan_ctx *ctx)                                         \
    {                                                                                          \
        static const tdnn_formulas formulas = {                                                \
            {[TDNN_F32] = name##_f32, [TDNN_F64] = name##_f64, __VA_ARGS__}};                  \
        const tdnn_elementwise_spec spec = {.formulas = &formulas, .cost = cost_};             \
        return tdnn_elementwise_plan(ctx, &spec);                                              \
    }                                                                                          \
    const tdnn_op tdnn_op_##Op = {.schema = {TDNN_SCHEMA(Op, 1, 1, 1, 1, name##_attrs, P)},    \
                                  .infer = tdnn_infer_same,                                    \
                                  .layout = tdnn_elementwise_layout,                           \
                                  .plan = plan_##name};

#define CELU_F32(T, v, p) ((v) > 0 ? (v) : (p)->alpha * expm1f((v) / (p)->alpha))
#define CELU_F64(T, v, p) ((v) > 0 ? (v) : (double)(p)->alpha * expm1((v) / (double)(p)->alpha))
#define THRESHOLDED(T, v, p) ((v) > (T)(p)->alpha ? (v) : 0)
#define SHRINK(T, v, p)                                                                        \
    ((double)(v) < -(double)(p)->lambd  ? (double)(v) + (double)(p)->bias                      \
     : (double)(v) > (double)(p)->lambd ? (double)(v) - (double)(p)->bias                      \
                                        : 0)

static const tdnn_attr celu_attrs[] = {TDNN_FLOAT(tdnn_alpha_params, alpha, 1.0f), {0}};
static const tdnn_attr thresholded_attrs[] = {TDNN_FLOAT(tdnn_alpha_params, alpha, 1.0f), {0}};
FORMULA(Celu, celu, f32, float, tdnn_alpha_params, CELU_F32)
FORMULA(Celu, celu, f64, double, tdnn_alpha_params, CELU_F64)
FORMULA(ThresholdedRelu, thresholded, f32, float, tdnn_alpha_params, THRESHOLDED)
FORMULA(ThresholdedRelu, thresholded, f64, double, tdnn_alpha_params, THRESHOLDED)
FORMULA_OP(Celu, celu, tdnn_alpha_params, 10, [TDNN_NONE] = NULL)
FORMULA_OP(ThresholdedRelu, thresholded, tdnn_alpha_params, 1, [TDNN_NONE] = NULL)

typedef struct shrink_params {
    float bias, lambd;
} shrink_params;
static const tdnn_attr shrink_attrs[] = {
    TDNN_FLOAT(shrink_params, bias, 0.0f), TDNN_FLOAT(shrink_params, lambd, 0.5f), {0}};
#define SHRINK_WHOLE(T, v, p) tdnn_i64_of_f64(SHRINK(T, v, p), INT64_MIN, INT64_MAX)
#define SHRINK_INT(E, suffix, T, W, op)                                                        \
    FORMULA(Shrink, shrink, suffix, T, shrink_params, SHRINK_WHOLE)
#define SHRINK_ROW(E, suffix, T, W, op) [E] = shrink_##suffix,
FORMULA(Shrink, shrink, f32, float, shrink_params, SHRINK)
FORMULA(Shrink, shrink, f64, double, shrink_params, SHRINK)
TDNN_INT_TYPES(SHRINK_INT, shrink)
FORMULA_OP(Shrink, shrink, shrink_params, 2, TDNN_INT_TYPES(SHRINK_ROW, shrink))

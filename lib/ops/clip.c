/* Clip, PRelu and Where: operators whose operands play different parts. */
#include "lib/ops/elementwise.h"
#include "lib/ops/types.h"

#include <math.h>

/* ---- Clip: x, min?, max? ---- */

static tdnn_status infer_clip(tdnn_infer *ctx)
{
    for (size_t i = 1; i < ctx->input_count; i++) {
        if (!tdnn_infer_has(ctx, i)) continue;
        char text[TDNN_SHAPE_TEXT];
        if (ctx->in[i]->dtype != ctx->in[0]->dtype)
            return TDNN_FAIL(
                ctx->err, TDNN_ERR_SHAPE, "limit of type %s for a tensor of type %s",
                tdnn_dtype_name(ctx->in[i]->dtype), tdnn_dtype_name(ctx->in[0]->dtype));
        if (tdnn_shape_count(&ctx->in[i]->shape) != 1)
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "limit of shape %s, expected one number",
                             tdnn_shape_text(&ctx->in[i]->shape, text));
    }
    return tdnn_infer_same(ctx);
}

#define CLIP(E, suffix, T, W, low_, high_)                                                     \
    static void clip_##suffix(void *y_, const void *const *x, const size_t *step, size_t n,    \
                              const tdnn_formula_args *args)                                   \
    {                                                                                          \
        (void)step, (void)args;                                                                \
        T *y = y_;                                                                             \
        const T *a = x[0];                                                                     \
        for (size_t i = 0; i < n; i++) {                                                       \
            T v = a[i];                                                                        \
            if (x[1] && v < *(const T *)x[1]) v = *(const T *)x[1];                            \
            if (x[2] && v > *(const T *)x[2]) v = *(const T *)x[2];                            \
            y[i] = v;                                                                          \
        }                                                                                      \
    }
#define CLIP_ROW(E, suffix, T, W, op) [E] = clip_##suffix,
TDNN_INT_TYPES(CLIP, 0, 0)
CLIP(TDNN_F64, f64, double, double, 0, 0)

static void clip_f32(void *y, const void *const *x, const size_t *step, size_t n,
                     const tdnn_formula_args *args)
{
    (void)step;
    const tdnn_act act = {TDNN_ACTIVATE_CLIP, x[1] ? *(const float *)x[1] : -INFINITY,
                          x[2] ? *(const float *)x[2] : INFINITY};
    args->kernels->activate_f32(y, x[0], n, &act);
}

static tdnn_status plan_clip(tdnn_plan_ctx *ctx)
{
    static const tdnn_formulas formulas = {
        {[TDNN_F32] = clip_f32, [TDNN_F64] = clip_f64, TDNN_INT_TYPES(CLIP_ROW, clip)}};
    const tdnn_elementwise_spec spec = {.formulas = &formulas, .operands = 3, .cost = 1};
    return tdnn_elementwise_plan(ctx, &spec);
}

const tdnn_op tdnn_op_Clip = {
    .schema = {TDNN_SCHEMA_PLAIN(Clip, 1, 3, 1, 1)},
    .infer = infer_clip,
    .layout = tdnn_elementwise_layout,
    .plan = plan_clip,
};

/* ---- PRelu: x, slope ---- */

#define PRELU(E, suffix, T, W, product)                                                        \
    static void prelu_##suffix(void *y_, const void *const *x, const size_t *step, size_t n,   \
                               const tdnn_formula_args *args)                                  \
    {                                                                                          \
        (void)args;                                                                            \
        T *y = y_;                                                                             \
        const T *a = x[0], *slope = x[1];                                                      \
        for (size_t i = 0; i < n; i++) {                                                       \
            const T p = a[i * step[0]], q = slope[i * step[1]];                                \
            y[i] = p < 0 ? product(T, W, p, q) : p;                                            \
        }                                                                                      \
    }
#define PRODUCT(T, W, p, q) ((p) * (q))
#define PRODUCT_INT(T, W, p, q) (T)((W)(p) * (W)(q))
#define PRELU_ROW(E, suffix, T, W, op) [E] = prelu_##suffix,
PRELU(TDNN_F64, f64, double, double, PRODUCT)
PRELU(TDNN_I32, i32, int32_t, uint32_t, PRODUCT_INT)
PRELU(TDNN_I64, i64, int64_t, uint64_t, PRODUCT_INT)

static void prelu_f32(void *y_, const void *const *x, const size_t *step, size_t n,
                      const tdnn_formula_args *args)
{
    if (step[0] && !step[1]) { /* one slope: a leaky Relu */
        const tdnn_act act = {TDNN_ACTIVATE_LEAKY, *(const float *)x[1], 0};
        args->kernels->activate_f32(y_, x[0], n, &act);
        return;
    }
    float *y = y_;
    const float *a = x[0], *slope = x[1];
    for (size_t i = 0; i < n; i++) {
        const float p = a[i * step[0]];
        y[i] = p < 0 ? p * slope[i * step[1]] : p;
    }
}

/* Unsigned numbers are never below zero. */
#define KEEP(E, suffix, T)                                                                     \
    static void prelu_##suffix(void *y, const void *const *x, const size_t *step, size_t n,    \
                               const tdnn_formula_args *args)                                  \
    {                                                                                          \
        (void)args;                                                                            \
        for (size_t i = 0; i < n; i++) ((T *)y)[i] = ((const T *)x[0])[i * step[0]];           \
    }
KEEP(TDNN_U32, u32, uint32_t)
KEEP(TDNN_U64, u64, uint64_t)

static tdnn_status infer_prelu(tdnn_infer *ctx)
{
    TDNN_TRY(tdnn_infer_broadcast(ctx));
    if (!tdnn_shape_equal(&ctx->out[0].shape, &ctx->in[0]->shape)) {
        char a[TDNN_SHAPE_TEXT], b[TDNN_SHAPE_TEXT];
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "slope of shape %s does not broadcast to %s",
                         tdnn_shape_text(&ctx->in[1]->shape, b),
                         tdnn_shape_text(&ctx->in[0]->shape, a));
    }
    return TDNN_OK;
}

static tdnn_status plan_prelu(tdnn_plan_ctx *ctx)
{
    static const tdnn_formulas formulas = {{[TDNN_F32] = prelu_f32,
                                            [TDNN_F64] = prelu_f64,
                                            [TDNN_I32] = prelu_i32,
                                            [TDNN_I64] = prelu_i64,
                                            [TDNN_U32] = prelu_u32,
                                            [TDNN_U64] = prelu_u64}};
    const tdnn_elementwise_spec spec = {.formulas = &formulas, .cost = 1};
    return tdnn_elementwise_plan(ctx, &spec);
}

const tdnn_op tdnn_op_PRelu = {
    .schema = {TDNN_SCHEMA_PLAIN(PRelu, 2, 2, 1, 1)},
    .infer = infer_prelu,
    .layout = tdnn_elementwise_layout,
    .plan = plan_prelu,
};

/* ---- Where: condition, x, y; by the size of the elements ---- */

#define WHERE(bytes)                                                                           \
    static void where_##bytes(void *y_, const void *const *x, const size_t *step, size_t n,    \
                              const tdnn_formula_args *args)                                   \
    {                                                                                          \
        (void)args;                                                                            \
        const uint8_t *condition = x[0];                                                       \
        const char *a = x[1], *b = x[2];                                                       \
        char *y = y_;                                                                          \
        for (size_t i = 0; i < n; i++) {                                                       \
            const char *from = condition[i * step[0]] ? a + i * step[1] * (bytes)              \
                                                      : b + i * step[2] * (bytes);             \
            memcpy(y + i * (bytes), from, bytes);                                              \
        }                                                                                      \
    }
WHERE(1)
WHERE(2)
WHERE(4)
WHERE(8)
WHERE(16)

static tdnn_status infer_where(tdnn_infer *ctx)
{
    const tdnn_info *const *in = ctx->in;
    tdnn_shape shape;
    if (in[0]->dtype != TDNN_BOOL || in[1]->dtype != in[2]->dtype)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "types %s, %s and %s, expected bool and two alike",
                         tdnn_dtype_name(in[0]->dtype), tdnn_dtype_name(in[1]->dtype),
                         tdnn_dtype_name(in[2]->dtype));
    TDNN_TRY(tdnn_broadcast_shapes(&in[0]->shape, &in[1]->shape, &shape, ctx->err));
    TDNN_TRY(tdnn_broadcast_shapes(&shape, &in[2]->shape, &shape, ctx->err));
    tdnn_infer_set(ctx, 0, in[1]->dtype, &shape);
    return TDNN_OK;
}

static tdnn_status plan_where(tdnn_plan_ctx *ctx)
{
    static const tdnn_formulas formulas = {
        {[TDNN_F32] = where_4,        [TDNN_U8] = where_1,         [TDNN_I8] = where_1,
         [TDNN_U16] = where_2,        [TDNN_I16] = where_2,        [TDNN_I32] = where_4,
         [TDNN_I64] = where_8,        [TDNN_BOOL] = where_1,       [TDNN_F16] = where_2,
         [TDNN_F64] = where_8,        [TDNN_U32] = where_4,        [TDNN_U64] = where_8,
         [TDNN_C64] = where_8,        [TDNN_C128] = where_16,      [TDNN_BF16] = where_2,
         [TDNN_F8E4M3FN] = where_1,   [TDNN_F8E4M3FNUZ] = where_1, [TDNN_F8E5M2] = where_1,
         [TDNN_F8E5M2FNUZ] = where_1, [TDNN_F8E8M0] = where_1}};
    const tdnn_elementwise_spec spec = {.formulas = &formulas, .typed = 1, .cost = 1};
    return tdnn_elementwise_plan(ctx, &spec);
}

const tdnn_op tdnn_op_Where = {
    .schema = {TDNN_SCHEMA_PLAIN(Where, 3, 3, 1, 1)},
    .infer = infer_where,
    .plan = plan_where,
};

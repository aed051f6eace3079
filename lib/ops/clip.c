/* Clip, PRelu and Where: operators whose operands play different parts. */
#include "lib/ops/elementwise.h"
#include "lib/ops/loops.h"
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
        const T least = x[1] ? *(const T *)x[1] : (T)(low_);                                   \
        const T most = x[2] ? *(const T *)x[2] : (T)(high_);                                   \
        TDNN_EACH (n) {                                                                        \
            const T v = a[i] < least ? least : a[i];                                           \
            y[i] = v > most ? most : v;                                                        \
        }                                                                                      \
    }
#define CLIP_ROW(E, suffix, T, W, op) [E] = clip_##suffix,
#define CLIP_SIGNED(E, suffix, T, W, op)                                                       \
    CLIP(E, suffix, T, W, -1 - (T)(LARGEST(T) / 2), LARGEST(T) / 2)
#define CLIP_UNSIGNED(E, suffix, T, W, op) CLIP(E, suffix, T, W, 0, LARGEST(T))
#define LARGEST(T) (UINT64_MAX >> (64 - 8 * sizeof(T))) /* without a sign */
TDNN_SIGNED_TYPES(CLIP_SIGNED, clip)
TDNN_UNSIGNED_TYPES(CLIP_UNSIGNED, clip)
CLIP(TDNN_F64, f64, double, double, -INFINITY, INFINITY)

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
        TDNN_EACH_PAIR(y, T, T, W, a, step[0], slope, step[1], n, product);                    \
    }
#define SLOPED(T, W, p, q) ((p) < 0 ? (p) * (q) : (p))
#define SLOPED_INT(T, W, p, q) ((p) < 0 ? (T)((W)(p) * (W)(q)) : (p))
#define PRELU_ROW(E, suffix, T, W, op) [E] = prelu_##suffix,
PRELU(TDNN_F64, f64, double, double, SLOPED)
PRELU(TDNN_I32, i32, int32_t, uint32_t, SLOPED_INT)
PRELU(TDNN_I64, i64, int64_t, uint64_t, SLOPED_INT)

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
    TDNN_EACH_PAIR(y, float, float, float, a, step[0], slope, step[1], n, SLOPED);
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

/* The condition moves; a and b do or not. */
#define CHOOSE(T, a_at, b_at)                                                                  \
    TDNN_EACH (n) {                                                                            \
        T p, q;                                                                                \
        memcpy(&p, a + (a_at) * sizeof(T), sizeof(T));                                         \
        memcpy(&q, b + (b_at) * sizeof(T), sizeof(T));                                         \
        q ^= (p ^ q) & (T)(0 - (T)(condition[i] != 0));                                        \
        memcpy(y + i * sizeof(T), &q, sizeof(T));                                              \
    }
#define WHERE_OF(bytes, T)                                                                     \
    WHERE(bytes)                                                                               \
    static void choose_##bytes(void *y_, const void *const *x, const size_t *step, size_t n,   \
                               const tdnn_formula_args *args)                                  \
    {                                                                                          \
        const uint8_t *condition = x[0];                                                       \
        const char *a = x[1], *b = x[2];                                                       \
        char *y = y_;                                                                          \
        if (!step[0])                                                                          \
            where_##bytes(y_, x, step, n, args);                                               \
        else if (step[1] && step[2])                                                           \
            CHOOSE(T, i, i)                                                                    \
        else if (step[1])                                                                      \
            CHOOSE(T, i, 0)                                                                    \
        else if (step[2])                                                                      \
            CHOOSE(T, 0, i)                                                                    \
        else                                                                                   \
            CHOOSE(T, 0, 0)                                                                    \
    }
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
WHERE_OF(1, uint8_t)
WHERE_OF(2, uint16_t)
WHERE_OF(4, uint32_t)
WHERE_OF(8, uint64_t)
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
        {[TDNN_F32] = choose_4,        [TDNN_U8] = choose_1,         [TDNN_I8] = choose_1,
         [TDNN_U16] = choose_2,        [TDNN_I16] = choose_2,        [TDNN_I32] = choose_4,
         [TDNN_I64] = choose_8,        [TDNN_BOOL] = choose_1,       [TDNN_F16] = choose_2,
         [TDNN_F64] = choose_8,        [TDNN_U32] = choose_4,        [TDNN_U64] = choose_8,
         [TDNN_C64] = choose_8,        [TDNN_C128] = where_16,      [TDNN_BF16] = choose_2,
         [TDNN_F8E4M3FN] = choose_1,   [TDNN_F8E4M3FNUZ] = choose_1, [TDNN_F8E5M2] = choose_1,
         [TDNN_F8E5M2FNUZ] = choose_1, [TDNN_F8E8M0] = choose_1}};
    const tdnn_elementwise_spec spec = {.formulas = &formulas, .typed = 1, .cost = 1};
    return tdnn_elementwise_plan(ctx, &spec);
}

const tdnn_op tdnn_op_Where = {
    .schema = {TDNN_SCHEMA_PLAIN(Where, 3, 3, 1, 1)},
    .infer = infer_where,
    .plan = plan_where,
};

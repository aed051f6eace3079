/* OneHot; and two that move elements by their place: Trilu and ReverseSequence. */
#include "lib/ops/convert.h"
#include "lib/ops/move.h"

#include <string.h>

/* ---- OneHot ---- */

static tdnn_status one_hot_infer(tdnn_infer *ctx)
{
    const tdnn_axis_params *p = ctx->params;
    const tdnn_shape *in = &ctx->in[0]->shape;
    const tdnn_tensor *depth;
    int axis;
    if (in->ndim + 1 > TDNN_MAX_DIMS)
        return TDNN_FAIL(ctx->err, TDNN_ERR_LIMIT, "%d dimensions, the limit is %d",
                         in->ndim + 1, TDNN_MAX_DIMS);
    TDNN_TRY(tdnn_axis_resolve(p->axis, in->ndim + 1, &axis, ctx->err));
    TDNN_TRY(tdnn_infer_contents(ctx, 1, &depth));
    if (tdnn_shape_count(&depth->shape) != 1 || tdnn_shape_count(&ctx->in[2]->shape) != 2 ||
        !tdnn_dtype_is_real(depth->dtype) || !tdnn_dtype_is_real(ctx->in[0]->dtype))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "expected numbers as indices, one depth and two values");
    const double length = tdnn_tensor_get_f64(depth, 0);
    if (!(length >= 0 && length < 0x1p48))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "a depth of %g", length);
    tdnn_shape out = {.ndim = in->ndim + 1};
    for (int d = 0, from = 0; d < out.ndim; d++)
        out.dim[d] = d == axis ? (int64_t)length : in->dim[from++];
    tdnn_infer_set(ctx, 0, ctx->in[2]->dtype, &out);
    return TDNN_OK;
}

static void one_hot_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)task, (void)worker;
    const tdnn_axis_params *p = step->params;
    const tdnn_tensor *in = step->in[0], *values = step->in[2], *out = step->out[0];
    const int axis = (int)(p->axis < 0 ? p->axis + out->shape.ndim : p->axis);
    const size_t size = (size_t)tdnn_dtype_bits(out->dtype) / 8,
                 depth = (size_t)out->shape.dim[axis];
    const size_t count = (size_t)tdnn_shape_count(&in->shape);
    size_t after = 1;
    for (int d = axis + 1; d < out->shape.ndim; d++) after *= (size_t)out->shape.dim[d];
    const tdnn_copy fill = {size, 1, {count * depth}, {(ptrdiff_t)size}, {0}};
    step->kernels->copy(out->data, values->data, &fill);
    for (size_t i = 0; i < count; i++) {
        double k;
        tdnn_load_f64(&k, (tdnn_run){in->data, in->dtype, i, 1}, 1);
        if (k < 0) k += (double)depth;
        if (!(k >= 0 && k < (double)depth)) continue;
        const size_t at = (i / after * depth + (size_t)k) * after + i % after;
        memcpy((char *)out->data + at * size, (const char *)values->data + size, size);
    }
}

static tdnn_status one_hot_plan(tdnn_plan_ctx *ctx)
{
    ctx->step->kernel = "one hot";
    if (ctx->step->out[0]->bytes) tdnn_plan_phase(ctx, one_hot_run, 1);
    return TDNN_OK;
}

static const tdnn_attr one_hot_attrs[] = {TDNN_INT(tdnn_axis_params, axis, -1), {0}};

const tdnn_op tdnn_op_OneHot = {
    .schema = {TDNN_SCHEMA(OneHot, 3, 3, 1, 1, one_hot_attrs, tdnn_axis_params)},
    .infer = one_hot_infer,
    .plan = one_hot_plan,
    .exec = tdnn_exec_stand_ins,
};

/* ---- Trilu ---- */

typedef struct trilu_params {
    int64_t upper;
} trilu_params;

static tdnn_status trilu_infer(tdnn_infer *ctx)
{
    if (ctx->in[0]->shape.ndim < 2)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "a tensor with %d dimensions, expected 2 or more",
                         ctx->in[0]->shape.ndim);
    if (tdnn_infer_has(ctx, 1) &&
        (ctx->in[1]->dtype != TDNN_I64 || tdnn_shape_count(&ctx->in[1]->shape) != 1))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "k is no single 64-bit integer");
    if (tdnn_dtype_bits(ctx->in[0]->dtype) < 8)
        return TDNN_FAIL(ctx->err, TDNN_ERR_UNSUPPORTED, "a triangle of %s",
                         tdnn_dtype_name(ctx->in[0]->dtype));
    return tdnn_infer_same(ctx);
}

static void trilu_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)task, (void)worker;
    const trilu_params *p = step->params;
    const tdnn_shape *shape = &step->in[0]->shape;
    const int64_t rows = shape->dim[shape->ndim - 2], columns = shape->dim[shape->ndim - 1];
    const size_t size = (size_t)tdnn_dtype_bits(step->in[0]->dtype) / 8,
                 wide = (size_t)columns * size;
    const size_t all = step->out[0]->bytes / wide;
    const bool shifted = step->input_count > 1 && step->in[1];
    const int64_t k = shifted ? *(const int64_t *)step->in[1]->data : 0;
    for (size_t i = 0; i < all; i++) {
        /* Columns from `edge` on are above the diagonal, or on it. */
        int64_t edge;
        if (__builtin_add_overflow((int64_t)i % rows, p->upper ? k : k + (k < INT64_MAX),
                                   &edge))
            edge = INT64_MAX;
        edge = edge < 0 ? 0 : edge > columns ? columns : edge;
        const size_t cut = (size_t)edge * size;
        char *to = (char *)step->out[0]->data + i * wide;
        const char *from = (const char *)step->in[0]->data + i * wide;
        if (to != from) memcpy(to, from, wide);
        if (p->upper)
            memset(to, 0, cut);
        else
            memset(to + cut, 0, wide - cut);
    }
}

static tdnn_status trilu_plan(tdnn_plan_ctx *ctx)
{
    ctx->step->kernel = "triangle";
    if (ctx->step->out[0]->bytes == 0) return TDNN_OK;
    tdnn_plan_inplace(ctx, 0, 0);
    tdnn_plan_phase(ctx, trilu_run, 1);
    return TDNN_OK;
}

static const tdnn_attr trilu_attrs[] = {TDNN_INT(trilu_params, upper, 1), {0}};

const tdnn_op tdnn_op_Trilu = {
    .schema = {TDNN_SCHEMA(Trilu, 1, 2, 1, 1, trilu_attrs, trilu_params)},
    .infer = trilu_infer,
    .plan = trilu_plan,
};

/* ---- ReverseSequence ---- */

typedef struct reverse_params {
    int64_t batch_axis, time_axis;
} reverse_params;

static tdnn_status reverse_infer(tdnn_infer *ctx)
{
    const reverse_params *p = ctx->params;
    const tdnn_shape *in = &ctx->in[0]->shape, *lengths = &ctx->in[1]->shape;
    if (in->ndim < 2 || p->batch_axis + p->time_axis != 1 || p->batch_axis < 0 ||
        p->batch_axis > 1)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "axes %lld and %lld of %d dimensions, expected 0 and 1",
                         (long long)p->batch_axis, (long long)p->time_axis, in->ndim);
    if (ctx->in[1]->dtype != TDNN_I64 || lengths->ndim != 1 ||
        lengths->dim[0] != in->dim[p->batch_axis])
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "the lengths are no %lld 64-bit integers",
                         (long long)in->dim[p->batch_axis]);
    return tdnn_infer_same(ctx);
}

static void reverse_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)task, (void)worker;
    const reverse_params *p = step->params;
    const int64_t *dim = step->in[0]->shape.dim, *lengths = step->in[1]->data;
    const int64_t batch = dim[p->batch_axis], time = dim[p->time_axis];
    const size_t block = step->in[0]->bytes / (size_t)(batch * time);
    const int64_t per_batch = p->batch_axis == 0 ? time : 1,
                  per_time = p->batch_axis == 0 ? 1 : batch;
    for (int64_t b = 0; b < batch; b++) {
        const int64_t n = lengths[b] > time ? time : lengths[b];
        for (int64_t t = 0; t < time; t++) {
            const int64_t from = b * per_batch + (t < n ? n - 1 - t : t) * per_time;
            const int64_t to = b * per_batch + t * per_time;
            memcpy((char *)step->out[0]->data + (size_t)to * block,
                   (const char *)step->in[0]->data + (size_t)from * block, block);
        }
    }
}

static tdnn_status reverse_plan(tdnn_plan_ctx *ctx)
{
    ctx->step->kernel = "reverse";
    if (ctx->step->out[0]->bytes) tdnn_plan_phase(ctx, reverse_run, 1);
    return TDNN_OK;
}

static const tdnn_attr reverse_attrs[] = {
    TDNN_INT(reverse_params, batch_axis, 1),
    TDNN_INT(reverse_params, time_axis, 0),
    {0},
};

const tdnn_op tdnn_op_ReverseSequence = {
    .schema = {TDNN_SCHEMA(ReverseSequence, 2, 2, 1, 1, reverse_attrs, reverse_params)},
    .infer = reverse_infer,
    .plan = reverse_plan,
    .exec = tdnn_exec_stand_ins,
};

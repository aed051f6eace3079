/* Rules that many operators share: shapes of results, broadcasting, axes, task splitting. */
#include "lib/ops/op.h"

tdnn_status tdnn_axis_resolve(int64_t axis, int ndim, int *out, tdnn_error *err)
{
    *out = 0;
    if (axis < -(int64_t)ndim || axis >= ndim)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "axis %lld of a tensor with %d dimensions, expected %d to %d",
                         (long long)axis, ndim, -ndim, ndim - 1);
    *out = (int)(axis < 0 ? axis + ndim : axis);
    return TDNN_OK;
}

tdnn_status tdnn_broadcast_shapes(const tdnn_shape *a, const tdnn_shape *b, tdnn_shape *out,
                                  tdnn_error *err)
{
    tdnn_shape result = {.ndim = a->ndim > b->ndim ? a->ndim : b->ndim};
    for (int i = 0; i < result.ndim; i++) {
        int ia = i - (result.ndim - a->ndim), ib = i - (result.ndim - b->ndim);
        int64_t da = ia < 0 ? 1 : a->dim[ia], db = ib < 0 ? 1 : b->dim[ib];
        if (da != db && da != 1 && db != 1) {
            char ta[TDNN_SHAPE_TEXT], tb[TDNN_SHAPE_TEXT];
            return TDNN_FAIL(
                err, TDNN_ERR_SHAPE, "shapes %s and %s do not broadcast: %lld against %lld",
                tdnn_shape_text(a, ta), tdnn_shape_text(b, tb), (long long)da, (long long)db);
        }
        result.dim[i] = da == 1 ? db : da;
    }
    *out = result;
    return TDNN_OK;
}

void tdnn_infer_set(tdnn_infer *ctx, size_t index, tdnn_dtype dtype, const tdnn_shape *shape)
{
    if (index >= ctx->output_count) return;
    ctx->out[index].kind = TDNN_KIND_TENSOR;
    ctx->out[index].dtype = dtype;
    ctx->out[index].shape = *shape;
}

tdnn_status tdnn_infer_same(tdnn_infer *ctx)
{
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &ctx->in[0]->shape);
    return TDNN_OK;
}

tdnn_status tdnn_infer_broadcast(tdnn_infer *ctx)
{
    tdnn_shape shape = ctx->in[0]->shape;
    for (size_t i = 1; i < ctx->input_count; i++) {
        if (!ctx->in[i]) continue;
        if (ctx->in[i]->dtype != ctx->in[0]->dtype)
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                             "input %zu is %s, input 0 is %s, expected the same type", i,
                             tdnn_dtype_name(ctx->in[i]->dtype),
                             tdnn_dtype_name(ctx->in[0]->dtype));
        TDNN_TRY(tdnn_broadcast_shapes(&shape, &ctx->in[i]->shape, &shape, ctx->err));
    }
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &shape);
    return TDNN_OK;
}

void tdnn_layout_follow(tdnn_layout_query *query)
{
    const tdnn_shape *shape = &query->out[0].shape;
    tdnn_layout layout = TDNN_LAYOUT_PLAIN;
    if (shape->ndim != 4 || query->out[0].dtype != TDNN_F32) return;
    for (size_t i = 0; i < query->input_count; i++) {
        if (!query->in[i]) continue;
        if (query->in[i]->layout) layout = query->in[i]->layout;
        int64_t count = tdnn_shape_count(&query->in[i]->shape);
        if (!tdnn_shape_equal(&query->in[i]->shape, shape) && count != 1) return;
    }
    for (size_t i = 0; i < query->input_count; i++)
        if (query->in[i] && tdnn_shape_equal(&query->in[i]->shape, shape))
            query->want[i] = layout;
    query->give[0] = layout;
}

/* Handing a task to a worker costs about as much as this many flops. */
#define TASK_FLOPS 65536.0

size_t tdnn_plan_split(const tdnn_plan_ctx *ctx, double flops, size_t most)
{
    double worth = flops / TASK_FLOPS;
    size_t limit = ctx->threads > 1 ? (size_t)ctx->threads * 4 : 1;
    if (limit > most) limit = most;
    if (worth < (double)limit) limit = (size_t)worth;
    return limit ? limit : 1;
}

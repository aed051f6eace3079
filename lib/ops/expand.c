/* Expand and Tile: a tensor repeated along its dimensions. */
#include "lib/ops/move.h"

/* ---- Expand ---- */

static tdnn_status expand_infer(tdnn_infer *ctx)
{
    tdnn_ints wanted;
    tdnn_shape shape = {0};
    TDNN_TRY(tdnn_infer_ints(ctx, 1, &wanted));
    if (wanted.count > TDNN_MAX_DIMS)
        return TDNN_FAIL(ctx->err, TDNN_ERR_LIMIT, "%zu dimensions, the limit is %d",
                         wanted.count, TDNN_MAX_DIMS);
    shape.ndim = (int)wanted.count;
    for (int d = 0; d < shape.ndim; d++) {
        if (wanted.at[d] < 0)
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                             "dimension %d is to be %lld, expected 0 or more", d,
                             (long long)wanted.at[d]);
        shape.dim[d] = wanted.at[d];
    }
    TDNN_TRY(tdnn_broadcast_shapes(&ctx->in[0]->shape, &shape, &shape, ctx->err));
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &shape);
    return TDNN_OK;
}

static tdnn_status expand_plan(tdnn_plan_ctx *ctx)
{
    const tdnn_view in = tdnn_view_of(ctx->step->in[0]), to = tdnn_view_of(ctx->step->out[0]);
    const int fewer = to.ndim - in.ndim;
    tdnn_view from = to;
    for (int d = 0; d < to.ndim; d++)
        from.stride[d] = d < fewer || in.dim[d - fewer] == 1 ? 0 : in.stride[d - fewer];
    const tdnn_move move = tdnn_move_make(0, &from, 0, &to, to.dim);
    return tdnn_plan_moves(ctx, &move, 1);
}

const tdnn_op tdnn_op_Expand = {
    .schema = {TDNN_SCHEMA_PLAIN(Expand, 2, 2, 1, 1)},
    .flags = TDNN_OP_NO_FOLD,
    .infer = expand_infer,
    .plan = expand_plan,
    .exec = tdnn_exec_stand_ins,
};

/* ---- Tile ---- */

static tdnn_status tile_infer(tdnn_infer *ctx)
{
    tdnn_shape shape = ctx->in[0]->shape;
    tdnn_few repeats;
    TDNN_TRY(tdnn_infer_few(ctx, 1, &repeats));
    if (repeats.count != (size_t)shape.ndim)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "%zu repeats, expected one for each of %d dimensions", repeats.count,
                         shape.ndim);
    for (int d = 0; d < shape.ndim; d++)
        if (repeats.at[d] < 0 ||
            __builtin_mul_overflow(shape.dim[d], repeats.at[d], &shape.dim[d]))
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                             "dimension %d cannot be repeated %lld times", d,
                             (long long)repeats.at[d]);
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &shape);
    return TDNN_OK;
}

/* Each dimension is two: which repetition, and where in it. */
static tdnn_status tile_plan(tdnn_plan_ctx *ctx)
{
    const tdnn_view in = tdnn_view_of(ctx->step->in[0]), out = tdnn_view_of(ctx->step->out[0]);
    tdnn_move move = {.copy = {.size = in.size, .ndim = 2 * in.ndim}};
    for (int d = 0; d < in.ndim; d++) {
        const size_t length = (size_t)in.dim[d];
        move.copy.count[2 * d] = length ? (size_t)out.dim[d] / length : 0;
        move.copy.to[2 * d] = out.stride[d] * (ptrdiff_t)length;
        move.copy.count[2 * d + 1] = length;
        move.copy.to[2 * d + 1] = out.stride[d];
        move.copy.from[2 * d + 1] = in.stride[d];
    }
    return tdnn_plan_moves(ctx, &move, 1);
}

const tdnn_op tdnn_op_Tile = {
    .schema = {TDNN_SCHEMA_PLAIN(Tile, 2, 2, 1, 1)},
    .flags = TDNN_OP_NO_FOLD,
    .infer = tile_infer,
    .plan = tile_plan,
    .exec = tdnn_exec_stand_ins,
};

/* Concat and Split: pieces of a tensor along one axis. Where a piece is contiguous in the
 * whole, no byte is copied: Concat's inputs are made in place, Split's outputs are views.
 */
#include "lib/ops/channels.h"
#include "lib/ops/move.h"

/* ---- Concat ---- */

static tdnn_status concat_infer(tdnn_infer *ctx)
{
    const tdnn_axis_params *p = ctx->params;
    tdnn_shape out = ctx->in[0]->shape;
    int axis;
    TDNN_TRY(tdnn_axis_resolve(p->axis, out.ndim, &axis, ctx->err));
    for (size_t i = 1; i < ctx->input_count; i++) {
        const tdnn_info *in = ctx->in[i];
        char a[TDNN_SHAPE_TEXT], b[TDNN_SHAPE_TEXT];
        bool fits = in && in->shape.ndim == out.ndim && in->dtype == ctx->in[0]->dtype;
        for (int d = 0; fits && d < out.ndim; d++)
            fits = d == axis || in->shape.dim[d] == out.dim[d];
        if (!in) return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "input %zu is absent", i);
        if (!fits)
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                             "input %zu is %s %s, which does not fit %s %s along axis %d", i,
                             tdnn_dtype_name(in->dtype), tdnn_shape_text(&in->shape, a),
                             tdnn_dtype_name(ctx->in[0]->dtype), tdnn_shape_text(&out, b),
                             axis);
        if (__builtin_add_overflow(out.dim[axis], in->shape.dim[axis], &out.dim[axis]))
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "the result is too long along axis %d",
                             axis);
    }
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &out);
    return TDNN_OK;
}

/* Blocked if most of the data already is. */
static void concat_layout(tdnn_layout_query *q)
{
    const tdnn_axis_params *p = q->params;
    int64_t blocked = 0, plain = 0;
    int axis;
    if (q->out[0].shape.ndim != 4 || tdnn_axis_resolve(p->axis, 4, &axis, NULL) != TDNN_OK)
        return;
    for (size_t i = 0; i < q->input_count; i++) {
        const int64_t count = tdnn_shape_count(&q->in[i]->shape);
        if (q->in[i]->layout == q->block)
            blocked += count;
        else
            plain += count;
    }
    if (blocked == 0 || blocked < plain) return;
    for (size_t i = 0; i < q->input_count; i++) q->want[i] = q->block;
    q->give[0] = q->block;
}

static tdnn_channel joined(const void *context, size_t out, int64_t channel)
{
    (void)out;
    const tdnn_step *step = context;
    size_t in = 0;
    for (; channel >= step->in[in]->shape.dim[1]; in++) channel -= step->in[in]->shape.dim[1];
    return (tdnn_channel){in, channel};
}

/* A piece that ends within a block is followed by another one there. */
static bool is_ragged(const tdnn_step *step, int axis)
{
    const tdnn_layout block = step->out[0]->layout;
    bool ragged = false;
    for (size_t i = 0; block && axis == 1 && i + 1 < step->input_count; i++)
        ragged = ragged || step->in[i]->shape.dim[1] % block;
    return ragged;
}

static tdnn_status concat_plan(tdnn_plan_ctx *ctx)
{
    const tdnn_axis_params *p = ctx->step->params;
    const tdnn_view to = tdnn_view_of(ctx->step->out[0]);
    const size_t count = ctx->step->input_count;
    int axis;
    TDNN_TRY(tdnn_axis_resolve(p->axis, ctx->step->out[0]->shape.ndim, &axis, ctx->err));
    if (is_ragged(ctx->step, axis))
        return tdnn_plan_channels(ctx, joined, ctx->step, NULL);
    tdnn_move *moves = tdnn_alloc(count, sizeof *moves);
    if (!moves) return TDNN_NO_MEMORY(ctx->err);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        const tdnn_view from = tdnn_view_of(ctx->step->in[i]);
        moves[i] = tdnn_move_make((int)i, &from, 0, &to, from.dim);
        moves[i].to = at;
        at += (size_t)(from.dim[axis] * to.stride[axis]);
    }
    const tdnn_status status = tdnn_plan_moves(ctx, moves, count);
    tdnn_free(moves);
    return status;
}

static const tdnn_attr concat_attrs[] = {
    {.name = "axis",
     .type = TDNN_ATTR_INT,
     .required = true,
     .offset = offsetof(tdnn_axis_params, axis)},
    {0},
};

const tdnn_op tdnn_op_Concat = {
    .schema = {TDNN_SCHEMA(Concat, 1, -1, 1, 1, concat_attrs, tdnn_axis_params)},
    .infer = concat_infer,
    .layout = concat_layout,
    .plan = concat_plan,
    .exec = tdnn_exec_stand_ins,
};

/* ---- Split ---- */

typedef struct split_params {
    int64_t axis, num_outputs;
} split_params;

static tdnn_status set_piece(tdnn_infer *ctx, size_t index, int axis, int64_t length)
{
    tdnn_shape shape = ctx->in[0]->shape;
    shape.dim[axis] = length;
    tdnn_infer_set(ctx, index, ctx->in[0]->dtype, &shape);
    return TDNN_OK;
}

/* Equal pieces, the last one shorter if need be. */
static tdnn_status split_evenly(tdnn_infer *ctx, int axis)
{
    const int64_t length = ctx->in[0]->shape.dim[axis], count = (int64_t)ctx->output_count;
    const int64_t piece = length / count + (length % count != 0);
    for (int64_t i = 0; i < count; i++) {
        const int64_t left = length - i * piece;
        TDNN_TRY(set_piece(ctx, (size_t)i, axis, left < 0 ? 0 : left < piece ? left : piece));
    }
    return TDNN_OK;
}

static tdnn_status split_infer(tdnn_infer *ctx)
{
    const split_params *p = ctx->params;
    int axis;
    TDNN_TRY(tdnn_axis_resolve(p->axis, ctx->in[0]->shape.ndim, &axis, ctx->err));
    if (p->num_outputs && p->num_outputs != (int64_t)ctx->output_count)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "num_outputs is %lld, but there are %zu outputs",
                         (long long)p->num_outputs, ctx->output_count);
    if (!tdnn_infer_has(ctx, 1)) return split_evenly(ctx, axis);
    tdnn_ints split;
    TDNN_TRY(tdnn_infer_ints(ctx, 1, &split));
    if (split.count != ctx->output_count)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "%zu lengths for %zu outputs", split.count,
                         ctx->output_count);
    int64_t rest = ctx->in[0]->shape.dim[axis];
    for (size_t i = 0; i < split.count; i++) {
        if (split.at[i] < 0 || split.at[i] > rest)
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "piece %zu is %lld long, %lld are left",
                             i, (long long)split.at[i], (long long)rest);
        rest -= split.at[i];
        TDNN_TRY(set_piece(ctx, i, axis, split.at[i]));
    }
    if (rest)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "the pieces leave %lld of %lld along axis %d", (long long)rest,
                         (long long)ctx->in[0]->shape.dim[axis], axis);
    return TDNN_OK;
}

static void split_layout(tdnn_layout_query *q)
{
    const split_params *p = q->params;
    int axis;
    if (q->in[0]->layout != q->block || q->in[0]->shape.ndim != 4) return;
    if (tdnn_axis_resolve(p->axis, 4, &axis, NULL) != TDNN_OK) return;
    q->want[0] = q->block;
    for (size_t i = 0; i < q->output_count; i++) q->give[i] = q->block;
}

/* How long piece `index` is, also of an output that nobody wants. */
static int64_t piece_length(const tdnn_plan_ctx *ctx, size_t index, int axis)
{
    const tdnn_step *step = ctx->step;
    if (step->out[index]) return step->out[index]->shape.dim[axis];
    if (step->input_count > 1 && step->in[1]) return tdnn_tensor_get_i64(ctx->known[1], index);
    const int64_t length = step->in[0]->shape.dim[axis], count = (int64_t)step->output_count;
    return length / count + (length % count != 0);
}

static tdnn_channel cut_off(const void *context, size_t out, int64_t channel)
{
    const int64_t *starts = context;
    return (tdnn_channel){0, starts[out] + channel};
}

/* Channels in the blocked layout. A piece that begins with a block is a view: in its last
 * block, the lanes that are not its own hold its neighbour's channels, which is as good as
 * anything. */
static tdnn_status split_channels(tdnn_plan_ctx *ctx)
{
    const tdnn_step *step = ctx->step;
    const tdnn_view from = tdnn_view_of(step->in[0]);
    const int64_t block = from.dim[4];
    int64_t *starts = tdnn_calloc(step->output_count, sizeof *starts), at = 0;
    bool *wanted = tdnn_calloc(step->output_count, sizeof *wanted), any = false;
    tdnn_status status = starts && wanted ? TDNN_OK : TDNN_NO_MEMORY(ctx->err);
    ctx->step->kernel = "view";
    for (size_t i = 0; !status && i < step->output_count; i++) {
        starts[i] = at;
        at += piece_length(ctx, i, 1);
        if (!step->out[i]) continue;
        const size_t offset = (size_t)(starts[i] / block * from.stride[1]);
        wanted[i] =
            starts[i] % block || from.dim[0] != 1 || !tdnn_plan_alias(ctx, i, 0, offset);
        any = any || wanted[i];
    }
    if (any) status = tdnn_plan_channels(ctx, cut_off, starts, wanted);
    tdnn_free(starts);
    tdnn_free(wanted);
    return status;
}

static tdnn_status split_plan(tdnn_plan_ctx *ctx)
{
    const split_params *p = ctx->step->params;
    const tdnn_view from = tdnn_view_of(ctx->step->in[0]);
    const size_t outputs = ctx->step->output_count;
    int axis;
    TDNN_TRY(tdnn_axis_resolve(p->axis, ctx->step->in[0]->shape.ndim, &axis, ctx->err));
    if (ctx->step->in[0]->layout && axis == 1) return split_channels(ctx);
    tdnn_move *moves = tdnn_alloc(outputs, sizeof *moves);
    if (!moves) return TDNN_NO_MEMORY(ctx->err);
    int64_t at = 0;
    size_t count = 0;
    for (size_t i = 0; i < outputs; i++) {
        if (ctx->step->out[i]) {
            const tdnn_view to = tdnn_view_of(ctx->step->out[i]);
            moves[count] = tdnn_move_make(0, &from, (int)i, &to, to.dim);
            moves[count++].from = (size_t)(at * from.stride[axis]);
        }
        at += piece_length(ctx, i, axis);
    }
    const tdnn_status status = tdnn_plan_moves(ctx, moves, count);
    tdnn_free(moves);
    return status;
}

static const tdnn_attr split_attrs[] = {
    TDNN_INT(split_params, axis, 0),
    TDNN_INT(split_params, num_outputs, 0),
    {0},
};

const tdnn_op tdnn_op_Split = {
    .schema = {TDNN_SCHEMA(Split, 1, 2, 1, -1, split_attrs, split_params)},
    .infer = split_infer,
    .layout = split_layout,
    .plan = split_plan,
    .exec = tdnn_exec_stand_ins,
};

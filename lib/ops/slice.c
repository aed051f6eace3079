/* Slice: every step-th element between two ends, forwards or backwards, along some axes. */
#include "lib/ops/channels.h"
#include "lib/ops/move.h"

#include <string.h>

/* Along each axis: where it begins, how it goes on, and how many there are. */
typedef struct ranges {
    int64_t begin[TDNN_MAX_DIMS], step[TDNN_MAX_DIMS], count[TDNN_MAX_DIMS];
} ranges;

static int64_t clamp(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* As numpy counts: ends beyond the tensor mean its end; -1 before the front when going
 * backwards. */
static void set_range(ranges *r, int axis, int64_t length, int64_t start, int64_t end,
                      int64_t step)
{
    if (start < 0) start += length;
    if (end < 0) end = end < -length ? -1 : end + length;
    int64_t count;
    if (step > 0) {
        start = clamp(start, 0, length);
        end = clamp(end, 0, length);
        count = end > start ? (end - start - 1) / step + 1 : 0;
    } else {
        start = clamp(start, -1, length - 1);
        end = clamp(end, -1, length - 1);
        count = start > end ? (int64_t)((uint64_t)(start - end - 1) / -(uint64_t)step) + 1 : 0;
    }
    r->begin[axis] = count ? start : 0;
    r->step[axis] = count > 1 ? step : 1;
    r->count[axis] = count;
}

static tdnn_status resolve(const tdnn_shape *shape, const tdnn_few few[4], ranges *r,
                           tdnn_error *err)
{
    const tdnn_few *starts = &few[0], *ends = &few[1], *axes = &few[2], *steps = &few[3];
    const size_t count = starts->count;
    unsigned seen = 0;
    for (int d = 0; d < shape->ndim; d++) set_range(r, d, shape->dim[d], 0, shape->dim[d], 1);
    if (ends->count != count || (axes->given && axes->count != count) ||
        (steps->given && steps->count != count))
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "%zu starts, %zu ends, %zu axes, %zu steps, expected as many of each",
                         count, ends->count, axes->given ? axes->count : count,
                         steps->given ? steps->count : count);
    for (size_t i = 0; i < count; i++) {
        const int64_t step = steps->given ? steps->at[i] : 1;
        int axis;
        TDNN_TRY(
            tdnn_axis_resolve(axes->given ? axes->at[i] : (int64_t)i, shape->ndim, &axis, err));
        if (seen & 1u << axis)
            return TDNN_FAIL(err, TDNN_ERR_SHAPE, "axis %d is sliced twice", axis);
        if (step == 0)
            return TDNN_FAIL(err, TDNN_ERR_SHAPE, "the step along axis %d is 0", axis);
        seen |= 1u << axis;
        set_range(r, axis, shape->dim[axis], starts->at[i], ends->at[i], step);
    }
    return TDNN_OK;
}

static tdnn_status slice_infer(tdnn_infer *ctx)
{
    tdnn_shape shape = ctx->in[0]->shape;
    tdnn_few few[4];
    ranges r;
    for (size_t i = 0; i < 4; i++) TDNN_TRY(tdnn_infer_few(ctx, i + 1, &few[i]));
    TDNN_TRY(resolve(&shape, few, &r, ctx->err));
    memcpy(shape.dim, r.count, (size_t)shape.ndim * sizeof *r.count);
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &shape);
    return TDNN_OK;
}

/* Whether rows, columns and images stay whole: then any channels will do. */
static bool only_channels(const tdnn_shape *in, const ranges *r)
{
    for (int d = 0; d < in->ndim; d++)
        if (d != 1 && (r->count[d] != in->dim[d] || r->step[d] != 1)) return false;
    return true;
}

/* Whole blocks of channels can be sliced where they are. */
static void slice_layout(tdnn_layout_query *q)
{
    const tdnn_shape *in = &q->in[0]->shape;
    tdnn_few few[4];
    ranges r;
    if (q->in[0]->layout == TDNN_LAYOUT_PLAIN) return;
    for (size_t i = 0; i < 4; i++)
        if (!tdnn_layout_few(q, i + 1, &few[i])) return;
    if (resolve(in, few, &r, NULL) != TDNN_OK) return;
    const bool whole_blocks = r.begin[1] % q->in[0]->layout == 0 && r.step[1] == 1;
    if (!whole_blocks && !only_channels(in, &r)) return;
    q->want[0] = q->give[0] = q->in[0]->layout;
}

static tdnn_channel sliced(const void *context, size_t out, int64_t channel)
{
    (void)out;
    const ranges *r = context;
    return (tdnn_channel){0, r->begin[1] + channel * r->step[1]};
}

static tdnn_status slice_plan(tdnn_plan_ctx *ctx)
{
    tdnn_view from = tdnn_view_of(ctx->step->in[0]);
    const tdnn_view to = tdnn_view_of(ctx->step->out[0]);
    const int ndim = ctx->step->in[0]->shape.ndim;
    tdnn_few few[4];
    ranges r;
    for (size_t i = 0; i < 4; i++) TDNN_TRY(tdnn_plan_few(ctx, i + 1, &few[i]));
    TDNN_TRY(resolve(&ctx->step->in[0]->shape, few, &r, ctx->err));
    if (from.ndim > ndim) {
        if (r.begin[1] % from.dim[ndim] || r.step[1] != 1)
            return tdnn_plan_channels(ctx, sliced, &r, NULL);
        r.begin[1] /= from.dim[ndim];
    }
    ptrdiff_t at = 0;
    for (int d = 0; d < ndim; d++) {
        at += (ptrdiff_t)r.begin[d] * from.stride[d];
        from.stride[d] *= (ptrdiff_t)r.step[d];
    }
    tdnn_move move = tdnn_move_make(0, &from, 0, &to, to.dim);
    move.from = (size_t)at;
    return tdnn_plan_moves(ctx, &move, 1);
}

const tdnn_op tdnn_op_Slice = {
    .schema = {TDNN_SCHEMA_PLAIN(Slice, 3, 5, 1, 1)},
    .infer = slice_infer,
    .layout = slice_layout,
    .plan = slice_plan,
    .exec = tdnn_exec_stand_ins,
};

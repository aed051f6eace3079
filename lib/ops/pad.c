/* Pad in all modes, also with negative pads, which crop; and CenterCropPad.
 *
 * A constant border is a few rectangles filled from one element. The other modes read each
 * output index through a table per axis.
 */
#include "lib/ops/move.h"

#include <string.h>

enum { PAD_CONSTANT, PAD_REFLECT, PAD_EDGE, PAD_WRAP };

typedef struct pad_params {
    int64_t mode;
} pad_params;

typedef struct borders {
    int64_t low[TDNN_MAX_DIMS], high[TDNN_MAX_DIMS];
} borders;

/* ---- constant borders ---- */

/* The part of an output axis that holds input: begin .. end-1. */
static void interior(int64_t length, int64_t low, int64_t out, int64_t *begin, int64_t *end)
{
    *begin = low < 0 ? 0 : low > out ? out : low;
    *end = low + length > out ? out : low + length < *begin ? *begin : low + length;
}

/* One move for what lies inside, and for each axis one for each border: in earlier axes as long
 * as the interior, in later ones as long as the output, so that they cover everything once. */
static tdnn_status plan_constant(tdnn_plan_ctx *ctx, const borders *pads, int value)
{
    const tdnn_view in = tdnn_view_of(ctx->step->in[0]), to = tdnn_view_of(ctx->step->out[0]);
    const tdnn_view one = {.size = to.size, .ndim = to.ndim}; /* strides of 0 */
    const int ndim = ctx->step->out[0]->shape.ndim;
    tdnn_move moves[1 + 2 * TDNN_MAX_DIMS];
    int64_t count[TDNN_MAX_DIMS + 1];
    size_t used = 0;
    ptrdiff_t inner = 0, from = 0;
    memcpy(count, to.dim, sizeof count);
    for (int d = 0; d < ndim; d++) {
        int64_t low = pads->low[d], begin, end;
        if (d == 1 && to.ndim > ndim) low = 0; /* blocked: channels are not padded */
        interior(in.dim[d], low, to.dim[d], &begin, &end);
        count[d] = begin;
        moves[used] = tdnn_move_make(value, &one, 0, &to, count);
        moves[used++].to = (size_t)inner;
        count[d] = to.dim[d] - end;
        moves[used] = tdnn_move_make(value, &one, 0, &to, count);
        moves[used++].to = (size_t)(inner + end * to.stride[d]);
        count[d] = end - begin;
        inner += begin * to.stride[d];
        from += (low < 0 ? -low : 0) * in.stride[d];
    }
    moves[used] = tdnn_move_make(0, &in, 0, &to, count);
    moves[used].to = (size_t)inner;
    moves[used++].from = (size_t)from;
    return tdnn_plan_moves(ctx, moves, used);
}

/* ---- the other modes ---- */

/* Where output index i, counted from the first input element, reads an axis of length n > 0. */
static int64_t mirrored(int64_t i, int64_t n, int64_t mode)
{
    if (mode == PAD_EDGE) return i < 0 ? 0 : i >= n ? n - 1 : i;
    const int64_t period = mode == PAD_WRAP ? n : 2 * (n - 1);
    if (period == 0) return 0;
    i %= period;
    if (i < 0) i += period;
    return i < n ? i : period - i;
}

typedef struct lookup_plan {
    tdnn_lookup lookup;
    size_t rows, tasks;
} lookup_plan;

static void lookup_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    const lookup_plan *p = step->data;
    size_t begin, end;
    tdnn_task_range(p->rows, p->tasks, task, &begin, &end);
    step->kernels->lookup(step->out[0]->data, step->in[0]->data, &p->lookup, begin, end);
}

static tdnn_status plan_lookup(tdnn_plan_ctx *ctx, const borders *pads, int64_t mode)
{
    const tdnn_view in = tdnn_view_of(ctx->step->in[0]), to = tdnn_view_of(ctx->step->out[0]);
    lookup_plan *p = tdnn_plan_alloc(ctx, 1, sizeof *p);
    if (!p) return TDNN_NO_MEMORY(ctx->err);
    p->lookup.size = in.size;
    p->lookup.ndim = in.ndim;
    p->rows = 1;
    for (int d = 0; d < in.ndim; d++) {
        const int64_t low = pads->low[d], high = pads->high[d];
        const int64_t first = low < 0 ? -low : 0,
                      rest = in.dim[d] - first + (high < 0 ? high : 0);
        ptrdiff_t *table = tdnn_plan_alloc(ctx, (size_t)to.dim[d], sizeof *table);
        if (!table) return TDNN_NO_MEMORY(ctx->err);
        for (int64_t i = 0; i < to.dim[d]; i++)
            table[i] = (first + mirrored(i - (low > 0 ? low : 0), rest, mode)) * in.stride[d];
        p->lookup.count[d] = (size_t)to.dim[d];
        p->lookup.table[d] = table;
        if (d < in.ndim - 1) p->rows *= (size_t)to.dim[d];
    }
    if (ctx->step->out[0]->bytes == 0) return TDNN_OK;
    p->tasks = tdnn_plan_split(ctx, (double)ctx->step->out[0]->bytes / 2, p->rows);
    ctx->step->kernel = "lookup";
    ctx->step->moved = 2 * ctx->step->out[0]->bytes;
    tdnn_plan_phase(ctx, lookup_run, p->tasks);
    return TDNN_OK;
}

/* ---- Pad ---- */

static tdnn_status resolve(int ndim, const tdnn_few *pads, const tdnn_few *axes, borders *out,
                           tdnn_error *err)
{
    const size_t count = axes->given ? axes->count : (size_t)ndim;
    unsigned seen = 0;
    *out = (borders){0};
    if (pads->count != 2 * count)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "%zu pads, expected 2 for each of %zu axes",
                         pads->count, count);
    for (size_t i = 0; i < count; i++) {
        int axis;
        TDNN_TRY(tdnn_axis_resolve(axes->given ? axes->at[i] : (int64_t)i, ndim, &axis, err));
        if (seen & 1u << axis)
            return TDNN_FAIL(err, TDNN_ERR_SHAPE, "axis %d is padded twice", axis);
        seen |= 1u << axis;
        out->low[axis] = pads->at[i];
        out->high[axis] = pads->at[i + count];
    }
    return TDNN_OK;
}

static tdnn_status padded_shape(const tdnn_shape *in, const borders *pads, int64_t mode,
                                tdnn_shape *out, tdnn_error *err)
{
    const int64_t limit = INT64_C(1) << 48; /* far from overflow in what follows */
    *out = *in;
    for (int d = 0; d < in->ndim; d++) {
        const int64_t low = pads->low[d], high = pads->high[d];
        const bool sane = low > -limit && low < limit && high > -limit && high < limit;
        if (!sane || in->dim[d] >= limit || in->dim[d] + low + high < 0)
            return TDNN_FAIL(err, TDNN_ERR_SHAPE, "pads %lld and %lld for a dimension of %lld",
                             (long long)low, (long long)high, (long long)in->dim[d]);
        out->dim[d] = in->dim[d] + low + high;
        const int64_t kept = in->dim[d] + (low < 0 ? low : 0) + (high < 0 ? high : 0);
        if (mode != PAD_CONSTANT && kept <= 0 && out->dim[d] > 0)
            return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                             "dimension %d is empty, so it has nothing to repeat", d);
    }
    return TDNN_OK;
}

static tdnn_status pad_infer(tdnn_infer *ctx)
{
    const pad_params *p = ctx->params;
    tdnn_few pads, axes;
    borders b;
    tdnn_shape out;
    TDNN_TRY(tdnn_infer_few(ctx, 1, &pads));
    TDNN_TRY(tdnn_infer_few(ctx, 3, &axes));
    TDNN_TRY(resolve(ctx->in[0]->shape.ndim, &pads, &axes, &b, ctx->err));
    TDNN_TRY(padded_shape(&ctx->in[0]->shape, &b, p->mode, &out, ctx->err));
    if (tdnn_infer_has(ctx, 2) &&
        (ctx->in[2]->dtype != ctx->in[0]->dtype || tdnn_shape_count(&ctx->in[2]->shape) != 1))
        return TDNN_FAIL(
            ctx->err, TDNN_ERR_SHAPE, "the value is %lld elements of %s, expected one of %s",
            (long long)tdnn_shape_count(&ctx->in[2]->shape), tdnn_dtype_name(ctx->in[2]->dtype),
            tdnn_dtype_name(ctx->in[0]->dtype));
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &out);
    return TDNN_OK;
}

/* Rows and columns of whole blocks can be padded where they are: a ragged block's lanes must
 * stay finite, which the value need not be. */
static void pad_layout(tdnn_layout_query *q)
{
    tdnn_few pads, axes;
    borders b;
    if (q->in[0]->layout == TDNN_LAYOUT_PLAIN || q->in[0]->shape.dim[1] % q->in[0]->layout)
        return;
    if (!tdnn_layout_few(q, 1, &pads) || !tdnn_layout_few(q, 3, &axes)) return;
    if (resolve(4, &pads, &axes, &b, NULL) != TDNN_OK || b.low[1] || b.high[1]) return;
    q->want[0] = q->give[0] = q->in[0]->layout;
}

static tdnn_status pad_plan(tdnn_plan_ctx *ctx)
{
    const pad_params *p = ctx->step->params;
    const tdnn_step *step = ctx->step;
    tdnn_few pads, axes;
    borders b;
    TDNN_TRY(tdnn_plan_few(ctx, 1, &pads));
    TDNN_TRY(tdnn_plan_few(ctx, 3, &axes));
    TDNN_TRY(resolve(step->in[0]->shape.ndim, &pads, &axes, &b, ctx->err));
    /* A scalar is padded to itself, and a table per axis needs an axis. */
    if (p->mode == PAD_CONSTANT || step->in[0]->shape.ndim == 0)
        return plan_constant(ctx, &b, step->input_count > 2 && step->in[2] ? 2 : -1);
    return plan_lookup(ctx, &b, p->mode);
}

static const char *const pad_modes[] = {"constant", "reflect", "edge", "wrap", NULL};

static const tdnn_attr pad_attrs[] = {TDNN_ENUM(pad_params, mode, pad_modes, PAD_CONSTANT),
                                      {0}};

const tdnn_op tdnn_op_Pad = {
    .schema = {TDNN_SCHEMA(Pad, 2, 4, 1, 1, pad_attrs, pad_params)},
    .infer = pad_infer,
    .layout = pad_layout,
    .plan = pad_plan,
    .exec = tdnn_exec_stand_ins,
};

/* ---- CenterCropPad ---- */

typedef struct center_params {
    tdnn_ints axes;
} center_params;

static tdnn_status center_infer(tdnn_infer *ctx)
{
    const center_params *p = ctx->params;
    tdnn_shape shape = ctx->in[0]->shape;
    const size_t count = p->axes.given ? p->axes.count : (size_t)shape.ndim;
    tdnn_few wanted;
    TDNN_TRY(tdnn_infer_few(ctx, 1, &wanted));
    if (wanted.count != count)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "%zu lengths for %zu axes", wanted.count,
                         count);
    for (size_t i = 0; i < count; i++) {
        int axis;
        TDNN_TRY(tdnn_axis_resolve(p->axes.given ? p->axes.at[i] : (int64_t)i, shape.ndim,
                                   &axis, ctx->err));
        if (wanted.at[i] < 0)
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "axis %d is to be %lld long", axis,
                             (long long)wanted.at[i]);
        shape.dim[axis] = wanted.at[i];
    }
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &shape);
    return TDNN_OK;
}

/* What is odd goes to the end, when cropping as when padding. */
static tdnn_status center_plan(tdnn_plan_ctx *ctx)
{
    const tdnn_shape *in = &ctx->step->in[0]->shape, *out = &ctx->step->out[0]->shape;
    borders b = {0};
    for (int d = 0; d < in->ndim; d++) b.low[d] = (out->dim[d] - in->dim[d]) / 2;
    return plan_constant(ctx, &b, -1);
}

static const tdnn_attr center_attrs[] = {TDNN_INTS(center_params, axes), {0}};

const tdnn_op tdnn_op_CenterCropPad = {
    .schema = {TDNN_SCHEMA(CenterCropPad, 2, 2, 1, 1, center_attrs, center_params)},
    .infer = center_infer,
    .plan = center_plan,
    .exec = tdnn_exec_stand_ins,
};

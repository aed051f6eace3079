/* Operators that change how a tensor is seen, not what it holds: Identity, Reshape; and Shape. */
#include "lib/ops/move.h"

#include <string.h>

/* ---- copying what cannot be a view ---- */

static void copy_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    size_t begin, end;
    tdnn_task_range(step->out[0]->bytes, step->phases[0].task_count, task, &begin, &end);
    if (end > begin)
        memcpy((char *)step->out[0]->data + begin, (const char *)step->in[0]->data + begin,
               end - begin);
}

tdnn_status tdnn_plan_view(tdnn_plan_ctx *ctx)
{
    ctx->step->kernel = "view";
    if (tdnn_plan_alias(ctx, 0, 0, 0)) return TDNN_OK;
    ctx->step->kernel = "copy";
    tdnn_plan_phase(ctx, copy_run,
                    tdnn_plan_split(ctx, (double)ctx->step->out[0]->bytes / 4, SIZE_MAX));
    return TDNN_OK;
}

/* ---- Identity ---- */

static tdnn_status identity_exec(tdnn_exec *ctx)
{
    return tdnn_exec_keep(ctx, ctx->in[0], &ctx->out[0]);
}

const tdnn_op tdnn_op_Identity = {
    .schema = {TDNN_SCHEMA_PLAIN(Identity, 1, 1, 1, 1)},
    .flags = TDNN_OP_LISTS,
    .infer = tdnn_infer_same,
    .layout = tdnn_layout_follow,
    .plan = tdnn_plan_view,
    .exec = identity_exec,
};

/* ---- Reshape ---- */

static tdnn_status reshape_infer(tdnn_infer *ctx)
{
    const tdnn_reshape_params *p = ctx->params;
    const tdnn_shape *from = &ctx->in[0]->shape;
    tdnn_ints wanted;
    TDNN_TRY(tdnn_infer_ints(ctx, 1, &wanted));
    if (wanted.count > TDNN_MAX_DIMS)
        return TDNN_FAIL(ctx->err, TDNN_ERR_LIMIT, "%zu dimensions, the limit is %d",
                         wanted.count, TDNN_MAX_DIMS);
    tdnn_shape to = {.ndim = (int)wanted.count};
    int free_axis = -1;
    int64_t rest = 1, count = tdnn_shape_count(from);
    for (int i = 0; i < to.ndim; i++) {
        int64_t d = wanted.at[i];
        if (d == 0 && !p->allowzero) {
            if (i >= from->ndim)
                return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                                 "dimension %d is copied from a tensor with %d dimensions", i,
                                 from->ndim);
            d = from->dim[i];
        }
        if (d < -1 || (d == -1 && free_axis >= 0))
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                             "dimension %d is %lld, expected 0 or more, or one -1", i,
                             (long long)d);
        if (d == -1) free_axis = i;
        else if (__builtin_mul_overflow(rest, d, &rest))
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "the new shape has too many elements");
        to.dim[i] = d;
    }
    if (free_axis >= 0) to.dim[free_axis] = rest ? count / rest : 0;
    if (tdnn_shape_count(&to) != count) {
        char a[TDNN_SHAPE_TEXT], b[TDNN_SHAPE_TEXT];
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "a tensor of shape %s cannot have shape %s",
                         tdnn_shape_text(from, a), tdnn_shape_text(&to, b));
    }
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &to);
    return TDNN_OK;
}

static const tdnn_attr reshape_attrs[] = {TDNN_INT(tdnn_reshape_params, allowzero, 0), {0}};

const tdnn_op tdnn_op_Reshape = {
    .schema = {TDNN_SCHEMA(Reshape, 2, 2, 1, 1, reshape_attrs, tdnn_reshape_params)},
    .infer = reshape_infer,
    .plan = tdnn_plan_view,
    .exec = tdnn_exec_stand_ins,
};

/* ---- Shape ---- */

typedef struct shape_params {
    int64_t start, end;
} shape_params;

static int64_t clamp_axis(int64_t axis, int ndim)
{
    if (axis < 0) axis += ndim;
    return axis < 0 ? 0 : axis > ndim ? ndim : axis;
}

static tdnn_status shape_infer(tdnn_infer *ctx)
{
    const shape_params *p = ctx->params;
    const tdnn_shape *in = &ctx->in[0]->shape;
    int64_t begin = clamp_axis(p->start, in->ndim), end = clamp_axis(p->end, in->ndim);
    size_t count = end > begin ? (size_t)(end - begin) : 0;
    tdnn_tensor *contents;
    TDNN_TRY(tdnn_tensor_i64_vector(in->dim + begin, count, &contents, ctx->err));
    tdnn_infer_set(ctx, 0, TDNN_I64, &contents->shape);
    tdnn_infer_set_contents(ctx, 0, contents);
    return TDNN_OK;
}

static const tdnn_attr shape_attrs[] = {
    TDNN_INT(shape_params, start, 0),
    TDNN_INT(shape_params, end, INT64_MAX),
    {0},
};

/* Its result is known while planning: there is nothing to run. */
static tdnn_status shape_plan(tdnn_plan_ctx *ctx)
{
    return TDNN_FAIL(ctx->err, TDNN_ERR_INTERNAL, "a shape was to be computed at run time");
}

const tdnn_op tdnn_op_Shape = {
    .schema = {TDNN_SCHEMA(Shape, 1, 1, 1, 1, shape_attrs, shape_params)},
    .infer = shape_infer,
    .plan = shape_plan,
};

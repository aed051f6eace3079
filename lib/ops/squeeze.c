/* The other operators that only see a tensor differently: Flatten, Squeeze, Unsqueeze, Dropout;
 * and Size.
 */
#include "lib/ops/move.h"

/* ---- Flatten ---- */

static tdnn_status flatten_infer(tdnn_infer *ctx)
{
    const tdnn_axis_params *p = ctx->params;
    const tdnn_shape *in = &ctx->in[0]->shape;
    tdnn_shape out = {.ndim = 2, .dim = {1, 1}};
    const int64_t axis = p->axis < 0 ? p->axis + in->ndim : p->axis;
    if (axis < 0 || axis > in->ndim)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "axis %lld, expected %d to %d",
                         (long long)p->axis, -in->ndim, in->ndim);
    for (int d = 0; d < in->ndim; d++)
        if (__builtin_mul_overflow(out.dim[d >= axis], in->dim[d], &out.dim[d >= axis]))
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                             "a dimension of the result is too large");
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &out);
    return TDNN_OK;
}

static const tdnn_attr flatten_attrs[] = {TDNN_INT(tdnn_axis_params, axis, 1), {0}};

const tdnn_op tdnn_op_Flatten = {
    .schema = {TDNN_SCHEMA(Flatten, 1, 1, 1, 1, flatten_attrs, tdnn_axis_params)},
    .infer = flatten_infer,
    .plan = tdnn_plan_view,
    .exec = tdnn_exec_stand_ins,
};

/* ---- Squeeze, Unsqueeze ---- */

/* The axes as a set of bits, each once, of a tensor with `ndim` dimensions. */
static tdnn_status axis_set(const tdnn_few *axes, int ndim, unsigned *set, tdnn_error *err)
{
    *set = 0;
    for (size_t i = 0; i < axes->count; i++) {
        int axis;
        TDNN_TRY(tdnn_axis_resolve(axes->at[i], ndim, &axis, err));
        if (*set & 1u << axis)
            return TDNN_FAIL(err, TDNN_ERR_SHAPE, "axis %d is named twice", axis);
        *set |= 1u << axis;
    }
    return TDNN_OK;
}

static tdnn_status squeeze_infer(tdnn_infer *ctx)
{
    const tdnn_shape *in = &ctx->in[0]->shape;
    tdnn_shape out = {0};
    tdnn_few axes;
    unsigned set;
    TDNN_TRY(tdnn_infer_few(ctx, 1, &axes));
    TDNN_TRY(axis_set(&axes, in->ndim, &set, ctx->err));
    for (int d = 0; d < in->ndim; d++) {
        const bool drop = axes.given ? set >> d & 1 : in->dim[d] == 1;
        if (!drop)
            out.dim[out.ndim++] = in->dim[d];
        else if (in->dim[d] != 1)
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                             "dimension %d is %lld, only 1 can be squeezed", d,
                             (long long)in->dim[d]);
    }
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &out);
    return TDNN_OK;
}

const tdnn_op tdnn_op_Squeeze = {
    .schema = {TDNN_SCHEMA_PLAIN(Squeeze, 1, 2, 1, 1)},
    .infer = squeeze_infer,
    .plan = tdnn_plan_view,
    .exec = tdnn_exec_stand_ins,
};

static tdnn_status unsqueeze_infer(tdnn_infer *ctx)
{
    const tdnn_shape *in = &ctx->in[0]->shape;
    tdnn_shape out = {0};
    tdnn_few axes;
    unsigned set;
    TDNN_TRY(tdnn_infer_few(ctx, 1, &axes));
    if (in->ndim + (int)axes.count > TDNN_MAX_DIMS)
        return TDNN_FAIL(ctx->err, TDNN_ERR_LIMIT, "%d dimensions, the limit is %d",
                         in->ndim + (int)axes.count, TDNN_MAX_DIMS);
    out.ndim = in->ndim + (int)axes.count;
    TDNN_TRY(axis_set(&axes, out.ndim, &set, ctx->err));
    for (int d = 0, from = 0; d < out.ndim; d++)
        out.dim[d] = set >> d & 1 ? 1 : in->dim[from++];
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &out);
    return TDNN_OK;
}

const tdnn_op tdnn_op_Unsqueeze = {
    .schema = {TDNN_SCHEMA_PLAIN(Unsqueeze, 2, 2, 1, 1)},
    .infer = unsqueeze_infer,
    .plan = tdnn_plan_view,
    .exec = tdnn_exec_stand_ins,
};

/* ---- Size ---- */

static tdnn_status size_infer(tdnn_infer *ctx)
{
    const int64_t count = tdnn_shape_count(&ctx->in[0]->shape);
    const tdnn_shape scalar = {0};
    tdnn_tensor *contents;
    TDNN_TRY(tdnn_tensor_create(TDNN_I64, &scalar, &contents, ctx->err));
    *(int64_t *)contents->data = count;
    tdnn_infer_set(ctx, 0, TDNN_I64, &scalar);
    tdnn_infer_set_contents(ctx, 0, contents);
    return TDNN_OK;
}

static tdnn_status size_plan(tdnn_plan_ctx *ctx)
{
    return TDNN_FAIL(ctx->err, TDNN_ERR_INTERNAL, "a size was to be computed at run time");
}

const tdnn_op tdnn_op_Size = {
    .schema = {TDNN_SCHEMA_PLAIN(Size, 1, 1, 1, 1)},
    .infer = size_infer,
    .plan = size_plan,
};

/* ---- BitCast ---- */

typedef struct bit_cast_params {
    int64_t to;
} bit_cast_params;

static tdnn_status bit_cast_infer(tdnn_infer *ctx)
{
    const bit_cast_params *p = ctx->params;
    const tdnn_dtype from = ctx->in[0]->dtype;
    if (p->to <= TDNN_NONE || p->to >= TDNN_DTYPE_COUNT || p->to == TDNN_STRING ||
        from == TDNN_STRING || tdnn_dtype_bits((tdnn_dtype)p->to) != tdnn_dtype_bits(from))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "the bits of %s as those of type %lld",
                         tdnn_dtype_name(from), (long long)p->to);
    tdnn_infer_set(ctx, 0, (tdnn_dtype)p->to, &ctx->in[0]->shape);
    return TDNN_OK;
}

static const tdnn_attr bit_cast_attrs[] = {
    {.name = "to",
     .type = TDNN_ATTR_INT,
     .required = true,
     .offset = offsetof(bit_cast_params, to)},
    {0},
};

const tdnn_op tdnn_op_BitCast = {
    .schema = {TDNN_SCHEMA(BitCast, 1, 1, 1, 1, bit_cast_attrs, bit_cast_params)},
    .infer = bit_cast_infer,
    .plan = tdnn_plan_view,
};

/* Transpose, and the two operators that are a transposition of a tensor seen with more
 * dimensions: DepthToSpace and SpaceToDepth.
 */
#include "lib/ops/move.h"

#include <string.h>

/* Output dimension d has the extent and runs along dimension perm[d] of the input. */
static tdnn_status plan_permuted(tdnn_plan_ctx *ctx, tdnn_view view, const int *perm)
{
    tdnn_view from = view, to = view;
    ptrdiff_t stride = (ptrdiff_t)view.size;
    for (int d = view.ndim - 1; d >= 0; d--) {
        from.stride[d] = view.stride[perm[d]];
        to.dim[d] = view.dim[perm[d]];
        to.stride[d] = stride;
        stride *= (ptrdiff_t)to.dim[d];
    }
    const tdnn_move move = tdnn_move_make(0, &from, 0, &to, to.dim);
    return tdnn_plan_moves(ctx, &move, 1);
}

/* ---- Transpose ---- */

static tdnn_status resolve_perm(const tdnn_transpose_params *p, int ndim, int *perm,
                                tdnn_error *err)
{
    unsigned seen = 0;
    if (p->perm.given && p->perm.count != (size_t)ndim)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "perm has %zu entries, expected one for each of %d dimensions",
                         p->perm.count, ndim);
    for (int d = 0; d < ndim; d++) {
        perm[d] = ndim - 1 - d;
        if (p->perm.given) TDNN_TRY(tdnn_axis_resolve(p->perm.at[d], ndim, &perm[d], err));
        if (seen & 1u << perm[d])
            return TDNN_FAIL(err, TDNN_ERR_SHAPE, "perm has dimension %d twice", perm[d]);
        seen |= 1u << perm[d];
    }
    return TDNN_OK;
}

static tdnn_status transpose_infer(tdnn_infer *ctx)
{
    const tdnn_shape *in = &ctx->in[0]->shape;
    tdnn_shape out = {.ndim = in->ndim};
    int perm[TDNN_MAX_DIMS];
    TDNN_TRY(resolve_perm(ctx->params, in->ndim, perm, ctx->err));
    for (int d = 0; d < in->ndim; d++) out.dim[d] = in->dim[perm[d]];
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &out);
    return TDNN_OK;
}

/* ---- between channels first, in blocks, and channels last: blocks move as a whole ---- */

static const int64_t to_last[] = {0, 2, 3, 1}, to_first[] = {0, 3, 1, 2};

static bool is_perm(const tdnn_transpose_params *p, const int64_t *perm)
{
    return p->perm.given && p->perm.count == 4 && memcmp(p->perm.at, perm, 4 * sizeof *perm) == 0;
}

static void transpose_layout(tdnn_layout_query *q)
{
    const tdnn_info *in = q->in[0];
    const int64_t b = q->block;
    if (in->dtype != TDNN_F32 || in->shape.ndim != 4) return;
    if (is_perm(q->params, to_last) && in->layout == q->block && in->shape.dim[1] % b == 0)
        q->want[0] = q->block;
    if (is_perm(q->params, to_first) && in->layout == TDNN_LAYOUT_PLAIN && q->blocked_users &&
        in->shape.dim[3] % b == 0)
        q->give[0] = q->block;
}

static tdnn_status plan_blocks(tdnn_plan_ctx *ctx)
{
    static const int last[] = {0, 2, 3, 1, 4}, first[] = {0, 3, 1, 2, 4};
    const tdnn_tensor *in = ctx->step->in[0], *out = ctx->step->out[0];
    tdnn_view view = tdnn_view_of(in);
    if (in->layout != TDNN_LAYOUT_PLAIN) return plan_permuted(ctx, view, last);
    const int64_t b = out->layout;
    view.dim[3] /= b;
    view.stride[3] *= (ptrdiff_t)b;
    view.dim[4] = b;
    view.stride[4] = (ptrdiff_t)view.size;
    view.ndim = 5;
    return plan_permuted(ctx, view, first);
}

static tdnn_status transpose_plan(tdnn_plan_ctx *ctx)
{
    const tdnn_view view = tdnn_view_of(ctx->step->in[0]);
    int perm[TDNN_MAX_DIMS];
    if (ctx->step->in[0]->layout != TDNN_LAYOUT_PLAIN ||
        ctx->step->out[0]->layout != TDNN_LAYOUT_PLAIN)
        return plan_blocks(ctx);
    TDNN_TRY(resolve_perm(ctx->step->params, view.ndim, perm, ctx->err));
    return plan_permuted(ctx, view, perm);
}

static const tdnn_attr transpose_attrs[] = {TDNN_INTS(tdnn_transpose_params, perm), {0}};

const tdnn_op tdnn_op_Transpose = {
    .schema = {TDNN_SCHEMA(Transpose, 1, 1, 1, 1, transpose_attrs, tdnn_transpose_params)},
    .infer = transpose_infer,
    .layout = transpose_layout,
    .plan = transpose_plan,
    .exec = tdnn_exec_stand_ins,
};

/* ---- DepthToSpace, SpaceToDepth ---- */

typedef struct depth_params {
    int64_t blocksize, mode; /* mode: DCR 0, CRD 1 */
} depth_params;

static tdnn_status depth_check(tdnn_infer *ctx, int64_t *block)
{
    const depth_params *p = ctx->params;
    if (ctx->in[0]->shape.ndim != 4)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "a tensor with %d dimensions, expected N, C, H, W",
                         ctx->in[0]->shape.ndim);
    if (p->blocksize < 1 || p->blocksize > 1 << 20)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "blocksize %lld, expected 1 to %d",
                         (long long)p->blocksize, 1 << 20);
    *block = p->blocksize;
    return TDNN_OK;
}

static tdnn_status depth_to_space_infer(tdnn_infer *ctx)
{
    tdnn_shape s = ctx->in[0]->shape;
    int64_t b;
    TDNN_TRY(depth_check(ctx, &b));
    if (s.dim[1] % (b * b))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "%lld channels are no multiple of %lld",
                         (long long)s.dim[1], (long long)(b * b));
    s.dim[1] /= b * b;
    s.dim[2] *= b;
    s.dim[3] *= b;
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &s);
    return TDNN_OK;
}

/* The input as six dimensions, dense. */
static tdnn_view six_dims(const tdnn_tensor *t, const int64_t *dim)
{
    tdnn_view v = {.size = tdnn_view_of(t).size, .ndim = 6};
    ptrdiff_t stride = (ptrdiff_t)v.size;
    for (int d = 5; d >= 0; d--) {
        v.dim[d] = dim[d];
        v.stride[d] = stride;
        stride *= (ptrdiff_t)dim[d];
    }
    return v;
}

static tdnn_status depth_to_space_plan(tdnn_plan_ctx *ctx)
{
    const depth_params *p = ctx->step->params;
    const tdnn_tensor *in = ctx->step->in[0];
    const int64_t *s = in->shape.dim, b = p->blocksize, c = s[1] / (b * b);
    const int dcr[] = {0, 3, 4, 1, 5, 2}, crd[] = {0, 1, 4, 2, 5, 3};
    if (p->mode)
        return plan_permuted(ctx, six_dims(in, (int64_t[]){s[0], c, b, b, s[2], s[3]}), crd);
    return plan_permuted(ctx, six_dims(in, (int64_t[]){s[0], b, b, c, s[2], s[3]}), dcr);
}

static const char *const depth_modes[] = {"DCR", "CRD", NULL};

static const tdnn_attr depth_to_space_attrs[] = {
    {.name = "blocksize",
     .type = TDNN_ATTR_INT,
     .required = true,
     .offset = offsetof(depth_params, blocksize)},
    TDNN_ENUM(depth_params, mode, depth_modes, 0),
    {0},
};

const tdnn_op tdnn_op_DepthToSpace = {
    .schema = {TDNN_SCHEMA(DepthToSpace, 1, 1, 1, 1, depth_to_space_attrs, depth_params)},
    .infer = depth_to_space_infer,
    .plan = depth_to_space_plan,
    .exec = tdnn_exec_stand_ins,
};

static tdnn_status space_to_depth_infer(tdnn_infer *ctx)
{
    tdnn_shape s = ctx->in[0]->shape;
    int64_t b;
    TDNN_TRY(depth_check(ctx, &b));
    if (s.dim[2] % b || s.dim[3] % b)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "%lld x %lld pixels are no multiples of %lld", (long long)s.dim[2],
                         (long long)s.dim[3], (long long)b);
    s.dim[2] /= b;
    s.dim[3] /= b;
    if (__builtin_mul_overflow(s.dim[1], b * b, &s.dim[1]))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "the result has too many channels");
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &s);
    return TDNN_OK;
}

static tdnn_status space_to_depth_plan(tdnn_plan_ctx *ctx)
{
    const depth_params *p = ctx->step->params;
    const tdnn_tensor *in = ctx->step->in[0];
    const int64_t *s = in->shape.dim, b = p->blocksize;
    const int perm[] = {0, 3, 5, 1, 2, 4};
    return plan_permuted(ctx, six_dims(in, (int64_t[]){s[0], s[1], s[2] / b, b, s[3] / b, b}),
                         perm);
}

static const tdnn_attr space_to_depth_attrs[] = {
    {.name = "blocksize",
     .type = TDNN_ATTR_INT,
     .required = true,
     .offset = offsetof(depth_params, blocksize)},
    {0},
};

const tdnn_op tdnn_op_SpaceToDepth = {
    .schema = {TDNN_SCHEMA(SpaceToDepth, 1, 1, 1, 1, space_to_depth_attrs, depth_params)},
    .infer = space_to_depth_infer,
    .plan = space_to_depth_plan,
    .exec = tdnn_exec_stand_ins,
};

/* Conv: shapes, the choice of layout, and which way of computing it that means.
 *
 * Two spatial axes with whole blocks of channels run in channel-blocked layout. One and three
 * axes are cut into slices that do. Everything else (groups of odd sizes) runs plain, as a
 * matrix product.
 */
#include "lib/ops/conv.h"

#include <stdio.h>

static const tdnn_attr conv_attrs[] = {TDNN_WINDOW_ATTRS(tdnn_conv_params),
                                       TDNN_INT(tdnn_conv_params, group, 1),
                                       {0}};

static tdnn_status check_channels(const tdnn_shape *x, const tdnn_shape *w, int64_t group,
                                  tdnn_error *err)
{
    if (group < 1 || w->dim[0] % group)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "%lld output channels in %lld groups",
                         (long long)w->dim[0], (long long)group);
    if (w->dim[1] > INT32_MAX || w->dim[1] * group != x->dim[1])
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "input has %lld channels, the weights are for %lld groups of %lld",
                         (long long)x->dim[1], (long long)group, (long long)w->dim[1]);
    return TDNN_OK;
}

tdnn_status tdnn_conv_shape(const tdnn_conv_params *params, const tdnn_shape *x,
                            const tdnn_shape *w, tdnn_shape *y, tdnn_error *err)
{
    tdnn_windows windows;
    TDNN_TRY(tdnn_windows_resolve(&params->window, x, w, false, &windows, err));
    TDNN_TRY(check_channels(x, w, params->group, err));
    *y = (tdnn_shape){.ndim = x->ndim, .dim = {x->dim[0], w->dim[0]}};
    for (int i = 0; i < windows.rank; i++) y->dim[i + 2] = windows.axis[i].out;
    return TDNN_OK;
}

static tdnn_status conv_infer(tdnn_infer *ctx)
{
    const tdnn_conv_params *params = ctx->params;
    const tdnn_shape *x = &ctx->in[CONV_X]->shape, *w = &ctx->in[CONV_W]->shape;
    for (size_t i = 1; i < ctx->input_count; i++)
        if (ctx->in[i] && ctx->in[i]->dtype != ctx->in[0]->dtype)
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "input %zu is %s, input 0 is %s", i,
                             tdnn_dtype_name(ctx->in[i]->dtype),
                             tdnn_dtype_name(ctx->in[0]->dtype));
    tdnn_shape y;
    TDNN_TRY(tdnn_conv_shape(params, x, w, &y, ctx->err));
    char text[TDNN_SHAPE_TEXT], other[TDNN_SHAPE_TEXT];
    if (tdnn_infer_has(ctx, CONV_B)) {
        const tdnn_shape *b = &ctx->in[CONV_B]->shape;
        if (b->ndim != 1 || b->dim[0] != w->dim[0])
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "bias has the shape %s, expected %lld",
                             tdnn_shape_text(b, text), (long long)w->dim[0]);
    }
    if (tdnn_infer_has(ctx, CONV_RESIDUAL) &&
        !tdnn_shape_equal(&ctx->in[CONV_RESIDUAL]->shape, &y))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "residual has the shape %s, expected %s",
                         tdnn_shape_text(&ctx->in[CONV_RESIDUAL]->shape, text),
                         tdnn_shape_text(&y, other));
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &y);
    return TDNN_OK;
}

bool tdnn_conv_describe(const tdnn_conv_params *params, const tdnn_shape *x, const tdnn_shape *w,
                        const tdnn_shape *y, bool residual, tdnn_conv *out)
{
    tdnn_windows windows;
    if (x->ndim != 4 || tdnn_windows_resolve(&params->window, x, w, false, &windows, NULL))
        return false;
    const tdnn_window_axis *h = &windows.axis[0], *v = &windows.axis[1];
    *out = (tdnn_conv){
        .batch = (size_t)x->dim[0], .groups = (size_t)params->group,
        .ic = (size_t)x->dim[1], .ih = (size_t)x->dim[2], .iw = (size_t)x->dim[3],
        .oc = (size_t)y->dim[1], .oh = (size_t)y->dim[2], .ow = (size_t)y->dim[3],
        .kh = (size_t)h->kernel, .kw = (size_t)v->kernel,
        .stride_h = (size_t)h->stride, .stride_w = (size_t)v->stride,
        .dilation_h = (size_t)h->dilation, .dilation_w = (size_t)v->dilation,
        .pad_top = (size_t)h->pad, .pad_left = (size_t)v->pad,
        .act = tdnn_act_make(&params->activation),
    };
    if (residual)
        out->residual = params->residual_after ? TDNN_RESIDUAL_AFTER : TDNN_RESIDUAL_BEFORE;
    return true;
}

static void conv_layout(tdnn_layout_query *query)
{
    const tdnn_info *x = query->in[CONV_X];
    const size_t block = (size_t)query->block;
    tdnn_conv c, parts[2];
    if (x->dtype != TDNN_F32 ||
        !tdnn_conv_describe(query->params, &x->shape, &query->in[CONV_W]->shape,
                            &query->out[0].shape, false, &c))
        return;
    const bool first = x->layout == TDNN_LAYOUT_PLAIN && tdnn_conv_is_first(x->shape.dim[1]) &&
                       tdnn_conv_can(&c, TDNN_CONV_FIRST, block);
    if (!first && !tdnn_conv_can(&c, TDNN_CONV_BLOCK, block) &&
        !tdnn_conv_can(&c, TDNN_CONV_DEPTHWISE, block) &&
        !tdnn_conv_can(&c, TDNN_CONV_BY_TAP, block) && !tdnn_conv_split(&c, block, parts))
        return;
    query->give[0] = query->block;
    if (!first) query->want[CONV_X] = query->block;
    if (query->input_count > CONV_RESIDUAL && query->in[CONV_RESIDUAL])
        query->want[CONV_RESIDUAL] = query->block;
}

const char *tdnn_plan_kernel_name(tdnn_plan_ctx *ctx, const char *left, bool bf16)
{
    char *name = tdnn_plan_alloc(ctx, 64, 1);
    const tdnn_cpu level = ctx->kernels->level,
                   most = bf16 ? level : TDNN_CPU_AVX512; /* of those in f32 */
    if (name) snprintf(name, 64, "%s %s", left, tdnn_cpu_level_name(level < most ? level : most));
    return name;
}

static tdnn_status conv_plan(tdnn_plan_ctx *ctx)
{
    const tdnn_conv_params *params = ctx->step->params;
    const tdnn_tensor *y = ctx->step->out[0], *w = ctx->step->in[CONV_W];
    const int64_t outputs = tdnn_shape_count(&y->shape), weights = tdnn_shape_count(&w->shape);
    if (outputs == 0) return TDNN_OK;
    ctx->step->flops =
        (uint64_t)(2.0 * (double)outputs * (double)weights / (double)w->shape.dim[0]);
    ctx->step->moved = ctx->step->in[CONV_X]->bytes + y->bytes + w->bytes;
    if (y->layout) return tdnn_conv_plan_blocked(ctx);
    if (y->dtype == TDNN_F32 && y->shape.ndim <= 5) {
        bool done;
        TDNN_TRY(tdnn_conv_plan_volume(ctx, &done));
        return done ? TDNN_OK : tdnn_conv_plan_plain(ctx);
    }
    tdnn_windows windows;
    TDNN_TRY(tdnn_windows_resolve(&params->window, &ctx->step->in[CONV_X]->shape, &w->shape,
                                  false, &windows, ctx->err));
    return tdnn_conv_plan_wide(ctx, &windows, (size_t)params->group, false, &params->activation);
}

const tdnn_op tdnn_op_Conv = {
    .schema = {TDNN_SCHEMA(Conv, 2, 4, 1, 1, conv_attrs, tdnn_conv_params), .since = 1},
    .later = 1u << CONV_W,
    .infer = conv_infer,
    .layout = conv_layout,
    .plan = conv_plan,
};

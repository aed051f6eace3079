/* ConvInteger and QLinearConv: convolutions of bytes, whose sums are given as they are, or as
 * bytes again.
 */
#include "lib/ops/conv_x8.h"

/* Inputs of ConvInteger: x, w, x_zero?, w_zero?; of QLinearConv: x, x_scale, x_zero, w,
 * w_scale, w_zero, y_scale, y_zero, bias? */
static bool is_linear(const tdnn_step *s) { return s->node->op->kind == TDNN_OP_QLinearConv; }
static size_t weights_at(const tdnn_step *s) { return is_linear(s) ? 3 : 1; }
static size_t zeros_at(const tdnn_step *s) { return is_linear(s) ? 5 : 3; }
static const tdnn_tensor *optional(const tdnn_step *s, size_t at)
{
    return at < s->input_count ? s->in[at] : NULL;
}

/* ---- shapes ---- */

static tdnn_status read_shapes(const tdnn_conv_params *p, const tdnn_shape *x,
                               const tdnn_shape *w, tdnn_windows *windows, tdnn_error *err)
{
    char tx[TDNN_SHAPE_TEXT], tw[TDNN_SHAPE_TEXT];
    TDNN_TRY(tdnn_windows_resolve(&p->window, x, w, false, windows, err));
    if (windows->rank > 3)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "an integer convolution in %d dimensions",
                         windows->rank);
    if (p->group < 1 || p->group > INT32_MAX || w->dim[1] > INT32_MAX || w->dim[0] % p->group ||
        w->dim[1] * p->group != x->dim[1])
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "weights of shape %s in %lld groups for an input of shape %s",
                         tdnn_shape_text(w, tw), (long long)p->group, tdnn_shape_text(x, tx));
    return TDNN_OK;
}

static tdnn_status infer_any(tdnn_infer *ctx, size_t w_at, size_t w_zero, tdnn_dtype out)
{
    tdnn_windows windows;
    TDNN_TRY(tdnn_expect_bytes(ctx->in[0], "the input", ctx->err));
    TDNN_TRY(tdnn_expect_bytes(ctx->in[w_at], "the weights", ctx->err));
    const tdnn_shape *x = &ctx->in[0]->shape, *w = &ctx->in[w_at]->shape;
    TDNN_TRY(read_shapes(ctx->params, x, w, &windows, ctx->err));
    const tdnn_info *x_zero = tdnn_infer_has(ctx, 2) ? ctx->in[2] : NULL;
    const tdnn_info *zeros = tdnn_infer_has(ctx, w_zero) ? ctx->in[w_zero] : NULL;
    TDNN_TRY(tdnn_expect_one_or(x_zero, 1, "the input's zero point", ctx->err));
    TDNN_TRY(tdnn_expect_one_or(zeros, w->dim[0], "the weights' zero point", ctx->err));
    tdnn_shape y = *x;
    y.dim[1] = w->dim[0];
    for (int i = 0; i < windows.rank; i++) y.dim[i + 2] = windows.axis[i].out;
    tdnn_infer_set(ctx, 0, out, &y);
    return TDNN_OK;
}

static tdnn_status infer_integer(tdnn_infer *ctx) { return infer_any(ctx, 1, 3, TDNN_I32); }

static tdnn_status infer_linear(tdnn_infer *ctx)
{
    const int64_t oc = ctx->in[3]->shape.ndim ? ctx->in[3]->shape.dim[0] : 0;
    TDNN_TRY(tdnn_expect_bytes(ctx->in[7], "the output's zero point", ctx->err));
    TDNN_TRY(infer_any(ctx, 3, 5, ctx->in[7]->dtype));
    TDNN_TRY(tdnn_expect_one_or(ctx->in[1], 1, "the input's scale", ctx->err));
    TDNN_TRY(tdnn_expect_one_or(ctx->in[4], oc, "the weights' scale", ctx->err));
    TDNN_TRY(tdnn_expect_one_or(ctx->in[6], 1, "the output's scale", ctx->err));
    TDNN_TRY(tdnn_expect_one_or(ctx->in[7], 1, "the output's zero point", ctx->err));
    if (tdnn_infer_has(ctx, 8) &&
        (ctx->in[8]->dtype != TDNN_I32 || tdnn_shape_count(&ctx->in[8]->shape) != oc))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "a bias of type %s with %lld elements, expected %lld of i32",
                         tdnn_dtype_name(ctx->in[8]->dtype),
                         (long long)tdnn_shape_count(&ctx->in[8]->shape), (long long)oc);
    return TDNN_OK;
}

/* ---- run ---- */

static int input_zero(const tdnn_step *s)
{
    return tdnn_zero_at(optional(s, 2), 0) + (s->in[0]->dtype == TDNN_I8 ? 128 : 0);
}

static void pack(const tdnn_step *s, size_t task, size_t worker)
{
    (void)task, (void)worker;
    tdnn_conv_x8_pack(s, s->data, weights_at(s), zeros_at(s));
}

static void fill(const tdnn_step *s, size_t task, size_t worker)
{
    const tdnn_x8_source from = {.x = s->in[0], .zero = input_zero(s)};
    tdnn_conv_x8_fill(s, s->data, &from, task, worker);
}

static void finish_integer(const tdnn_step *s, const tdnn_x8_part *part)
{
    const tdnn_conv_x8 *d = s->data;
    const size_t channels = (size_t)s->out[0]->shape.dim[1];
    int32_t *y = (int32_t *)s->out[0]->data +
                 (part->image * channels + part->channel) * d->out_pixels + part->first;
    const uint32_t zero = (uint32_t)input_zero(s);
    for (size_t i = 0; i < part->count; i++)
        for (size_t l = 0; l < TDNN_X8_LANES; l++)
            part->sums[i * TDNN_X8_LANES + l] =
                (int32_t)((uint32_t)part->sums[i * TDNN_X8_LANES + l] -
                          zero * (uint32_t)part->weight_sums[l]);
    s->kernels->transpose_x32(y, d->out_pixels * sizeof *y, part->sums,
                              TDNN_X8_LANES * sizeof *y, part->count, part->lanes);
}

/* y = saturate(round((sum + bias) * factor) + zero) */
static void finish_linear(const tdnn_step *s, const tdnn_x8_part *part)
{
    const tdnn_conv_x8 *d = s->data;
    const tdnn_tensor *bias = optional(s, 8);
    const uint32_t zero = (uint32_t)input_zero(s);
    const int low = s->out[0]->dtype == TDNN_I8 ? -128 : 0, y_zero = tdnn_zero_at(s->in[7], 0);
    float factor[TDNN_X8_LANES], *scaled = part->scratch,
                                 *planes = scaled + TDNN_X8_PIXELS * TDNN_X8_LANES;
    int32_t offset[TDNN_X8_LANES];
    for (size_t l = 0; l < part->lanes; l++) {
        const size_t c = part->channel + l;
        factor[l] = tdnn_scale_at(s->in[1], 0) * tdnn_scale_at(s->in[4], c) /
                    tdnn_scale_at(s->in[6], 0);
        offset[l] = (int32_t)(zero * (uint32_t)part->weight_sums[l] -
                              (bias ? (uint32_t)((const int32_t *)bias->data)[c] : 0));
    }
    const tdnn_rescale how = {.offset = offset, .factor = factor};
    s->kernels->rescale_x32(scaled, TDNN_X8_LANES, part->sums, part->count, part->lanes, &how);
    s->kernels->transpose_x32(planes, part->count * sizeof(float), scaled,
                              TDNN_X8_LANES * sizeof(float), part->count, part->lanes);
    const size_t channels = (size_t)s->out[0]->shape.dim[1];
    uint8_t *y = (uint8_t *)s->out[0]->data +
                 (part->image * channels + part->channel) * d->out_pixels + part->first;
    for (size_t l = 0; l < part->lanes; l++)
        s->kernels->quantize_x8(y + l * d->out_pixels, planes + l * part->count, part->count, 1,
                                y_zero, low, low + 255);
}

static void run(const tdnn_step *s, size_t task, size_t worker)
{
    tdnn_conv_x8_run(s, s->data, is_linear(s) ? finish_linear : finish_integer, task, worker);
}

static tdnn_status plan_conv(tdnn_plan_ctx *ctx)
{
    tdnn_step *s = ctx->step;
    const tdnn_conv_params *p = s->params;
    tdnn_conv_x8 *d = tdnn_plan_alloc(ctx, 1, sizeof *d);
    tdnn_windows windows;
    if (!d) return TDNN_NO_MEMORY(ctx->err);
    TDNN_TRY(read_shapes(p, &s->in[0]->shape, &s->in[weights_at(s)]->shape, &windows, ctx->err));
    if (tdnn_shape_count(&s->out[0]->shape) == 0) return TDNN_OK;
    TDNN_TRY(tdnn_conv_x8_plan(ctx, d, &windows, (size_t)p->group, weights_at(s), zeros_at(s)));
    tdnn_conv_x8_phases(ctx, d, pack, fill, run);
    return TDNN_OK;
}

static const tdnn_attr attrs[] = {
    TDNN_WINDOW_ATTRS(tdnn_conv_params), TDNN_INT(tdnn_conv_params, group, 1), {0}};
const tdnn_op tdnn_op_ConvInteger = {
    .schema = {TDNN_SCHEMA(ConvInteger, 2, 4, 1, 1, attrs, tdnn_conv_params)},
    .infer = infer_integer,
    .plan = plan_conv,
};
const tdnn_op tdnn_op_QLinearConv = {
    .schema = {TDNN_SCHEMA(QLinearConv, 8, 9, 1, 1, attrs, tdnn_conv_params)},
    .infer = infer_linear,
    .plan = plan_conv,
};

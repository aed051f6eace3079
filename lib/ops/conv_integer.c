/* ConvInteger and QLinearConv, in one to three dimensions: windows of some pixels are laid out
 * as the columns of a matrix of 16-bit numbers, which the weights multiply.
 */
#include "lib/ops/integer.h"
#include "lib/ops/window.h"

#include <string.h>

enum { PIXELS = 128 }; /* of the output at a time; a multiple of TDNN_I16_COLUMNS */
_Static_assert(PIXELS % TDNN_I16_COLUMNS == 0, "whole groups of columns");

typedef struct conv_params {
    tdnn_window window;
    int64_t group;
} conv_params;

typedef struct conv_data {
    bool quantized;               /* QLinearConv */
    size_t batch, groups, ic, oc; /* channels of a group */
    tdnn_window_axis axis[3];     /* depth, height, width */
    size_t in_pixels, out_pixels;
    size_t k, pairs, blocks, tasks; /* blocks: of PIXELS */
    const int16_t *packed;          /* weights; NULL: in the shared scratch */
} conv_data;

static const tdnn_tensor *weights(const tdnn_step *s, bool quantized)
{
    return s->in[quantized ? 3 : 1];
}
static const tdnn_tensor *optional(const tdnn_step *s, size_t at)
{
    return at < s->input_count ? s->in[at] : NULL;
}

/* ---- weights: rows of 16-bit numbers, an even number of them ---- */

typedef struct pack_context {
    const tdnn_tensor *w, *zero;
    size_t rows, k, pairs;
} pack_context;

static void pack_rows(const pack_context *c, void *out)
{
    int16_t *to = out;
    memset(to, 0, c->rows * c->pairs * 2 * sizeof *to);
    for (size_t r = 0; r < c->rows; r++)
        tdnn_widen_i16(to + r * c->pairs * 2, 1, (const uint8_t *)c->w->data + r * c->k,
                       c->w->dtype, 1, tdnn_zero_at(c->zero, r), c->k);
}

static tdnn_status pack_weights(void *context, const tdnn_tensor *const *source, void *out,
                                tdnn_error *err)
{
    (void)source, (void)err;
    pack_rows(context, out);
    return TDNN_OK;
}

static void run_pack(const tdnn_step *s, size_t task, size_t worker)
{
    (void)task, (void)worker;
    const conv_data *d = s->data;
    pack_context c = {weights(s, d->quantized), optional(s, d->quantized ? 5 : 3),
                      d->groups * d->oc, d->k, d->pairs};
    pack_rows(&c, s->shared);
}

/* ---- windows as columns ---- */

/* Output columns first .. end-1 of a row, for one weight's place: `ix` is where column 0 reads.
 */
static void fill_line(int16_t *to, const uint8_t *row, tdnn_dtype type, int zero, int64_t ix,
                      const tdnn_window_axis *w, int64_t first, int64_t end)
{
    int64_t low = first, high = end;
    while (low < high && ix + low * w->stride < 0) low++;
    while (high > low && ix + (high - 1) * w->stride >= w->in) high--;
    for (int64_t o = first; o < low; o++) to[2 * (o - first)] = 0;
    for (int64_t o = high; o < end; o++) to[2 * (o - first)] = 0;
    if (high > low)
        tdnn_widen_i16(to + 2 * (low - first), 2, row + ix + low * w->stride, type,
                       (size_t)w->stride, zero, (size_t)(high - low));
}

/* One weight's place (kz, ky, kx) in a channel, for pixels first .. first+n-1. */
static void fill_place(const conv_data *d, int16_t *to, const uint8_t *channel, tdnn_dtype type,
                       int zero, const int64_t *place, size_t first, size_t n)
{
    const tdnn_window_axis *z = &d->axis[0], *y = &d->axis[1], *x = &d->axis[2];
    for (size_t done = 0; done < n;) {
        const int64_t pixel = (int64_t)(first + done), ox = pixel % x->out,
                      oy = pixel / x->out % y->out;
        const int64_t oz = pixel / x->out / y->out, left = (int64_t)(n - done);
        const int64_t end = x->out - ox < left ? x->out : ox + left;
        const int64_t iz = oz * z->stride + place[0] * z->dilation - z->pad;
        const int64_t iy = oy * y->stride + place[1] * y->dilation - y->pad;
        const int64_t ix = place[2] * x->dilation - x->pad;
        int16_t *line = to + 2 * done;
        if (iz < 0 || iz >= z->in || iy < 0 || iy >= y->in)
            for (int64_t o = ox; o < end; o++) line[2 * (o - ox)] = 0;
        else
            fill_line(line, channel + (iz * y->in + iy) * x->in, type, zero, ix, x, ox, end);
        done += (size_t)(end - ox);
    }
}

static void fill_columns(const tdnn_step *s, const conv_data *d, int16_t *columns, size_t image,
                         size_t group, size_t first, size_t n)
{
    const tdnn_tensor *x = s->in[0];
    const int zero = tdnn_zero_at(optional(s, 2), 0);
    size_t row = 0;
    for (size_t c = 0; c < d->ic; c++) {
        const size_t plane = (image * d->groups + group) * d->ic + c;
        const uint8_t *channel = (const uint8_t *)x->data + plane * d->in_pixels;
        int64_t place[3];
        for (place[0] = 0; place[0] < d->axis[0].kernel; place[0]++)
            for (place[1] = 0; place[1] < d->axis[1].kernel; place[1]++)
                for (place[2] = 0; place[2] < d->axis[2].kernel; place[2]++, row++)
                    fill_place(d, columns + row / 2 * PIXELS * 2 + row % 2, channel, x->dtype,
                               zero, place, first, n);
    }
    if (row % 2)
        for (size_t i = 0; i < n; i++) columns[row / 2 * PIXELS * 2 + 2 * i + 1] = 0;
}

/* ---- run ---- */

static void finish(const tdnn_step *s, const conv_data *d, size_t plane, size_t channel,
                   size_t first, size_t n, const int32_t *sum)
{
    const size_t at = plane * d->out_pixels + first;
    if (!d->quantized) {
        memcpy((int32_t *)s->out[0]->data + at, sum, n * sizeof *sum);
        return;
    }
    const tdnn_tensor *bias = optional(s, 8);
    const float factor = tdnn_scale_at(s->in[1], 0) * tdnn_scale_at(s->in[4], channel) /
                         tdnn_scale_at(s->in[6], 0);
    tdnn_requantize_row((uint8_t *)s->out[0]->data + at, s->out[0]->dtype, sum, n,
                        bias ? ((const int32_t *)bias->data)[channel] : 0, factor,
                        tdnn_zero_at(s->in[7], 0));
}

static void run(const tdnn_step *s, size_t task, size_t worker)
{
    const conv_data *d = s->data;
    const int16_t *w = d->packed ? d->packed : (const int16_t *)(const void *)s->shared;
    int16_t *columns = (int16_t *)(void *)(s->scratch + worker * s->scratch_stride);
    int32_t *sums = (int32_t *)(void *)(columns + d->pairs * PIXELS * 2);
    size_t unit, end;
    tdnn_task_range(d->batch * d->groups * d->blocks, d->tasks, task, &unit, &end);
    for (; unit < end; unit++) {
        const size_t first = unit % d->blocks * PIXELS, group = unit / d->blocks % d->groups;
        const size_t image = unit / d->blocks / d->groups;
        const size_t n = d->out_pixels - first < PIXELS ? d->out_pixels - first : PIXELS;
        fill_columns(s, d, columns, image, group, first, n);
        s->kernels->gemm_i16(sums, PIXELS, w + group * d->oc * d->pairs * 2, d->pairs * 2,
                             columns, PIXELS, d->oc, tdnn_round_up(n, TDNN_I16_COLUMNS),
                             d->pairs);
        for (size_t c = 0; c < d->oc; c++) {
            const size_t channel = group * d->oc + c;
            finish(s, d, image * d->groups * d->oc + channel, channel, first, n,
                   sums + c * PIXELS);
        }
    }
}

/* ---- plan ---- */

static tdnn_status read_shapes(const conv_params *p, const tdnn_shape *x, const tdnn_shape *w,
                               tdnn_windows *windows, tdnn_error *err)
{
    char tx[TDNN_SHAPE_TEXT], tw[TDNN_SHAPE_TEXT];
    TDNN_TRY(tdnn_windows_resolve(&p->window, x, w, false, windows, err));
    if (windows->rank > 3)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "an integer convolution in %d dimensions",
                         windows->rank);
    if (p->group < 1 || w->dim[0] % p->group || w->dim[1] * p->group != x->dim[1])
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

static tdnn_status plan_weights(tdnn_plan_ctx *ctx, conv_data *d)
{
    const size_t w_at = d->quantized ? 3 : 1, zero_at = d->quantized ? 5 : 3;
    const tdnn_tensor *w = ctx->constants[w_at];
    const tdnn_tensor *zero = zero_at < ctx->step->input_count ? ctx->constants[zero_at] : NULL;
    const size_t rows = d->groups * d->oc, bytes = rows * d->pairs * 2 * sizeof(int16_t);
    if (w && (zero || !optional(ctx->step, zero_at))) {
        pack_context context = {w, zero, rows, d->k, d->pairs};
        const tdnn_pack_key key = {.what = "conv i16", .source = {w, zero}};
        const void *packed;
        TDNN_TRY(tdnn_plan_pack(ctx, &key, bytes, pack_weights, &context, sizeof context, &packed));
        d->packed = packed;
        return TDNN_OK;
    }
    tdnn_plan_shared(ctx, bytes);
    tdnn_plan_phase(ctx, run_pack, 1);
    return TDNN_OK;
}

static tdnn_status plan_conv(tdnn_plan_ctx *ctx)
{
    tdnn_step *s = ctx->step;
    const conv_params *p = s->params;
    conv_data *d = tdnn_plan_alloc(ctx, 1, sizeof *d);
    tdnn_windows windows;
    if (!d) return TDNN_NO_MEMORY(ctx->err);
    d->quantized = s->node->op->kind == TDNN_OP_QLinearConv;
    const tdnn_shape *x = &s->in[0]->shape, *w = &weights(s, d->quantized)->shape;
    TDNN_TRY(read_shapes(p, x, w, &windows, ctx->err));
    for (int i = 0; i < 3; i++)
        d->axis[i] =
            i < 3 - windows.rank
                ? (tdnn_window_axis){.in = 1, .out = 1, .kernel = 1, .stride = 1, .dilation = 1}
                : windows.axis[i - (3 - windows.rank)];
    d->batch = (size_t)x->dim[0];
    d->groups = (size_t)p->group;
    d->ic = (size_t)w->dim[1], d->oc = (size_t)w->dim[0] / d->groups;
    d->in_pixels = d->out_pixels = 1, d->k = d->ic;
    for (int i = 0; i < 3; i++) {
        d->in_pixels *= (size_t)d->axis[i].in;
        d->out_pixels *= (size_t)d->axis[i].out;
        d->k *= (size_t)d->axis[i].kernel;
    }
    d->pairs = (d->k + 1) / 2;
    if (tdnn_shape_count(&s->out[0]->shape) == 0) return TDNN_OK;
    size_t columns, sums;
    if (!tdnn_size_mul(d->pairs, 4 * PIXELS, &columns) ||
        !tdnn_size_mul(d->oc, 4 * PIXELS, &sums))
        return TDNN_FAIL(ctx->err, TDNN_ERR_LIMIT, "the weights are too large");
    TDNN_TRY(plan_weights(ctx, d));
    tdnn_plan_scratch(ctx, columns + sums);
    d->blocks = (d->out_pixels + PIXELS - 1) / PIXELS;
    const double flops = 2 * (double)tdnn_shape_count(&s->out[0]->shape) * (double)d->k;
    s->flops = (uint64_t)flops;
    s->kernel = "conv i16";
    d->tasks = tdnn_plan_split(ctx, flops, d->batch * d->groups * d->blocks);
    tdnn_plan_phase(ctx, run, d->tasks);
    return TDNN_OK;
}

static const tdnn_attr attrs[] = {
    TDNN_WINDOW_ATTRS(conv_params), TDNN_INT(conv_params, group, 1), {0}};
const tdnn_op tdnn_op_ConvInteger = {
    .schema = {TDNN_SCHEMA(ConvInteger, 2, 4, 1, 1, attrs, conv_params)},
    .infer = infer_integer,
    .plan = plan_conv,
};
const tdnn_op tdnn_op_QLinearConv = {
    .schema = {TDNN_SCHEMA(QLinearConv, 8, 9, 1, 1, attrs, conv_params)},
    .infer = infer_linear,
    .plan = plan_conv,
};

/* ConvQuantized: a convolution of bytes between values of f32, as passes make it of what
 * exporters write in six to eight operators: quantisation of the input, sums, scales, bias,
 * quantisation of the output and activation. See lib/graph/params.h.
 */
#include "lib/ops/activation.h"
#include "lib/ops/conv_x8.h"

#include <string.h>

enum { LANES = TDNN_X8_LANES, FIRST_CHANNELS = 16, GRAIN = 4096 };

typedef struct quantized_data {
    tdnn_conv_x8 conv;
    float *factor, *bias; /* of all panels' lanes; bias: NULL: none */
    tdnn_x8_source from;  /* without x, which is there at run time  */
    bool dynamic;
    size_t lanes,
        lanes_at; /* of all panels; offsets and factors of each are in the shared scratch */
    size_t range_at, range_tasks, strips,
        strip; /* dynamic: in the shared scratch; parts of the input */
    float y_step;
    int y_zero, y_low;
    tdnn_act act;
} quantized_data;

static const tdnn_tensor *optional(const tdnn_step *s, size_t at)
{
    return at < s->input_count ? s->in[at] : NULL;
}

/* ---- the range of the input: f32, without the lanes of a block that are no channels ---- */

static float *range_of(const tdnn_step *s, const quantized_data *d)
{
    return (float *)(void *)(s->shared + d->range_at);
}

static void widen_range(const tdnn_step *s, float *range, const float *x, size_t n)
{
    const float low = s->kernels->row_min_f32(x, n), high = s->kernels->row_max_f32(x, n);
    if (low < range[0]) range[0] = low;
    if (high > range[1]) range[1] = high;
}

/* A strip is a block of channels of an image, or some of a plain tensor's elements. */
static void widen_by_strip(const tdnn_step *s, const quantized_data *d, float *range,
                           size_t strip)
{
    const tdnn_tensor *x = s->in[0];
    const float *data = x->data;
    if (x->layout == TDNN_LAYOUT_PLAIN) {
        const size_t all = (size_t)tdnn_shape_count(&x->shape), first = strip * d->strip;
        widen_range(s, range, data + first, all - first < d->strip ? all - first : d->strip);
        return;
    }
    const size_t block = (size_t)x->layout, channels = (size_t)x->shape.dim[1];
    const size_t blocks = (channels + block - 1) / block,
                 left = channels - strip % blocks * block;
    data += strip * d->strip;
    if (left >= block) {
        widen_range(s, range, data, d->strip);
        return;
    }
    float part[64];
    for (size_t i = 0, n = 0; i < d->strip; i += block) {
        memcpy(part + n, data + i, left * sizeof *part);
        n += left;
        if (n + block <= 64 && i + block < d->strip) continue;
        widen_range(s, range, part, n);
        n = 0;
    }
}

static void find_range(const tdnn_step *s, size_t task, size_t worker)
{
    (void)worker;
    const quantized_data *d = s->data;
    float range[2] = {0, 0};
    size_t strip, end;
    tdnn_task_range(d->strips, d->range_tasks, task, &strip, &end);
    for (; strip < end; strip++) widen_by_strip(s, d, range, strip);
    memcpy(range_of(s, d) + 2 * (task + 1), range, sizeof range);
}

/* The first two numbers become scale and zero point. */
static void choose(const tdnn_step *s, const quantized_data *d)
{
    float *range = range_of(s, d), low = 0, high = 0;
    int zero;
    for (size_t i = 1; i <= d->range_tasks; i++) {
        if (range[2 * i] < low) low = range[2 * i];
        if (range[2 * i + 1] > high) high = range[2 * i + 1];
    }
    tdnn_dynamic_scale(low, high, &range[0], &zero);
    range[1] = (float)zero;
}

static tdnn_x8_source source(const tdnn_step *s, const quantized_data *d)
{
    tdnn_x8_source from = d->from;
    from.x = s->in[0];
    if (!d->dynamic) return from;
    from.scale = range_of(s, d)[0];
    from.zero = (int)range_of(s, d)[1];
    return from;
}

static int32_t *offsets(const tdnn_step *s, const quantized_data *d)
{
    return (int32_t *)(void *)(s->shared + d->lanes_at);
}
static float *factors(const tdnn_step *s, const quantized_data *d)
{
    return (float *)(void *)(s->shared + d->lanes_at) + d->lanes;
}

/* What each lane's sums are less, and times, now that the input's scale and zero point are
 * known. */
static void prepare(const tdnn_step *s, size_t task, size_t worker)
{
    (void)task, (void)worker;
    const quantized_data *d = s->data;
    if (d->dynamic) choose(s, d);
    const tdnn_x8_source from = source(s, d);
    const int32_t *sums = tdnn_conv_x8_weight_sums(s, &d->conv);
    for (size_t l = 0; l < d->lanes; l++) {
        offsets(s, d)[l] = (int32_t)((uint32_t)from.zero * (uint32_t)sums[l]);
        factors(s, d)[l] = d->dynamic ? from.scale * d->factor[l] : d->factor[l];
    }
}

/* ---- run ---- */

static void fill(const tdnn_step *s, size_t task, size_t worker)
{
    const quantized_data *d = s->data;
    const tdnn_x8_source from = source(s, d);
    tdnn_conv_x8_fill(s, &d->conv, &from, task, worker);
}

static void store(const tdnn_step *s, const quantized_data *d, const tdnn_x8_part *part,
                  tdnn_rescale how)
{
    tdnn_tensor *y = s->out[0];
    const size_t pixels = d->conv.out_pixels, channels = (size_t)y->shape.dim[1];
    const size_t block = (size_t)y->layout;
    if (!block) {
        float *to =
            (float *)y->data + (part->image * channels + part->channel) * pixels + part->first;
        float *rows = part->scratch;
        s->kernels->rescale_x32(rows, LANES, part->sums, part->count, LANES, &how);
        if (d->act.kind) s->kernels->activate_f32(rows, rows, part->count * LANES, &d->act);
        s->kernels->transpose_x32(to, pixels * sizeof *to, rows, LANES * sizeof *rows,
                                  part->count, part->lanes);
        return;
    }
    const size_t blocks = (channels + block - 1) / block;
    for (size_t l = 0; l < part->lanes; l += block) {
        const size_t at =
            (part->image * blocks + (part->channel + l) / block) * pixels + part->first;
        float *to = (float *)y->data + at * block;
        s->kernels->rescale_x32(to, block, part->sums + l, part->count, block, &how);
        if (d->act.kind) s->kernels->activate_f32(to, to, part->count * block, &d->act);
        how.offset += block, how.factor += block;
        if (how.shift) how.shift += block;
    }
}

static void finish(const tdnn_step *s, const tdnn_x8_part *part)
{
    const quantized_data *d = s->data;
    store(s, d, part,
          (tdnn_rescale){.offset = offsets(s, d) + part->at,
                         .factor = factors(s, d) + part->at,
                         .shift = d->bias ? d->bias + part->at : NULL,
                         .step = d->y_step,
                         .zero = d->y_zero,
                         .low = d->y_low,
                         .high = d->y_low + 255});
}

static void run(const tdnn_step *s, size_t task, size_t worker)
{
    const quantized_data *d = s->data;
    tdnn_conv_x8_run(s, &d->conv, finish, task, worker);
}

/* ---- shapes and layouts ---- */

static tdnn_status check_scale(const tdnn_infer *ctx, size_t scale, size_t zero, tdnn_error *err)
{
    if (tdnn_infer_has(ctx, scale)) {
        TDNN_TRY(tdnn_expect_one_or(ctx->in[scale], 1, "a scale", err));
        if (ctx->in[scale]->dtype != TDNN_F32)
            return TDNN_FAIL(err, TDNN_ERR_SHAPE, "a scale other than f32");
    }
    if (!tdnn_infer_has(ctx, zero)) return TDNN_OK;
    TDNN_TRY(tdnn_expect_bytes(ctx->in[zero], "a zero point", err));
    return tdnn_expect_one_or(ctx->in[zero], 1, "a zero point", err);
}

static tdnn_status check_lanes(const tdnn_infer *ctx, size_t at, int64_t oc, const char *what)
{
    if (!tdnn_infer_has(ctx, at)) return TDNN_OK;
    TDNN_TRY(tdnn_expect_one_or(ctx->in[at], oc, what, ctx->err));
    if (ctx->in[at]->dtype == TDNN_F32) return TDNN_OK;
    return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "%s of type %s, expected f32", what,
                     tdnn_dtype_name(ctx->in[at]->dtype));
}

static tdnn_status infer(tdnn_infer *ctx)
{
    const tdnn_conv_params *p = ctx->params;
    const tdnn_info *x = ctx->in[TDNN_CONVQ_X], *w = ctx->in[TDNN_CONVQ_W];
    const bool bytes = x->dtype == TDNN_U8 || x->dtype == TDNN_I8;
    tdnn_windows windows;
    TDNN_TRY(tdnn_expect_bytes(w, "the weights", ctx->err));
    TDNN_TRY(tdnn_windows_resolve(&p->window, &x->shape, &w->shape, false, &windows, ctx->err));
    if (windows.rank > 3 || p->group < 1 || p->group > INT32_MAX ||
        w->shape.dim[1] > INT32_MAX || w->shape.dim[0] % p->group ||
        w->shape.dim[1] * p->group != x->shape.dim[1])
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "input and weights do not fit");
    if (!bytes && x->dtype != TDNN_F32 &&
        (x->dtype != TDNN_I32 || !tdnn_infer_has(ctx, TDNN_CONVQ_X_SCALE)))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "an input of type %s",
                         tdnn_dtype_name(x->dtype));
    if (!tdnn_infer_has(ctx, TDNN_CONVQ_FACTOR))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "there is no factor");
    const int64_t oc = w->shape.dim[0];
    const tdnn_info *zero =
        tdnn_infer_has(ctx, TDNN_CONVQ_W_ZERO) ? ctx->in[TDNN_CONVQ_W_ZERO] : NULL;
    TDNN_TRY(tdnn_expect_one_or(zero, oc, "the weights' zero point", ctx->err));
    if (zero && zero->dtype != w->dtype)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "the weights' zero point is of another type");
    TDNN_TRY(check_lanes(ctx, TDNN_CONVQ_FACTOR, oc, "the factor"));
    TDNN_TRY(check_lanes(ctx, TDNN_CONVQ_BIAS, oc, "the bias"));
    TDNN_TRY(check_scale(ctx, TDNN_CONVQ_X_SCALE, TDNN_CONVQ_X_ZERO, ctx->err));
    TDNN_TRY(check_scale(ctx, TDNN_CONVQ_Y_SCALE, TDNN_CONVQ_Y_ZERO, ctx->err));
    tdnn_shape y = x->shape;
    y.dim[1] = oc;
    for (int i = 0; i < windows.rank; i++) y.dim[i + 2] = windows.axis[i].out;
    tdnn_infer_set(ctx, 0, TDNN_F32, &y);
    return TDNN_OK;
}

/* Groups of channels must be whole panels or quads, or the blocks would not be theirs. */
static void layout(tdnn_layout_query *q)
{
    const tdnn_conv_params *p = q->params;
    const tdnn_info *x = q->in[0];
    const int64_t ic = q->in[TDNN_CONVQ_W]->shape.dim[1], oc = q->out[0].shape.dim[1];
    if (x->shape.ndim != 4) return;
    const bool alone = p->group == 1 || (ic == 1 && oc == p->group);
    if (q->blocked_users && (alone || oc / p->group % LANES == 0)) q->give[0] = q->block;
    if (x->dtype != TDNN_F32 || (!alone && ic % 4)) return;
    if (x->layout != TDNN_LAYOUT_PLAIN || x->shape.dim[1] > FIRST_CHANNELS) q->want[0] = q->block;
}

/* ---- plan ---- */

static tdnn_status spread(tdnn_plan_ctx *ctx, const tdnn_conv_x8 *c, size_t input, float **out)
{
    const tdnn_tensor *t = ctx->constants[input];
    *out = NULL;
    if (!optional(ctx->step, input)) return TDNN_OK;
    float *lanes = tdnn_plan_alloc(ctx, c->groups * c->panels * LANES, sizeof *lanes);
    if (!t)
        return TDNN_FAIL(ctx->err, TDNN_ERR_UNSUPPORTED,
                         "a factor or bias that is no constant");
    if (!lanes) return TDNN_NO_MEMORY(ctx->err);
    for (size_t i = 0; i < c->groups * c->oc; i++)
        lanes[(i / c->oc * c->panels + i % c->oc / LANES) * LANES + i % c->oc % LANES] =
            tdnn_scale_at(t, i);
    *out = lanes;
    return TDNN_OK;
}

/* A zero point as one of 0 .. 255; the lowest value of its type. */
static int unsigned_zero(const tdnn_tensor *zero, tdnn_dtype type)
{
    return tdnn_zero_at(zero, 0) + (type == TDNN_I8 ? 128 : 0);
}

static tdnn_status plan_scales(tdnn_plan_ctx *ctx, quantized_data *d)
{
    const tdnn_step *s = ctx->step;
    for (size_t i = TDNN_CONVQ_W; i < s->input_count; i++)
        if (s->in[i] && !ctx->constants[i])
            return TDNN_FAIL(ctx->err, TDNN_ERR_UNSUPPORTED, "input %zu is no constant", i);
    const tdnn_tensor *x_scale = optional(s, TDNN_CONVQ_X_SCALE),
                      *x_zero = optional(s, TDNN_CONVQ_X_ZERO);
    const tdnn_tensor *y_scale = optional(s, TDNN_CONVQ_Y_SCALE),
                      *y_zero = optional(s, TDNN_CONVQ_Y_ZERO);
    const tdnn_tensor *x = s->in[0];
    const bool bytes = x->dtype == TDNN_U8 || x->dtype == TDNN_I8;
    if (x_scale) d->from.scale = tdnn_scale_at(ctx->constants[TDNN_CONVQ_X_SCALE], 0);
    if (x_zero) x_zero = ctx->constants[TDNN_CONVQ_X_ZERO];
    d->from.zero = unsigned_zero(x_zero, x_zero ? x_zero->dtype : bytes ? x->dtype : TDNN_U8);
    d->dynamic = !x_scale && !bytes;
    if (!y_scale) return TDNN_OK;
    d->y_step = tdnn_scale_at(ctx->constants[TDNN_CONVQ_Y_SCALE], 0);
    if (y_zero) y_zero = ctx->constants[TDNN_CONVQ_Y_ZERO];
    d->y_zero = tdnn_zero_at(y_zero, 0);
    d->y_low = y_zero && y_zero->dtype == TDNN_I8 ? -128 : 0;
    return TDNN_OK;
}

static void plan_range(tdnn_plan_ctx *ctx, quantized_data *d)
{
    const tdnn_tensor *x = ctx->step->in[0];
    const size_t elements = x->bytes / sizeof(float);
    const size_t block = (size_t)x->layout;
    d->strip = block ? d->conv.in_pixels * block : GRAIN;
    d->strips = (elements + d->strip - 1) / d->strip;
    d->range_tasks = tdnn_plan_split(ctx, (double)elements, d->strips);
    d->range_at = d->lanes_at + 2 * d->lanes * sizeof(float);
    tdnn_plan_shared(ctx, d->range_at + 2 * (d->range_tasks + 1) * sizeof(float));
    tdnn_plan_phase(ctx, find_range, d->range_tasks);
}

static tdnn_status plan(tdnn_plan_ctx *ctx)
{
    tdnn_step *s = ctx->step;
    const tdnn_conv_params *p = s->params;
    quantized_data *d = tdnn_plan_alloc(ctx, 1, sizeof *d);
    tdnn_windows windows;
    if (!d) return TDNN_NO_MEMORY(ctx->err);
    TDNN_TRY(tdnn_windows_resolve(&p->window, &s->in[0]->shape, &s->in[TDNN_CONVQ_W]->shape,
                                  false, &windows, ctx->err));
    if (tdnn_shape_count(&s->out[0]->shape) == 0) return TDNN_OK;
    TDNN_TRY(plan_scales(ctx, d));
    TDNN_TRY(tdnn_conv_x8_plan(ctx, &d->conv, &windows, (size_t)p->group, TDNN_CONVQ_W,
                               TDNN_CONVQ_W_ZERO));
    TDNN_TRY(spread(ctx, &d->conv, TDNN_CONVQ_FACTOR, &d->factor));
    TDNN_TRY(spread(ctx, &d->conv, TDNN_CONVQ_BIAS, &d->bias));
    d->act = tdnn_act_make(&p->activation);
    d->lanes = d->conv.groups * d->conv.panels * LANES;
    d->lanes_at = d->conv.batch * d->conv.image;
    tdnn_plan_shared(ctx, d->lanes_at + 2 * d->lanes * sizeof(float));
    if (d->dynamic) plan_range(ctx, d);
    tdnn_plan_phase(ctx, prepare, 1);
    tdnn_conv_x8_phases(ctx, &d->conv, NULL, fill, run);
    s->moved = s->in[0]->bytes + s->out[0]->bytes;
    return TDNN_OK;
}

static const tdnn_attr attrs[] = {
    TDNN_WINDOW_ATTRS(tdnn_conv_params), TDNN_INT(tdnn_conv_params, group, 1), {0}};
const tdnn_op tdnn_op_ConvQuantized = {
    .schema = {TDNN_SCHEMA(ConvQuantized, 2, TDNN_CONVQ_INPUTS, 1, 1, attrs, tdnn_conv_params),
               .domain = "tinydnn"},
    .infer = infer,
    .layout = layout,
    .plan = plan,
};

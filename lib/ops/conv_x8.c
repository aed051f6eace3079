/* Convolutions of bytes: geometry, tasks and products. */
#include "lib/ops/conv_x8.h"

#include <string.h>

enum { LANES = TDNN_X8_LANES, PANELS = 4 }; /* PANELS: computed at a time */

/* ---- packing ---- */

typedef struct packing {
    const tdnn_conv_x8 *d;
    const tdnn_tensor *w, *zero;
} packing;

static size_t round4(size_t n) { return tdnn_round_up(n, 4); }

static int weight(const packing *p, size_t index)
{
    return p->w->dtype == TDNN_U8 ? ((const uint8_t *)p->w->data)[index] - 128
                                  : ((const int8_t *)p->w->data)[index];
}

static int weight_zero(const tdnn_tensor *w, const tdnn_tensor *zero, size_t channel)
{
    return tdnn_zero_at(zero, channel) - (w->dtype == TDNN_U8 ? 128 : 0);
}

/* One output channel: bytes by tap, pixel of the line and input channel. */
static int32_t pack_channel(const packing *p, int8_t *to, size_t channel)
{
    const tdnn_conv_x8 *d = p->d;
    const size_t places = d->places, wide = round4(d->ic);
    uint32_t sum = 0; /* as all sums here, modulo 2^32 */
    for (size_t c = 0; c < d->ic; c++)
        for (size_t place = 0; place < places; place++) {
            const size_t k = place * wide + c;
            const int v = weight(p, (channel * d->ic + c) * places + place);
            to[k / 4 * LANES * 4 + k % 4] = (int8_t)v;
            sum += (uint32_t)v;
        }
    return (int32_t)sum;
}

static void pack_depthwise(const packing *p, unsigned char *out, int32_t *sums)
{
    const tdnn_conv_x8 *d = p->d;
    int16_t *w = (int16_t *)(void *)(out + d->weights_at);
    for (size_t c = 0; c < d->oc; c++)
        for (size_t t = 0; t < d->k; t++) {
            const int v = weight(p, c * d->k + t) - weight_zero(p->w, p->zero, c);
            w[(c / LANES * d->k + t) * LANES + c % LANES] = (int16_t)v;
            sums[c] = (int32_t)((uint32_t)sums[c] + (uint32_t)v);
        }
}

static void pack_all(const packing *p, unsigned char *out)
{
    const tdnn_conv_x8 *d = p->d;
    int32_t *sums = (int32_t *)(void *)(out + d->sums_at),
            *zeros = (int32_t *)(void *)(out + d->zeros_at);
    memset(out, 0, d->packed_bytes);
    if (d->depthwise) {
        pack_depthwise(p, out, sums);
        return;
    }
    for (size_t i = 0; i < d->groups * d->oc; i++) {
        const size_t lane = i % d->oc % LANES, panel = i / d->oc * d->panels + i % d->oc / LANES;
        int8_t *to = (int8_t *)out + d->weights_at + panel * d->panel_bytes + lane * 4;
        const int zero = weight_zero(p->w, p->zero, i);
        sums[panel * LANES + lane] =
            (int32_t)((uint32_t)pack_channel(p, to, i) - (uint32_t)zero * (uint32_t)d->k);
        zeros[panel * LANES + lane] = zero;
    }
    int8_t *ones = (int8_t *)out + d->weights_at + d->groups * d->panels * d->panel_bytes;
    const size_t wide = round4(d->ic);
    for (size_t k = 0; d->ones && k < d->places * wide; k++)
        ones[k / 4 * LANES * 4 + k % 4] = k % wide < d->ic; /* in one lane */
}

static tdnn_status pack_constant(void *context, const tdnn_tensor *const *source, void *out,
                                 tdnn_error *err)
{
    const packing *p = context;
    const packing ready = {p->d, source[0], source[1]};
    (void)err;
    pack_all(&ready, out);
    return TDNN_OK;
}

void tdnn_conv_x8_pack(const tdnn_step *s, const tdnn_conv_x8 *d, size_t w_at, size_t zero_at)
{
    const packing p = {d, s->in[w_at], zero_at < s->input_count ? s->in[zero_at] : NULL};
    pack_all(&p, s->shared + d->batch * d->image);
}

/* ---- geometry ---- */

/* The windows' own arithmetic keeps each axis far from overflow; products of them are checked. */
static tdnn_status place_axes(tdnn_conv_x8 *d, const tdnn_windows *windows, tdnn_error *err)
{
    bool fits = true;
    d->in_pixels = d->out_pixels = d->places = 1;
    for (int i = 0; i < 3; i++) {
        tdnn_window_axis *a = &d->axis[i];
        *a = (tdnn_window_axis){
            .in = 1, .out = 1, .kernel = 1, .stride = 1, .dilation = 1, .reach = 1};
        if (i >= 3 - windows->rank) *a = windows->axis[i - (3 - windows->rank)];
        const int64_t read = (a->out - 1) * a->stride + a->reach, there = a->pad + a->in;
        d->extent[i] = (size_t)(read > there ? read : there);
        fits = fits && tdnn_size_mul(d->in_pixels, (size_t)a->in, &d->in_pixels) &&
               tdnn_size_mul(d->out_pixels, (size_t)a->out, &d->out_pixels) &&
               tdnn_size_mul(d->places, (size_t)a->kernel, &d->places);
    }
    if (fits && tdnn_size_mul(d->places, d->ic, &d->k)) return TDNN_OK;
    return TDNN_FAIL(err, TDNN_ERR_LIMIT, "more pixels or weights than can be counted");
}

/* The pixels of a kernel's line lie side by side, and are one tap, unless other groups are
 * between. */
static tdnn_status place_taps(tdnn_plan_ctx *ctx, tdnn_conv_x8 *d)
{
    const tdnn_window_axis *z = &d->axis[0], *y = &d->axis[1], *x = &d->axis[2];
    const bool joined = !d->depthwise && d->groups == 1 && x->dilation == 1;
    const int64_t columns = joined ? 1 : x->kernel;
    if (d->ic == 0) return TDNN_OK; /* no taps: all sums are 0 */
    d->dot.taps = (size_t)(z->kernel * y->kernel * columns);
    d->dot.quads = round4(d->ic) / 4 * (joined ? (size_t)x->kernel : 1);
    size_t *tap = tdnn_plan_alloc(ctx, d->dot.taps, sizeof *tap);
    if (!tap) return TDNN_NO_MEMORY(ctx->err);
    d->dot.tap = tap;
    for (int64_t i = 0; i < z->kernel; i++)
        for (int64_t j = 0; j < y->kernel; j++)
            for (int64_t l = 0; l < columns; l++)
                *tap++ = (size_t)(i * z->dilation) * d->extent[1] * d->line +
                         (size_t)(j * y->dilation) * d->line +
                         (size_t)(l * x->dilation) * d->pixel;
    return TDNN_OK;
}

/* A model may ask for more padding than there is input; a gigabyte of nothing else is no
 * network. */
static tdnn_status place_image(tdnn_plan_ctx *ctx, tdnn_conv_x8 *d)
{
    const size_t input = tdnn_round_up(ctx->step->in[0]->bytes, TDNN_ALIGN),
                 most = (size_t)1 << 30;
    size_t lines, bytes, all = 0;
    const bool fits = tdnn_size_mul(d->groups, round4(d->ic), &d->pixel) &&
                      (!d->depthwise || (d->pixel = tdnn_round_up(d->oc, LANES))) &&
                      tdnn_size_mul(d->extent[2], d->pixel, &d->line) &&
                      tdnn_size_mul(d->extent[0], d->extent[1], &lines) &&
                      tdnn_size_mul(lines, d->line, &bytes) && bytes <= SIZE_MAX - TDNN_ALIGN &&
                      tdnn_size_mul(tdnn_round_up(bytes, TDNN_ALIGN), d->batch, &all);
    if (!fits || (all > most && all / 16 > input))
        return TDNN_FAIL(
            ctx->err, TDNN_ERR_LIMIT,
            "an input of %zu bytes with padding to %zu x %zu x %zu pixels, which is too large",
            ctx->step->in[0]->bytes, d->extent[0], d->extent[1], d->extent[2]);
    d->image = tdnn_round_up(bytes, TDNN_ALIGN);
    return TDNN_OK;
}

static tdnn_status place_bytes(tdnn_plan_ctx *ctx, tdnn_conv_x8 *d)
{
    const size_t each = d->depthwise ? 2 * LANES : 16 * round4(d->ic);
    size_t panels, lanes;
    TDNN_TRY(place_image(ctx, d));
    if (!tdnn_size_mul(d->groups, d->panels, &panels) ||
        !tdnn_size_mul(panels, LANES * sizeof(int32_t), &lanes) || lanes > (size_t)1 << 32 ||
        !tdnn_size_mul(d->places, each, &d->panel_bytes) ||
        !tdnn_size_mul(panels + d->ones, d->panel_bytes, &d->packed_bytes) ||
        !tdnn_size_add(d->packed_bytes, 2 * lanes, &d->packed_bytes))
        return TDNN_FAIL(ctx->err, TDNN_ERR_LIMIT, "the weights are too large");
    d->zeros_at = lanes;
    d->weights_at = 2 * lanes;
    return place_taps(ctx, d);
}

/* ---- plan ---- */

static bool any_zero(const tdnn_tensor *w, const tdnn_tensor *zero)
{
    const size_t count = zero ? (size_t)tdnn_shape_count(&zero->shape) : 1;
    for (size_t c = 0; c < count; c++)
        if (weight_zero(w, zero, c)) return true;
    return false;
}

tdnn_status tdnn_conv_x8_plan(tdnn_plan_ctx *ctx, tdnn_conv_x8 *d, const tdnn_windows *windows,
                              size_t groups, size_t w_at, size_t zero_at)
{
    tdnn_step *s = ctx->step;
    const tdnn_tensor *w = s->in[w_at], *constant = ctx->constants[w_at];
    const bool has_zero = zero_at < s->input_count && s->in[zero_at];
    const tdnn_tensor *zero = has_zero ? ctx->constants[zero_at] : NULL;
    d->batch = (size_t)s->in[0]->shape.dim[0];
    d->groups = groups;
    d->ic = (size_t)w->shape.dim[1], d->oc = (size_t)w->shape.dim[0] / groups;
    TDNN_TRY(place_axes(d, windows, ctx->err));
    d->depthwise = groups > 1 && d->ic == 1 && d->oc == 1;
    d->ones = !d->depthwise && ((has_zero && !zero) || any_zero(w, zero));
    if (d->depthwise) d->oc = groups, d->groups = 1;
    d->panels = (d->oc + LANES - 1) / LANES;
    TDNN_TRY(place_bytes(ctx, d));
    d->chunks = (d->out_pixels + TDNN_X8_PIXELS - 1) / TDNN_X8_PIXELS;
    if (d->chunks == 1 && d->out_pixels >= 16) d->chunks = 2;
    if (constant && (!has_zero || zero)) {
        packing p = {d, constant, zero};
        const tdnn_pack_key key = {.what = d->depthwise ? "conv x8 depthwise" : "conv x8",
                                   .source = {constant, zero}, .number = {(int64_t)groups}};
        const void *packed;
        TDNN_TRY(
            tdnn_plan_pack(ctx, &key, d->packed_bytes, pack_constant, &p, sizeof p, &packed));
        d->packed = packed;
    }
    s->flops = (uint64_t)(2.0 * (double)tdnn_shape_count(&s->out[0]->shape) * (double)d->k);
    s->kernel = d->depthwise ? "conv int8 depthwise" : "conv int8";
    return TDNN_OK;
}

static size_t scratch_bytes(void)
{
    return TDNN_X8_PIXELS * (sizeof(uint8_t *) + (PANELS + 1) * LANES * sizeof(int32_t) +
                             2 * LANES * sizeof(float));
}

void tdnn_conv_x8_phases(tdnn_plan_ctx *ctx, tdnn_conv_x8 *d, tdnn_run_fn pack,
                         tdnn_run_fn fill, tdnn_run_fn run)
{
    const double flops = (double)ctx->step->flops;
    const size_t lines = d->pixel ? d->batch * d->extent[0] * d->extent[1] : 0;
    const size_t four = 4 * (size_t)d->axis[2].in;
    tdnn_plan_shared(ctx, d->batch * d->image + (d->packed ? 0 : d->packed_bytes));
    tdnn_plan_scratch(ctx, four > scratch_bytes() ? four : scratch_bytes());
    if (!d->packed) tdnn_plan_phase(ctx, pack, 1);
    if (lines) d->fill_tasks = tdnn_plan_split(ctx, 2.0 * (double)(d->batch * d->image), lines);
    if (lines) tdnn_plan_phase(ctx, fill, d->fill_tasks);
    d->tasks = tdnn_plan_split(ctx, flops / 2, d->batch * d->groups * d->chunks);
    tdnn_plan_phase(ctx, run, d->tasks);
}

/* ---- run ---- */

/* Where the windows of pixels first .. first+count-1 begin. */
static void find_rows(const tdnn_conv_x8 *d, const uint8_t *image, size_t first, size_t count,
                      const uint8_t **rows)
{
    const tdnn_window_axis *z = &d->axis[0], *y = &d->axis[1], *x = &d->axis[2];
    const size_t step = (size_t)x->stride * d->pixel;
    for (size_t i = 0; i < count;) {
        const size_t p = first + i, ox = p % (size_t)x->out,
                     oy = p / (size_t)x->out % (size_t)y->out;
        const size_t oz = p / (size_t)x->out / (size_t)y->out, left = (size_t)x->out - ox;
        const uint8_t *at =
            image + (oz * (size_t)z->stride * d->extent[1] + oy * (size_t)y->stride) * d->line +
            ox * step;
        for (size_t end = i + left < count ? i + left : count; i < end; i++, at += step)
            rows[i] = at;
    }
}

static void run_chunk(const tdnn_step *s, const tdnn_conv_x8 *d, tdnn_x8_finish_fn finish,
                      tdnn_x8_part *part, size_t group, const uint8_t **rows)
{
    const unsigned char *packed = d->packed ? d->packed : s->shared + d->batch * d->image;
    const unsigned char *w = packed + d->weights_at;
    const size_t before = group * d->panels;
    tdnn_dot dot = d->dot;
    int32_t *sums = (int32_t *)(void *)(rows + TDNN_X8_PIXELS);
    int32_t *inputs = sums + PANELS * TDNN_X8_PIXELS * LANES;
    tdnn_dot_fn *const kernel = d->depthwise ? s->kernels->depthwise_x8 : s->kernels->dot_x8;
    part->scratch = inputs + TDNN_X8_PIXELS * LANES;
    dot.panels = 1;
    if (d->ones)
        kernel(inputs, rows, part->count, w + d->groups * d->panels * d->panel_bytes, &dot);
    for (size_t p = 0; p < d->panels; p += PANELS) {
        dot.panels = d->panels - p < PANELS ? d->panels - p : PANELS;
        kernel(sums, rows, part->count, w + (before + p) * d->panel_bytes, &dot);
        for (size_t i = 0; i < dot.panels; i++) {
            const size_t at = (before + p + i) * LANES, lane = (p + i) * LANES;
            part->sums = sums + i * part->count * LANES;
            part->at = at;
            part->channel = group * d->oc + lane;
            part->lanes = d->oc - lane < LANES ? d->oc - lane : LANES;
            part->weight_sums = tdnn_conv_x8_weight_sums(s, d) + at;
            if (d->ones)
                s->kernels->subtract_outer_x32(
                    part->sums, inputs, part->count,
                    (const int32_t *)(const void *)(packed + d->zeros_at) + at);
            finish(s, part);
        }
        if (d->depthwise)
            for (size_t i = 0; i < part->count; i++) rows[i] += PANELS * LANES;
    }
}

const int32_t *tdnn_conv_x8_weight_sums(const tdnn_step *s, const tdnn_conv_x8 *d)
{
    const unsigned char *packed = d->packed ? d->packed : s->shared + d->batch * d->image;
    return (const int32_t *)(const void *)(packed + d->sums_at);
}

void tdnn_conv_x8_run(const tdnn_step *s, const tdnn_conv_x8 *d, tdnn_x8_finish_fn finish,
                      size_t task, size_t worker)
{
    const uint8_t **rows = (const uint8_t **)(void *)(s->scratch + worker * s->scratch_stride);
    size_t unit, end, last;
    tdnn_task_range(d->batch * d->groups * d->chunks, d->tasks, task, &unit, &end);
    for (; unit < end; unit++) {
        const size_t group = unit / d->chunks % d->groups;
        tdnn_x8_part part = {.image = unit / d->chunks / d->groups};
        tdnn_task_range(d->out_pixels, d->chunks, unit % d->chunks, &part.first, &last);
        part.count = last - part.first;
        find_rows(d, s->shared + part.image * d->image + group * round4(d->ic), part.first,
                  part.count, rows);
        run_chunk(s, d, finish, &part, group, rows);
    }
}

/* DeformConv in two dimensions: a convolution whose windows read each element beside its usual
 * place, by an offset that is an input, between pixels by interpolation. In f32, whatever the
 * type.
 */
#include "lib/ops/convert.h"
#include "lib/ops/window.h"

#include <math.h>

enum { IN_X, IN_W, IN_OFFSET, IN_B, IN_MASK };
enum { PIXELS = 64 }; /* of the output at a time */

typedef struct deform_params {
    tdnn_window window;
    int64_t group, offset_group;
} deform_params;

typedef struct deform_data {
    tdnn_window_axis h, w;
    size_t batch, groups, offset_groups, ic, oc; /* channels of a group */
    size_t pixels, places, depth; /* places: of the kernel; depth: rows of the columns */
    size_t blocks, tasks;
    size_t a_count, b_count;
    bool plain; /* all is f32 */
} deform_data;

static const tdnn_tensor *given(const tdnn_step *s, size_t i)
{
    return i < s->input_count ? s->in[i] : NULL;
}

static float one(const tdnn_step *s, size_t input, size_t at)
{
    float v;
    tdnn_get_f32(s->kernels, &v, s->in[input], at, 1);
    return v;
}

static float pixel(const tdnn_step *s, const deform_data *d, size_t plane, int64_t y, int64_t x)
{
    if (y < 0 || x < 0 || y >= d->h.in || x >= d->w.in) return 0;
    return one(s, IN_X, plane * (size_t)(d->h.in * d->w.in) + (size_t)(y * d->w.in + x));
}

/* The plane between four pixels; those outside count as 0. */
static float sample(const tdnn_step *s, const deform_data *d, size_t plane, float y, float x)
{
    if (!(y > -1) || !(x > -1) || y >= (float)d->h.in || x >= (float)d->w.in) return 0;
    const float top = floorf(y), left = floorf(x), down = y - top, right = x - left;
    const int64_t iy = (int64_t)top, ix = (int64_t)left;
    return (1 - down) * ((1 - right) * pixel(s, d, plane, iy, ix) +
                         right * pixel(s, d, plane, iy, ix + 1)) +
           down * ((1 - right) * pixel(s, d, plane, iy + 1, ix) +
                   right * pixel(s, d, plane, iy + 1, ix + 1));
}

/* What the windows of n pixels read, a row for each channel and place. */
static void fill_columns(const tdnn_step *s, const deform_data *d, size_t image, size_t group,
                         size_t first, size_t n, float *columns)
{
    const size_t channels = d->groups * d->ic, each = channels / d->offset_groups;
    for (size_t c = 0; c < d->ic; c++) {
        const size_t channel = group * d->ic + c, plane = image * channels + channel;
        const size_t set = image * d->offset_groups + channel / each;
        for (size_t k = 0; k < d->places; k++) {
            const int64_t ky = (int64_t)k / d->w.kernel, kx = (int64_t)k % d->w.kernel;
            float *row = columns + (c * d->places + k) * n;
            for (size_t i = 0; i < n; i++) {
                const int64_t oy = (int64_t)(first + i) / d->w.out,
                              ox = (int64_t)(first + i) % d->w.out;
                const size_t at = ((set * d->places + k) * 2) * d->pixels + first + i;
                const float y = (float)(oy * d->h.stride - d->h.pad + ky * d->h.dilation);
                const float x = (float)(ox * d->w.stride - d->w.pad + kx * d->w.dilation);
                row[i] = sample(s, d, plane, y + one(s, IN_OFFSET, at),
                                x + one(s, IN_OFFSET, at + d->pixels));
                if (given(s, IN_MASK))
                    row[i] *= one(s, IN_MASK, (set * d->places + k) * d->pixels + first + i);
            }
        }
    }
}

/* ---- the same where all is f32: neighbours and weights once for all channels of an offset
 * ---- */

typedef struct pixel_taps {
    int32_t index[4 * PIXELS];
    float weight[4 * PIXELS];
} pixel_taps;

/* Of place k, for n pixels. Neighbours outside have weight 0, and an index somewhere inside. */
static void find_taps(const tdnn_step *s, const deform_data *d, size_t set, size_t k,
                      size_t first, size_t n, pixel_taps *to)
{
    const float *offset = (const float *)s->in[IN_OFFSET]->data +
                          (set * d->places + k) * 2 * d->pixels + first;
    const tdnn_tensor *mask = given(s, IN_MASK);
    const int64_t ky = (int64_t)k / d->w.kernel, kx = (int64_t)k % d->w.kernel;
    for (size_t i = 0; i < n; i++) {
        const int64_t oy = (int64_t)(first + i) / d->w.out, ox = (int64_t)(first + i) % d->w.out;
        const float y =
            (float)(oy * d->h.stride - d->h.pad + ky * d->h.dilation) + offset[i];
        const float x =
            (float)(ox * d->w.stride - d->w.pad + kx * d->w.dilation) + offset[d->pixels + i];
        const bool inside = y > -1 && x > -1 && y < (float)d->h.in && x < (float)d->w.in;
        const float top = inside ? floorf(y) : -2, left = inside ? floorf(x) : -2;
        const float factor =
            !inside ? 0
            : mask  ? ((const float *)mask->data)[(set * d->places + k) * d->pixels + first + i]
                    : 1;
        for (int t = 0; t < 4; t++) {
            const int64_t iy = (int64_t)top + t / 2, ix = (int64_t)left + t % 2;
            const bool is_in = iy >= 0 && ix >= 0 && iy < d->h.in && ix < d->w.in;
            const float down = inside ? y - top : 0, right = inside ? x - left : 0;
            to->index[(size_t)t * n + i] = is_in ? (int32_t)(iy * d->w.in + ix) : 0;
            to->weight[(size_t)t * n + i] =
                is_in ? factor * (t / 2 ? down : 1 - down) * (t % 2 ? right : 1 - right) : 0;
        }
    }
}

static void fill_columns_f32(const tdnn_step *s, const deform_data *d, size_t image,
                             size_t group, size_t first, size_t n, float *columns)
{
    const size_t channels = d->groups * d->ic, each = channels / d->offset_groups;
    const size_t size = (size_t)(d->h.in * d->w.in);
    pixel_taps found;
    const tdnn_taps taps = {n, 4, found.index, found.weight};
    for (size_t k = 0; k < d->places; k++) {
        for (size_t c = 0; c < d->ic; c++) {
            const size_t channel = group * d->ic + c;
            if (c == 0 || channel % each == 0)
                find_taps(s, d, image * d->offset_groups + channel / each, k, first, n, &found);
            s->kernels->taps_f32(columns + (c * d->places + k) * n,
                                 (const float *)s->in[IN_X]->data +
                                     (image * channels + channel) * size,
                                 &taps, 1);
        }
    }
}

static void run(const tdnn_step *s, size_t task, size_t worker)
{
    const deform_data *d = s->data;
    const tdnn_kernels *k = s->kernels;
    float *columns = (float *)(void *)(s->scratch + worker * s->scratch_stride);
    float *weights = columns + d->depth * PIXELS, *a = weights + d->oc * d->depth;
    float *b = a + d->a_count, *y = b + d->b_count;
    size_t unit, end;
    tdnn_task_range(d->batch * d->groups * d->blocks, d->tasks, task, &unit, &end);
    for (; unit < end; unit++) {
        const size_t first = unit % d->blocks * PIXELS, group = unit / d->blocks % d->groups;
        const size_t image = unit / d->blocks / d->groups;
        const size_t n = d->pixels - first < PIXELS ? d->pixels - first : PIXELS;
        const tdnn_gemm gemm = {.m = d->oc, .n = n, .k = d->depth, .c_stride = n, .alpha = 1};
        const tdnn_gemm_io io = {.a = a, .b = b, .c = y};
        const tdnn_gemm_part all = {0, d->oc, 0, n};
        (d->plain ? fill_columns_f32 : fill_columns)(s, d, image, group, first, n, columns);
        tdnn_get_f32(k, weights, s->in[IN_W], group * d->oc * d->depth, d->oc * d->depth);
        k->gemm_pack_a_f32(a, weights, d->depth, 1, d->oc, d->depth,
                           tdnn_gemm_panel_rows(k, d->oc), k);
        k->gemm_pack_b_f32(b, columns, n, 1, d->depth, n, k->gemm_columns, k);
        k->gemm_f32(&gemm, &io, &all, k);
        for (size_t c = 0; c < d->oc; c++) {
            const size_t channel = group * d->oc + c,
                         plane = image * d->groups * d->oc + channel;
            if (given(s, IN_B))
                k->affine_f32(y + c * n, y + c * n, n, 1, one(s, IN_B, channel));
            tdnn_put_f32(k, s->out[0], plane * d->pixels + first, y + c * n, n);
        }
    }
}

static tdnn_status read_shapes(const deform_params *p, const tdnn_shape *x, const tdnn_shape *w,
                               tdnn_windows *windows, tdnn_error *err)
{
    char a[TDNN_SHAPE_TEXT], b[TDNN_SHAPE_TEXT];
    TDNN_TRY(tdnn_windows_resolve(&p->window, x, w, false, windows, err));
    if (windows->rank != 2)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "a deformable convolution in %d dimensions",
                         windows->rank);
    if (p->group < 1 || p->offset_group < 1 || w->dim[0] % p->group ||
        w->dim[1] * p->group != x->dim[1] || x->dim[1] % p->offset_group)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "weights of shape %s in %lld and %lld groups for an input of shape %s",
                         tdnn_shape_text(w, a), (long long)p->group, (long long)p->offset_group,
                         tdnn_shape_text(x, b));
    return TDNN_OK;
}

static tdnn_status infer_deform(tdnn_infer *ctx)
{
    const deform_params *p = ctx->params;
    const tdnn_shape *x = &ctx->in[IN_X]->shape, *w = &ctx->in[IN_W]->shape;
    tdnn_windows windows;
    char text[TDNN_SHAPE_TEXT];
    for (size_t i = 0; i < ctx->input_count; i++)
        if (ctx->in[i] && !tdnn_dtype_is_plain_float(ctx->in[i]->dtype))
            return TDNN_FAIL(ctx->err, TDNN_ERR_UNSUPPORTED, "element type %s",
                             tdnn_dtype_name(ctx->in[i]->dtype));
    TDNN_TRY(read_shapes(p, x, w, &windows, ctx->err));
    const int64_t oh = windows.axis[0].out, ow = windows.axis[1].out;
    const int64_t places = w->dim[2] * w->dim[3] * p->offset_group;
    for (size_t i = IN_OFFSET; i <= IN_MASK; i += 2) {
        if (!tdnn_infer_has(ctx, i)) continue;
        const tdnn_shape want = {4, {x->dim[0], i == IN_OFFSET ? 2 * places : places, oh, ow}};
        if (!tdnn_shape_equal(&ctx->in[i]->shape, &want))
            return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "%s of shape %s for %lld x %lld pixels",
                             i == IN_OFFSET ? "offset" : "mask",
                             tdnn_shape_text(&ctx->in[i]->shape, text), (long long)oh,
                             (long long)ow);
    }
    if (tdnn_infer_has(ctx, IN_B) && tdnn_shape_count(&ctx->in[IN_B]->shape) != w->dim[0])
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "a bias of shape %s for %lld channels",
                         tdnn_shape_text(&ctx->in[IN_B]->shape, text), (long long)w->dim[0]);
    const tdnn_shape y = {4, {x->dim[0], w->dim[0], oh, ow}};
    tdnn_infer_set(ctx, 0, ctx->in[IN_X]->dtype, &y);
    return TDNN_OK;
}

static tdnn_status plan_deform(tdnn_plan_ctx *ctx)
{
    tdnn_step *s = ctx->step;
    const deform_params *p = s->params;
    const tdnn_shape *x = &s->in[IN_X]->shape, *w = &s->in[IN_W]->shape;
    deform_data *d = tdnn_plan_alloc(ctx, 1, sizeof *d);
    tdnn_windows windows;
    if (!d) return TDNN_NO_MEMORY(ctx->err);
    TDNN_TRY(read_shapes(p, x, w, &windows, ctx->err));
    if (tdnn_shape_count(&s->out[0]->shape) == 0) return TDNN_OK;
    d->h = windows.axis[0], d->w = windows.axis[1];
    d->plain = tdnn_shape_count(x) < INT32_MAX;
    for (size_t i = 0; i < s->input_count; i++)
        d->plain = d->plain && (!s->in[i] || s->in[i]->dtype == TDNN_F32);
    d->batch = (size_t)x->dim[0], d->groups = (size_t)p->group,
    d->offset_groups = (size_t)p->offset_group;
    d->ic = (size_t)w->dim[1], d->oc = (size_t)(w->dim[0] / p->group);
    d->pixels = (size_t)(d->h.out * d->w.out), d->places = (size_t)(d->h.kernel * d->w.kernel);
    d->depth = d->ic * d->places;
    d->a_count = tdnn_gemm_a_count(ctx->kernels, d->oc, d->depth);
    d->b_count = tdnn_gemm_b_count(ctx->kernels, PIXELS, d->depth);
    tdnn_plan_scratch(
        ctx, (d->depth * PIXELS + d->oc * d->depth + d->a_count + d->b_count + d->oc * PIXELS) *
                 sizeof(float));
    d->blocks = (d->pixels + PIXELS - 1) / PIXELS;
    const double flops =
        2 * (double)d->batch * (double)d->pixels * (double)w->dim[0] * (double)d->depth;
    s->flops = (uint64_t)flops;
    d->tasks = tdnn_plan_split(ctx, flops, d->batch * d->groups * d->blocks);
    tdnn_plan_phase(ctx, run, d->tasks);
    return TDNN_OK;
}

static const tdnn_attr attrs[] = {TDNN_WINDOW_INTS(deform_params, kernel_shape),
                                  TDNN_WINDOW_INTS(deform_params, strides),
                                  TDNN_WINDOW_INTS(deform_params, dilations),
                                  TDNN_WINDOW_INTS(deform_params, pads),
                                  TDNN_INT(deform_params, group, 1),
                                  TDNN_INT(deform_params, offset_group, 1),
                                  {0}};
const tdnn_op tdnn_op_DeformConv = {
    .schema = {TDNN_SCHEMA(DeformConv, 3, 5, 1, 1, attrs, deform_params)},
    .infer = infer_deform,
    .plan = plan_deform,
};

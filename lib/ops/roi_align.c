/* RoiAlign: regions of feature maps, each pooled to a grid of the same size, without rounding
 * (K. He et al., Mask R-CNN, 2017).
 */
#include "lib/ops/convert.h"
#include "lib/ops/index.h"

#include <math.h>
#include <string.h>

typedef struct roi_params {
    int64_t mode, output_height, output_width, sampling_ratio, coordinate_transformation_mode;
    float spatial_scale;
} roi_params;

static tdnn_status roi_infer(tdnn_infer *ctx)
{
    const roi_params *p = ctx->params;
    const tdnn_shape *in = &ctx->in[0]->shape, *rois = &ctx->in[1]->shape,
                     *list = &ctx->in[2]->shape;
    char a[TDNN_SHAPE_TEXT], b[TDNN_SHAPE_TEXT], c[TDNN_SHAPE_TEXT];
    TDNN_TRY(tdnn_infer_indices(ctx, 2));
    if (in->ndim != 4 || rois->ndim != 2 || rois->dim[1] != 4 || list->ndim != 1 ||
        list->dim[0] != rois->dim[0] || !tdnn_dtype_is_float(ctx->in[0]->dtype) ||
        ctx->in[1]->dtype != ctx->in[0]->dtype)
        return TDNN_FAIL(
            ctx->err, TDNN_ERR_SHAPE, "maps %s, regions %s and indices %s do not fit together",
            tdnn_shape_text(in, a), tdnn_shape_text(rois, b), tdnn_shape_text(list, c));
    if (p->output_height < 1 || p->output_width < 1 || p->sampling_ratio < 0 ||
        p->sampling_ratio > 1 << 16)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "%lld x %lld results with sampling ratio %lld",
                         (long long)p->output_height, (long long)p->output_width,
                         (long long)p->sampling_ratio);
    const tdnn_shape out = {4, {rois->dim[0], in->dim[1], p->output_height, p->output_width}};
    tdnn_infer_set(ctx, 0, ctx->in[0]->dtype, &out);
    return TDNN_OK;
}

/* One place of a plane: four neighbours and their weights. */
typedef struct corner_taps {
    size_t at[4];
    double weight[4];
} corner_taps;

static corner_taps taps_at(double y, double x, int64_t height, int64_t width)
{
    corner_taps t = {{0}, {0}};
    if (!(y >= -1 && y <= (double)height && x >= -1 && x <= (double)width)) return t;
    y = y < 0 ? 0 : y > (double)(height - 1) ? (double)(height - 1) : y;
    x = x < 0 ? 0 : x > (double)(width - 1) ? (double)(width - 1) : x;
    const int64_t y0 = (int64_t)y, x0 = (int64_t)x;
    const int64_t y1 = y0 + 1 < height ? y0 + 1 : y0, x1 = x0 + 1 < width ? x0 + 1 : x0;
    const double v = y - (double)y0, u = x - (double)x0;
    t.at[0] = (size_t)(y0 * width + x0), t.weight[0] = (1 - v) * (1 - u);
    t.at[1] = (size_t)(y0 * width + x1), t.weight[1] = (1 - v) * u;
    t.at[2] = (size_t)(y1 * width + x0), t.weight[2] = v * (1 - u);
    t.at[3] = (size_t)(y1 * width + x1), t.weight[3] = v * u;
    return t;
}

typedef struct region {
    size_t image;
    double y, x, bin_height, bin_width;
    int64_t rows, columns; /* samples in a bin */
} region;

/* An adaptive grid has as many samples as the bin has pixels; no bin needs more than the map
 * has. */
static int64_t sample_count(const roi_params *p, double bin, int64_t length)
{
    if (p->sampling_ratio > 0) return p->sampling_ratio;
    const double n = ceil(bin);
    return !(n > 1) ? 1 : n > (double)length ? (length > 1 ? length : 1) : (int64_t)n;
}

static region region_of(const tdnn_step *step, size_t index)
{
    const roi_params *p = step->params;
    const int64_t *dim = step->in[0]->shape.dim;
    const bool half_pixel = p->coordinate_transformation_mode == 0;
    double box[4];
    tdnn_load_f64(box, (tdnn_run){step->in[1]->data, step->in[1]->dtype, 4 * index, 1}, 4);
    for (int k = 0; k < 4; k++)
        box[k] = box[k] * (double)p->spatial_scale - (half_pixel ? 0.5 : 0);
    double width = box[2] - box[0], height = box[3] - box[1];
    if (!half_pixel) { /* as older exporters have it: no region is smaller than a pixel */
        width = width < 1 ? 1 : width;
        height = height < 1 ? 1 : height;
    }
    region r = {.y = box[1], .x = box[0]};
    r.image = (size_t)tdnn_index_at(tdnn_indices_of(step->in[2]), index, dim[0]);
    r.bin_height = height / (double)p->output_height;
    r.bin_width = width / (double)p->output_width;
    r.rows = sample_count(p, r.bin_height, dim[2]);
    r.columns = sample_count(p, r.bin_width, dim[3]);
    return r;
}

static double pool_bin(const tdnn_step *step, const region *r, size_t plane, int64_t i,
                       int64_t j)
{
    const roi_params *p = step->params;
    const tdnn_tensor *in = step->in[0];
    const int64_t height = in->shape.dim[2], width = in->shape.dim[3];
    const size_t first = plane * (size_t)(height * width);
    double sum = 0, most = -INFINITY;
    for (int64_t a = 0; a < r->rows; a++) {
        const double y =
            r->y + ((double)i + ((double)a + 0.5) / (double)r->rows) * r->bin_height;
        for (int64_t b = 0; b < r->columns; b++) {
            const double x =
                r->x + ((double)j + ((double)b + 0.5) / (double)r->columns) * r->bin_width;
            const corner_taps t = taps_at(y, x, height, width);
            for (int k = 0; k < 4; k++) {
                double value;
                tdnn_load_f64(&value, (tdnn_run){in->data, in->dtype, first + t.at[k], 1}, 1);
                value *= t.weight[k];
                sum += value;
                most = value > most ? value : most; /* of weighted neighbours, as ONNX has it */
            }
        }
    }
    return p->mode ? most : sum / (double)(r->rows * r->columns);
}

static void roi_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    const tdnn_tensor *out = step->out[0];
    const int64_t *dim = out->shape.dim;
    const size_t channels = (size_t)dim[1], bins = (size_t)(dim[2] * dim[3]);
    const region r = region_of(step, task);
    for (size_t c = 0; c < channels; c++) {
        const size_t plane = r.image * channels + c;
        for (size_t k = 0; k < bins; k++) {
            const double y =
                pool_bin(step, &r, plane, (int64_t)k / dim[3], (int64_t)k % dim[3]);
            tdnn_store_f64(
                (tdnn_run){out->data, out->dtype, (task * channels + c) * bins + k, 1}, &y, 1);
        }
    }
}

/* ---- averages of f32: the maps are turned first, so that the channels of a pixel lie side by
 * side, and whole pixels are summed ---- */

enum { ROWS = 64, STRIPE = 256 }; /* pixels that are summed, that are turned, at a time */

typedef struct roi_data {
    size_t channels, pixels, stripes, bins;
} roi_data;

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static void turn_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    const roi_data *d = step->data;
    const size_t image = task / d->stripes, first = task % d->stripes * STRIPE;
    const float *from = (const float *)step->in[0]->data + image * d->channels * d->pixels;
    float *to = (float *)(void *)step->shared + image * d->channels * d->pixels;
    step->kernels->transpose_x32(to + first * d->channels, d->channels * sizeof *to,
                                 from + first, d->pixels * sizeof *from, d->channels,
                                 smaller(STRIPE, d->pixels - first));
}

/* Pixels with weights, and the sum of those that came before. */
typedef struct pixel_sum {
    const tdnn_kernels *kernels;
    size_t channels, count;
    float *to, *part;
    bool begun;
    const float *row[ROWS];
    float weight[ROWS];
} pixel_sum;

static void sum_rows(pixel_sum *s)
{
    if (!s->begun && !s->count) memset(s->to, 0, s->channels * sizeof *s->to);
    if (s->count) {
        s->kernels->mix_f32(s->begun ? s->part : s->to, s->row, s->weight, s->count,
                            s->channels);
        if (s->begun) s->kernels->add_f32(s->to, s->to, 1, s->part, 1, s->channels);
    }
    s->begun = true;
    s->count = 0;
}

static void sum_bin(const tdnn_step *step, const region *r, size_t bin, pixel_sum *s)
{
    const int64_t *in = step->in[0]->shape.dim, columns = step->out[0]->shape.dim[3];
    const roi_data *d = step->data;
    const float *image =
        (const float *)(const void *)step->shared + r->image * d->channels * d->pixels;
    const double share = 1 / (double)(r->rows * r->columns);
    const double i = (double)((int64_t)bin / columns), j = (double)((int64_t)bin % columns);
    s->begun = false;
    s->count = 0;
    for (int64_t a = 0; a < r->rows; a++) {
        const double y = r->y + (i + ((double)a + 0.5) / (double)r->rows) * r->bin_height;
        for (int64_t b = 0; b < r->columns; b++) {
            const double x = r->x + (j + ((double)b + 0.5) / (double)r->columns) * r->bin_width;
            const corner_taps t = taps_at(y, x, in[2], in[3]);
            for (int k = 0; k < 4; k++) {
                if (t.weight[k] == 0) continue;
                s->row[s->count] = image + t.at[k] * d->channels;
                s->weight[s->count++] = (float)(t.weight[k] * share);
            }
            if (s->count > ROWS - 4) sum_rows(s);
        }
    }
    if (s->count || !s->begun) sum_rows(s);
}

static void sums_run(const tdnn_step *step, size_t task, size_t worker)
{
    const roi_data *d = step->data;
    float *bins = (float *)(void *)(step->scratch + worker * step->scratch_stride);
    const region r = region_of(step, task);
    pixel_sum s = {.kernels = step->kernels,
                   .channels = d->channels,
                   .part = bins + d->bins * d->channels};
    for (size_t k = 0; k < d->bins; k++) {
        s.to = bins + k * d->channels;
        sum_bin(step, &r, k, &s);
    }
    step->kernels->transpose_x32((float *)step->out[0]->data + task * d->channels * d->bins,
                                 d->bins * sizeof(float), bins, d->channels * sizeof(float),
                                 d->bins, d->channels);
}

static tdnn_status plan_sums(tdnn_plan_ctx *ctx)
{
    const tdnn_tensor *in = ctx->step->in[0], *out = ctx->step->out[0];
    roi_data *d = tdnn_plan_alloc(ctx, 1, sizeof *d);
    if (!d) return TDNN_NO_MEMORY(ctx->err);
    d->channels = (size_t)in->shape.dim[1];
    d->pixels = (size_t)(in->shape.dim[2] * in->shape.dim[3]);
    d->stripes = (d->pixels + STRIPE - 1) / STRIPE;
    d->bins = (size_t)(out->shape.dim[2] * out->shape.dim[3]);
    tdnn_plan_shared(ctx, in->bytes);
    tdnn_plan_scratch(ctx, (d->bins + 1) * d->channels * sizeof(float));
    tdnn_plan_phase(ctx, turn_run, (size_t)in->shape.dim[0] * d->stripes);
    tdnn_plan_phase(ctx, sums_run, (size_t)out->shape.dim[0]);
    return TDNN_OK;
}

static tdnn_status roi_plan(tdnn_plan_ctx *ctx)
{
    const tdnn_shape *in = &ctx->step->in[0]->shape;
    const roi_params *p = ctx->step->params;
    ctx->step->kernel = "roi align";
    if (ctx->step->out[0]->bytes == 0) return TDNN_OK;
    if (in->dim[2] == 0 || in->dim[3] == 0)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "the maps have no pixels");
    TDNN_TRY(tdnn_plan_indices(ctx, 2, in->dim[0]));
    if (ctx->step->in[0]->dtype == TDNN_F32 && p->mode == 0) return plan_sums(ctx);
    tdnn_plan_phase(ctx, roi_run, (size_t)ctx->step->out[0]->shape.dim[0]);
    return TDNN_OK;
}

static const char *const roi_modes[] = {"avg", "max", NULL};
static const char *const roi_coordinates[] = {"half_pixel", "output_half_pixel", NULL};

static const tdnn_attr roi_attrs[] = {
    TDNN_ENUM(roi_params, mode, roi_modes, 0),
    TDNN_ENUM(roi_params, coordinate_transformation_mode, roi_coordinates, 0),
    TDNN_INT(roi_params, output_height, 1),
    TDNN_INT(roi_params, output_width, 1),
    TDNN_INT(roi_params, sampling_ratio, 0),
    TDNN_FLOAT(roi_params, spatial_scale, 1),
    {0},
};

const tdnn_op tdnn_op_RoiAlign = {
    .schema = {TDNN_SCHEMA(RoiAlign, 3, 3, 1, 1, roi_attrs, roi_params)},
    .infer = roi_infer,
    .plan = roi_plan,
};

/* MaxRoiPool and PSRoiPool: regions of feature maps, each pooled to a grid of the same size.
 *
 * R. Girshick, Fast R-CNN, 2015; J. Dai et al., R-FCN, 2016, where each cell of the grid has
 * channels of its own, and is an average. Regions are rows of five: image, x0, y0, x1, y1.
 */
#include "lib/ops/op.h"

#include <math.h>

static tdnn_status check_inputs(const tdnn_infer *ctx)
{
    const tdnn_info *maps = ctx->in[0], *rois = ctx->in[1];
    char a[TDNN_SHAPE_TEXT], b[TDNN_SHAPE_TEXT];
    const int64_t count = tdnn_shape_count(&rois->shape);
    if (maps->dtype == TDNN_F32 && rois->dtype == TDNN_F32 && maps->shape.ndim == 4 &&
        rois->shape.ndim >= 1 && count == rois->shape.dim[0] * 5)
        return TDNN_OK;
    return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                     "maps %s %s and regions %s %s, expected f32, N x C x H x W and R x 5",
                     tdnn_dtype_name(maps->dtype), tdnn_shape_text(&maps->shape, a),
                     tdnn_dtype_name(rois->dtype), tdnn_shape_text(&rois->shape, b));
}

/* A region in cells of the map: its upper left corner, and how large a bin is. */
typedef struct region {
    size_t image;
    float y, x, bin_height, bin_width;
} region;

/* A file's index may be any number: one that is no image is the first or the last. */
static size_t image_of(float index, int64_t images)
{
    return index >= (float)images ? (size_t)(images - 1) : index > 0 ? (size_t)index : 0;
}

typedef struct span {
    int64_t begin, end;
} span;

/* Bin `i` of a side that starts in the middle of a cell, `start`, or between two, `first`; cut
 * to the map's `length`. */
static span bin_span(float start, float first, float bin, int64_t i, int64_t length)
{
    const float begin = floorf((float)i * bin + start) + first, most = (float)length;
    const float end = ceilf((float)(i + 1) * bin + start) + first;
    return (span){(int64_t)fminf(fmaxf(begin, 0), most), (int64_t)fminf(fmaxf(end, 0), most)};
}

/* ---- MaxRoiPool ---- */

typedef struct max_roi_params {
    tdnn_ints pooled_shape;
    float spatial_scale;
} max_roi_params;

static tdnn_status max_roi_infer(tdnn_infer *ctx)
{
    const max_roi_params *p = ctx->params;
    TDNN_TRY(check_inputs(ctx));
    if (p->pooled_shape.count != 2 || p->pooled_shape.at[0] < 1 || p->pooled_shape.at[1] < 1)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "pooled_shape has %zu entries, expected two of 1 or more",
                         p->pooled_shape.count);
    const tdnn_shape out = {4,
                            {ctx->in[1]->shape.dim[0], ctx->in[0]->shape.dim[1],
                             p->pooled_shape.at[0], p->pooled_shape.at[1]}};
    tdnn_infer_set(ctx, 0, TDNN_F32, &out);
    return TDNN_OK;
}

static float max_of(const float *plane, int64_t width, span rows, span columns)
{
    float most = -INFINITY;
    for (int64_t y = rows.begin; y < rows.end; y++)
        for (int64_t x = columns.begin; x < columns.end; x++)
            if (plane[y * width + x] > most) most = plane[y * width + x];
    return rows.begin < rows.end && columns.begin < columns.end ? most : 0;
}

/* Corners are rounded to cells, and no region is smaller than one. */
static region max_region(const float *roi, float scale, const tdnn_shape *maps,
                         const tdnn_shape *out)
{
    const float x0 = roundf(roi[1] * scale), y0 = roundf(roi[2] * scale);
    const float x1 = roundf(roi[3] * scale), y1 = roundf(roi[4] * scale);
    return (region){image_of(roi[0], maps->dim[0]), y0, x0,
                    fmaxf(y1 - y0 + 1, 1) / (float)out->dim[2],
                    fmaxf(x1 - x0 + 1, 1) / (float)out->dim[3]};
}

/* A task is a region. */
static void max_roi_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    const max_roi_params *p = step->params;
    const tdnn_shape *maps = &step->in[0]->shape, *shape = &step->out[0]->shape;
    const float *roi = (const float *)step->in[1]->data + 5 * task;
    const region r = max_region(roi, p->spatial_scale, maps, shape);
    const int64_t channels = shape->dim[1], plane = maps->dim[2] * maps->dim[3];
    const float *from = (const float *)step->in[0]->data + (int64_t)r.image * channels * plane;
    float *out =
        (float *)step->out[0]->data + (int64_t)task * channels * shape->dim[2] * shape->dim[3];
    for (int64_t c = 0; c < channels; c++, from += plane)
        for (int64_t i = 0; i < shape->dim[2]; i++) {
            const span rows = bin_span(0, r.y, r.bin_height, i, maps->dim[2]);
            for (int64_t k = 0; k < shape->dim[3]; k++)
                *out++ = max_of(from, maps->dim[3], rows,
                                bin_span(0, r.x, r.bin_width, k, maps->dim[3]));
        }
}

static tdnn_status plan_regions(tdnn_plan_ctx *ctx, tdnn_run_fn run, const char *kernel)
{
    const tdnn_shape *maps = &ctx->step->in[0]->shape;
    ctx->step->kernel = kernel;
    if (!ctx->step->out[0]->bytes) return TDNN_OK;
    if (maps->dim[0] < 1) return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "regions of no image");
    tdnn_plan_phase(ctx, run, (size_t)ctx->step->out[0]->shape.dim[0]);
    return TDNN_OK;
}

static tdnn_status max_roi_plan(tdnn_plan_ctx *ctx)
{
    return plan_regions(ctx, max_roi_run, "roi max");
}

static const tdnn_attr max_roi_attrs[] = {
    {.name = "pooled_shape",
     .type = TDNN_ATTR_INTS,
     .required = true,
     .offset = offsetof(max_roi_params, pooled_shape)},
    TDNN_FLOAT(max_roi_params, spatial_scale, 1),
    {0},
};

const tdnn_op tdnn_op_MaxRoiPool = {
    .schema = {TDNN_SCHEMA(MaxRoiPool, 2, 2, 1, 1, max_roi_attrs, max_roi_params)},
    .infer = max_roi_infer,
    .plan = max_roi_plan,
};

/* ---- PSRoiPool ---- */

typedef struct ps_roi_params {
    int64_t output_dim, group_size;
    float spatial_scale;
} ps_roi_params;

static tdnn_status ps_roi_infer(tdnn_infer *ctx)
{
    const ps_roi_params *p = ctx->params;
    TDNN_TRY(check_inputs(ctx));
    const int64_t channels = ctx->in[0]->shape.dim[1];
    if (p->output_dim < 1 || p->group_size < 1 || p->group_size > 1 << 15 ||
        channels % (p->group_size * p->group_size) ||
        channels / (p->group_size * p->group_size) != p->output_dim)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "%lld channels, expected %lld for each of %lld x %lld cells",
                         (long long)channels, (long long)p->output_dim,
                         (long long)p->group_size, (long long)p->group_size);
    const tdnn_shape out = {
        4, {ctx->in[1]->shape.dim[0], p->output_dim, p->group_size, p->group_size}};
    tdnn_infer_set(ctx, 0, TDNN_F32, &out);
    return TDNN_OK;
}

static float mean_of(const float *plane, int64_t width, span rows, span columns)
{
    float sum = 0;
    const int64_t count = (rows.end - rows.begin) * (columns.end - columns.begin);
    if (rows.end <= rows.begin || columns.end <= columns.begin) return 0;
    for (int64_t y = rows.begin; y < rows.end; y++)
        for (int64_t x = columns.begin; x < columns.end; x++) sum += plane[y * width + x];
    return sum / (float)count;
}

/* Corners are rounded in the image, the last pixel included. */
static region ps_region(const float *roi, float scale, const tdnn_shape *maps,
                        const tdnn_shape *out)
{
    const float x0 = roundf(roi[1]) * scale, y0 = roundf(roi[2]) * scale;
    const float x1 = (roundf(roi[3]) + 1) * scale, y1 = (roundf(roi[4]) + 1) * scale;
    return (region){image_of(roi[0], maps->dim[0]), y0, x0,
                    fmaxf(y1 - y0, 0.1F) / (float)out->dim[2],
                    fmaxf(x1 - x0, 0.1F) / (float)out->dim[3]};
}

static void ps_roi_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    const ps_roi_params *p = step->params;
    const tdnn_shape *maps = &step->in[0]->shape, *shape = &step->out[0]->shape;
    const float *roi = (const float *)step->in[1]->data + 5 * task;
    const region r = ps_region(roi, p->spatial_scale, maps, shape);
    const int64_t plane = maps->dim[2] * maps->dim[3], cells = p->group_size * p->group_size;
    const float *from =
        (const float *)step->in[0]->data + (int64_t)r.image * maps->dim[1] * plane;
    float *out = (float *)step->out[0]->data + (int64_t)task * p->output_dim * cells;
    for (int64_t c = 0; c < p->output_dim; c++)
        for (int64_t i = 0; i < p->group_size; i++) {
            const span rows = bin_span(r.y, 0, r.bin_height, i, maps->dim[2]);
            for (int64_t k = 0; k < p->group_size; k++, from += plane)
                *out++ = mean_of(from, maps->dim[3], rows,
                                 bin_span(r.x, 0, r.bin_width, k, maps->dim[3]));
        }
}

static tdnn_status ps_roi_plan(tdnn_plan_ctx *ctx)
{
    return plan_regions(ctx, ps_roi_run, "roi mean");
}

static const tdnn_attr ps_roi_attrs[] = {
    TDNN_INT(ps_roi_params, output_dim, 1),
    TDNN_INT(ps_roi_params, group_size, 1),
    TDNN_FLOAT(ps_roi_params, spatial_scale, 1),
    {0},
};

const tdnn_op tdnn_op_PSRoiPool = {
    .schema = {TDNN_SCHEMA(PSRoiPool, 2, 2, 1, 1, ps_roi_attrs, ps_roi_params),
               .domain = "tinydnn"},
    .infer = ps_roi_infer,
    .plan = ps_roi_plan,
};

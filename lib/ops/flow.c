/* Operators of networks for optical flow: Correlation and FlowWarp (A. Dosovitskiy et al.,
 * FlowNet, 2015; E. Ilg et al., FlowNet 2.0, 2017). */
#include "lib/ops/op.h"

#include <math.h>
#include <string.h>

static tdnn_status check_maps(const tdnn_infer *ctx)
{
    const tdnn_info *a = ctx->in[0], *b = ctx->in[1];
    char x[TDNN_SHAPE_TEXT], y[TDNN_SHAPE_TEXT];
    if (a->dtype == TDNN_F32 && b->dtype == TDNN_F32 && a->shape.ndim == 4 &&
        b->shape.ndim == 4 && a->shape.dim[0] == b->shape.dim[0] &&
        a->shape.dim[2] == b->shape.dim[2] && a->shape.dim[3] == b->shape.dim[3])
        return TDNN_OK;
    return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                     "maps %s %s and %s %s, expected f32 of the same size",
                     tdnn_dtype_name(a->dtype), tdnn_shape_text(&a->shape, x),
                     tdnn_dtype_name(b->dtype), tdnn_shape_text(&b->shape, y));
}

/* ---- Correlation ---- */

/* How alike the surroundings of a place are to those of places around it in the other map: for
 * each displacement, which are the channels of the result, row by row, the mean of products
 * over a square of `kernel_size` and all channels. Maps are padded with zeros. */
typedef struct correlation {
    int64_t channels, height, width, out_h, out_w,
        steps; /* steps: displacements on each side */
} correlation;

enum { MOST = 1 << 12 };

static tdnn_status correlation_infer(tdnn_infer *ctx)
{
    const tdnn_correlation_params *p = ctx->params;
    const tdnn_shape *x = &ctx->in[0]->shape;
    TDNN_TRY(check_maps(ctx));
    if (p->kernel_size < 1 || p->kernel_size % 2 == 0 || p->kernel_size > MOST ||
        p->stride_1 < 1 || p->stride_2 < 1 || p->pad < 0 || p->pad > MOST ||
        p->max_displacement < 0 || p->max_displacement > MOST ||
        x->dim[1] != ctx->in[1]->shape.dim[1])
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "kernel_size %lld, max_displacement %lld, pad %lld, strides %lld and "
                         "%lld, %lld and %lld channels",
                         (long long)p->kernel_size, (long long)p->max_displacement,
                         (long long)p->pad, (long long)p->stride_1, (long long)p->stride_2,
                         (long long)x->dim[1], (long long)ctx->in[1]->shape.dim[1]);
    const int64_t border = 2 * (p->max_displacement + p->kernel_size / 2 - p->pad);
    const int64_t h = x->dim[2] - border, w = x->dim[3] - border;
    if (h < 1 || w < 1)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "the maps are smaller than the borders");
    const int64_t side = 2 * (p->max_displacement / p->stride_2) + 1;
    const tdnn_shape out = {
        4, {x->dim[0], side * side, (h - 1) / p->stride_1 + 1, (w - 1) / p->stride_1 + 1}};
    tdnn_infer_set(ctx, 0, TDNN_F32, &out);
    return TDNN_OK;
}

/* Adds the products of one row of either plane, `ay` and `by`; the first place of the output
 * lies at `ax` and `bx`. */
static void add_products(const correlation *d, const float *a, const float *b, int64_t ax,
                         int64_t bx, int64_t stride, float *out)
{
    for (int64_t x = 0; x < d->out_w; x++) {
        const int64_t i = ax + x * stride, k = bx + x * stride;
        if (i >= 0 && i < d->width && k >= 0 && k < d->width) out[x] += a[i] * b[k];
    }
}

/* A task is one displacement in one image. */
static void correlation_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    const correlation *d = step->data;
    const tdnn_correlation_params *p = step->params;
    const int64_t side = 2 * d->steps + 1, image = (int64_t)task / (side * side),
                  which = (int64_t)task % (side * side);
    const int64_t dy = (which / side - d->steps) * p->stride_2,
                  dx = (which % side - d->steps) * p->stride_2;
    const int64_t plane = d->height * d->width, first = p->max_displacement - p->pad;
    const float *a = (const float *)step->in[0]->data + image * d->channels * plane;
    const float *b = (const float *)step->in[1]->data + image * d->channels * plane;
    float *out = (float *)step->out[0]->data + (int64_t)task * d->out_h * d->out_w;
    const float count = (float)(p->kernel_size * p->kernel_size * d->channels);
    for (int64_t y = 0; y < d->out_h; y++, out += d->out_w) {
        memset(out, 0, (size_t)d->out_w * sizeof *out);
        for (int64_t j = 0; j < p->kernel_size; j++) {
            const int64_t ay = first + y * p->stride_1 + j, by = ay + dy;
            if (ay < 0 || ay >= d->height || by < 0 || by >= d->height) continue;
            for (int64_t i = 0; i < p->kernel_size; i++)
                for (int64_t c = 0; c < d->channels; c++)
                    add_products(d, a + c * plane + ay * d->width,
                                 b + c * plane + by * d->width, first + i, first + i + dx,
                                 p->stride_1, out);
        }
        for (int64_t x = 0; x < d->out_w; x++) out[x] /= count;
    }
}

static tdnn_status correlation_plan(tdnn_plan_ctx *ctx)
{
    const tdnn_correlation_params *p = ctx->step->params;
    const int64_t *in = ctx->step->in[0]->shape.dim, *out = ctx->step->out[0]->shape.dim;
    correlation *d = tdnn_plan_alloc(ctx, 1, sizeof *d);
    if (!d) return TDNN_NO_MEMORY(ctx->err);
    *d = (correlation){in[1], in[2], in[3], out[2], out[3], p->max_displacement / p->stride_2};
    ctx->step->kernel = "correlation";
    tdnn_plan_phase(ctx, correlation_run, (size_t)(out[0] * out[1]));
    return TDNN_OK;
}

static const tdnn_attr correlation_attrs[] = {
    TDNN_INT(tdnn_correlation_params, kernel_size, 1),
    TDNN_INT(tdnn_correlation_params, max_displacement, 0),
    TDNN_INT(tdnn_correlation_params, pad, 0),
    TDNN_INT(tdnn_correlation_params, stride_1, 1),
    TDNN_INT(tdnn_correlation_params, stride_2, 1),
    {0},
};

const tdnn_op tdnn_op_Correlation = {
    .schema = {TDNN_SCHEMA(Correlation, 2, 2, 1, 1, correlation_attrs, tdnn_correlation_params),
               .domain = "tinydnn"},
    .infer = correlation_infer,
    .plan = correlation_plan,
};

/* ---- FlowWarp ---- */

/* Fetches each place from where the flow (two planes: to the right, down) points to, between
 * its four neighbours; `fill` where that is outside. */
typedef struct warp_params {
    float fill;
} warp_params;

static tdnn_status warp_infer(tdnn_infer *ctx)
{
    TDNN_TRY(check_maps(ctx));
    if (ctx->in[1]->shape.dim[1] != 2)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "a flow of %lld planes, expected 2",
                         (long long)ctx->in[1]->shape.dim[1]);
    return tdnn_infer_same(ctx);
}

/* A task is a row of all channels of an image. */
static void warp_run(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    const warp_params *p = step->params;
    const int64_t *dim = step->in[0]->shape.dim, height = dim[2], width = dim[3],
                  plane = height * width;
    const int64_t image = (int64_t)task / height, row = (int64_t)task % height;
    const float *x = (const float *)step->in[0]->data + image * dim[1] * plane;
    const float *flow = (const float *)step->in[1]->data + image * 2 * plane + row * width;
    float *out = (float *)step->out[0]->data + image * dim[1] * plane + row * width;
    for (int64_t i = 0; i < width; i++) {
        const float fx = (float)i + flow[i], fy = (float)row + flow[plane + i];
        const bool inside = fx >= 0 && fy >= 0 && fx < (float)width && fy < (float)height;
        const int64_t left = inside ? (int64_t)fx : 0, top = inside ? (int64_t)fy : 0;
        const int64_t right = left + 1 < width ? left + 1 : left,
                      below = top + 1 < height ? top + 1 : top;
        const float u = fx - (float)left, v = fy - (float)top;
        for (int64_t c = 0; c < dim[1]; c++) {
            const float *from = x + c * plane;
            const float upper =
                (1 - u) * from[top * width + left] + u * from[top * width + right];
            const float lower =
                (1 - u) * from[below * width + left] + u * from[below * width + right];
            out[c * plane + i] = inside ? (1 - v) * upper + v * lower : p->fill;
        }
    }
}

static tdnn_status warp_plan(tdnn_plan_ctx *ctx)
{
    const int64_t *dim = ctx->step->in[0]->shape.dim;
    ctx->step->kernel = "flow warp";
    if (!ctx->step->out[0]->bytes) return TDNN_OK;
    tdnn_plan_phase(ctx, warp_run, (size_t)(dim[0] * dim[2]));
    return TDNN_OK;
}

static const tdnn_attr warp_attrs[] = {TDNN_FLOAT(warp_params, fill, 0), {0}};

const tdnn_op tdnn_op_FlowWarp = {
    .schema = {TDNN_SCHEMA(FlowWarp, 2, 2, 1, 1, warp_attrs, warp_params), .domain = "tinydnn"},
    .infer = warp_infer,
    .plan = warp_plan,
};

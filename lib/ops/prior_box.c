/* PriorBox: a grid of default boxes (W. Liu et al., SSD: Single Shot MultiBox Detector, 2016).
 * It depends on sizes alone, so planning works it out, and nothing is left to run.
 */
#include "lib/ops/op.h"

#include <math.h>

enum { MOST_BOXES = 1024 }; /* in a cell */

/* The boxes of one cell, in pixels. */
typedef struct cell {
    float width[MOST_BOXES], height[MOST_BOXES];
    size_t count;
} cell;

static void add_box(cell *c, double width, double height)
{
    if (c->count < MOST_BOXES) {
        c->width[c->count] = (float)width;
        c->height[c->count] = (float)height;
    }
    c->count++; /* beyond the limit: only counted */
}

/* Ratios other than 1, without repetitions. */
static size_t distinct_ratios(const tdnn_prior_box_params *p, float *ratios)
{
    size_t count = 1;
    ratios[0] = 1;
    for (size_t i = 0; i < p->aspect_ratio.count; i++) {
        const float ratio = p->aspect_ratio.at[i];
        bool known = false;
        for (size_t k = 0; k < count; k++) known = known || fabsf(ratio - ratios[k]) < 1e-6F;
        if (known || count + 2 > MOST_BOXES) continue;
        ratios[count++] = ratio;
        if (p->flip) ratios[count++] = 1 / ratio;
    }
    return count;
}

static void list_boxes(const tdnn_prior_box_params *p, cell *c)
{
    float ratios[MOST_BOXES];
    c->count = 0;
    for (size_t i = 0; i < p->width.count; i++)
        add_box(c, (double)p->width.at[i], (double)p->height.at[i]);
    if (p->width.count) return;
    const size_t ratio_count = distinct_ratios(p, ratios);
    for (size_t s = 0; s < p->min_size.count; s++) {
        const double side = (double)p->min_size.at[s];
        add_box(c, side, side);
        if (p->max_size.count) {
            const double larger = sqrt(side * (double)p->max_size.at[s]);
            add_box(c, larger, larger);
        }
        for (size_t r = 1; r < ratio_count; r++) {
            const double root = sqrt((double)ratios[r]);
            add_box(c, side * root, side / root);
        }
    }
}

static void apply_scales(const tdnn_prior_box_params *p, cell *c)
{
    for (size_t i = 0; i < c->count && i < p->scales.count; i++) {
        c->width[i] *= p->scales.at[i];
        c->height[i] *= p->scales.at[i];
    }
}

static bool all_positive(const tdnn_floats *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (!(list->at[i] > 0)) return false;
    return true;
}

static tdnn_status check(const tdnn_infer *ctx, const tdnn_prior_box_params *p)
{
    if (ctx->in[0]->shape.ndim != 4 || ctx->in[1]->shape.ndim != 4)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "inputs of %d and %d dimensions, expected 4",
                         ctx->in[0]->shape.ndim, ctx->in[1]->shape.ndim);
    if (p->width.count != p->height.count ||
        (p->max_size.count && p->max_size.count != p->min_size.count) ||
        (p->variance.count > 1 && p->variance.count != 4) ||
        p->offset_h.count != p->offset_w.count)
        return TDNN_FAIL(
            ctx->err, TDNN_ERR_SHAPE,
            "%zu widths, %zu heights, %zu and %zu sizes, %zu variances, %zu and %zu offsets",
            p->width.count, p->height.count, p->min_size.count, p->max_size.count,
            p->variance.count, p->offset_h.count, p->offset_w.count);
    if (!all_positive(&p->aspect_ratio) || !all_positive(&p->min_size))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "a size or an aspect ratio that is not positive");
    return TDNN_OK;
}

/* ---- filling in ---- */

typedef struct grid {
    int64_t rows, columns;
    double step_h, step_w, scale_h, scale_w; /* scale: of the results */
} grid;

static grid grid_of(const tdnn_infer *ctx, const tdnn_prior_box_params *p)
{
    const int64_t *map = ctx->in[0]->shape.dim, *image = ctx->in[1]->shape.dim;
    grid g = {.rows = map[2], .columns = map[3]};
    const double height = (double)(p->image_height > 0 ? p->image_height : image[2]);
    const double width = (double)(p->image_width > 0 ? p->image_width : image[3]);
    g.step_h = p->step_h > 0 ? (double)p->step_h : height / (double)map[2];
    g.step_w = p->step_w > 0 ? (double)p->step_w : width / (double)map[3];
    g.scale_h = p->normalized ? 1 / height : 1;
    g.scale_w = p->normalized ? 1 / width : 1;
    return g;
}

static float limited(const tdnn_prior_box_params *p, double x)
{
    if (p->clip) x = x < 0 ? 0 : x > 1 ? 1 : x;
    return (float)x;
}

static float *put_box(const tdnn_prior_box_params *p, const grid *g, double x, double y,
                      double width, double height, float *out)
{
    out[0] = limited(p, (x - width / 2) * g->scale_w);
    out[1] = limited(p, (y - height / 2) * g->scale_h);
    out[2] = limited(p, (x + width / 2) * g->scale_w);
    out[3] = limited(p, (y + height / 2) * g->scale_h);
    return out + 4;
}

static void put_boxes(const tdnn_prior_box_params *p, const grid *g, const cell *c, float *out)
{
    const size_t offsets = p->offset_h.count ? p->offset_h.count : 1;
    for (int64_t row = 0; row < g->rows; row++)
        for (int64_t column = 0; column < g->columns; column++)
            for (size_t b = 0; b < c->count; b++)
                for (size_t k = 0; k < offsets; k++) {
                    const double dy =
                        (double)(p->offset_h.count ? p->offset_h.at[k] : p->offset);
                    const double dx =
                        (double)(p->offset_w.count ? p->offset_w.at[k] : p->offset);
                    out = put_box(p, g, ((double)column + dx) * g->step_w,
                                  ((double)row + dy) * g->step_h, (double)c->width[b],
                                  (double)c->height[b], out);
                }
}

static void put_variances(const tdnn_prior_box_params *p, float *out, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        out[i] = p->variance.count ? p->variance.at[p->variance.count == 4 ? i % 4 : 0] : 0.1F;
}

static tdnn_status prior_box_infer(tdnn_infer *ctx)
{
    const tdnn_prior_box_params *p = ctx->params;
    cell boxes;
    tdnn_shape shape = {3, {1, 2, 0}};
    TDNN_TRY(check(ctx, p));
    list_boxes(p, &boxes);
    if (!boxes.count || boxes.count > MOST_BOXES)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "%zu boxes in a cell, expected 1 to %d",
                         boxes.count, MOST_BOXES);
    apply_scales(p, &boxes);
    const grid g = grid_of(ctx, p);
    const int64_t numbers =
        4 * (int64_t)(boxes.count * (p->offset_h.count ? p->offset_h.count : 1));
    if (__builtin_mul_overflow(g.rows, g.columns, &shape.dim[2]) ||
        __builtin_mul_overflow(shape.dim[2], numbers, &shape.dim[2]))
        return TDNN_FAIL(ctx->err, TDNN_ERR_LIMIT, "too many boxes");
    tdnn_tensor *contents;
    TDNN_TRY(tdnn_tensor_create(TDNN_F32, &shape, &contents, ctx->err));
    put_boxes(p, &g, &boxes, contents->data);
    put_variances(p, (float *)contents->data + shape.dim[2], shape.dim[2]);
    tdnn_infer_set(ctx, 0, TDNN_F32, &shape);
    tdnn_infer_set_contents(ctx, 0, contents);
    return TDNN_OK;
}

static tdnn_status prior_box_plan(tdnn_plan_ctx *ctx)
{
    return TDNN_FAIL(ctx->err, TDNN_ERR_INTERNAL, "boxes were to be computed at run time");
}

static const tdnn_attr prior_box_attrs[] = {
    TDNN_FLOATS(tdnn_prior_box_params, min_size),
    TDNN_FLOATS(tdnn_prior_box_params, max_size),
    TDNN_FLOATS(tdnn_prior_box_params, aspect_ratio),
    TDNN_FLOATS(tdnn_prior_box_params, width),
    TDNN_FLOATS(tdnn_prior_box_params, height),
    TDNN_FLOATS(tdnn_prior_box_params, variance),
    TDNN_FLOATS(tdnn_prior_box_params, scales),
    TDNN_FLOATS(tdnn_prior_box_params, offset_h),
    TDNN_FLOATS(tdnn_prior_box_params, offset_w),
    TDNN_INT(tdnn_prior_box_params, flip, 1),
    TDNN_INT(tdnn_prior_box_params, clip, 0),
    TDNN_INT(tdnn_prior_box_params, normalized, 1),
    TDNN_INT(tdnn_prior_box_params, image_height, 0),
    TDNN_INT(tdnn_prior_box_params, image_width, 0),
    TDNN_FLOAT(tdnn_prior_box_params, step_h, 0),
    TDNN_FLOAT(tdnn_prior_box_params, step_w, 0),
    TDNN_FLOAT(tdnn_prior_box_params, offset, 0.5F),
    {0},
};

const tdnn_op tdnn_op_PriorBox = {
    .schema = {TDNN_SCHEMA(PriorBox, 2, 2, 1, 1, prior_box_attrs, tdnn_prior_box_params),
               .domain = "tinydnn"},
    .infer = prior_box_infer,
    .plan = prior_box_plan,
};

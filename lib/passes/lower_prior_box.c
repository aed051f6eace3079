/* PriorBox in standard operators: the grid of lib/ops/prior_box.c, in f64 as there, from the
 * sizes of the map and of the image. Where those are declared it becomes a constant.
 */
#include "lib/passes/lower.h"

#include <math.h>

/* The boxes of a cell, in pixels, each as often as there are centres in a cell. */
typedef struct cell {
    double *width, *height, *dx, *dy;
    int64_t count;
} cell;

static size_t most_boxes(const tdnn_prior_box_params *p)
{
    const size_t ratios = 2 * p->aspect_ratio.count + 2;
    return p->width.count + p->min_size.count * ratios;
}

/* As PriorBox rounds them: to f32 before and after the scales. */
static void add_box(cell *c, const tdnn_prior_box_params *p, double width, double height)
{
    const size_t i = (size_t)c->count++;
    const float scale = i < p->scales.count ? p->scales.at[i] : 1;
    c->width[i] = (double)((float)width * scale);
    c->height[i] = (double)((float)height * scale);
}

/* Ratios other than 1, without repetitions. */
static size_t distinct_ratios(const tdnn_prior_box_params *p, float *ratios)
{
    size_t count = 0;
    for (size_t i = 0; i < p->aspect_ratio.count; i++) {
        const float ratio = p->aspect_ratio.at[i];
        bool known = fabsf(ratio - 1) < 1e-6F;
        for (size_t k = 0; k < count; k++) known = known || fabsf(ratio - ratios[k]) < 1e-6F;
        if (known) continue;
        ratios[count++] = ratio;
        if (p->flip) ratios[count++] = 1 / ratio;
    }
    return count;
}

static void list_boxes(cell *c, const tdnn_prior_box_params *p, float *ratios)
{
    for (size_t i = 0; i < p->width.count; i++)
        add_box(c, p, (double)p->width.at[i], (double)p->height.at[i]);
    if (p->width.count) return;
    const size_t ratio_count = distinct_ratios(p, ratios);
    for (size_t s = 0; s < p->min_size.count; s++) {
        const double size = (double)p->min_size.at[s];
        add_box(c, p, size, size);
        if (p->max_size.count) {
            const double larger = sqrt(size * (double)p->max_size.at[s]);
            add_box(c, p, larger, larger);
        }
        for (size_t r = 0; r < ratio_count; r++) {
            const double root = sqrt((double)ratios[r]);
            add_box(c, p, size * root, size / root);
        }
    }
}

/* Every box at every centre, from the last to the first, so that they move up in place. */
static void spread(cell *c, const tdnn_prior_box_params *p)
{
    const int64_t centres = p->offset_h.count ? (int64_t)p->offset_h.count : 1;
    c->count *= centres;
    for (int64_t i = c->count - 1; i >= 0; i--) {
        c->width[i] = c->width[i / centres];
        c->height[i] = c->height[i / centres];
        c->dx[i] = (double)(p->offset_w.count ? p->offset_w.at[i % centres] : p->offset);
        c->dy[i] = (double)(p->offset_h.count ? p->offset_h.at[i % centres] : p->offset);
    }
}

static bool make_cell(tdnn_lowering *l, const tdnn_prior_box_params *p, cell *c)
{
    tdnn_zone *zone = l->graph->zone;
    const size_t centres = p->offset_h.count ? p->offset_h.count : 1;
    const size_t room = most_boxes(p) * centres + 1;
    float *ratios = tdnn_zone_alloc(zone, 2 * p->aspect_ratio.count + 2, sizeof *ratios);
    *c = (cell){0};
    c->width = tdnn_zone_alloc(zone, room, sizeof(double));
    c->height = tdnn_zone_alloc(zone, room, sizeof(double));
    c->dx = tdnn_zone_alloc(zone, room, sizeof(double));
    c->dy = tdnn_zone_alloc(zone, room, sizeof(double));
    if (!ratios || !c->width || !c->height || !c->dx || !c->dy) {
        if (!l->status) l->status = TDNN_NO_MEMORY(l->err);
        return false;
    }
    list_boxes(c, p, ratios);
    spread(c, p);
    return true;
}

/* ---- one direction ---- */

typedef struct direction {
    int axis; /* of the map and of the image */
    float step;
    int64_t image;
    const double *extent, *offset;
} direction;

/* A size as a scalar of f64. */
static tdnn_id length_of(tdnn_lowering *l, tdnn_id x, int axis)
{
    return lower_cast(l, lower_squeeze(l, lower_dim(l, x, axis), 0), TDNN_F64);
}

/* Cells x boxes: where each begins and ends. */
static void edges(tdnn_lowering *l, const tdnn_prior_box_params *p, const direction *d,
                  int64_t count, tdnn_id out[2])
{
    const tdnn_id map = lower_input(l, 0), half = lower_f64(l, 2);
    const tdnn_id image = d->image > 0 ? lower_f64(l, (double)d->image)
                                       : length_of(l, lower_input(l, 1), d->axis);
    const tdnn_id step = d->step > 0 ? lower_f64(l, (double)d->step)
                                     : lower_op(l, Div, image, length_of(l, map, d->axis));
    const tdnn_id cells =
        lower_cast(l, lower_count_up(l, lower_dim(l, map, d->axis)), TDNN_F64);
    const tdnn_id places =
        lower_op(l, Add, lower_unsqueeze(l, cells, 1), lower_doubles(l, d->offset, count));
    const tdnn_id centre = lower_op(l, Mul, places, step);
    const tdnn_id reach = lower_op(l, Div, lower_doubles(l, d->extent, count), half);
    out[0] = lower_op(l, Sub, centre, reach);
    out[1] = lower_op(l, Add, centre, reach);
    if (!p->normalized) return;
    const tdnn_id scale = lower_op(l, Div, lower_f64(l, 1), image);
    for (int i = 0; i < 2; i++) out[i] = lower_op(l, Mul, out[i], scale);
}

static tdnn_id variances(tdnn_lowering *l, const tdnn_prior_box_params *p, tdnn_id like)
{
    float v[4];
    for (size_t i = 0; i < 4; i++)
        v[i] = p->variance.count ? p->variance.at[p->variance.count == 4 ? i : 0] : 0.1F;
    return lower_op(l, Expand, lower_floats(l, v, 1, (int64_t[]){4}), like);
}

void tdnn_lower_prior_box(tdnn_lowering *l)
{
    const tdnn_prior_box_params *p = l->node->params;
    cell c;
    if (p->width.count != p->height.count || p->offset_h.count != p->offset_w.count ||
        (p->max_size.count && p->max_size.count != p->min_size.count)) {
        lower_refuse(l, "lists of different lengths");
        return;
    }
    if (!make_cell(l, p, &c)) return;
    const direction right = {3, p->step_w, p->image_width, c.width, c.dx};
    const direction down = {2, p->step_h, p->image_height, c.height, c.dy};
    tdnn_id x[2], y[2], sides[4];
    edges(l, p, &right, c.count, x);
    edges(l, p, &down, c.count, y);
    const tdnn_id rows = lower_dim(l, lower_input(l, 0), 2),
                  columns = lower_dim(l, lower_input(l, 0), 3);
    const tdnn_id all = lower_joined(l, 0, rows, columns, lower_ints(l, c.count, 1));
    for (int i = 0; i < 2; i++) {
        sides[2 * i] = lower_op(l, Expand, lower_reshape(l, x[i], 1, -1, c.count, 1), all);
        sides[2 * i + 1] = lower_op(l, Expand, lower_reshape(l, y[i], -1, 1, c.count, 1), all);
    }
    tdnn_id boxes = lower_concat(l, -1, sides, 4);
    if (p->clip) boxes = lower_op(l, Clip, boxes, lower_f64(l, 0), lower_f64(l, 1));
    boxes = lower_cast(l, boxes, TDNN_F32);
    const tdnn_id spreads = variances(l, p, lower_op(l, Shape, boxes));
    lower_result(l, 0,
                 lower_joined(l, 1, lower_reshape(l, boxes, 1, 1, -1),
                              lower_reshape(l, spreads, 1, 1, -1)));
}

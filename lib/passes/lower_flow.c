/* Correlation and FlowWarp in standard operators, with the arithmetic of lib/ops/flow.c. */
#include "lib/passes/lower.h"

/* ---- Correlation: the maps shifted against each other, one way after another ---- */

/* What is max_displacement away from the border of a padded map, moved by dx and dy. */
static tdnn_id window(tdnn_lowering *l, const tdnn_correlation_params *c, tdnn_id map,
                      tdnn_id axes, int64_t dy, int64_t dx)
{
    const int64_t below = dy - c->max_displacement, right = dx - c->max_displacement;
    const tdnn_id begin = lower_ints(l, c->max_displacement + dy, c->max_displacement + dx);
    const tdnn_id end = lower_ints(l, below ? below : INT64_MAX, right ? right : INT64_MAX);
    return lower_op(l, Slice, map, begin, end, axes);
}

/* Sums over squares, at every stride_1-th place; a plane for each of `count` displacements. */
static tdnn_id sum_squares(tdnn_lowering *l, const tdnn_correlation_params *c, tdnn_id maps,
                           int64_t count)
{
    const int64_t s = c->stride_1;
    if (c->kernel_size == 1) {
        if (s == 1) return maps;
        return lower_op(l, Slice, maps, lower_ints(l, 0, 0),
                        lower_ints(l, INT64_MAX, INT64_MAX), lower_ints(l, 2, 3),
                        lower_ints(l, s, s));
    }
    const tdnn_id shape = lower_ints(l, count, 1, c->kernel_size, c->kernel_size);
    const tdnn_id sums = lower_op(l, Conv, maps, lower_full(l, shape, 1));
    lower_set_int(l, "group", count);
    lower_set_ints(l, "kernel_shape", (int64_t[]){c->kernel_size, c->kernel_size}, 2);
    lower_set_ints(l, "strides", (int64_t[]){s, s}, 2);
    return sums;
}

void tdnn_lower_correlation(tdnn_lowering *l)
{
    const tdnn_correlation_params *c = l->node->params;
    const int64_t steps = c->stride_2 > 0 ? c->max_displacement / c->stride_2 : 0,
                  side = 2 * steps + 1;
    if (c->kernel_size < 1 || c->stride_1 < 1 || c->stride_2 < 1 || c->pad < 0 ||
        c->max_displacement < 0 || side > 64) {
        lower_refuse(l, "more than 64 x 64 displacements, or sizes that are none");
        return;
    }
    tdnn_id *planes = tdnn_zone_alloc(l->graph->zone, (size_t)(side * side), sizeof *planes);
    if (!planes) {
        if (!l->status) l->status = TDNN_NO_MEMORY(l->err);
        return;
    }
    const tdnn_id pads = lower_ints(l, 0, 0, c->pad, c->pad, 0, 0, c->pad, c->pad);
    const tdnn_id a = c->pad ? lower_op(l, Pad, lower_input(l, 0), pads) : lower_input(l, 0);
    const tdnn_id b = c->pad ? lower_op(l, Pad, lower_input(l, 1), pads) : lower_input(l, 1);
    const tdnn_id axes = lower_ints(l, 2, 3), channels = lower_ints(l, 1);
    const tdnn_id middle = window(l, c, a, axes, 0, 0);
    size_t count = 0;
    for (int64_t dy = -steps; dy <= steps; dy++)
        for (int64_t dx = -steps; dx <= steps; dx++) {
            const tdnn_id moved = window(l, c, b, axes, dy * c->stride_2, dx * c->stride_2);
            planes[count++] = lower_op(l, ReduceSum, lower_op(l, Mul, middle, moved), channels);
        }
    const tdnn_id all = lower_concat(l, 1, planes, count);
    const tdnn_id sums = sum_squares(l, c, all, side * side);
    const tdnn_id products = lower_op(l, Mul, lower_dim(l, lower_input(l, 0), 1),
                                      lower_i64(l, c->kernel_size * c->kernel_size));
    lower_result(l, 0, lower_op(l, Div, sums, lower_cast(l, products, TDNN_F32)));
}

/* ---- FlowWarp ---- */

typedef struct warp {
    tdnn_id pixels; /* N, C, H W                               */
    tdnn_id like;   /* N, C, 1, to which indices are expanded  */
    tdnn_id width;  /* a vector of one                         */
} warp;

static tdnn_id fetch(tdnn_lowering *l, const warp *w, tdnn_id row, tdnn_id column)
{
    const tdnn_id at = lower_op(l, Add, lower_op(l, Mul, row, w->width), column);
    const tdnn_id out =
        lower_op(l, GatherElements, w->pixels, lower_op(l, Expand, at, w->like));
    lower_set_int(l, "axis", 2);
    return out;
}

/* (1 - t) a + t b */
static tdnn_id between(tdnn_lowering *l, tdnn_id t, tdnn_id a, tdnn_id b)
{
    const tdnn_id rest = lower_op(l, Sub, lower_f32(l, 1), t);
    return lower_op(l, Add, lower_op(l, Mul, rest, a), lower_op(l, Mul, t, b));
}

/* 0 <= x < length, a vector of one; and x where that is so, else 0. */
static tdnn_id within(tdnn_lowering *l, tdnn_id x, tdnn_id length)
{
    const tdnn_id low = lower_op(l, Less, x, lower_f32(l, 0));
    const tdnn_id high = lower_op(l, Less, x, lower_cast(l, length, TDNN_F32));
    return lower_op(l, And, lower_op(l, Not, low), high);
}

static tdnn_id neighbour(tdnn_lowering *l, tdnn_id place, tdnn_id length)
{
    const tdnn_id one = lower_i64(l, 1);
    return lower_op(l, Min, lower_op(l, Add, place, one), lower_op(l, Sub, length, one));
}

void tdnn_lower_flow_warp(tdnn_lowering *l)
{
    float fill = 0;
    lower_read(l->node, "fill", &fill, sizeof fill);
    const tdnn_id x = lower_input(l, 0), shape = lower_op(l, Shape, x);
    const tdnn_id flow = lower_reshape(l, lower_input(l, 1), 0, 2, -1);
    const tdnn_id height = lower_dim(l, x, 2), width = lower_dim(l, x, 3);
    tdnn_id row, column;
    lower_cells(l, x, &row, &column);
    tdnn_id fx = lower_slice(l, flow, 1, 0, 1, 1), fy = lower_slice(l, flow, 1, 1, 2, 1);
    fx = lower_op(l, Add, lower_cast(l, column, TDNN_F32), fx);
    fy = lower_op(l, Add, lower_cast(l, row, TDNN_F32), fy);
    const tdnn_id inside = lower_op(l, And, within(l, fx, width), within(l, fy, height));
    const tdnn_id zero = lower_f32(l, 0);
    fx = lower_op(l, Where, inside, fx, zero);
    fy = lower_op(l, Where, inside, fy, zero);
    const tdnn_id x0 = lower_op(l, Floor, fx), y0 = lower_op(l, Floor, fy);
    const tdnn_id u = lower_op(l, Sub, fx, x0), v = lower_op(l, Sub, fy, y0);
    const tdnn_id left = lower_cast(l, x0, TDNN_I64), top = lower_cast(l, y0, TDNN_I64);
    const tdnn_id right = neighbour(l, left, width), below = neighbour(l, top, height);
    warp w = {.pixels = lower_reshape(l, x, 0, 0, -1), .width = width};
    w.like = lower_joined(l, 0, lower_slice(l, shape, 0, 0, 2, 1), lower_ints(l, 1));
    const tdnn_id upper = between(l, u, fetch(l, &w, top, left), fetch(l, &w, top, right));
    const tdnn_id lower = between(l, u, fetch(l, &w, below, left), fetch(l, &w, below, right));
    const tdnn_id mixed =
        lower_op(l, Where, inside, between(l, v, upper, lower), lower_f32(l, fill));
    lower_result(l, 0, lower_op(l, Reshape, mixed, shape));
}

/* Convolution of stride 1 one kernel position after another, each on those pixels only that it
 * reaches from within the image: the sums stand in the output meanwhile, and the input is read
 * in place. For dilations so large that most positions lie in the padding.
 */
#ifndef TDNN_KERNELS_SIMD_CONV_BY_TAP_H
#define TDNN_KERNELS_SIMD_CONV_BY_TAP_H

#include "kernels/simd/conv.h"

/* Some input channels and one pair of output blocks. `x` is the first of their planes in the
 * image, `y` the image's first plane of the pair. */
typedef struct tap_work {
    const tdnn_conv *c;
    tile_work t;
    int V;
    size_t row_begin, row_end;
    const float *x;
    float *y;
} tap_work;

/* y = bias, and the residual if it comes before the activation */
static void begin_sums(const tap_work *g, const float *bias, const float *residual)
{
    const tdnn_conv *c = g->c;
    const size_t end = g->row_end * c->ow * V_LANES, plane = c->oh * c->ow * V_LANES;
    for (size_t v = 0; v < (size_t)g->V; v++)
        for (size_t i = g->row_begin * c->ow * V_LANES; i < end; i += V_LANES) {
            v_f32 sum = v_load(bias + v * V_LANES);
            if (residual) sum = v_add(sum, v_load(residual + v * plane + i));
            v_store(g->y + v * plane + i, sum);
        }
}

static void end_sums(const tap_work *g, const float *residual)
{
    const tdnn_conv *c = g->c;
    if (c->act.kind == TDNN_ACTIVATE_NONE && c->residual != TDNN_RESIDUAL_AFTER) return;
    const size_t plane = c->oh * c->ow * V_LANES, begin = g->row_begin * c->ow * V_LANES;
    for (size_t v = 0; v < (size_t)g->V; v++)
        finish(c, g->y + v * plane + begin, residual ? residual + v * plane + begin : NULL,
               (g->row_end - g->row_begin) * c->ow * V_LANES);
}

/* Adds what one kernel position contributes: `w` are its weights for the channels. */
static void add_tap(tap_work *g, size_t kh, size_t kw, const float *w)
{
    static const float zeros[2 * V_LANES] = {0};
    const tdnn_conv *c = g->c;
    tdnn_conv_stretch rows = tdnn_conv_reached(c->oh, c->ih, kh * c->dilation_h, c->pad_top);
    const tdnn_conv_stretch columns =
        tdnn_conv_reached(c->ow, c->iw, kw * c->dilation_w, c->pad_left);
    if (rows.begin < g->row_begin) rows.begin = g->row_begin;
    if (rows.end > g->row_end) rows.end = g->row_end;
    if (rows.begin >= rows.end || columns.begin >= columns.end) return;
    const bool whole = columns.end - columns.begin == c->ow && c->ow == c->iw;
    size_t count = columns.end - columns.begin;
    if (whole) count *= rows.end - rows.begin;
    g->t.w = w;
    g->t.out.bias = zeros;
    for (size_t row = rows.begin; row < rows.end; row++) {
        const size_t y = row + kh * c->dilation_h - c->pad_top;
        const size_t x = columns.begin + kw * c->dilation_w - c->pad_left;
        g->t.out.y = g->y + (row * c->ow + columns.begin) * V_LANES;
        g->t.out.residual = g->t.out.y;
        run_line(block_tiles[g->V - 1], &g->t, g->x + (y * c->iw + x) * V_LANES, count);
        if (whole) return;
    }
}

static void convolve_by_tap(const tdnn_conv *c, const tdnn_conv_io *io, size_t task,
                            void *scratch)
{
    const tdnn_conv_part part = tdnn_conv_part_of(c, task);
    const size_t in_plane = c->ih * c->iw * V_LANES, out_plane = c->oh * c->ow * V_LANES;
    const size_t blocks = tdnn_conv_blocks(c->oc, V_LANES), step = tdnn_conv_tap_planes(c);
    ptrdiff_t *taps = scratch;
    for (size_t p = 0; p < c->planes; p++) taps[p] = (ptrdiff_t)(p * in_plane);
    tap_work g = {.c = c, .row_begin = part.row_begin, .row_end = part.row_end};
    g.t = (tile_work){.out.y_plane = out_plane, .taps = taps, .lanes = {V_LANES, c->last_lanes}};
    for (size_t plane = 0; plane < c->planes; plane += step) {
        const bool last = c->planes - plane <= step;
        g.t.tap_count[0] = last ? c->planes - plane - 1 : step;
        g.t.tap_count[1] = last;
        g.x = io->x + (part.image * c->planes + plane) * in_plane;
        for (size_t pair = part.pair_begin; pair < part.pair_end; pair++) {
            g.V = 2 * pair + 1 < blocks ? 2 : 1;
            const size_t at = (part.image * blocks + 2 * pair) * out_plane,
                         width = (size_t)g.V * V_LANES;
            const float *residual = io->residual ? io->residual + at : NULL;
            const float *w =
                io->weights + tdnn_conv_bias_count(c) + 2 * pair * V_LANES * tdnn_conv_depth(c);
            g.y = io->y + at;
            if (plane == 0)
                begin_sums(&g, io->weights + 2 * pair * V_LANES,
                           c->residual == TDNN_RESIDUAL_BEFORE ? residual : NULL);
            for (size_t k = 0; k < c->kh * c->kw; k++)
                add_tap(&g, k / c->kw, k % c->kw, w + (k * c->ic + plane * V_LANES) * width);
            if (last) end_sums(&g, residual);
        }
    }
}

#endif

/* Winograd convolution F(4x4, 3x3) on vectors, for some tiles at a time: the transformed input
 * of all channels goes to scratch, [point][plane][tile][lane]; then come 36 products of
 * matrices, and their sums are transformed back. Where all of that stays in the second-level
 * cache, this is done pair by pair of output blocks; otherwise point by point, so that weights
 * and input are read once from further away.
 */
#ifndef TDNN_KERNELS_SIMD_WINOGRAD_H
#define TDNN_KERNELS_SIMD_WINOGRAD_H

#include "kernels/simd/conv.h"

enum { IN = TDNN_WINOGRAD_IN, OUT = TDNN_WINOGRAD_OUT, POINTS = TDNN_WINOGRAD_POINTS };

/* Bt d of six vectors. */
INLINE void transform_input(const v_f32 d[IN], v_f32 t[IN])
{
    const v_f32 a = v_set1((float)TDNN_WINOGRAD_A), b = v_set1((float)(2 * TDNN_WINOGRAD_A));
    const v_f32 half = v_set1(0.5f), two = v_set1(2), sum = v_set1(2.5f);
    const v_f32 even1 = v_fnma(two, d[2], d[4]), odd1 = v_fnma(two, d[1], d[3]);
    const v_f32 even2 = v_fnma(half, d[2], d[4]), odd2 = v_fnma(half, d[1], d[3]);
    t[0] = v_fnma(sum, d[2], v_add(d[0], d[4]));
    t[1] = v_fma(a, odd1, even1);
    t[2] = v_fnma(a, odd1, even1);
    t[3] = v_fma(b, odd2, even2);
    t[4] = v_fnma(b, odd2, even2);
    t[5] = v_fnma(sum, d[3], v_add(d[1], d[5]));
}

/* At m of six vectors. */
INLINE void transform_output(const v_f32 m[IN], v_f32 y[OUT])
{
    const v_f32 half = v_set1(0.5f), two = v_set1(2);
    const v_f32 even1 = v_add(m[1], m[2]), even2 = v_add(m[3], m[4]);
    const v_f32 odd1 = v_mul(v_set1((float)TDNN_WINOGRAD_A), v_sub(m[1], m[2]));
    const v_f32 odd2 = v_mul(v_set1((float)(2 * TDNN_WINOGRAD_A)), v_sub(m[3], m[4]));
    y[0] = v_add(m[0], v_add(even1, even2));
    y[1] = v_add(odd1, odd2);
    y[2] = v_fma(two, even2, v_mul(half, even1));
    y[3] = v_fma(two, odd2, v_fma(half, odd1, m[5]));
}

/* One tile of an input plane; points `step` floats apart. */
static void transform_tile(const tdnn_conv *c, const float *plane, const tdnn_winograd_tile *at,
                           float *to, size_t step)
{
    v_f32 rows[IN][IN], d[IN], t[IN];
    const size_t dh = c->dilation_h, dw = c->dilation_w;
    const size_t row = at->row - c->pad_top, column = at->column - c->pad_left; /* may wrap */
    const bool inside = at->row >= c->pad_top && row + (IN - 1) * dh < c->ih &&
                        at->column >= c->pad_left && column + (IN - 1) * dw < c->iw;
    const float *x = plane + ((ptrdiff_t)row * (ptrdiff_t)c->iw + (ptrdiff_t)column) * V_LANES;
    V_UNROLL for (size_t i = 0; i < IN; i++) {
        for (size_t j = 0; j < IN; j++) {
            const bool in = inside || (row + j * dh < c->ih && column + i * dw < c->iw);
            d[j] = in ? v_load(x + (j * dh * c->iw + i * dw) * V_LANES) : v_set1(0);
        }
        transform_input(d, t);
        V_UNROLL for (size_t j = 0; j < IN; j++) rows[j][i] = t[j];
    }
    for (size_t j = 0; j < IN; j++) {
        transform_input(rows[j], t);
        V_UNROLL for (size_t i = 0; i < IN; i++) v_store(to + (j * IN + i) * step, t[i]);
    }
}

/* Results of a tile's row, `step` floats apart. */
static void finish_row(const tdnn_conv *c, float *y, const float *residual, size_t count,
                       size_t step)
{
    if (step == V_LANES)
        finish(c, y, residual, count * V_LANES);
    else
        for (size_t i = 0; i < count; i++)
            finish(c, y + i * step, residual ? residual + i * step : NULL, V_LANES);
}

/* The sums of one block of a tile, points `step` floats apart, to `y`, whose start is the
 * plane's. */
static void restore_tile(const tdnn_conv *c, const tile_out *out, const float *from,
                         size_t step, const float *bias, const tdnn_winograd_tile *place,
                         float *y, const float *residual)
{
    v_f32 rows[OUT][IN], m[IN], t[OUT];
    for (size_t i = 0; i < IN; i++) {
        V_UNROLL for (size_t j = 0; j < IN; j++) m[j] = v_load(from + (j * IN + i) * step);
        transform_output(m, t);
        V_UNROLL for (size_t j = 0; j < OUT; j++) rows[j][i] = t[j];
    }
    const bool late = finish_late(c), before = c->residual == TDNN_RESIDUAL_BEFORE;
    const size_t next = c->dilation_w * V_LANES;
    for (size_t j = 0; j < place->rows; j++) {
        const size_t at = ((place->row + j * c->dilation_h) * c->ow + place->column) * V_LANES;
        transform_output(rows[j], t);
        for (size_t i = 0; i < place->columns; i++) {
            v_f32 v = v_add(t[i], v_load(bias));
            if (before) v = v_add(v, v_load(residual + at + i * next));
            if (out->act.kind == TDNN_ACTIVATE_CLIP)
                v = v_clip(v, v_set1(out->act.alpha), v_set1(out->act.beta));
            if (out->act.kind == TDNN_ACTIVATE_LEAKY)
                v = v_activate(v, TDNN_ACTIVATE_LEAKY, v_set1(out->act.alpha), v_set1(0));
            v_store(y + at + i * next, v);
        }
        if (late) finish_row(c, y + at, residual ? residual + at : NULL, place->columns, next);
    }
}

/* What a task computes with. Sums are [pair][point][block][tile][lane]. */
typedef struct winograd_work {
    const tdnn_conv *c;
    const tdnn_conv_io *io;
    tdnn_conv_part part;
    size_t tiles, blocks;            /* of outputs                      */
    const tdnn_winograd_tile *places;
    const float *input;
    tile_work t;
} winograd_work;

/* Output blocks of a pair. */
static int width_of(const winograd_work *g, size_t pair)
{
    return 2 * pair + 1 < g->blocks ? 2 : 1;
}

/* One matrix product: tiles x input channels, times input channels x one pair. Sums of many
 * channels are made in pieces, whose inputs stay in the first cache from pair to pair. */
static void multiply(winograd_work *g, size_t pair, size_t point, float *sums)
{
    static const float zeros[2 * V_LANES] = {0};
    const tdnn_conv *c = g->c;
    const int V = width_of(g, pair);
    const size_t plane = g->tiles * V_LANES;
    const float *w = g->io->weights + tdnn_conv_bias_count(c) +
                     tdnn_winograd_weights(c, pair, point, (size_t)V);
    tile_work t = g->t;
    t.out = (tile_out){.bias = zeros, .y_plane = plane};
    for (size_t p = 0; p < c->planes; p += TDNN_WINOGRAD_PLANES) {
        const bool last = c->planes - p <= TDNN_WINOGRAD_PLANES;
        const size_t count = last ? c->planes - p : TDNN_WINOGRAD_PLANES;
        t.tap_count[0] = last ? count - 1 : count;
        t.tap_count[1] = last;
        t.w = w + p * V_LANES * (size_t)V * V_LANES;
        t.out.y = sums;
        t.out.residual = p ? sums : NULL;
        run_line(block_tiles[V - 1], &t, g->input + (point * c->planes + p) * plane, g->tiles);
    }
}

static void restore(const winograd_work *g, size_t pair, const float *sums)
{
    const tdnn_conv *c = g->c;
    const tile_out out = {.act = finish_late(c) ? (tdnn_act){TDNN_ACTIVATE_NONE, 0, 0} : c->act};
    const size_t V = (size_t)width_of(g, pair), plane = g->tiles * V_LANES;
    for (size_t v = 0; v < V; v++) {
        const size_t block = 2 * pair + v;
        const size_t start = (g->part.image * g->blocks + block) * c->oh * c->ow * V_LANES;
        for (size_t i = 0; i < g->tiles; i++)
            restore_tile(c, &out, sums + v * plane + i * V_LANES, V * plane,
                         g->io->weights + block * V_LANES, &g->places[i], g->io->y + start,
                         g->io->residual ? g->io->residual + start : NULL);
    }
}

static void convolve_winograd(const tdnn_conv *c, const tdnn_conv_io *io, size_t task,
                              void *scratch)
{
    winograd_work g = {.c = c, .io = io, .part = tdnn_conv_part_of(c, task),
                       .blocks = tdnn_conv_blocks(c->oc, V_LANES)};
    g.tiles = g.part.row_end - g.part.row_begin;
    const size_t plane = g.tiles * V_LANES;
    ptrdiff_t *taps = scratch;
    tdnn_winograd_tile *places = (tdnn_winograd_tile *)(void *)(taps + c->planes);
    float *input = (float *)((char *)scratch + tdnn_winograd_head(c)),
          *sums = input + POINTS * c->planes * plane;
    for (size_t i = 0; i < g.tiles; i++)
        places[i] = tdnn_winograd_tile_at(c, g.part.row_begin + i);
    for (size_t p = 0; p < c->planes; p++) {
        const float *x = io->x + (g.part.image * c->planes + p) * c->ih * c->iw * V_LANES;
        taps[p] = (ptrdiff_t)(p * plane);
        for (size_t i = 0; i < g.tiles; i++)
            transform_tile(c, x, &places[i], input + p * plane + i * V_LANES, c->planes * plane);
    }
    g.places = places;
    g.input = input;
    g.t = (tile_work){.taps = taps, .lanes = {V_LANES, c->last_lanes}};
    const size_t begin = g.part.pair_begin, end = g.part.pair_end, pair_size = POINTS * 2 * plane;
    for (size_t point = 0; c->by_point && point < POINTS; point++)
        for (size_t pair = begin; pair < end; pair++)
            multiply(&g, pair, point,
                     sums + (pair - begin) * pair_size +
                         point * (size_t)width_of(&g, pair) * plane);
    for (size_t pair = begin; pair < end; pair++) {
        float *to = sums + (c->by_point ? (pair - begin) * pair_size : 0);
        for (size_t point = 0; !c->by_point && point < POINTS; point++)
            multiply(&g, pair, point, to + point * (size_t)width_of(&g, pair) * plane);
        restore(&g, pair, to);
    }
}

#endif

/* Winograd convolution F(4x4, 3x3) on vectors, for some tiles at a time: the transformed input of all
 * channels goes to scratch, [point][plane][tile][lane]; then for each pair of output blocks 36
 * products of matrices, and their sums transformed back.
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

/* The tile whose corner is (row, column), counted with padding; points `step` floats apart. */
static void transform_tile(const tdnn_conv *c, const float *plane, size_t row, size_t column,
                           float *to, size_t step)
{
    v_f32 rows[IN][IN], d[IN], t[IN];
    const bool inside = row >= c->pad_top && row - c->pad_top + IN <= c->ih &&
                        column >= c->pad_left && column - c->pad_left + IN <= c->iw;
    const float *x = plane + ((ptrdiff_t)(row - c->pad_top) * (ptrdiff_t)c->iw +
                              (ptrdiff_t)(column - c->pad_left)) * V_LANES;
    V_UNROLL for (size_t i = 0; i < IN; i++) {
        for (size_t j = 0; j < IN; j++) {
            const bool in = inside || (row + j - c->pad_top < c->ih && column + i - c->pad_left < c->iw);
            d[j] = in ? v_load(x + (j * c->iw + i) * V_LANES) : v_set1(0);
        }
        transform_input(d, t);
        V_UNROLL for (size_t j = 0; j < IN; j++) rows[j][i] = t[j];
    }
    for (size_t j = 0; j < IN; j++) {
        transform_input(rows[j], t);
        V_UNROLL for (size_t i = 0; i < IN; i++) v_store(to + (j * IN + i) * step, t[i]);
    }
}

/* Where a tile's results go, and how many of them there are. */
typedef struct tile_place {
    size_t at, rows, columns; /* floats from the plane's start; pixels */
} tile_place;

static tile_place place_of(const tdnn_conv *c, size_t tile)
{
    const size_t across = (c->ow + OUT - 1) / OUT;
    const size_t row = tile / across * OUT, column = tile % across * OUT;
    return (tile_place){(row * c->ow + column) * V_LANES, c->oh - row < OUT ? c->oh - row : OUT,
                        c->ow - column < OUT ? c->ow - column : OUT};
}

/* The sums of one block of a tile, points `step` floats apart, to `y`, whose start is the plane's. */
static void restore_tile(const tdnn_conv *c, const tile_out *out, const float *from, size_t step,
                         const float *bias, const tile_place *place, float *y, const float *residual)
{
    v_f32 rows[OUT][IN], m[IN], t[OUT];
    for (size_t i = 0; i < IN; i++) {
        V_UNROLL for (size_t j = 0; j < IN; j++) m[j] = v_load(from + (j * IN + i) * step);
        transform_output(m, t);
        V_UNROLL for (size_t j = 0; j < OUT; j++) rows[j][i] = t[j];
    }
    const bool late = finish_late(c), before = c->residual == TDNN_RESIDUAL_BEFORE;
    for (size_t j = 0; j < place->rows; j++) {
        const size_t at = place->at + j * c->ow * V_LANES;
        transform_output(rows[j], t);
        for (size_t i = 0; i < place->columns; i++) {
            v_f32 v = v_add(t[i], v_load(bias));
            if (before) v = v_add(v, v_load(residual + at + i * V_LANES));
            if (out->act.kind == TDNN_ACTIVATE_CLIP)
                v = v_clip(v, v_set1(out->act.alpha), v_set1(out->act.beta));
            if (out->act.kind == TDNN_ACTIVATE_LEAKY)
                v = v_activate(v, TDNN_ACTIVATE_LEAKY, v_set1(out->act.alpha), v_set1(0));
            v_store(y + at + i * V_LANES, v);
        }
        if (late) finish(c, y + at, residual ? residual + at : NULL, place->columns * V_LANES);
    }
}

/* 36 matrix products: tiles x input channels, times input channels x one pair, into `sums`. */
static void multiply(const tdnn_conv *c, tile_work *t, const float *w, const float *input,
                     size_t tiles, float *sums, int V)
{
    static const float zeros[2 * V_LANES] = {0};
    const size_t plane = tiles * V_LANES;
    t->out = (tile_out){.bias = zeros, .y_plane = plane};
    for (size_t point = 0; point < POINTS; point++) {
        t->w = w + point * c->ic * (size_t)V * V_LANES;
        t->out.y = sums + point * (size_t)V * plane;
        run_line(block_tiles[V - 1], t, input + point * c->planes * plane, tiles);
    }
}

static void convolve_winograd(const tdnn_conv *c, const tdnn_conv_io *io, size_t task, void *scratch)
{
    const tdnn_conv_part part = tdnn_conv_part_of(c, task);
    const size_t tiles = part.row_end - part.row_begin, plane = tiles * V_LANES;
    const size_t across = (c->ow + OUT - 1) / OUT, blocks = tdnn_conv_blocks(c->oc, V_LANES);
    ptrdiff_t *taps = scratch;
    float *input = (float *)((char *)scratch + (c->planes * 9 * sizeof *taps + 63) / 64 * 64);
    float *sums = input + POINTS * c->planes * plane;
    for (size_t p = 0; p < c->planes; p++) {
        const float *x = io->x + (part.image * c->planes + p) * c->ih * c->iw * V_LANES;
        taps[p] = (ptrdiff_t)(p * plane);
        for (size_t i = 0; i < tiles; i++)
            transform_tile(c, x, (part.row_begin + i) / across * OUT, (part.row_begin + i) % across * OUT,
                           input + p * plane + i * V_LANES, c->planes * plane);
    }
    tile_work t = {.taps = taps, .tap_count = {c->planes - 1, 1}, .lanes = {V_LANES, c->last_lanes}};
    const tile_out out = {.act = finish_late(c) ? (tdnn_act){TDNN_ACTIVATE_NONE, 0, 0} : c->act};
    for (size_t pair = part.pair_begin; pair < part.pair_end; pair++) {
        const int V = 2 * pair + 1 < blocks ? 2 : 1;
        const float *w = io->weights + tdnn_conv_bias_count(c) + 2 * pair * V_LANES * c->ic * POINTS;
        multiply(c, &t, w, input, tiles, sums, V);
        for (size_t v = 0; v < (size_t)V; v++) {
            const size_t block = 2 * pair + v;
            const size_t start = (part.image * blocks + block) * c->oh * c->ow * V_LANES;
            for (size_t i = 0; i < tiles; i++) {
                const tile_place place = place_of(c, part.row_begin + i);
                restore_tile(c, &out, sums + v * plane + i * V_LANES, (size_t)V * plane,
                             io->weights + block * V_LANES, &place, io->y + start,
                             io->residual ? io->residual + start : NULL);
            }
        }
    }
}

#endif

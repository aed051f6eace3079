/* Blocked convolution on vectors: the copy of input rows, tiles of pixels, what is done to
 * results.
 *
 * Each step of the inner loop loads the weights of one input channel once and broadcasts P
 * inputs.
 */
#ifndef TDNN_KERNELS_SIMD_CONV_H
#define TDNN_KERNELS_SIMD_CONV_H

#include "kernels/simd/conv_tile.h"

#include <string.h>

typedef struct tile_work {
    tile_out out;
    const ptrdiff_t *taps; /* input offsets in floats, for each plane and kernel position */
    size_t tap_count[2];   /* in full planes, in the last plane                           */
    size_t lanes[2];       /* channels of each                                            */
    const float *w;
} tile_work;

typedef void tile_fn(const tile_work *t, const float *x, size_t pixel);

/* `step`: floats from an input pixel to the next. */
INLINE void tile_dense(const int P, const int V, const int step, const tile_work *t,
                       const float *x, size_t pixel)
{
    v_f32 a[TILE][2];
    tile_begin(a, P, V, &t->out, pixel * V_LANES, V_LANES);
    const ptrdiff_t *tap = t->taps;
    const float *w = t->w;
    x += pixel * (size_t)step;
    for (int part = 0; part < 2; part++) {
        const size_t lanes = t->lanes[part];
        for (const ptrdiff_t *end = tap + t->tap_count[part]; tap < end; tap++) {
            const float *at = x + *tap;
            for (size_t i = 0; i < lanes; i++, at++, w += V * V_LANES) {
                v_f32 wv[2];
                V_UNROLL for (int v = 0; v < V; v++) wv[v] = v_load(w + v * V_LANES);
                /* weights come from the second-level cache: ahead by 16 steps gains 3 to 12 % */
                V_UNROLL for (int v = 0; v < V; v++) v_prefetch(w + (16 * V + v) * V_LANES);
                V_UNROLL for (int p = 0; p < P; p++) {
                    const v_f32 xv = v_set1(at[p * step]);
                    V_UNROLL for (int v = 0; v < V; v++) a[p][v] = v_fma(xv, wv[v], a[p][v]);
                }
            }
        }
    }
    tile_end(a, P, V, &t->out, pixel * V_LANES, V_LANES);
}

#define DENSE_TILE(P, name, V, step)                                                             \
    static void name##_##P##_##V(const tile_work *t, const float *x, size_t pixel)               \
    {                                                                                            \
        tile_dense(P, V, step, t, x, pixel);                                                     \
    }
TILES(DENSE_TILE, block, 1, V_LANES)
TILES(DENSE_TILE, block, 2, V_LANES)
TILES(DENSE_TILE, first, 1, 1)
TILES(DENSE_TILE, first, 2, 1)

#define DENSE_NAME(P, name, V) name##_##P##_##V,
static tile_fn *const block_tiles[2][TILE + 1] = {{NULL, TILES(DENSE_NAME, block, 1)},
                                                  {NULL, TILES(DENSE_NAME, block, 2)}};
static tile_fn *const first_tiles[2][TILE + 1] = {{NULL, TILES(DENSE_NAME, first, 1)},
                                                  {NULL, TILES(DENSE_NAME, first, 2)}};

/* `count` pixels in a row, in tiles of nearly equal size. */
static void run_line(tile_fn *const *tiles, const tile_work *t, const float *x, size_t count)
{
    const size_t tile_count = (count + TILE - 1) / TILE;
    for (size_t k = 0, pixel = 0; k < tile_count; k++) {
        const size_t size = (count - pixel) / (tile_count - k);
        tiles[size](t, x, pixel);
        pixel += size;
    }
}

/* to[i] = from[i * stride]. */
static void copy_strided(float *to, const float *from, size_t count, size_t stride)
{
    size_t i = 0;
    /* one element short of the end, since the second load takes one more than is needed */
    for (; stride == 2 && i + V_LANES < count; i += V_LANES)
        v_store(to + i, v_even(v_load(from + 2 * i), v_load(from + 2 * i + V_LANES)));
    for (; i < count; i++) to[i] = from[i * stride];
}

/* One row of a view: pixels at input columns first, first + stride ...; zeros where there is
 * none. */
static void copy_row(const tdnn_conv *c, const float *row, size_t first, float *to)
{
    const size_t unit = c->unit, stride = c->stride_w, columns = c->copy_columns;
    size_t begin = first < c->pad_left ? (c->pad_left - first + stride - 1) / stride : 0;
    const size_t limit = c->iw + c->pad_left;
    size_t end = first < limit ? (limit - first + stride - 1) / stride : 0;
    if (end > columns) end = columns;
    if (begin >= end || !row) begin = end = columns;
    memset(to, 0, begin * unit * sizeof(float));
    if (begin < end) {
        const float *from = row + (first + begin * stride - c->pad_left) * unit;
        if (stride == 1)
            memcpy(to + begin * unit, from, (end - begin) * unit * sizeof(float));
        else if (unit == 1)
            copy_strided(to + begin, from, end - begin, stride);
        else
            for (size_t i = begin; i < end; i++, from += stride * V_LANES)
                v_store(to + i * V_LANES, v_load(from));
    }
    memset(to + end * unit, 0, (columns - end) * unit * sizeof(float));
}

/* What output rows begin .. begin + rows - 1 read: [plane][phase][view][row][column]. */
static void copy_planes(const tdnn_conv *c, const float *x, size_t begin, size_t rows, float *to)
{
    const size_t line = c->copy_columns * c->unit;
    for (size_t plane = 0; plane < c->planes; plane++, x += c->x_plane)
        for (size_t phase = 0; phase < c->phases; phase++)
            for (size_t view = 0; view < c->views; view++)
                for (size_t r = 0; r < rows + c->extra_rows; r++, to += line) {
                    const size_t y = (begin + r) * c->stride_h + phase;
                    const bool inside = y >= c->pad_top && y - c->pad_top < c->ih;
                    const float *row = inside ? x + (y - c->pad_top) * c->iw * c->unit : NULL;
                    copy_row(c, row, view * (c->merged ? c->dilation_w : 1), to);
                }
}

/* The task's pixels for one pair of output blocks (V = 2) or one block, line by line. */
static void run_pair(const tdnn_conv *c, tile_fn *const *tiles, tile_work *t, const float *x,
                     const float *residual, size_t rows, int V)
{
    enum {
        FINISH = 8 * TILE
    }; /* pixels: results are finished while they are in the first cache */
    const bool late = finish_late(c);
    const size_t lines = c->direct || c->merged ? 1 : rows;
    const size_t count = c->direct ? rows : c->merged ? rows * c->ow : c->ow;
    const size_t step = late && count > FINISH ? FINISH : count;
    for (size_t line = 0; line < lines; line++) {
        const float *from = x + line * c->copy_columns * c->unit;
        for (size_t at = 0; at < count; at += step) {
            const size_t n = count - at < step ? count - at : step;
            run_line(tiles, t, from + at * c->unit, n);
            for (int v = 0; late && v < V; v++)
                finish(c, t->out.y + (size_t)v * t->out.y_plane,
                       residual ? residual + (size_t)v * t->out.y_plane : NULL, n * V_LANES);
            t->out.y += n * V_LANES;
            if (residual) residual += n * V_LANES;
            if (t->out.residual) t->out.residual += n * V_LANES;
        }
    }
}

INLINE void convolve(const tdnn_conv *c, const tdnn_conv_io *io, size_t task, void *scratch,
                     tile_fn *const (*tiles)[TILE + 1])
{
    const tdnn_conv_part part = tdnn_conv_part_of(c, task);
    const size_t area = c->kh * c->kw, depth = tdnn_conv_depth(c);
    const size_t group_blocks = tdnn_conv_blocks(c->oc / c->groups, V_LANES);
    const size_t out_blocks = tdnn_conv_blocks(c->oc, V_LANES);
    const size_t rows = part.row_end - part.row_begin;
    ptrdiff_t *taps = scratch;
    float *copy = (float *)((char *)scratch + (c->planes * area * sizeof *taps + 63) / 64 * 64);
    find_taps(c, rows, taps);
    tile_work t = {.out.y_plane = c->y_plane,
                   .taps = taps,
                   .tap_count = {(c->planes - 1) * area, area},
                   .lanes = {c->unit, c->last_lanes}};
    if (!finish_late(c)) t.out.act = c->act;
    size_t copied = SIZE_MAX;
    for (size_t pair = part.pair_begin; pair < part.pair_end; pair++) {
        const size_t group = pair / c->pairs, first = pair % c->pairs * 2;
        const size_t block = group * group_blocks + first;
        const int V = first + 1 < group_blocks ? 2 : 1;
        const float *x =
            io->x + ((part.image * c->groups + group) * c->planes - io->x_block) * c->x_plane;
        if (c->direct) {
            x += part.row_begin * V_LANES;
        } else {
            if (copied != group) copy_planes(c, x, part.row_begin, rows, copy);
            copied = group;
            x = copy;
        }
        const size_t out = (part.image * out_blocks + block - io->y_block) * t.out.y_plane +
                           part.row_begin * (c->direct ? 1 : c->ow) * V_LANES;
        const float *residual = io->residual ? io->residual + out : NULL;
        t.out.bias = io->weights + block * V_LANES;
        t.w = io->weights + tdnn_conv_bias_count(c) + block * V_LANES * depth;
        t.out.y = io->y + out;
        t.out.residual = c->residual == TDNN_RESIDUAL_BEFORE ? residual : NULL;
        run_pair(c, tiles[V - 1], &t, x, residual, rows, V);
    }
}

static void convolve_block(const tdnn_conv *c, const tdnn_conv_io *io, size_t task, void *scratch)
{
    convolve(c, io, task, scratch, block_tiles);
}

static void convolve_first(const tdnn_conv *c, const tdnn_conv_io *io, size_t task, void *scratch)
{
    convolve(c, io, task, scratch, first_tiles);
}

#endif

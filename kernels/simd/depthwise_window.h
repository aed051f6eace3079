/* Depthwise windows of 3x3, 5x5 and 7x7 with strides 1 and 2: lines of pixels whose kernel
 * width and stride are constants. Each input vector is loaded once for all pixels of a tile
 * that see it. What lies left and right of the image reads as zeros; rows above and below are
 * left out.
 */
#ifndef TDNN_KERNELS_SIMD_DEPTHWISE_WINDOW_H
#define TDNN_KERNELS_SIMD_DEPTHWISE_WINDOW_H

#include "kernels/simd/conv_tile.h"

typedef struct window_work {
    tile_out out;
    const float *w; /* at the first kernel row that is seen                                */
    size_t rows;    /* kernel rows that are seen                                           */
    size_t x_row,
        x_down;    /* floats from an input row to the next, to that of the next output row */
    size_t y_down; /* floats between output rows                                          */
    ptrdiff_t
        column; /* of the input, under the tile's first pixel and the kernel's first column */
    size_t low, high; /* columns from there on that are inside the image                     */
} window_work;

/* Tiles of P pixels of `height` output rows, the first of which reads from `x` on and writes at
 * `at`. */
typedef void window_fn(const window_work *t, const float *x, size_t at, size_t height);

INLINE void window_tile(const int P, const int K, const int S, const window_work *t,
                        const float *x, size_t at, size_t height)
{
    static const float zeros[V_LANES];
    const size_t span = (size_t)((P - 1) * S + K);
    const ptrdiff_t column = t->column * V_LANES;
    for (; height > 0; height--, x += t->x_down, at += t->y_down) {
        v_f32 a[TILE][2], w[7];
        tile_begin(a, P, 1, &t->out, at, V_LANES);
        const float *row = x, *weights = t->w;
        for (size_t r = t->rows; r > 0; r--, row += t->x_row, weights += K * V_LANES) {
            V_UNROLL for (int k = 0; k < K; k++) w[k] = v_load(weights + k * V_LANES);
            V_UNROLL for (size_t j = 0; j < span; j++) {
                const bool edge = j + 1 < (size_t)K || j + (size_t)K > span;
                const bool inside = !edge || (j >= t->low && j < t->high);
                const v_f32 xv =
                    v_load(inside ? row + (column + (ptrdiff_t)(j * V_LANES)) : zeros);
                V_UNROLL for (int k = 0; k < K; k++) {
                    const int p = ((int)j - k) / S;
                    if ((int)j >= k && ((int)j - k) % S == 0 && p < P)
                        a[p][0] = v_fma(xv, w[k], a[p][0]);
                }
            }
        }
        tile_end(a, P, 1, &t->out, at, V_LANES);
    }
}

#define WINDOW_TILE(P, K, S)                                                                   \
    static void window_##K##_##S##_##P(const window_work *t, const float *x, size_t at,        \
                                       size_t height)                                          \
    {                                                                                          \
        window_tile(P, K, S, t, x, at, height);                                                \
    }
TILES(WINDOW_TILE, 3, 1)
TILES(WINDOW_TILE, 3, 2)
TILES(WINDOW_TILE, 5, 1)
TILES(WINDOW_TILE, 5, 2)
TILES(WINDOW_TILE, 7, 1)

#define WINDOW_NAME(P, K, S) window_##K##_##S##_##P,
static window_fn *const window_tiles[5][TILE + 1] = {{NULL, TILES(WINDOW_NAME, 3, 1)},
                                                     {NULL, TILES(WINDOW_NAME, 3, 2)},
                                                     {NULL, TILES(WINDOW_NAME, 5, 1)},
                                                     {NULL, TILES(WINDOW_NAME, 5, 2)},
                                                     {NULL, TILES(WINDOW_NAME, 7, 1)}};

/* The tiles for a convolution's windows; NULL: there are none. */
static window_fn *const *window_tiles_of(const tdnn_conv *c)
{
    const size_t seen = (c->ow - 1) * c->stride_w + c->kw;
    if (c->stride_w > 2 || c->dilation_w != 1 || c->pad_left >= c->kw) return NULL;
    if (seen >= c->iw + c->pad_left + c->kw) return NULL;
    if (c->kw != 3 && c->kw != 5 && (c->kw != 7 || c->stride_w != 1)) return NULL;
    return window_tiles[c->kw - 3 + c->stride_w - 1];
}

/* `height` output rows, the first of which reads from `x` on and writes at `at`. */
static void run_windows(const tdnn_conv *c, window_fn *const *tiles, window_work *t,
                        const float *x, size_t at, size_t height)
{
    const size_t tile_count = (c->ow + TILE - 1) / TILE, step = tile_count == 1 ? height : 1;
    for (size_t row = 0; row < height; row += step, x += t->x_down, at += t->y_down)
        for (size_t k = 0, pixel = 0; k < tile_count; k++) {
            const size_t size = (c->ow - pixel) / (tile_count - k), first = pixel * c->stride_w;
            t->column = (ptrdiff_t)first - (ptrdiff_t)c->pad_left;
            t->low = first < c->pad_left ? c->pad_left - first : 0;
            t->high = c->iw + c->pad_left - first;
            tiles[size](t, x, at + pixel * V_LANES, step);
            pixel += size;
        }
}

#endif

/* How a tile of a convolution begins and ends: bias and residual into the sums, cheap
 * activations, the store. A tile is P pixels by one or two vectors of output channels, all sums
 * in registers. */
#ifndef TDNN_KERNELS_SIMD_CONV_TILE_H
#define TDNN_KERNELS_SIMD_CONV_TILE_H

#include "kernels/simd/tile.h"
#include "kernels/simd/vact.h"

#include <math.h>

typedef struct tile_out {
    const float *bias;
    const float *residual; /* added before the activation, laid out as y; NULL: none */
    float *y;
    size_t y_plane;        /* floats between two output blocks                      */
    tdnn_act act;          /* NONE, CLIP or LEAKY                                   */
} tile_out;

/* `at`: floats from t->y to the first pixel; `step`: to the next pixel. */
INLINE void tile_begin(v_f32 (*a)[2], const int P, const int V, const tile_out *t, size_t at,
                       size_t step)
{
    V_UNROLL for (int p = 0; p < P; p++) {
        V_UNROLL for (int v = 0; v < V; v++) a[p][v] = v_load(t->bias + v * V_LANES);
    }
    if (!t->residual) return;
    const float *r = t->residual + at;
    const size_t plane = t->y_plane;
    V_UNROLL for (int p = 0; p < P; p++, r += step) {
        V_UNROLL for (int v = 0; v < V; v++) a[p][v] =
            v_add(a[p][v], v_load(r + (size_t)v * plane));
    }
}

INLINE void tile_end(v_f32 (*a)[2], const int P, const int V, const tile_out *t, size_t at,
                     size_t step)
{
    const v_f32 alpha = v_set1(t->act.alpha), beta = v_set1(t->act.beta);
    if (t->act.kind == TDNN_ACTIVATE_CLIP &&
        t->act.beta == INFINITY) { /* Relu: nearly all clips */
        V_UNROLL for (int p = 0; p < P; p++) {
            V_UNROLL for (int v = 0; v < V; v++) a[p][v] = v_max(alpha, a[p][v]);
        }
    } else if (t->act.kind == TDNN_ACTIVATE_CLIP) {
        V_UNROLL for (int p = 0; p < P; p++) {
            V_UNROLL for (int v = 0; v < V; v++) a[p][v] = v_clip(a[p][v], alpha, beta);
        }
    } else if (t->act.kind == TDNN_ACTIVATE_LEAKY) {
        V_UNROLL for (int p = 0; p < P; p++) {
            V_UNROLL for (int v = 0; v < V; v++)
                a[p][v] = v_activate(a[p][v], TDNN_ACTIVATE_LEAKY, alpha, beta);
        }
    }
    float *y = t->y + at;
    const size_t plane =
        t->y_plane; /* read once: a store might change *t, for all the compiler knows */
    V_UNROLL for (int p = 0; p < P; p++, y += step) {
        V_UNROLL for (int v = 0; v < V; v++) v_store(y + (size_t)v * plane, a[p][v]);
    }
}

/* What tile_end cannot do is done to whole stretches of results while they are in the first
 * cache: other activations, and residuals behind any. */
static inline bool finish_late(const tdnn_conv *c)
{
    return c->residual == TDNN_RESIDUAL_AFTER || c->act.kind > TDNN_ACTIVATE_LEAKY;
}

static inline void finish(const tdnn_conv *c, float *y, const float *residual, size_t n)
{
    c->activate(y, y, n, &c->act);
    if (c->residual != TDNN_RESIDUAL_AFTER) return;
    for (size_t i = 0; i < n; i += V_LANES)
        v_store(y + i, v_add(v_load(y + i), v_load(residual + i)));
}

/* Where each kernel position lies in the copy, seen from the output pixel's place in it. */
static inline void find_taps(const tdnn_conv *c, size_t rows, ptrdiff_t *taps)
{
    if (c->direct) {
        for (size_t plane = 0; plane < c->planes; plane++)
            taps[plane] = (ptrdiff_t)(plane * c->x_plane);
        return;
    }
    const size_t copy_rows = rows + c->extra_rows;
    for (size_t plane = 0; plane < c->planes; plane++)
        for (size_t kh = 0; kh < c->kh; kh++)
            for (size_t kw = 0; kw < c->kw; kw++) {
                const size_t y = kh * c->dilation_h, x = kw * c->dilation_w;
                const size_t view = c->merged ? kw : x % c->stride_w;
                const size_t column = c->merged ? 0 : x / c->stride_w;
                size_t at = (plane * c->phases + y % c->stride_h) * c->views + view;
                at = at * copy_rows + y / c->stride_h;
                *taps++ = (ptrdiff_t)((at * c->copy_columns + column) * c->unit);
            }
}

#endif

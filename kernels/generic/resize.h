/* Sums of a few weighted elements, along a row and across rows: what interpolation comes down
 * to. Written once in plain loops; each level's file compiles it for its instructions.
 */
#ifndef TDNN_KERNELS_GENERIC_RESIZE_H
#define TDNN_KERNELS_GENERIC_RESIZE_H

#include "kernels/kernels.h"

static void two_taps(float *restrict to, const float *restrict from, const tdnn_taps *t)
{
    const int32_t *restrict i0 = t->index, *restrict i1 = t->index + t->count;
    const float *restrict w0 = t->weight, *restrict w1 = t->weight + t->count;
    for (size_t i = 0; i < t->count; i++) to[i] = w0[i] * from[i0[i]] + w1[i] * from[i1[i]];
}

/* The number of lanes is a constant where this is inlined; so the sums stay in registers. */
static inline void lane_taps(float *restrict to, const float *restrict from, const tdnn_taps *t,
                             size_t lanes)
{
    for (size_t i = 0; i < t->count; i++, to += lanes) {
        float sum[16] = {0};
        for (size_t k = 0; k < t->taps; k++) {
            const float w = t->weight[k * t->count + i];
            const float *restrict f = from + (size_t)t->index[k * t->count + i] * lanes;
            for (size_t l = 0; l < lanes; l++) sum[l] += w * f[l];
        }
        for (size_t l = 0; l < lanes; l++) to[l] = sum[l];
    }
}

/* Any number along a row: four at a time, for a whole row each. */
static void row_taps(float *restrict to, const float *restrict from, const tdnn_taps *t)
{
    const size_t n = t->count;
    const int32_t *restrict at = t->index;
    const float *restrict w = t->weight;
    size_t k = 0;
    for (size_t i = 0; i < n; i++) to[i] = 0;
    for (; k + 4 <= t->taps; k += 4, at += 4 * n, w += 4 * n)
        for (size_t i = 0; i < n; i++)
            to[i] = to[i] + w[i] * from[at[i]] + w[n + i] * from[at[n + i]] +
                    w[2 * n + i] * from[at[2 * n + i]] + w[3 * n + i] * from[at[3 * n + i]];
    for (; k < t->taps; k++, at += n, w += n)
        for (size_t i = 0; i < n; i++) to[i] += w[i] * from[at[i]];
}

static void taps(float *to, const float *from, const tdnn_taps *t, size_t lanes)
{
    if (lanes == 1 && t->taps == 2)
        two_taps(to, from, t);
    else if (lanes == 1)
        row_taps(to, from, t);
    else if (lanes == 8)
        lane_taps(to, from, t, 8);
    else
        lane_taps(to, from, t, 16);
}

static void mix(float *restrict to, const float *const *rows, const float *weight, size_t count,
                size_t n)
{
    if (count == 2) {
        const float *restrict a = rows[0], *restrict b = rows[1];
        const float wa = weight[0], wb = weight[1];
        for (size_t i = 0; i < n; i++) to[i] = wa * a[i] + wb * b[i];
        return;
    }
    if (count == 4) {
        const float *restrict a = rows[0], *restrict b = rows[1], *restrict c = rows[2],
                              *restrict d = rows[3];
        const float wa = weight[0], wb = weight[1], wc = weight[2], wd = weight[3];
        for (size_t i = 0; i < n; i++) to[i] = wa * a[i] + wb * b[i] + wc * c[i] + wd * d[i];
        return;
    }
    for (size_t i = 0; i < n; i++) to[i] = weight[0] * rows[0][i];
    for (size_t k = 1; k < count; k++) {
        const float *restrict r = rows[k];
        const float w = weight[k];
        for (size_t i = 0; i < n; i++) to[i] += w * r[i];
    }
}

#endif

/* Pooling windows on vectors: blocks of channels lane by lane; plain planes along their rows.
 */
#ifndef TDNN_KERNELS_SIMD_POOL_H
#define TDNN_KERNELS_SIMD_POOL_H

#include "kernels/kernels.h"
#include "kernels/simd/simd.h"

#include <math.h>

static void rows_inside(const tdnn_pool *p, size_t oy, size_t *first, size_t *end)
{
    *first = 0, *end = p->kh;
    while (*first < p->kh && oy * p->stride_h + *first * p->dilation_h < p->pad_top) ++*first;
    while (*end > *first && oy * p->stride_h + (*end - 1) * p->dilation_h >= p->ih + p->pad_top)
        --*end;
}

static inline v_f32 v_same(v_f32 v, const tdnn_pool *p, size_t oy, size_t ox, size_t n)
{
    (void)p, (void)oy, (void)ox, (void)n;
    return v;
}

/* lanes 1: the divisors of n columns from ox on; blocked: that of column ox */
static inline v_f32 v_mean(v_f32 v, const tdnn_pool *p, size_t oy, size_t ox, size_t n)
{
    const v_f32 columns = n ? v_load_n(p->count_w + ox, n) : v_set1(p->count_w[ox]);
    return v_div(v, v_mul(v_set1(p->count_h[oy]), columns));
}

#define LARGER(a, b) ((b) > (a) ? (b) : (a))
#define SUM(a, b) ((a) + (b))
#define SAME(v) (v)
#define MEAN(v) ((v) / (p->count_h[oy] * p->count_w[ox]))

#define V_POOL(name, start, combine, finish, combine_one, finish_one)                          \
    static void name##_rows(const float *x, const tdnn_pool *p, size_t oy, float *line)        \
    {                                                                                          \
        size_t first, end, i = 0;                                                              \
        rows_inside(p, oy, &first, &end);                                                      \
        for (size_t k = 0; k < p->line; k++) line[k] = start;                                  \
        if (first == end) return;                                                              \
        const size_t step = p->dilation_h * p->iw;                                             \
        const float *row =                                                                     \
            x + (oy * p->stride_h + first * p->dilation_h - p->pad_top) * p->iw;               \
        float *m = line + p->pad_left;                                                         \
        for (; i < p->iw; i += V_LANES) {                                                      \
            const size_t n = p->iw - i < V_LANES ? p->iw - i : V_LANES;                        \
            v_f32 v = v_load_n(row + i, n);                                                    \
            for (size_t ky = 1; ky < end - first; ky++)                                        \
                v = combine(v, v_load_n(row + ky * step + i, n));                              \
            v_store_n(m + i, v, n);                                                            \
        }                                                                                      \
    }                                                                                          \
    static void name##_plain(float *y, const float *x, const tdnn_pool *p, size_t oy,          \
                             float *line)                                                      \
    {                                                                                          \
        name##_rows(x, p, oy, line);                                                           \
        y += oy * p->ow;                                                                       \
        if (p->stride_w == 1) {                                                                \
            for (size_t ox = 0; ox < p->ow; ox += V_LANES) {                                   \
                const size_t n = p->ow - ox < V_LANES ? p->ow - ox : V_LANES;                  \
                v_f32 v = v_load_n(line + ox, n);                                              \
                for (size_t kx = 1; kx < p->kw; kx++)                                          \
                    v = combine(v, v_load_n(line + ox + kx * p->dilation_w, n));               \
                v_store_n(y + ox, finish(v, p, oy, ox, n), n);                                 \
            }                                                                                  \
            return;                                                                            \
        }                                                                                      \
        for (size_t ox = 0; ox < p->ow; ox++) {                                                \
            float v = line[ox * p->stride_w];                                                  \
            for (size_t kx = 1; kx < p->kw; kx++)                                              \
                v = combine_one(v, line[ox * p->stride_w + kx * p->dilation_w]);               \
            y[ox] = finish_one(v);                                                             \
        }                                                                                      \
    }                                                                                          \
    static void name##_blocked(float *y, const float *x, const tdnn_pool *p, size_t oy)        \
    {                                                                                          \
        size_t first, end;                                                                     \
        rows_inside(p, oy, &first, &end);                                                      \
        y += oy * p->ow * V_LANES;                                                             \
        for (size_t ox = 0; ox < p->ow; ox++) {                                                \
            v_f32 v = v_set1(start);                                                           \
            for (size_t kx = 0; kx < p->kw; kx++) {                                            \
                const size_t ix = ox * p->stride_w + kx * p->dilation_w - p->pad_left;         \
                if (ix >= p->iw) continue; /* negative ones wrap around */                     \
                v_f32 column = v_set1(start);                                                  \
                for (size_t ky = first; ky < end; ky++) {                                      \
                    const size_t iy = oy * p->stride_h + ky * p->dilation_h - p->pad_top;      \
                    column = combine(column, v_load(x + (iy * p->iw + ix) * V_LANES));         \
                }                                                                              \
                v = combine(v, column);                                                        \
            }                                                                                  \
            v_store(y + ox * V_LANES, finish(v, p, oy, ox, 0));                                \
        }                                                                                      \
    }                                                                                          \
    static void name(float *y, const float *x, const tdnn_pool *p, size_t begin, size_t end,   \
                     float *scratch)                                                           \
    {                                                                                          \
        for (size_t oy = begin; oy < end; oy++) {                                              \
            if (p->lanes == 1)                                                                 \
                name##_plain(y, x, p, oy, scratch);                                            \
            else                                                                               \
                name##_blocked(y, x, p, oy);                                                   \
        }                                                                                      \
    }
V_POOL(max_pool, -INFINITY, v_max, v_same, LARGER, SAME)
V_POOL(average_pool, 0, v_add, v_mean, SUM, MEAN)

static void fill_pool(tdnn_kernels *t)
{
    t->max_pool_f32 = max_pool;
    t->average_pool_f32 = average_pool;
}

#endif

/* Pooling windows over a plane, in portable C: the rows of the window first, then its columns.
 */
#include "kernels/kernels.h"

#include <math.h>

/* The window's rows that lie inside the plane. */
static void rows_inside(const tdnn_pool *p, size_t oy, size_t *first, size_t *end)
{
    *first = 0, *end = p->kh;
    while (*first < p->kh && oy * p->stride_h + *first * p->dilation_h < p->pad_top) ++*first;
    while (*end > *first && oy * p->stride_h + (*end - 1) * p->dilation_h >= p->ih + p->pad_top)
        --*end;
}

#define POOL(name, start, combine, finish)                                                     \
    static void name##_plain(float *y, const float *x, const tdnn_pool *p, size_t oy,          \
                             float *line)                                                      \
    {                                                                                          \
        size_t first, end;                                                                     \
        rows_inside(p, oy, &first, &end);                                                      \
        for (size_t i = 0; i < p->line; i++) line[i] = start;                                  \
        for (size_t ky = first; ky < end; ky++) {                                              \
            const float *row =                                                                 \
                x + (oy * p->stride_h + ky * p->dilation_h - p->pad_top) * p->iw;              \
            float *m = line + p->pad_left;                                                     \
            for (size_t i = 0; i < p->iw; i++) m[i] = combine(m[i], row[i]);                   \
        }                                                                                      \
        for (size_t ox = 0; ox < p->ow; ox++) {                                                \
            float v = start;                                                                   \
            for (size_t kx = 0; kx < p->kw; kx++)                                              \
                v = combine(v, line[ox * p->stride_w + kx * p->dilation_w]);                   \
            y[oy * p->ow + ox] = finish(v);                                                    \
        }                                                                                      \
    }                                                                                          \
    static void name##_blocked(float *y, const float *x, const tdnn_pool *p, size_t oy)        \
    {                                                                                          \
        size_t first, end;                                                                     \
        rows_inside(p, oy, &first, &end);                                                      \
        for (size_t ox = 0; ox < p->ow; ox++) {                                                \
            for (size_t lane = 0; lane < p->lanes; lane++) {                                   \
                float v = start;                                                               \
                for (size_t kx = 0; kx < p->kw; kx++) {                                        \
                    const size_t ix = ox * p->stride_w + kx * p->dilation_w - p->pad_left;     \
                    if (ix >= p->iw) continue; /* negative ones wrap around */                 \
                    float column = start;                                                      \
                    for (size_t ky = first; ky < end; ky++) {                                  \
                        const size_t iy = oy * p->stride_h + ky * p->dilation_h - p->pad_top;  \
                        column = combine(column, x[(iy * p->iw + ix) * p->lanes + lane]);      \
                    }                                                                          \
                    v = combine(v, column);                                                    \
                }                                                                              \
                y[(oy * p->ow + ox) * p->lanes + lane] = finish(v);                            \
            }                                                                                  \
        }                                                                                      \
    }                                                                                          \
    static void name(float *y, const float *x, const tdnn_pool *p, size_t begin, size_t last,  \
                     float *scratch)                                                           \
    {                                                                                          \
        for (size_t oy = begin; oy < last; oy++) {                                             \
            if (p->lanes == 1)                                                                 \
                name##_plain(y, x, p, oy, scratch);                                            \
            else                                                                               \
                name##_blocked(y, x, p, oy);                                                   \
        }                                                                                      \
    }

#define LARGER(a, b) ((b) > (a) ? (b) : (a))
#define SUM(a, b) ((a) + (b))
#define SAME(v) (v)
#define MEAN(v) ((v) / (p->count_h[oy] * p->count_w[ox]))
POOL(max_pool, -INFINITY, LARGER, SAME)
POOL(average_pool, 0, SUM, MEAN)

void tdnn_fill_pool_generic(tdnn_kernels *t);
void tdnn_fill_pool_generic(tdnn_kernels *t)
{
    t->max_pool_f32 = max_pool;
    t->average_pool_f32 = average_pool;
}

/* A row of f32 to one number: sums in eight running parts, so that long rows lose little. */
#include "kernels/kernels.h"

#include <math.h>

#define SUM(name, arguments, term)                                                             \
    static float name arguments                                                                \
    {                                                                                          \
        float part[8] = {0};                                                                   \
        for (size_t i = 0; i < n; i++) part[i % 8] += term;                                    \
        return ((part[0] + part[1]) + (part[2] + part[3])) +                                   \
               ((part[4] + part[5]) + (part[6] + part[7]));                                    \
    }
SUM(row_sum, (const float *x, size_t n), x[i])
SUM(row_abs_sum, (const float *x, size_t n), fabsf(x[i]))
SUM(row_spread, (const float *x, size_t n, float center), (x[i] - center) * (x[i] - center))

static float row_max(const float *x, size_t n)
{
    float m = -INFINITY;
    for (size_t i = 0; i < n; i++) m = m > x[i] || m != m ? m : x[i];
    return m;
}

static float row_min(const float *x, size_t n)
{
    float m = INFINITY;
    for (size_t i = 0; i < n; i++) m = m < x[i] || m != m ? m : x[i];
    return m;
}

static float exp_sum(float *y, const float *x, size_t n, float shift)
{
    float part[8] = {0};
    for (size_t i = 0; i < n; i++) {
        const float e = expf(x[i] - shift);
        if (y) y[i] = e;
        part[i % 8] += e;
    }
    return row_sum(part, 8);
}

static void softmax(float *y, const float *x, const float *mask, const tdnn_softmax_rows *s)
{
    for (size_t r = 0; r < s->rows; r++, y += s->y_stride, x += s->x_stride) {
        for (size_t i = 0; i < s->n; i++)
            y[i] = x[i] + (mask ? mask[r * s->mask_stride + i] : 0);
        const float sum = exp_sum(y, y, s->n, row_max(y, s->n));
        for (size_t i = 0; i < s->n; i++) y[i] /= sum;
    }
}

void tdnn_fill_rows_generic(tdnn_kernels *t);
void tdnn_fill_rows_generic(tdnn_kernels *t)
{
    t->row_sum_f32 = row_sum;
    t->row_abs_sum_f32 = row_abs_sum;
    t->row_max_f32 = row_max;
    t->row_min_f32 = row_min;
    t->row_spread_f32 = row_spread;
    t->exp_sum_f32 = exp_sum;
    t->softmax_f32 = softmax;
}

/* A row of f32 to one number, on vectors: four running sums of a vector each. */
#ifndef TDNN_KERNELS_SIMD_ROWS_H
#define TDNN_KERNELS_SIMD_ROWS_H

#include "kernels/kernels.h"
#include "kernels/simd/vmath.h"

#include <math.h>

static inline v_f32 v_same(v_f32 x) { return x; }
static inline v_f32 v_square(v_f32 x) { return v_mul(x, x); }

/* Lanes beyond the end must add nothing: they are cleared after the term. */
#define V_SUM(name, arguments, term)                                                           \
    static float name arguments                                                                \
    {                                                                                          \
        v_f32 s0 = v_set1(0), s1 = s0, s2 = s0, s3 = s0;                                       \
        size_t i = 0;                                                                          \
        for (; i + 4 * V_LANES <= n; i += 4 * V_LANES) {                                       \
            s0 = v_add(s0, term(v_load(x + i)));                                               \
            s1 = v_add(s1, term(v_load(x + i + V_LANES)));                                     \
            s2 = v_add(s2, term(v_load(x + i + 2 * V_LANES)));                                 \
            s3 = v_add(s3, term(v_load(x + i + 3 * V_LANES)));                                 \
        }                                                                                      \
        for (; i + V_LANES <= n; i += V_LANES) s0 = v_add(s0, term(v_load(x + i)));            \
        if (i < n) {                                                                           \
            const v_f32 rest = term(v_load_n(x + i, n - i));                                   \
            s1 = v_add(s1, v_select(v_first(n - i), rest, v_set1(0)));                         \
        }                                                                                      \
        return v_sum(v_add(v_add(s0, s1), v_add(s2, s3)));                                     \
    }
#define SPREAD_TERM(v) v_square(v_sub((v), v_set1(center)))
V_SUM(row_sum, (const float *x, size_t n), v_same)
V_SUM(row_abs_sum, (const float *x, size_t n), v_abs)
V_SUM(row_spread, (const float *x, size_t n, float center), SPREAD_TERM)

/* v_max and v_min drop a NaN on one side; v_select puts it back. Four vectors hide the latency.
 */
#define V_EXTREME(name, op, start, sign)                                                       \
    static inline v_f32 name##_step(v_f32 m, v_f32 v)                                          \
    {                                                                                          \
        return v_select(v_eq(v, v), op(v, m), v);                                              \
    }                                                                                          \
    static float name(const float *x, size_t n)                                                \
    {                                                                                          \
        v_f32 m = v_set1(start), m1 = m, m2 = m, m3 = m;                                       \
        size_t i = 0;                                                                          \
        for (; i + 4 * V_LANES <= n; i += 4 * V_LANES) {                                       \
            m = name##_step(m, v_load(x + i));                                                 \
            m1 = name##_step(m1, v_load(x + i + V_LANES));                                     \
            m2 = name##_step(m2, v_load(x + i + 2 * V_LANES));                                 \
            m3 = name##_step(m3, v_load(x + i + 3 * V_LANES));                                 \
        }                                                                                      \
        m = name##_step(name##_step(m, m1), name##_step(m2, m3));                              \
        for (; i + V_LANES <= n; i += V_LANES) m = name##_step(m, v_load(x + i));              \
        if (i < n) {                                                                           \
            const v_f32 v = v_select(v_first(n - i), v_load_n(x + i, n - i), v_set1(start));   \
            m = name##_step(m, v);                                                             \
        }                                                                                      \
        const v_f32 strange = v_select(v_eq(m, m), v_set1(0), v_set1(1));                      \
        if (v_largest(strange) > 0) return __builtin_nanf("");                                 \
        return sign * v_largest(v_mul(v_set1(sign), m));                                       \
    }
V_EXTREME(row_max, v_max, -INFINITY, 1.0f)
V_EXTREME(row_min, v_min, INFINITY, -1.0f)

static float exp_sum(float *y, const float *x, size_t n, float shift)
{
    const v_f32 s = v_set1(shift);
    v_f32 s0 = v_set1(0), s1 = s0;
    size_t i = 0;
    for (; i + 2 * V_LANES <= n; i += 2 * V_LANES) {
        const v_f32 a = v_exp(v_sub(v_load(x + i), s));
        const v_f32 b = v_exp(v_sub(v_load(x + i + V_LANES), s));
        if (y) v_store(y + i, a), v_store(y + i + V_LANES, b);
        s0 = v_add(s0, a), s1 = v_add(s1, b);
    }
    for (; i < n; i += V_LANES) {
        const size_t m = n - i < V_LANES ? n - i : V_LANES;
        const v_f32 a = v_exp(v_sub(v_load_n(x + i, m), s));
        if (y) v_store_n(y + i, a, m);
        s0 = v_add(s0, m < V_LANES ? v_select(v_first(m), a, v_set1(0)) : a);
    }
    return v_sum(v_add(s0, s1));
}

/* A NaN may get lost in the maximum, but not in the sum, which makes all of the row NaN. No
 * call in between: rows are short, and what hides the latency of one is the next one. */
static inline v_f32 softmax_at(const float *x, const float *mask, size_t i, size_t m)
{
    if (m == V_LANES) return mask ? v_add(v_load(x + i), v_load(mask + i)) : v_load(x + i);
    const v_f32 v = mask ? v_add(v_load_n(x + i, m), v_load_n(mask + i, m)) : v_load_n(x + i, m);
    return v_select(v_first(m), v, v_set1(-INFINITY));
}

/* Largest of x + mask, which goes into y if there is a mask. */
static inline float softmax_largest(float *y, const float *x, const float *mask, size_t n)
{
    v_f32 largest = v_set1(-INFINITY), other = largest;
    size_t i = 0;
    for (; i + 2 * V_LANES <= n; i += 2 * V_LANES) {
        const v_f32 a = softmax_at(x, mask, i, V_LANES),
                    b = softmax_at(x, mask, i + V_LANES, V_LANES);
        if (mask) v_store(y + i, a), v_store(y + i + V_LANES, b);
        largest = v_max(largest, a), other = v_max(other, b);
    }
    for (; i < n; i += V_LANES) {
        const size_t m = n - i < V_LANES ? n - i : V_LANES;
        const v_f32 a = softmax_at(x, mask, i, m);
        if (mask) v_store_n(y + i, a, m);
        largest = v_max(largest, a);
    }
    return v_largest(v_max(largest, other));
}

static inline void softmax_row(float *y, const float *x, const float *mask, size_t n)
{
    const v_f32 shift = v_set1(softmax_largest(y, x, mask, n));
    const float *from = mask ? y : x;
    v_f32 s0 = v_set1(0), s1 = s0;
    size_t i = 0;
    for (; i + 2 * V_LANES <= n; i += 2 * V_LANES) {
        const v_f32 a = v_exp(v_sub(v_load(from + i), shift));
        const v_f32 b = v_exp(v_sub(v_load(from + i + V_LANES), shift));
        v_store(y + i, a), v_store(y + i + V_LANES, b);
        s0 = v_add(s0, a), s1 = v_add(s1, b);
    }
    for (; i < n; i += V_LANES) {
        const size_t m = n - i < V_LANES ? n - i : V_LANES;
        const v_f32 a = v_exp(v_sub(v_load_n(from + i, m), shift));
        v_store_n(y + i, a, m);
        s0 = v_add(s0, m < V_LANES ? v_select(v_first(m), a, v_set1(0)) : a);
    }
    const v_f32 factor = v_set1(1 / v_sum(v_add(s0, s1)));
    for (i = 0; i + V_LANES <= n; i += V_LANES) v_store(y + i, v_mul(v_load(y + i), factor));
    if (i < n) v_store_n(y + i, v_mul(v_load_n(y + i, n - i), factor), n - i);
}

static void softmax(float *y, const float *x, const float *mask, const tdnn_softmax_rows *s)
{
    for (size_t r = 0; r < s->rows; r++)
        softmax_row(y + r * s->y_stride, x + r * s->x_stride,
                    mask ? mask + r * s->mask_stride : NULL, s->n);
}

static void fill_rows(tdnn_kernels *t)
{
    t->row_sum_f32 = row_sum;
    t->row_abs_sum_f32 = row_abs_sum;
    t->row_max_f32 = row_max;
    t->row_min_f32 = row_min;
    t->row_spread_f32 = row_spread;
    t->exp_sum_f32 = exp_sum;
    t->softmax_f32 = softmax;
}

#endif

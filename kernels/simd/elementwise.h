/* Arithmetic and functions on f32 arrays, and float16 to and from f32, on vectors. What is left
 * over at the end goes through the same instructions, so a result does not depend on where it
 * lies. */
#ifndef TDNN_KERNELS_SIMD_ELEMENTWISE_H
#define TDNN_KERNELS_SIMD_ELEMENTWISE_H

#include "kernels/kernels.h"
#include "kernels/simd/vmath.h"
#include "kernels/simd/vtrig.h"

#include <math.h>

static inline v_f32 v_greater(v_f32 a, v_f32 b) { return v_select(v_eq(a, a), v_max(a, b), a); }
static inline v_f32 v_less(v_f32 a, v_f32 b) { return v_select(v_eq(a, a), v_min(a, b), a); }

/* Loops for both operands moving, and for either standing still. */
#define V_BINARY(name, op)                                                                     \
    static void name(float *y, const float *a, size_t a_step, const float *b, size_t b_step,   \
                     size_t n)                                                                 \
    {                                                                                          \
        size_t i = 0;                                                                          \
        if (n == 0) return;                                                                    \
        const v_f32 p = v_set1(*a), q = v_set1(*b);                                            \
        if (a_step && b_step) {                                                                \
            for (; i + V_LANES <= n; i += V_LANES)                                             \
                v_store(y + i, op(v_load(a + i), v_load(b + i)));                              \
        } else if (a_step) {                                                                   \
            for (; i + V_LANES <= n; i += V_LANES) v_store(y + i, op(v_load(a + i), q));       \
        } else if (b_step) {                                                                   \
            for (; i + V_LANES <= n; i += V_LANES) v_store(y + i, op(p, v_load(b + i)));       \
        } else {                                                                               \
            for (; i + V_LANES <= n; i += V_LANES) v_store(y + i, op(p, q));                   \
        }                                                                                      \
        if (i == n) return;                                                                    \
        v_store_n(                                                                             \
            y + i,                                                                             \
            op(a_step ? v_load_n(a + i, n - i) : p, b_step ? v_load_n(b + i, n - i) : q),      \
            n - i);                                                                            \
    }
V_BINARY(add, v_add)
V_BINARY(sub, v_sub)
V_BINARY(mul, v_mul)
V_BINARY(div_, v_div)
V_BINARY(max, v_greater)
V_BINARY(min, v_less)

#define V_UNARY(name, op)                                                                      \
    static void name(float *y, const float *x, size_t n)                                       \
    {                                                                                          \
        size_t i = 0;                                                                          \
        for (; i + V_LANES <= n; i += V_LANES) v_store(y + i, op(v_load(x + i)));              \
        if (i < n) v_store_n(y + i, op(v_load_n(x + i, n - i)), n - i);                        \
    }
V_UNARY(exp_, v_exp)
V_UNARY(log_, v_log)
V_UNARY(erf_, v_erf)
V_UNARY(sqrt_, v_sqrt)
V_UNARY(floor_, v_floor)
V_UNARY(ceil_, v_ceil)
V_UNARY(round_, v_round)
V_UNARY(atan_, v_atan)
V_UNARY(asin_, v_asin)
V_UNARY(acos_, v_acos)

/* Numbers too large for the vectors, and NaN, go one by one. */
#define V_TURN(name, op, libm)                                                                 \
    static void name(float *y, const float *x, size_t n)                                       \
    {                                                                                          \
        for (size_t i = 0; i < n; i += V_LANES) {                                              \
            const size_t m = n - i < V_LANES ? n - i : V_LANES;                                \
            const v_f32 v = v_load_n(x + i, m);                                                \
            const v_mask small = v_lt(v_abs(v), v_set1(V_TRIG_MOST));                          \
            if (v_largest(v_select(small, v_set1(0), v_set1(1))) > 0)                          \
                for (size_t k = i; k < i + m; k++) y[k] = libm(x[k]);                          \
            else                                                                               \
                v_store_n(y + i, op(v), m);                                                    \
        }                                                                                      \
    }
V_TURN(sin_, v_sin, sinf)
V_TURN(cos_, v_cos, cosf)

static void affine(float *y, const float *x, size_t n, float scale, float shift)
{
    const v_f32 a = v_set1(scale), b = v_set1(shift);
    size_t i = 0;
    for (; i + V_LANES <= n; i += V_LANES) v_store(y + i, v_fma(v_load(x + i), a, b));
    if (i < n) v_store_n(y + i, v_fma(v_load_n(x + i, n - i), a, b), n - i);
}

static void normalize(float *y, const float *x, const float *scale, const float *shift,
                      size_t n, float center, float factor)
{
    const v_f32 c = v_set1(center), f = v_set1(factor);
    size_t i = 0;
    for (; scale && shift && i + V_LANES <= n; i += V_LANES) {
        const v_f32 v = v_mul(v_mul(v_sub(v_load(x + i), c), f), v_load(scale + i));
        v_store(y + i, v_add(v, v_load(shift + i)));
    }
    for (; i < n; i += V_LANES) {
        const size_t m = n - i < V_LANES ? n - i : V_LANES;
        v_f32 v = v_mul(v_sub(v_load_n(x + i, m), c), f);
        if (scale) v = v_mul(v, v_load_n(scale + i, m));
        if (shift) v = v_add(v, v_load_n(shift + i, m));
        v_store_n(y + i, v, m);
    }
}

static void widen_f16(float *y, const uint16_t *x, size_t n)
{
    size_t i = 0;
    for (; i + V_LANES <= n; i += V_LANES) v_store(y + i, v_widen(x + i));
    if (i == n) return;
    uint16_t rest[V_LANES] = {0};
    for (size_t k = i; k < n; k++) rest[k - i] = x[k];
    v_store_n(y + i, v_widen(rest), n - i);
}

static void narrow_f16(uint16_t *y, const float *x, size_t n)
{
    size_t i = 0;
    for (; i + V_LANES <= n; i += V_LANES) v_narrow(y + i, v_load(x + i));
    if (i == n) return;
    uint16_t rest[V_LANES];
    v_narrow(rest, v_load_n(x + i, n - i));
    for (size_t k = i; k < n; k++) y[k] = rest[k - i];
}

static void fill_elementwise(tdnn_kernels *t)
{
    t->add_f32 = add;
    t->sub_f32 = sub;
    t->mul_f32 = mul;
    t->div_f32 = div_;
    t->max_f32 = max;
    t->min_f32 = min;
    t->exp_f32 = exp_;
    t->log_f32 = log_;
    t->erf_f32 = erf_;
    t->sqrt_f32 = sqrt_;
    t->floor_f32 = floor_;
    t->ceil_f32 = ceil_;
    t->round_f32 = round_;
    t->sin_f32 = sin_;
    t->cos_f32 = cos_;
    t->atan_f32 = atan_;
    t->asin_f32 = asin_;
    t->acos_f32 = acos_;
    t->affine_f32 = affine;
    t->normalize_f32 = normalize;
    t->widen_f16 = widen_f16;
    t->narrow_f16 = narrow_f16;
}

#endif

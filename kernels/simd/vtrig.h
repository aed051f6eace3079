/* Trigonometric functions and their inverses on vectors of floats, a few ulp from the truth.
 *
 * Arguments are reduced by multiples of pi/2 in three parts (Cody and Waite); the polynomials are
 * our own fits. NaN stays NaN.
 */
#ifndef TDNN_KERNELS_SIMD_VTRIG_H
#define TDNN_KERNELS_SIMD_VTRIG_H

#include "kernels/simd/simd.h"

#define V_TRIG_MOST 30000.0f /* of |x|: beyond, the reduction loses bits */
#define V_HALF_PI 1.57079637f
#define V_HALF_PI_REST -4.37113883e-08f

/* x = n pi/2 + r, |r| <= pi/4. The sine of r, or its cosine. */
static inline v_f32 v_trig_reduce(v_f32 x, v_f32 *n)
{
    *n = v_round(v_mul(x, v_set1(0.636619772f)));
    v_f32 r = v_fnma(*n, v_set1(V_HALF_PI), x);
    r = v_fnma(*n, v_set1(V_HALF_PI_REST), r);
    return v_fnma(*n, v_set1(-1.71512451e-15f), r);
}

static inline v_f32 v_sin_part(v_f32 r, v_f32 t)
{
    v_f32 p = v_set1(2.71793991e-06f);
    p = v_fma(p, t, v_set1(-0.0001983929613f));
    p = v_fma(p, t, v_set1(0.008333329267f));
    p = v_fma(p, t, v_set1(-0.1666666664f));
    return v_fma(v_mul(r, t), p, r);
}

static inline v_f32 v_cos_part(v_f32 t)
{
    v_f32 p = v_set1(2.443484603e-05f);
    p = v_fma(p, t, v_set1(-0.001388733708f));
    p = v_fma(p, t, v_set1(0.04166664627f));
    return v_fma(v_mul(t, t), p, v_fnma(v_set1(0.5f), t, v_set1(1)));
}

/* The sine of x + quarters pi/2, |x| <= V_TRIG_MOST. */
static inline v_f32 v_sin_quarters(v_f32 x, float quarters)
{
    v_f32 n;
    const v_f32 r = v_trig_reduce(x, &n), t = v_mul(r, r);
    n = v_add(n, v_set1(quarters));
    n = v_fnma(v_set1(4), v_round(v_mul(n, v_set1(0.25f))), n); /* -2 .. 2 */
    const v_f32 v = v_select(v_eq(v_abs(n), v_set1(1)), v_cos_part(t), v_sin_part(r, t));
    const v_f32 minus = v_sub(v_set1(0), v);
    return v_select(v_eq(v_abs(n), v_set1(2)), minus, v_select(v_lt(n, v_set1(0)), minus, v));
}

static inline v_f32 v_sin(v_f32 x) { return v_sin_quarters(x, 0); }
static inline v_f32 v_cos(v_f32 x) { return v_sin_quarters(x, 1); }

/* Beyond 1: pi/2 - atan 1/x. */
static inline v_f32 v_atan(v_f32 x)
{
    const v_f32 a = v_abs(x), one = v_set1(1);
    const v_mask far = v_lt(one, a);
    const v_f32 u = v_select(far, v_div(one, a), a), t = v_mul(u, u);
    v_f32 p = v_set1(-0.001827213069f);
    p = v_fma(p, t, v_set1(0.01106444171f));
    p = v_fma(p, t, v_set1(-0.03145570398f));
    p = v_fma(p, t, v_set1(0.05823455431f));
    p = v_fma(p, t, v_set1(-0.0841945953f));
    p = v_fma(p, t, v_set1(0.1095757644f));
    p = v_fma(p, t, v_set1(-0.1426524546f));
    p = v_fma(p, t, v_set1(0.1999863863f));
    p = v_fma(p, t, v_set1(-0.3333330187f));
    p = v_fma(v_mul(u, t), p, u);
    const v_f32 rest = v_add(v_sub(v_set1(V_HALF_PI), p), v_set1(V_HALF_PI_REST));
    return v_copysign(v_select(far, rest, p), x);
}

/* asin |x| up to 1/2; `far` where asin |x| = pi/2 - 2 of it. */
static inline v_f32 v_asin_part(v_f32 x, v_mask *far)
{
    const v_f32 a = v_abs(x), half = v_set1(0.5f);
    *far = v_lt(half, a);
    const v_f32 t = v_select(*far, v_fnma(half, a, half), v_mul(a, a));
    const v_f32 u = v_select(*far, v_sqrt(t), a);
    v_f32 p = v_set1(0.04221856766f);
    p = v_fma(p, t, v_set1(0.02414760051f));
    p = v_fma(p, t, v_set1(0.04547709896f));
    p = v_fma(p, t, v_set1(0.07495241769f));
    p = v_fma(p, t, v_set1(0.1666675393f));
    return v_fma(v_mul(u, t), p, u);
}

static inline v_f32 v_asin(v_f32 x)
{
    v_mask far;
    const v_f32 p = v_asin_part(x, &far);
    const v_f32 rest =
        v_add(v_fnma(v_set1(2), p, v_set1(V_HALF_PI)), v_set1(V_HALF_PI_REST));
    return v_copysign(v_select(far, rest, p), x);
}

static inline v_f32 v_acos(v_f32 x)
{
    v_mask far;
    const v_f32 p = v_asin_part(x, &far), two = v_add(p, p);
    const v_f32 below =
        v_add(v_sub(v_set1(2 * V_HALF_PI), two), v_set1(2 * V_HALF_PI_REST));
    const v_f32 near =
        v_add(v_sub(v_set1(V_HALF_PI), v_copysign(p, x)), v_set1(V_HALF_PI_REST));
    return v_select(far, v_select(v_lt(x, v_set1(0)), below, two), near);
}

static inline v_f32 v_floor(v_f32 x)
{
    const v_f32 r = v_round(x);
    return v_copysign(v_select(v_lt(x, r), v_sub(r, v_set1(1)), r), x);
}

static inline v_f32 v_ceil(v_f32 x)
{
    const v_f32 r = v_round(x);
    return v_copysign(v_select(v_lt(r, x), v_add(r, v_set1(1)), r), x);
}

#endif

/* Transcendental functions on vectors of floats, a few ulp from the truth over the whole range.
 *
 * exp after Cody and Waite's reduction by multiples of ln 2; the polynomials are our own minimax
 * fits. NaN stays NaN.
 */
#ifndef TDNN_KERNELS_SIMD_VMATH_H
#define TDNN_KERNELS_SIMD_VMATH_H

#include "kernels/simd/simd.h"

/* x = n ln 2 + r, |r| <= ln 2 / 2. Returns e^r - 1. */
static inline v_f32 v_exp_parts(v_f32 x, v_f32 *n)
{
    *n = v_round(v_mul(x, v_set1(1.44269504f)));
    v_f32 r = v_fnma(*n, v_set1(0.693359375f), x);
    r = v_fnma(*n, v_set1(-2.12194440e-4f), r);
    v_f32 p = v_set1(0.001392617612f);
    p = v_fma(p, r, v_set1(0.008363173075f));
    p = v_fma(p, r, v_set1(0.04166655466f));
    p = v_fma(p, r, v_set1(0.1666657703f));
    p = v_fma(p, r, v_set1(0.5f));
    return v_fma(v_mul(r, r), p, r);
}

static inline v_f32 v_exp(v_f32 x)
{
    x = v_min(v_set1(89), v_max(v_set1(-104), x)); /* beyond: infinity and 0 */
    v_f32 n;
    const v_f32 m = v_exp_parts(x, &n);
    return v_scale(v_add(m, v_set1(1)), n);
}

/* e^x - 1, exact in relative terms near 0 too. */
static inline v_f32 v_expm1(v_f32 x)
{
    x = v_min(v_set1(89), v_max(v_set1(-30), x));
    v_f32 n;
    const v_f32 m = v_exp_parts(x, &n);
    /* One factor of 2 is kept back, since 2^128 is no float while e^x may be one. */
    const v_f32 half = v_scale(v_set1(0.5f), n);
    return v_mul(v_set1(2), v_fma(m, half, v_sub(half, v_set1(0.5f))));
}

static inline v_f32 v_sigmoid(v_f32 x)
{
    const v_f32 one = v_set1(1);
    return v_div(one, v_add(one, v_exp(v_sub(v_set1(0), x))));
}

/* tanh |x| = -t / (t + 2) with t = e^(-2|x|) - 1 */
static inline v_f32 v_tanh(v_f32 x)
{
    const v_f32 t = v_expm1(v_mul(v_set1(-2), v_abs(x)));
    return v_copysign(v_div(t, v_add(t, v_set1(2))), x);
}

/* log m of m in [0.75, 1.5), plus e ln 2 */
static inline v_f32 v_log_parts(v_f32 m, v_f32 e)
{
    const v_f32 f = v_sub(m, v_set1(1));
    v_f32 p = v_set1(0.03767291084f);
    p = v_fma(p, f, v_set1(-0.0911618993f));
    p = v_fma(p, f, v_set1(0.1170066148f));
    p = v_fma(p, f, v_set1(-0.1272777915f));
    p = v_fma(p, f, v_set1(0.1427623928f));
    p = v_fma(p, f, v_set1(-0.1665529609f));
    p = v_fma(p, f, v_set1(0.1999960542f));
    p = v_fma(p, f, v_set1(-0.2500016391f));
    p = v_fma(p, f, v_set1(0.3333334029f));
    const v_f32 f2 = v_mul(f, f);
    v_f32 r = v_fma(v_mul(p, f), f2, v_mul(e, v_set1(-2.12194440e-4f)));
    r = v_fnma(v_set1(0.5f), f2, r);
    return v_fma(e, v_set1(0.693359375f), v_add(r, f));
}

static inline v_f32 v_log(v_f32 x)
{
    const v_f32 infinity = v_set1(__builtin_inff());
    v_f32 e;
    const v_f32 m = v_frexp(x, &e);
    v_f32 r = v_log_parts(m, e);
    r = v_select(v_lt(x, infinity), r, x); /* infinity and NaN as they are */
    r = v_select(v_lt(x, v_set1(0)), v_set1(__builtin_nanf("")), r);
    return v_select(v_eq(x, v_set1(0)), v_set1(-__builtin_inff()), r);
}

/* log(1 + x) for x in [0, 1]: the rounding of 1 + x is made good by the factor x / ((1 + x) -
 * 1). */
static inline v_f32 v_log1p_unit(v_f32 x)
{
    const v_f32 u = v_add(x, v_set1(1)), rounded = v_sub(u, v_set1(1));
    v_f32 e;
    const v_f32 m = v_frexp(u, &e);
    const v_f32 r = v_mul(v_log_parts(m, e), v_div(x, rounded));
    return v_select(v_lt(v_set1(0), rounded), r, x);
}

/* log(1 + e^x) = max(x, 0) + log(1 + e^-|x|) */
static inline v_f32 v_softplus(v_f32 x)
{
    const v_f32 t = v_exp(v_sub(v_set1(0), v_abs(x)));
    return v_add(v_max(v_set1(0), x), v_log1p_unit(t));
}

/* Up to 1: x P(x^2). Beyond: 1 - e^Q(x), where Q approximates log erfc. */
static inline v_f32 v_erf(v_f32 x)
{
    const v_f32 a = v_abs(x), t = v_mul(x, x), b = v_min(v_set1(4), a);
    v_f32 p = v_set1(7.875875063e-5f);
    p = v_fma(p, t, v_set1(-0.0008016864287f));
    p = v_fma(p, t, v_set1(0.005189087423f));
    p = v_fma(p, t, v_set1(-0.02685421201f));
    p = v_fma(p, t, v_set1(0.1128359472f));
    p = v_fma(p, t, v_set1(-0.3761262667f));
    p = v_fma(p, t, v_set1(1.128379166f));
    v_f32 q = v_set1(1.637151415e-6f);
    q = v_fma(q, b, v_set1(-4.605804269e-5f));
    q = v_fma(q, b, v_set1(0.0005968056257f));
    q = v_fma(q, b, v_set1(-0.004759596293f));
    q = v_fma(q, b, v_set1(0.02642113601f));
    q = v_fma(q, b, v_set1(-0.1100800829f));
    q = v_fma(q, b, v_set1(-0.6318260516f));
    q = v_fma(q, b, v_set1(-1.130233435f));
    q = v_fma(q, b, v_set1(0.0003201380497f));
    const v_f32 far = v_copysign(v_sub(v_set1(1), v_exp(q)), x);
    return v_select(v_lt(v_set1(1), a), far, v_mul(x, p));
}

#endif

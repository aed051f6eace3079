/* The division of quantisation, for vectors: most quotients come from a multiplication by the
 * reciprocal, and those that might be rounded to the other side from the division itself. */
#ifndef TDNN_KERNELS_SIMD_QUANTIZE_H
#define TDNN_KERNELS_SIMD_QUANTIZE_H

#include "kernels/simd/simd.h"

typedef struct v_divisor {
    v_f32 scale, inverse;
    v_f32 doubt; /* a quotient this far from its nearest integer, or farther, is divided again */
} v_divisor;

/* Up to 2^10 the product is at most 1.5 * 2^-13 from the quotient; beyond, a byte is saturated
 * anyway. */
static inline v_divisor v_divide_by(float scale)
{
    const int sure = scale > 0x1p-100f && scale < 0x1p100f;
    return (v_divisor){v_set1(scale), v_set1(sure ? 1 / scale : 0),
                       v_set1(sure ? 0.5f - 0x1p-12f : -1)};
}

/* round(x / scale), for a result that is saturated to at most 9 bits. */
static inline v_f32 v_round_quotient(v_f32 x, const v_divisor *by)
{
    const v_f32 q = v_mul(x, by->inverse), r = v_round(q);
    if (__builtin_expect(!v_any(v_lt(by->doubt, v_abs(v_sub(q, r)))), 1)) return r;
    return v_round(v_div(x, by->scale));
}

#endif

/* Floating-point types of 16 bits and fewer: to and from wider ones, nearest even. */
#ifndef TDNN_BASE_NARROW_H
#define TDNN_BASE_NARROW_H

#include "tinydnn.h"

#include <string.h>

typedef enum tdnn_rounding { TDNN_ROUND_UP, TDNN_ROUND_DOWN, TDNN_ROUND_NEAREST } tdnn_rounding;

/* `code` is the bit pattern, in the lowest bits. Any of F16, BF16, F8..., F4E2M1. */
double tdnn_narrow_decode(tdnn_dtype type, unsigned code);
/* saturate: what is too large becomes the largest finite number; otherwise infinity, or NaN
 * where the type has no infinity. F4E2M1 always saturates. `rounding` is for F8E8M0 only, which
 * is nothing but an exponent. */
unsigned tdnn_narrow_encode(tdnn_dtype type, double value, bool saturate,
                            tdnn_rounding rounding);

static inline float tdnn_float_of_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}
static inline uint32_t tdnn_bits_of_float(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static inline float tdnn_bf16_to_f32(uint16_t h)
{
    return tdnn_float_of_bits((uint32_t)h << 16);
}

static inline uint16_t tdnn_f32_to_bf16(float f)
{
    const uint32_t u = tdnn_bits_of_float(f);
    if ((u & 0x7fffffffu) > 0x7f800000u)
        return (uint16_t)(u >> 16 | 0x40u); /* a NaN stays one */
    return (uint16_t)((u + 0x7fffu + (u >> 16 & 1u)) >> 16);
}

static inline float tdnn_f16_to_f32(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000u) << 16, rest = h & 0x7fffu;
    if (rest >= 0x7c00u) return tdnn_float_of_bits(sign | 0x7f800000u | (rest & 0x3ffu) << 13);
    if (rest < 0x400u) { /* a multiple of 2^-24 */
        const float f = (float)rest * 0x1p-24f;
        return sign ? -f : f;
    }
    return tdnn_float_of_bits(sign | ((rest << 13) + (112u << 23)));
}

static inline uint16_t tdnn_f32_to_f16(float f)
{
    const uint32_t u = tdnn_bits_of_float(f), sign = u >> 16 & 0x8000u, a = u & 0x7fffffffu;
    if (a > 0x7f800000u) return (uint16_t)(sign | 0x7e00u | (a >> 13 & 0x3ffu));
    if (a >= 0x47800000u) return (uint16_t)(sign | 0x7c00u);
    if (a < 0x38800000u) { /* below 2^-14: adding 1/2 leaves the rounded multiple of 2^-24 */
        const uint32_t code = tdnn_bits_of_float(tdnn_float_of_bits(a) + 0.5f) - 0x3f000000u;
        return (uint16_t)(sign | code);
    }
    return (uint16_t)(sign | ((a - (112u << 23) + 0xfffu + (a >> 13 & 1u)) >> 13));
}

#endif

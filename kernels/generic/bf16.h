/* bf16, the upper half of an f32, in portable C. */
#ifndef TDNN_KERNELS_GENERIC_BF16_H
#define TDNN_KERNELS_GENERIC_BF16_H

#include <stdint.h>
#include <string.h>

/* To the nearest, even; a NaN stays one. */
static inline uint16_t tdnn_bf16_narrow(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if ((bits & 0x7fffffff) > 0x7f800000) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline float tdnn_bf16_widen(uint16_t x)
{
    const uint32_t bits = (uint32_t)x << 16;
    float y;
    memcpy(&y, &bits, sizeof y);
    return y;
}

#endif

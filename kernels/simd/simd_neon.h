/* NEON (AArch64): see simd.h, the door. Two registers of four make a vector of eight, so that
 * blocks of channels are as wide as AVX2's; the halves are independent, which hides the latency
 * of one. */
#ifndef TDNN_KERNELS_SIMD_NEON_H
#define TDNN_KERNELS_SIMD_NEON_H

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

#define V_LANES 8
#define V_LEVEL(name) name##_neon
typedef struct v_f32 {
    float32x4_t low, high;
} v_f32;
typedef struct v_i32 {
    int32x4_t low, high;
} v_i32;
typedef struct v_mask {
    uint32x4_t low, high;
} v_mask;

#define V_EACH(call_low, call_high) ((v_f32){(call_low), (call_high)})

static inline v_f32 v_set1(float x) { return V_EACH(vdupq_n_f32(x), vdupq_n_f32(x)); }
static inline v_f32 v_load(const float *p) { return V_EACH(vld1q_f32(p), vld1q_f32(p + 4)); }
static inline void v_store(float *p, v_f32 x)
{
    vst1q_f32(p, x.low);
    vst1q_f32(p + 4, x.high);
}
static inline v_mask v_first(size_t n)
{
    static const uint32_t lane[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    const uint32x4_t count = vdupq_n_u32((uint32_t)n);
    return (v_mask){vcltq_u32(vld1q_u32(lane), count), vcltq_u32(vld1q_u32(lane + 4), count)};
}
/* There are no masked loads: the lanes go through memory of our own. */
static inline v_f32 v_load_n(const float *p, size_t n)
{
    float lane[V_LANES] = {0};
    if (n >= V_LANES) return v_load(p);
    __builtin_memcpy(lane, p, n * sizeof(float));
    return v_load(lane);
}
static inline void v_store_n(float *p, v_f32 x, size_t n)
{
    float lane[V_LANES];
    v_store(n >= V_LANES ? p : lane, x);
    if (n < V_LANES) __builtin_memcpy(p, lane, n * sizeof(float));
}
static inline v_f32 v_add(v_f32 a, v_f32 b)
{
    return V_EACH(vaddq_f32(a.low, b.low), vaddq_f32(a.high, b.high));
}
static inline v_f32 v_sub(v_f32 a, v_f32 b)
{
    return V_EACH(vsubq_f32(a.low, b.low), vsubq_f32(a.high, b.high));
}
static inline v_f32 v_mul(v_f32 a, v_f32 b)
{
    return V_EACH(vmulq_f32(a.low, b.low), vmulq_f32(a.high, b.high));
}
static inline v_f32 v_div(v_f32 a, v_f32 b)
{
    return V_EACH(vdivq_f32(a.low, b.low), vdivq_f32(a.high, b.high));
}
static inline v_f32 v_fma(v_f32 a, v_f32 b, v_f32 c)
{
    return V_EACH(vfmaq_f32(c.low, a.low, b.low), vfmaq_f32(c.high, a.high, b.high));
}
static inline v_f32 v_fnma(v_f32 a, v_f32 b, v_f32 c)
{
    return V_EACH(vfmsq_f32(c.low, a.low, b.low), vfmsq_f32(c.high, a.high, b.high));
}
static inline v_mask v_lt(v_f32 a, v_f32 b)
{
    return (v_mask){vcltq_f32(a.low, b.low), vcltq_f32(a.high, b.high)};
}
static inline v_mask v_eq(v_f32 a, v_f32 b)
{
    return (v_mask){vceqq_f32(a.low, b.low), vceqq_f32(a.high, b.high)};
}
static inline v_f32 v_select(v_mask m, v_f32 a, v_f32 b)
{
    return V_EACH(vbslq_f32(m.low, a.low, b.low), vbslq_f32(m.high, a.high, b.high));
}
static inline int v_any(v_mask m) { return vmaxvq_u32(vorrq_u32(m.low, m.high)) != 0; }
/* Not FMAX, which gives NaN if either is: here it is b, as the contract has it. */
static inline v_f32 v_max(v_f32 a, v_f32 b) { return v_select(v_lt(b, a), a, b); }
static inline v_f32 v_min(v_f32 a, v_f32 b) { return v_select(v_lt(a, b), a, b); }
static inline v_f32 v_sqrt(v_f32 a) { return V_EACH(vsqrtq_f32(a.low), vsqrtq_f32(a.high)); }
static inline v_f32 v_abs(v_f32 a) { return V_EACH(vabsq_f32(a.low), vabsq_f32(a.high)); }
static inline v_f32 v_round(v_f32 a) { return V_EACH(vrndnq_f32(a.low), vrndnq_f32(a.high)); }
static inline v_f32 v_copysign(v_f32 a, v_f32 b)
{
    const uint32x4_t sign = vdupq_n_u32(0x80000000u);
    return V_EACH(vbslq_f32(sign, b.low, a.low), vbslq_f32(sign, b.high, a.high));
}
static inline float32x4_t v_pow2_half(int32x4_t n) /* n in -126 .. 127 */
{
    return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(n, vdupq_n_s32(127)), 23));
}
/* In two steps, since 2^n alone may not be a normal number. */
static inline float32x4_t v_scale_half(float32x4_t x, float32x4_t n)
{
    const int32x4_t whole =
        vcvtq_s32_f32(vmaxq_f32(vdupq_n_f32(-252), vminq_f32(vdupq_n_f32(252), n)));
    const int32x4_t half = vshrq_n_s32(whole, 1);
    return vmulq_f32(vmulq_f32(x, v_pow2_half(half)), v_pow2_half(vsubq_s32(whole, half)));
}
static inline v_f32 v_scale(v_f32 x, v_f32 n)
{
    return V_EACH(v_scale_half(x.low, n.low), v_scale_half(x.high, n.high));
}
/* x = m * 2^e, m in [0.75, 1.5); x positive and finite */
static inline v_f32 v_frexp(v_f32 x, v_f32 *e)
{
    const v_mask small = v_lt(x, v_set1(0x1p-126f));
    x = v_select(small, v_mul(x, v_set1(0x1p24f)), x);
    const int32x4_t low = vreinterpretq_s32_f32(x.low), high = vreinterpretq_s32_f32(x.high);
    /* moves the border between two exponents from 1 to 1.5 */
    const int32x4_t border = vdupq_n_s32(0x3f400000);
    const int32x4_t n0 = vshrq_n_s32(vsubq_s32(low, border), 23);
    const int32x4_t n1 = vshrq_n_s32(vsubq_s32(high, border), 23);
    const v_f32 exponent = V_EACH(vcvtq_f32_s32(n0), vcvtq_f32_s32(n1));
    *e = v_sub(exponent, v_select(small, v_set1(24), v_set1(0)));
    return V_EACH(vreinterpretq_f32_s32(vsubq_s32(low, vshlq_n_s32(n0, 23))),
                  vreinterpretq_f32_s32(vsubq_s32(high, vshlq_n_s32(n1, 23))));
}
/* Elements 0, 2, 4 ... of a and b in a row */
static inline v_f32 v_even(v_f32 a, v_f32 b)
{
    return V_EACH(vuzp1q_f32(a.low, a.high), vuzp1q_f32(b.low, b.high));
}
static inline float v_sum(v_f32 x) { return vaddvq_f32(vaddq_f32(x.low, x.high)); }
static inline float v_largest(v_f32 x) { return vmaxvq_f32(vmaxq_f32(x.low, x.high)); }

/* float16, and integers */
static inline v_f32 v_widen(const uint16_t *x)
{
    const float16x8_t half = vreinterpretq_f16_u16(vld1q_u16(x));
    return V_EACH(vcvt_f32_f16(vget_low_f16(half)), vcvt_high_f32_f16(half));
}
static inline void v_narrow(uint16_t *y, v_f32 x)
{
    vst1q_u16(y, vreinterpretq_u16_f16(vcvt_high_f16_f32(vcvt_f16_f32(x.low), x.high)));
}
static inline v_i32 vi_zero(void) { return (v_i32){vdupq_n_s32(0), vdupq_n_s32(0)}; }
static inline v_i32 vi_load(const void *p)
{
    return (v_i32){vld1q_s32(p), vld1q_s32((const int32_t *)p + 4)};
}
static inline void vi_store(void *p, v_i32 x)
{
    vst1q_s32(p, x.low);
    vst1q_s32((int32_t *)p + 4, x.high);
}
static inline v_i32 vi_pair(const int16_t *p)
{
    int32_t both;
    __builtin_memcpy(&both, p, sizeof both);
    return (v_i32){vdupq_n_s32(both), vdupq_n_s32(both)};
}
/* Each lane: the two products of its 16-bit halves, added to the sum. */
static inline int32x4_t vi_madd_half(int32x4_t sum, int32x4_t a, int32x4_t b)
{
    const int16x8_t p = vreinterpretq_s16_s32(a), q = vreinterpretq_s16_s32(b);
    const int32x4_t first = vmull_s16(vget_low_s16(p), vget_low_s16(q));
    return vaddq_s32(sum, vpaddq_s32(first, vmull_high_s16(p, q)));
}
static inline v_i32 vi_madd(v_i32 sum, v_i32 a, v_i32 b)
{
    return (v_i32){vi_madd_half(sum.low, a.low, b.low), vi_madd_half(sum.high, a.high, b.high)};
}
typedef struct v_bytes {
    v_i32 even, odd; /* 16 bits each */
} v_bytes;
#define V_BYTES_EACH(x, f)                                                                     \
    ((v_i32){vreinterpretq_s32_u16(f((x).low)), vreinterpretq_s32_u16(f((x).high))})
static inline uint16x8_t v_low_u8(int32x4_t x)
{
    return vandq_u16(vreinterpretq_u16_s32(x), vdupq_n_u16(255));
}
static inline uint16x8_t v_high_u8(int32x4_t x)
{
    return vshrq_n_u16(vreinterpretq_u16_s32(x), 8);
}
static inline uint16x8_t v_low_i8(int32x4_t x)
{
    return vreinterpretq_u16_s16(vshrq_n_s16(vshlq_n_s16(vreinterpretq_s16_s32(x), 8), 8));
}
static inline uint16x8_t v_high_i8(int32x4_t x)
{
    return vreinterpretq_u16_s16(vshrq_n_s16(vreinterpretq_s16_s32(x), 8));
}
static inline v_bytes v_unsigned_bytes(v_i32 x)
{
    return (v_bytes){V_BYTES_EACH(x, v_low_u8), V_BYTES_EACH(x, v_high_u8)};
}
static inline v_bytes v_signed_bytes(v_i32 x)
{
    return (v_bytes){V_BYTES_EACH(x, v_low_i8), V_BYTES_EACH(x, v_high_i8)};
}
static inline v_i32 vi_dot(v_i32 sum, v_bytes a, v_bytes b)
{
    return vi_madd(vi_madd(sum, a.even, b.even), a.odd, b.odd);
}
static inline v_i32 vi_quad(const uint8_t *p)
{
    int32_t all;
    __builtin_memcpy(&all, p, sizeof all);
    return (v_i32){vdupq_n_s32(all), vdupq_n_s32(all)};
}
static inline v_i32 vi_set1(int32_t x) { return (v_i32){vdupq_n_s32(x), vdupq_n_s32(x)}; }
static inline v_i32 vi_mul(v_i32 a, v_i32 b)
{
    return (v_i32){vmulq_s32(a.low, b.low), vmulq_s32(a.high, b.high)};
}
static inline v_i32 vi_sub(v_i32 a, v_i32 b)
{
    return (v_i32){vsubq_s32(a.low, b.low), vsubq_s32(a.high, b.high)};
}
static inline v_i32 vi_of_i16(const int16_t *p)
{
    const int16x8_t x = vld1q_s16(p);
    return (v_i32){vmovl_s16(vget_low_s16(x)), vmovl_high_s16(x)};
}
static inline v_i32 vi_of_u8(const uint8_t *p)
{
    const int16x8_t x = vreinterpretq_s16_u16(vmovl_u8(vld1_u8(p)));
    return (v_i32){vmovl_s16(vget_low_s16(x)), vmovl_high_s16(x)};
}
static inline v_f32 v_of_i32(v_i32 x)
{
    return V_EACH(vcvtq_f32_s32(x.low), vcvtq_f32_s32(x.high));
}
static inline v_f32 v_of_i16(int16x8_t x)
{
    return V_EACH(vcvtq_f32_s32(vmovl_s16(vget_low_s16(x))), vcvtq_f32_s32(vmovl_high_s16(x)));
}
static inline v_f32 v_of_u8(const void *p)
{
    return v_of_i16(vreinterpretq_s16_u16(vmovl_u8(vld1_u8(p))));
}
static inline v_f32 v_of_i8(const void *p) { return v_of_i16(vmovl_s8(vld1_s8(p))); }
/* The lowest byte of each 32-bit lane. */
static inline void v_to_x8(void *p, v_f32 x)
{
    const int32x4_t low = vcvtnq_s32_f32(x.low), high = vcvtnq_s32_f32(x.high);
    vst1_s8(p, vmovn_s16(vmovn_high_s32(vmovn_s32(low), high)));
}

/* Any address may be named. The second: into the second-level cache. */
#define v_prefetch(p) __builtin_prefetch((p), 0, 3)
#define v_prefetch_far(p) __builtin_prefetch((p), 0, 2)

#endif

/* AVX-512: see simd.h, the door. */
#ifndef TDNN_KERNELS_SIMD_AVX512_H
#define TDNN_KERNELS_SIMD_AVX512_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define V_LANES 16
#define V_LEVEL(name) name##_avx512
typedef __m512 v_f32;
typedef __m512i v_i32;
typedef __mmask16 v_mask;

static inline v_f32 v_set1(float x) { return _mm512_set1_ps(x); }
static inline v_f32 v_load(const float *p) { return _mm512_loadu_ps(p); }
static inline void v_store(float *p, v_f32 x) { _mm512_storeu_ps(p, x); }
static inline v_mask v_first(size_t n) { return (v_mask)((1u << n) - 1); }
static inline v_f32 v_load_n(const float *p, size_t n)
{
    return _mm512_maskz_loadu_ps(v_first(n), p);
}
static inline void v_store_n(float *p, v_f32 x, size_t n)
{
    _mm512_mask_storeu_ps(p, v_first(n), x);
}
static inline v_f32 v_add(v_f32 a, v_f32 b) { return _mm512_add_ps(a, b); }
static inline v_f32 v_sub(v_f32 a, v_f32 b) { return _mm512_sub_ps(a, b); }
static inline v_f32 v_mul(v_f32 a, v_f32 b) { return _mm512_mul_ps(a, b); }
static inline v_f32 v_div(v_f32 a, v_f32 b) { return _mm512_div_ps(a, b); }
/* a * b + c, rounded once; c - a * b */
static inline v_f32 v_fma(v_f32 a, v_f32 b, v_f32 c) { return _mm512_fmadd_ps(a, b, c); }
static inline v_f32 v_fnma(v_f32 a, v_f32 b, v_f32 c) { return _mm512_fnmadd_ps(a, b, c); }
/* b if either is a NaN: write v_max(limit, x) to let NaN through */
static inline v_f32 v_max(v_f32 a, v_f32 b) { return _mm512_max_ps(a, b); }
static inline v_f32 v_min(v_f32 a, v_f32 b) { return _mm512_min_ps(a, b); }
static inline v_f32 v_sqrt(v_f32 a) { return _mm512_sqrt_ps(a); }
static inline v_f32 v_abs(v_f32 a) { return _mm512_abs_ps(a); }
static inline v_f32 v_round(v_f32 a)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
static inline v_mask v_lt(v_f32 a, v_f32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
static inline v_mask v_eq(v_f32 a, v_f32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
static inline int v_any(v_mask m) { return m != 0; }
/* mask ? a : b */
static inline v_f32 v_select(v_mask m, v_f32 a, v_f32 b) { return _mm512_mask_blend_ps(m, b, a); }
/* |a| with the sign of b */
static inline v_f32 v_copysign(v_f32 a, v_f32 b)
{
    const __m512i sign = _mm512_set1_epi32((int)0x80000000u);
    return _mm512_castsi512_ps(
        _mm512_ternarylogic_epi32(sign, _mm512_castps_si512(b), _mm512_castps_si512(a), 0xca));
}
/* x * 2^n for integral n, with the right denormals and infinities */
static inline v_f32 v_scale(v_f32 x, v_f32 n) { return _mm512_scalef_ps(x, n); }
/* x = m * 2^e, m in [0.75, 1.5); x positive and finite */
static inline v_f32 v_frexp(v_f32 x, v_f32 *e)
{
    const __m512 m = _mm512_getmant_ps(x, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_src);
    const __m512 one = _mm512_set1_ps(1), floor = _mm512_getexp_ps(x);
    *e = _mm512_mask_add_ps(floor, _mm512_cmp_ps_mask(m, one, _CMP_LT_OQ), floor, one);
    return m;
}
/* Elements 0, 2, 4 ... of a and b in a row */
static inline v_f32 v_even(v_f32 a, v_f32 b)
{
    const __m512i index =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    return _mm512_permutex2var_ps(a, index, b);
}
static inline float v_sum(v_f32 x) { return _mm512_reduce_add_ps(x); }
static inline float v_largest(v_f32 x) { return _mm512_reduce_max_ps(x); }

/* float16, and integers */
static inline v_f32 v_widen(const uint16_t *x)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)x));
}
static inline void v_narrow(uint16_t *y, v_f32 x)
{
    _mm256_storeu_si256((__m256i *)(void *)y, _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
}
static inline v_i32 vi_zero(void) { return _mm512_setzero_si512(); }
static inline v_i32 vi_pair(const int16_t *p)
{
    int32_t both;
    __builtin_memcpy(&both, p, sizeof both);
    return _mm512_set1_epi32(both);
}
static inline v_i32 vi_load(const void *p) { return _mm512_loadu_si512(p); }
static inline void vi_store(void *p, v_i32 x) { _mm512_storeu_si512(p, x); }
static inline v_i32 vi_madd(v_i32 sum, v_i32 a, v_i32 b)
{
    return _mm512_add_epi32(sum, _mm512_madd_epi16(a, b));
}
/* Four bytes in each 32-bit lane, as factors of vi_dot: the first unsigned, the second signed. */
#if defined(__AVX512VNNI__)
typedef v_i32 v_bytes;
static inline v_bytes v_unsigned_bytes(v_i32 x) { return x; }
static inline v_bytes v_signed_bytes(v_i32 x) { return x; }
static inline v_i32 vi_dot(v_i32 sum, v_bytes a, v_bytes b)
{
    return _mm512_dpbusd_epi32(sum, a, b);
}
#else
typedef struct v_bytes {
    v_i32 even, odd; /* 16 bits each */
} v_bytes;
static inline v_bytes v_unsigned_bytes(v_i32 x)
{
    return (v_bytes){_mm512_and_si512(x, _mm512_set1_epi16(255)), _mm512_srli_epi16(x, 8)};
}
static inline v_bytes v_signed_bytes(v_i32 x)
{
    return (v_bytes){_mm512_srai_epi16(_mm512_slli_epi16(x, 8), 8), _mm512_srai_epi16(x, 8)};
}
static inline v_i32 vi_dot(v_i32 sum, v_bytes a, v_bytes b)
{
    return vi_madd(vi_madd(sum, a.even, b.even), a.odd, b.odd);
}
#endif
static inline v_i32 vi_quad(const uint8_t *p)
{
    int32_t all;
    __builtin_memcpy(&all, p, sizeof all);
    return _mm512_set1_epi32(all);
}
static inline v_i32 vi_set1(int32_t x) { return _mm512_set1_epi32(x); }
static inline v_i32 vi_mul(v_i32 a, v_i32 b) { return _mm512_mullo_epi32(a, b); }
static inline v_i32 vi_sub(v_i32 a, v_i32 b) { return _mm512_sub_epi32(a, b); }
static inline v_i32 vi_of_u8(const uint8_t *p)
{
    return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
}
static inline v_i32 vi_of_i16(const int16_t *p)
{
    return _mm512_cvtepi16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p));
}
static inline v_f32 v_of_i32(v_i32 x) { return _mm512_cvtepi32_ps(x); }
static inline v_f32 v_of_u8(const void *p)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p)));
}
static inline v_f32 v_of_i8(const void *p)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p)));
}
static inline void v_to_x8(void *p, v_f32 x)
{
    _mm_storeu_si128((__m128i *)p, _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(x)));
}

/* Any address may be named. Macros, since gcc takes a function that does nothing but prefetch
 * for one without effect, and drops the calls. The second: into the second-level cache. */
#define v_prefetch(p) _mm_prefetch((const char *)(p), _MM_HINT_T0)
#define v_prefetch_far(p) _mm_prefetch((const char *)(p), _MM_HINT_T1)

#endif

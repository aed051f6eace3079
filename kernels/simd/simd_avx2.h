/* AVX2: see simd.h, the door. */
#ifndef TDNN_KERNELS_SIMD_AVX2_H
#define TDNN_KERNELS_SIMD_AVX2_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define V_LANES 8
#define V_LEVEL(name) name##_avx2
typedef __m256 v_f32;
typedef __m256i v_i32;
typedef __m256 v_mask;

static inline v_f32 v_set1(float x) { return _mm256_set1_ps(x); }
static inline v_f32 v_load(const float *p) { return _mm256_loadu_ps(p); }
static inline void v_store(float *p, v_f32 x) { _mm256_storeu_ps(p, x); }
static inline __m256i v_first_i32(size_t n)
{
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), lane);
}
static inline v_mask v_first(size_t n) { return _mm256_castsi256_ps(v_first_i32(n)); }
static inline v_f32 v_load_n(const float *p, size_t n)
{
    return _mm256_maskload_ps(p, v_first_i32(n));
}
static inline void v_store_n(float *p, v_f32 x, size_t n)
{
    _mm256_maskstore_ps(p, v_first_i32(n), x);
}
static inline v_f32 v_add(v_f32 a, v_f32 b) { return _mm256_add_ps(a, b); }
static inline v_f32 v_sub(v_f32 a, v_f32 b) { return _mm256_sub_ps(a, b); }
static inline v_f32 v_mul(v_f32 a, v_f32 b) { return _mm256_mul_ps(a, b); }
static inline v_f32 v_div(v_f32 a, v_f32 b) { return _mm256_div_ps(a, b); }
static inline v_f32 v_fma(v_f32 a, v_f32 b, v_f32 c) { return _mm256_fmadd_ps(a, b, c); }
static inline v_f32 v_fnma(v_f32 a, v_f32 b, v_f32 c) { return _mm256_fnmadd_ps(a, b, c); }
static inline v_f32 v_max(v_f32 a, v_f32 b) { return _mm256_max_ps(a, b); }
static inline v_f32 v_min(v_f32 a, v_f32 b) { return _mm256_min_ps(a, b); }
static inline v_f32 v_sqrt(v_f32 a) { return _mm256_sqrt_ps(a); }
static inline v_f32 v_abs(v_f32 a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
static inline v_f32 v_round(v_f32 a)
{
    return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
static inline v_mask v_lt(v_f32 a, v_f32 b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
static inline v_mask v_eq(v_f32 a, v_f32 b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
static inline int v_any(v_mask m) { return _mm256_movemask_ps(m) != 0; }
static inline v_f32 v_select(v_mask m, v_f32 a, v_f32 b) { return _mm256_blendv_ps(b, a, m); }
static inline v_f32 v_copysign(v_f32 a, v_f32 b)
{
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return _mm256_or_ps(_mm256_andnot_ps(sign, a), _mm256_and_ps(sign, b));
}
static inline v_f32 v_pow2(__m256i n) /* n in -126 .. 127 */
{
    return _mm256_castsi256_ps(
        _mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
}
/* In two halves, since 2^n alone may not be a normal number. */
static inline v_f32 v_scale(v_f32 x, v_f32 n)
{
    const __m256 inside =
        _mm256_max_ps(_mm256_set1_ps(-252), _mm256_min_ps(_mm256_set1_ps(252), n));
    const __m256i whole = _mm256_cvtps_epi32(inside), half = _mm256_srai_epi32(whole, 1);
    return _mm256_mul_ps(_mm256_mul_ps(x, v_pow2(half)), v_pow2(_mm256_sub_epi32(whole, half)));
}
static inline v_f32 v_frexp(v_f32 x, v_f32 *e)
{
    const v_mask small = v_lt(x, v_set1(0x1p-126f));
    x = v_select(small, v_mul(x, v_set1(0x1p24f)), x);
    /* moves the border between two exponents from 1 to 1.5 */
    const __m256i bits = _mm256_sub_epi32(_mm256_castps_si256(x), _mm256_set1_epi32(0x3f400000));
    const __m256i n = _mm256_srai_epi32(bits, 23);
    *e = v_sub(_mm256_cvtepi32_ps(n), v_select(small, v_set1(24), v_set1(0)));
    return _mm256_castsi256_ps(
        _mm256_sub_epi32(_mm256_castps_si256(x), _mm256_slli_epi32(n, 23)));
}
static inline v_f32 v_even(v_f32 a, v_f32 b)
{
    const __m256d mixed =
        _mm256_castps_pd(_mm256_shuffle_ps(a, b, 0x88)); /* a0 a2 b0 b2, a4 a6 b4 b6 */
    return _mm256_castpd_ps(_mm256_permute4x64_pd(mixed, 0xd8));
}
static inline float v_sum(v_f32 x)
{
    __m128 a = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    a = _mm_add_ps(a, _mm_movehl_ps(a, a));
    return _mm_cvtss_f32(_mm_add_ss(a, _mm_movehdup_ps(a)));
}
static inline float v_largest(v_f32 x)
{
    __m128 a = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    a = _mm_max_ps(a, _mm_movehl_ps(a, a));
    return _mm_cvtss_f32(_mm_max_ss(a, _mm_movehdup_ps(a)));
}

/* float16, and integers */
static inline v_f32 v_widen(const uint16_t *x)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)x));
}
static inline void v_narrow(uint16_t *y, v_f32 x)
{
    _mm_storeu_si128((__m128i *)(void *)y, _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
}
static inline v_i32 vi_zero(void) { return _mm256_setzero_si256(); }
static inline v_i32 vi_pair(const int16_t *p)
{
    int32_t both;
    __builtin_memcpy(&both, p, sizeof both);
    return _mm256_set1_epi32(both);
}
static inline v_i32 vi_load(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }
static inline void vi_store(void *p, v_i32 x) { _mm256_storeu_si256((__m256i *)p, x); }
static inline v_i32 vi_madd(v_i32 sum, v_i32 a, v_i32 b)
{
    return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
}
typedef struct v_bytes {
    v_i32 even, odd; /* 16 bits each */
} v_bytes;
static inline v_bytes v_unsigned_bytes(v_i32 x)
{
    return (v_bytes){_mm256_and_si256(x, _mm256_set1_epi16(255)), _mm256_srli_epi16(x, 8)};
}
static inline v_bytes v_signed_bytes(v_i32 x)
{
    return (v_bytes){_mm256_srai_epi16(_mm256_slli_epi16(x, 8), 8), _mm256_srai_epi16(x, 8)};
}
static inline v_i32 vi_dot(v_i32 sum, v_bytes a, v_bytes b)
{
    return vi_madd(vi_madd(sum, a.even, b.even), a.odd, b.odd);
}
static inline v_i32 vi_quad(const uint8_t *p)
{
    int32_t all;
    __builtin_memcpy(&all, p, sizeof all);
    return _mm256_set1_epi32(all);
}
static inline v_i32 vi_set1(int32_t x) { return _mm256_set1_epi32(x); }
static inline v_i32 vi_mul(v_i32 a, v_i32 b) { return _mm256_mullo_epi32(a, b); }
static inline v_i32 vi_sub(v_i32 a, v_i32 b) { return _mm256_sub_epi32(a, b); }
static inline v_i32 vi_of_u8(const uint8_t *p)
{
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p));
}
static inline v_i32 vi_of_i16(const int16_t *p)
{
    return _mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
}
static inline v_f32 v_of_i32(v_i32 x) { return _mm256_cvtepi32_ps(x); }
static inline v_f32 v_of_u8(const void *p)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p)));
}
static inline v_f32 v_of_i8(const void *p)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p)));
}
/* The lowest byte of each 32-bit lane. */
static inline void v_to_x8(void *p, v_f32 x)
{
    const __m256i byte = _mm256_and_si256(_mm256_cvtps_epi32(x), _mm256_set1_epi32(255));
    const __m128i words =
        _mm_packus_epi32(_mm256_castsi256_si128(byte), _mm256_extracti128_si256(byte, 1));
    _mm_storel_epi64((__m128i *)p, _mm_packus_epi16(words, words));
}

/* Any address may be named. Macros, since gcc takes a function that does nothing but prefetch
 * for one without effect, and drops the calls. The second: into the second-level cache. */
#define v_prefetch(p) _mm_prefetch((const char *)(p), _MM_HINT_T0)
#define v_prefetch_far(p) _mm_prefetch((const char *)(p), _MM_HINT_T1)

#endif

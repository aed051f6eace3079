/* The widest vectors of floats that the including file is compiled for, under one set of names:
 * kernels that need no more than this are written once, as NAME_simd.h, and included by
 * NAME_avx2.c and NAME_avx512.c. Masks come from comparisons; `n` of loads and stores is 0 .. V_LANES.
 */
#ifndef TDNN_KERNELS_SIMD_H
#define TDNN_KERNELS_SIMD_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__AVX512F__)

#define V_LANES 16
#define V_LEVEL(name) name##_avx512
typedef __m512 v_f32;
typedef __m512i v_i32;
typedef __mmask16 v_mask;

static inline v_f32 v_set1(float x) { return _mm512_set1_ps(x); }
static inline v_f32 v_load(const float *p) { return _mm512_loadu_ps(p); }
static inline void v_store(float *p, v_f32 x) { _mm512_storeu_ps(p, x); }
static inline v_mask v_first(size_t n) { return (v_mask)((1u << n) - 1); }
static inline v_f32 v_load_n(const float *p, size_t n) { return _mm512_maskz_loadu_ps(v_first(n), p); }
static inline void v_store_n(float *p, v_f32 x, size_t n) { _mm512_mask_storeu_ps(p, v_first(n), x); }
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
static inline v_f32 v_round(v_f32 a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline v_mask v_lt(v_f32 a, v_f32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
static inline v_mask v_eq(v_f32 a, v_f32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
/* mask ? a : b */
static inline v_f32 v_select(v_mask m, v_f32 a, v_f32 b) { return _mm512_mask_blend_ps(m, b, a); }
/* |a| with the sign of b */
static inline v_f32 v_copysign(v_f32 a, v_f32 b)
{
    const __m512i sign = _mm512_set1_epi32((int)0x80000000u);
    return _mm512_castsi512_ps(_mm512_ternarylogic_epi32(sign, _mm512_castps_si512(b), _mm512_castps_si512(a), 0xca));
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
    const __m512i index = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    return _mm512_permutex2var_ps(a, index, b);
}
static inline float v_sum(v_f32 x) { return _mm512_reduce_add_ps(x); }
static inline float v_largest(v_f32 x) { return _mm512_reduce_max_ps(x); }

#elif defined(__AVX2__)

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
static inline v_f32 v_load_n(const float *p, size_t n) { return _mm256_maskload_ps(p, v_first_i32(n)); }
static inline void v_store_n(float *p, v_f32 x, size_t n) { _mm256_maskstore_ps(p, v_first_i32(n), x); }
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
static inline v_f32 v_round(v_f32 a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline v_mask v_lt(v_f32 a, v_f32 b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
static inline v_mask v_eq(v_f32 a, v_f32 b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
static inline v_f32 v_select(v_mask m, v_f32 a, v_f32 b) { return _mm256_blendv_ps(b, a, m); }
static inline v_f32 v_copysign(v_f32 a, v_f32 b)
{
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return _mm256_or_ps(_mm256_andnot_ps(sign, a), _mm256_and_ps(sign, b));
}
static inline v_f32 v_pow2(__m256i n) /* n in -126 .. 127 */
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
}
/* In two halves, since 2^n alone may not be a normal number. */
static inline v_f32 v_scale(v_f32 x, v_f32 n)
{
    const __m256 inside = _mm256_max_ps(_mm256_set1_ps(-252), _mm256_min_ps(_mm256_set1_ps(252), n));
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
    return _mm256_castsi256_ps(_mm256_sub_epi32(_mm256_castps_si256(x), _mm256_slli_epi32(n, 23)));
}
static inline v_f32 v_even(v_f32 a, v_f32 b)
{
    const __m256d mixed = _mm256_castps_pd(_mm256_shuffle_ps(a, b, 0x88)); /* a0 a2 b0 b2, a4 a6 b4 b6 */
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

#else
#error "simd.h needs AVX2 or AVX-512"
#endif

/* Any address may be named. */
static inline void v_prefetch(const float *p) { _mm_prefetch((const char *)p, _MM_HINT_T0); }

/* Asks for a loop of constant count to be unrolled whole, so that arrays of vectors become registers. */
#if defined(__clang__)
#define V_UNROLL _Pragma("clang loop unroll(full)")
#else
#define V_UNROLL _Pragma("GCC unroll 64")
#endif

#endif

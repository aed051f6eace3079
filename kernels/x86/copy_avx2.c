/* Transposition of 32-bit elements in squares of 8 x 8, held in registers; and blocks of eight
 * channels by permutation.
 */
#include "kernels/simd/transpose.h"

#include <immintrin.h>

static void square(float *to, size_t to_stride, const float *from, size_t from_stride)
{
    __m256 a[8], b[8];
    for (size_t i = 0; i < 8; i++) a[i] = _mm256_loadu_ps(from + i * from_stride);
    for (int i = 0; i < 8; i += 2) {
        b[i] = _mm256_unpacklo_ps(a[i], a[i + 1]);
        b[i + 1] = _mm256_unpackhi_ps(a[i], a[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        a[i] = _mm256_shuffle_ps(b[i], b[i + 2], 0x44);
        a[i + 1] = _mm256_shuffle_ps(b[i], b[i + 2], 0xee);
        a[i + 2] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0x44);
        a[i + 3] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0xee);
    }
    for (size_t i = 0; i < 4; i++) {
        _mm256_storeu_ps(to + i * to_stride, _mm256_permute2f128_ps(a[i], a[i + 4], 0x20));
        _mm256_storeu_ps(to + (i + 4) * to_stride,
                         _mm256_permute2f128_ps(a[i], a[i + 4], 0x31));
    }
}

TRANSPOSE_BY_SQUARES(transpose_avx2, 8, square)

static void copy_avx2(void *to, const void *from, const tdnn_copy *copy)
{
    tdnn_copy_strided(to, from, copy, transpose_avx2);
}

enum { MOST_SOURCES = 8 };

static void lanes_avx2(float *to, const float *const *from, const tdnn_lanes *lanes,
                       size_t pixels)
{
    const size_t sources = lanes->sources;
    const __m256i index = _mm256_loadu_si256((const __m256i *)(const void *)lanes->index);
    const __m256i bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    __m256 mask[MOST_SOURCES];
    for (size_t s = 0; s < sources; s++) {
        const __m256i set = _mm256_and_si256(_mm256_set1_epi32(lanes->mask[s]), bits);
        mask[s] = _mm256_castsi256_ps(_mm256_cmpeq_epi32(set, bits));
    }
    for (size_t p = 0; p < pixels * 8; p += 8) {
        __m256 sum = _mm256_setzero_ps();
        for (size_t s = 0; s < sources; s++) {
            const __m256 x = _mm256_permutevar8x32_ps(_mm256_loadu_ps(from[s] + p), index);
            sum = _mm256_blendv_ps(sum, x, mask[s]);
        }
        _mm256_storeu_ps(to + p, sum);
    }
}

void tdnn_fill_copy_avx2(tdnn_kernels *t);
void tdnn_fill_copy_avx2(tdnn_kernels *t)
{
    t->copy = copy_avx2;
    t->transpose_x32 = transpose_avx2;
    t->lanes_f32 = lanes_avx2;
}

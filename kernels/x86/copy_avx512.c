/* Blocks of sixteen channels by permutation. */
#include "kernels/generic/copy.h"

#include <immintrin.h>

static inline __m512 pick(__m512 to, uint16_t mask, __m512i index, const float *from)
{
    return _mm512_mask_permutexvar_ps(to, mask, index, _mm512_loadu_ps(from));
}

static void lanes_avx512(float *to, const float *const *from, const tdnn_lanes *lanes,
                         size_t pixels)
{
    const __m512i index = _mm512_loadu_si512(lanes->index);
    const __m512 zero = _mm512_setzero_ps();
    const uint16_t *mask = lanes->mask;
    const size_t sources = lanes->sources, end = pixels * 16;
    if (sources == 2) { /* two halves that mix, or a shift over the border of two blocks */
        for (size_t p = 0; p < end; p += 16)
            _mm512_storeu_ps(to + p, pick(pick(zero, mask[0], index, from[0] + p), mask[1],
                                          index, from[1] + p));
        return;
    }
    for (size_t p = 0; p < end; p += 16) {
        __m512 sum = zero;
        for (size_t s = 0; s < sources; s++) sum = pick(sum, mask[s], index, from[s] + p);
        _mm512_storeu_ps(to + p, sum);
    }
}

void tdnn_fill_copy_avx512(tdnn_kernels *t);
void tdnn_fill_copy_avx512(tdnn_kernels *t) { t->lanes_f32 = lanes_avx512; }

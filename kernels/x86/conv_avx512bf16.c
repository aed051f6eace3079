/* Convolution by the dot products of AVX512-BF16: each adds two products to each of 16 sums. */
#include "kernels/x86/conv_bf16.h"

void tdnn_fill_conv_avx512bf16(tdnn_kernels *t);

/* P pixels by V blocks of output channels, all sums in registers. */
INLINE void tile(const int P, const int V, const bf16_work *t, const float *x, float *sums)
{
    __m512 a[12][2];
    const char *w = t->w;
    const size_t step = t->pixel / sizeof *x;
    V_UNROLL for (int p = 0; p < P; p++) {
        V_UNROLL for (int v = 0; v < V; v++) a[p][v] = _mm512_setzero_ps();
    }
    for (size_t i = 0; i < t->steps; i++, w += V * 2 * TDNN_BF16_STEP) {
        const float *at = x + t->taps[i]; /* two channels in each float's place */
        for (int k = 0; k < V_LANES; k++) {
            __m512bh wv[2];
            V_UNROLL for (int v = 0; v < V; v++)
                wv[v] = (__m512bh)_mm512_loadu_si512(w + v * 2 * TDNN_BF16_STEP + k * 64);
            V_UNROLL for (int p = 0; p < P; p++) {
                const __m512bh xv = (__m512bh)_mm512_set1_ps(at[(size_t)p * step + (size_t)k]);
                V_UNROLL for (int v = 0; v < V; v++) a[p][v] =
                    _mm512_dpbf16_ps(a[p][v], xv, wv[v]);
            }
        }
    }
    V_UNROLL for (int p = 0; p < P; p++) {
        V_UNROLL for (int v = 0; v < V; v++)
            _mm512_storeu_ps(sums + (v * PIXELS + p) * V_LANES, a[p][v]);
    }
}

/* 32 pixels are 12, 12 and 8; a few too many read what nobody needs. */
INLINE void tiles(const int V, const bf16_work *t, const float *x, size_t count)
{
    for (size_t p = 0; p < count;) {
        float *sums = t->sums + p * V_LANES;
        if (count - p > 8 && p < 24) {
            tile(12, V, t, x + p * t->pixel / sizeof *x, sums);
            p += 12;
        } else if (count - p > 4) {
            tile(8, V, t, x + p * t->pixel / sizeof *x, sums);
            p += 8;
        } else {
            tile(4, V, t, x + p * t->pixel / sizeof *x, sums);
            p += 4;
        }
    }
}

static void one_block(const bf16_work *t, const float *x, size_t count) { tiles(1, t, x, count); }
static void two_blocks(const bf16_work *t, const float *x, size_t count)
{
    tiles(2, t, x, count);
}

static void convolve(const tdnn_conv *c, const tdnn_conv_io *io, size_t task, void *scratch)
{
    convolve_bf16(c, io, task, scratch, one_block, two_blocks);
}

void tdnn_fill_conv_avx512bf16(tdnn_kernels *t) { t->conv_bf16 = convolve; }

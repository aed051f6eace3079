/* Matrix products by the dot products of AVX512-BF16, and rows of A as bf16. */
#include "kernels/x86/gemm_bf16.h"

void tdnn_fill_gemm_avx512bf16(tdnn_kernels *t);

/* Elements 0, column, 2 column ... of which `count` (0 .. 16, or more) are there. */
INLINE __m512 load_row(const float *a, size_t column, size_t count)
{
    const __mmask16 mask = (__mmask16)(count < 16 ? (1u << count) - 1 : 0xffff);
    if (column == 1) return _mm512_maskz_loadu_ps(mask, a);
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i index = _mm512_mullo_epi32(lane, _mm512_set1_epi32((int)column));
    return _mm512_mask_i32gather_ps(_mm512_setzero_ps(), mask, index, a, 4);
}

static void pack_a(float *to, const float *a, size_t row, size_t column, size_t m, size_t k,
                   size_t panel, const tdnn_kernels *table)
{
    (void)table;
    for (size_t begin = 0; begin < m; begin += panel) {
        const size_t end = m - begin < panel ? m : begin + panel;
        for (size_t i = 0; i < k; i += TDNN_BF16_PLANE)
            for (size_t r = begin; r < end; r++, to += V_LANES) {
                const float *from = a + r * row + i * column;
                const __m512 low = load_row(from, column, k - i);
                const __m512 high = k - i > 16 ? load_row(from + 16 * column, column, k - i - 16)
                                               : _mm512_setzero_ps();
                _mm512_storeu_si512(to, (__m512i)_mm512_cvtne2ps_pbh(high, low));
            }
    }
}

/* Eight rows, of which the last may be missing: what is read in their place is not stored. */
static void tile(float *sums, const char *a, const char *b, size_t rows, size_t planes,
                 const ahead *next)
{
    (void)next; /* products are slow enough for the hardware to fetch ahead */
    for (size_t r = 0; r < rows; r += 8, a += 8 * 64, sums += 8 * V_LANES)
        if (rows <= 4)
            few_rows(sums, a, b, rows, planes);
        else
            dot_tile(8, 1, sums, a, b, rows, planes);
}

static void gemm(const tdnn_gemm *g, const tdnn_gemm_io *io, const tdnn_gemm_part *part,
                 const tdnn_kernels *table)
{
    gemm_bf16(g, io, part, table, tile);
}

void tdnn_fill_gemm_avx512bf16(tdnn_kernels *t)
{
    t->gemm_pack_a_bf16 = pack_a;
    t->gemm_bf16 = gemm;
}

/* Matrix products for AVX-512. */
#include "kernels/simd/gemm.h"

void tdnn_fill_gemm_avx512(tdnn_kernels *t);
void tdnn_fill_gemm_avx512(tdnn_kernels *t)
{
    t->gemm_rows = TILE;
    t->gemm_columns = PANEL;
    t->gemm_f32 = gemm;
}

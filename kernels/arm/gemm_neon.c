/* Matrix products for NEON. */
#include "kernels/simd/gemm.h"

void tdnn_fill_gemm_neon(tdnn_kernels *t);
void tdnn_fill_gemm_neon(tdnn_kernels *t)
{
    t->gemm_rows = TILE;
    t->gemm_columns = PANEL;
    t->gemm_f32 = gemm;
}

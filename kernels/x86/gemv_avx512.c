/* Products of a few rows for AVX-512. */
#include "kernels/simd/gemv.h"

void tdnn_fill_gemv_avx512(tdnn_kernels *t);
void tdnn_fill_gemv_avx512(tdnn_kernels *t)
{
    t->gemv_rows_f32 = gemv_rows;
    t->gemv_columns_f32 = gemv_columns;
}

/* Products of a few rows for NEON. */
#include "kernels/simd/gemv.h"

void tdnn_fill_gemv_neon(tdnn_kernels *t);
void tdnn_fill_gemv_neon(tdnn_kernels *t)
{
    t->gemv_rows_f32 = gemv_rows;
    t->gemv_columns_f32 = gemv_columns;
}

/* Rows to one number, for AVX2. */
#include "kernels/simd/rows.h"

void tdnn_fill_rows_avx2(tdnn_kernels *t);
void tdnn_fill_rows_avx2(tdnn_kernels *t) { fill_rows(t); }

/* Rows to one number, for AVX-512. */
#include "kernels/simd/rows.h"

void tdnn_fill_rows_avx512(tdnn_kernels *t);
void tdnn_fill_rows_avx512(tdnn_kernels *t) { fill_rows(t); }

/* Arithmetic on arrays, for AVX2. */
#include "kernels/x86/elementwise_simd.h"

void tdnn_fill_elementwise_avx2(tdnn_kernels *t);
void tdnn_fill_elementwise_avx2(tdnn_kernels *t) { fill_elementwise(t); }

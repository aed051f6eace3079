/* Arithmetic on arrays, for AVX2. */
#include "kernels/simd/elementwise.h"

void tdnn_fill_elementwise_avx2(tdnn_kernels *t);
void tdnn_fill_elementwise_avx2(tdnn_kernels *t) { fill_elementwise(t); }

/* Arithmetic on arrays, for AVX-512. */
#include "kernels/simd/elementwise.h"

void tdnn_fill_elementwise_avx512(tdnn_kernels *t);
void tdnn_fill_elementwise_avx512(tdnn_kernels *t) { fill_elementwise(t); }

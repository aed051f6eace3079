/* Quantised numbers and integer matrix products, for AVX-512. */
#include "kernels/simd/integer.h"

void tdnn_fill_integer_avx512(tdnn_kernels *t);
void tdnn_fill_integer_avx512(tdnn_kernels *t) { fill_integer(t); }

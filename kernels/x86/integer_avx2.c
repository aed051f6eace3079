/* Quantised numbers and integer matrix products, for AVX2. */
#include "kernels/simd/integer.h"

void tdnn_fill_integer_avx2(tdnn_kernels *t);
void tdnn_fill_integer_avx2(tdnn_kernels *t) { fill_integer(t); }

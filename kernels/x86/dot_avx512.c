/* Products of rows of bytes, for AVX-512. */
#include "kernels/simd/dot.h"

void tdnn_fill_dot_avx512(tdnn_kernels *t);
void tdnn_fill_dot_avx512(tdnn_kernels *t) { fill_dot(t); }

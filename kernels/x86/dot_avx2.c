/* Products of rows of bytes, for AVX2. */
#include "kernels/simd/dot.h"

void tdnn_fill_dot_avx2(tdnn_kernels *t);
void tdnn_fill_dot_avx2(tdnn_kernels *t) { fill_dot(t); }

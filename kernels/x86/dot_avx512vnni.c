/* Products of rows of bytes, for AVX512-VNNI. */
#include "kernels/simd/dot.h"

void tdnn_fill_dot_avx512vnni(tdnn_kernels *t);
void tdnn_fill_dot_avx512vnni(tdnn_kernels *t) { fill_dot(t); }

/* Pooling, for AVX-512. */
#include "kernels/x86/pool_simd.h"

void tdnn_fill_pool_avx512(tdnn_kernels *t);
void tdnn_fill_pool_avx512(tdnn_kernels *t) { fill_pool(t); }

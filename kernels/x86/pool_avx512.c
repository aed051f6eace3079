/* Pooling, for AVX-512. */
#include "kernels/simd/pool.h"

void tdnn_fill_pool_avx512(tdnn_kernels *t);
void tdnn_fill_pool_avx512(tdnn_kernels *t) { fill_pool(t); }

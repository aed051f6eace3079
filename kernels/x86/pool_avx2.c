/* Pooling, for AVX2. */
#include "kernels/simd/pool.h"

void tdnn_fill_pool_avx2(tdnn_kernels *t);
void tdnn_fill_pool_avx2(tdnn_kernels *t) { fill_pool(t); }

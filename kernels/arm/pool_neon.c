/* Pooling, for NEON. */
#include "kernels/simd/pool.h"

void tdnn_fill_pool_neon(tdnn_kernels *t);
void tdnn_fill_pool_neon(tdnn_kernels *t) { fill_pool(t); }

/* Arithmetic on arrays, for NEON. */
#include "kernels/simd/elementwise.h"

void tdnn_fill_elementwise_neon(tdnn_kernels *t);
void tdnn_fill_elementwise_neon(tdnn_kernels *t) { fill_elementwise(t); }

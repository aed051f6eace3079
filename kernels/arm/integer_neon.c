/* Quantised numbers and integer matrix products, for NEON. */
#include "kernels/simd/integer.h"

void tdnn_fill_integer_neon(tdnn_kernels *t);
void tdnn_fill_integer_neon(tdnn_kernels *t) { fill_integer(t); }

/* Products of rows of bytes, for NEON. */
#include "kernels/simd/dot.h"

void tdnn_fill_dot_neon(tdnn_kernels *t);
void tdnn_fill_dot_neon(tdnn_kernels *t) { fill_dot(t); }

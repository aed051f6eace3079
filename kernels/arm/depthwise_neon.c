/* Depthwise convolution for NEON. */
#include "kernels/simd/depthwise.h"

void tdnn_fill_depthwise_neon(tdnn_kernels *t);
void tdnn_fill_depthwise_neon(tdnn_kernels *t) { t->conv_depthwise_f32 = convolve; }

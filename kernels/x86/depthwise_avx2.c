/* Depthwise convolution for AVX2. */
#include "kernels/x86/depthwise_simd.h"

void tdnn_fill_depthwise_avx2(tdnn_kernels *t);
void tdnn_fill_depthwise_avx2(tdnn_kernels *t) { t->conv_depthwise_f32 = convolve; }

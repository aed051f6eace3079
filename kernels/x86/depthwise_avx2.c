/* Depthwise convolution for AVX2. */
#include "kernels/simd/depthwise.h"

void tdnn_fill_depthwise_avx2(tdnn_kernels *t);
void tdnn_fill_depthwise_avx2(tdnn_kernels *t) { t->conv_depthwise_f32 = convolve; }

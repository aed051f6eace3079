/* Depthwise convolution for AVX-512. */
#include "kernels/simd/depthwise.h"

void tdnn_fill_depthwise_avx512(tdnn_kernels *t);
void tdnn_fill_depthwise_avx512(tdnn_kernels *t) { t->conv_depthwise_f32 = convolve; }

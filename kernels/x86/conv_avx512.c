/* Blocked convolution for AVX-512. */
#include "kernels/generic/winograd_weights.h"
#include "kernels/simd/conv_by_tap.h"
#include "kernels/simd/winograd.h"

void tdnn_fill_conv_avx512(tdnn_kernels *t);
void tdnn_fill_conv_avx512(tdnn_kernels *t)
{
    t->conv_block_f32 = convolve_block;
    t->conv_first_f32 = convolve_first;
    t->conv_winograd_f32 = convolve_winograd;
    t->conv_by_tap_f32 = convolve_by_tap;
    t->winograd_weights_f32 = winograd_weights;
}

/* Interpolation, compiled for AVX-512. */
#include "kernels/generic/resize.h"

void tdnn_fill_resize_avx512(tdnn_kernels *t);
void tdnn_fill_resize_avx512(tdnn_kernels *t)
{
    t->taps_f32 = taps;
    t->mix_f32 = mix;
}

/* Interpolation, compiled for AVX2. */
#include "kernels/generic/resize.h"

void tdnn_fill_resize_avx2(tdnn_kernels *t);
void tdnn_fill_resize_avx2(tdnn_kernels *t)
{
    t->taps_f32 = taps;
    t->mix_f32 = mix;
}

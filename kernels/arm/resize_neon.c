/* Interpolation, compiled for NEON. */
#include "kernels/generic/resize.h"

void tdnn_fill_resize_neon(tdnn_kernels *t);
void tdnn_fill_resize_neon(tdnn_kernels *t)
{
    t->taps_f32 = taps;
    t->mix_f32 = mix;
}

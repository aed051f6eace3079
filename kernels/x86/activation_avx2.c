/* Activations for AVX2. */
#include "kernels/simd/activation.h"

void tdnn_fill_activation_avx2(tdnn_kernels *t);
void tdnn_fill_activation_avx2(tdnn_kernels *t) { t->activate_f32 = activate; }

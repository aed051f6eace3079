/* Activations for AVX-512. */
#include "kernels/simd/activation.h"

void tdnn_fill_activation_avx512(tdnn_kernels *t);
void tdnn_fill_activation_avx512(tdnn_kernels *t) { t->activate_f32 = activate; }

/* Activations for NEON. */
#include "kernels/simd/activation.h"

void tdnn_fill_activation_neon(tdnn_kernels *t);
void tdnn_fill_activation_neon(tdnn_kernels *t) { t->activate_f32 = activate; }

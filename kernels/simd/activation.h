/* Activations of arrays: a loop for each kind. */
#ifndef TDNN_KERNELS_SIMD_ACTIVATION_H
#define TDNN_KERNELS_SIMD_ACTIVATION_H

#include "kernels/simd/vact.h"

#define ACTIVATE_LOOP(kind)                                                                      \
    case kind:                                                                                   \
        for (; i + V_LANES <= n; i += V_LANES)                                                   \
            v_store(y + i, v_activate(v_load(x + i), kind, a, b));                               \
        if (i < n) v_store_n(y + i, v_activate(v_load_n(x + i, n - i), kind, a, b), n - i);      \
        break;

static void activate(float *y, const float *x, size_t n, const tdnn_act *act)
{
    const v_f32 a = v_set1(act->alpha), b = v_set1(act->beta);
    size_t i = 0;
    switch (act->kind) {
        ACTIVATE_LOOP(TDNN_ACTIVATE_NONE)
        ACTIVATE_LOOP(TDNN_ACTIVATE_CLIP)
        ACTIVATE_LOOP(TDNN_ACTIVATE_LEAKY)
        ACTIVATE_LOOP(TDNN_ACTIVATE_SIGMOID)
        ACTIVATE_LOOP(TDNN_ACTIVATE_TANH)
        ACTIVATE_LOOP(TDNN_ACTIVATE_SILU)
        ACTIVATE_LOOP(TDNN_ACTIVATE_HARDSIGMOID)
        ACTIVATE_LOOP(TDNN_ACTIVATE_HARDSWISH)
        ACTIVATE_LOOP(TDNN_ACTIVATE_MISH)
        ACTIVATE_LOOP(TDNN_ACTIVATE_GELU)
        ACTIVATE_LOOP(TDNN_ACTIVATE_GELU_TANH)
        ACTIVATE_LOOP(TDNN_ACTIVATE_ELU)
        ACTIVATE_LOOP(TDNN_ACTIVATE_SELU)
        ACTIVATE_LOOP(TDNN_ACTIVATE_SOFTPLUS)
    case TDNN_ACTIVATE_KINDS: break;
    }
}

#endif

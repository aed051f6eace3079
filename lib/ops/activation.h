/* Fused activations: from the graph's terms to those of kernels. */
#ifndef TDNN_OPS_ACTIVATION_H
#define TDNN_OPS_ACTIVATION_H

#include "lib/ops/op.h"

#include <math.h>

static inline tdnn_act tdnn_act_make(const tdnn_activation *a)
{
    switch ((tdnn_activation_kind)a->kind) {
    case TDNN_ACT_NONE: break;
    case TDNN_ACT_RELU: return (tdnn_act){TDNN_ACTIVATE_CLIP, 0, INFINITY};
    case TDNN_ACT_LEAKY: return (tdnn_act){TDNN_ACTIVATE_LEAKY, a->alpha, 0};
    case TDNN_ACT_CLIP: return (tdnn_act){TDNN_ACTIVATE_CLIP, a->alpha, a->beta};
    case TDNN_ACT_SIGMOID: return (tdnn_act){TDNN_ACTIVATE_SIGMOID, 0, 0};
    case TDNN_ACT_TANH: return (tdnn_act){TDNN_ACTIVATE_TANH, 0, 0};
    case TDNN_ACT_SILU: return (tdnn_act){TDNN_ACTIVATE_SILU, 1, 0};
    case TDNN_ACT_HARDSIGMOID: return (tdnn_act){TDNN_ACTIVATE_HARDSIGMOID, a->alpha, a->beta};
    case TDNN_ACT_HARDSWISH: return (tdnn_act){TDNN_ACTIVATE_HARDSWISH, 1.0f / 6, 0.5f};
    case TDNN_ACT_MISH: return (tdnn_act){TDNN_ACTIVATE_MISH, 0, 0};
    case TDNN_ACT_GELU: return (tdnn_act){TDNN_ACTIVATE_GELU, 0, 0};
    case TDNN_ACT_GELU_TANH: return (tdnn_act){TDNN_ACTIVATE_GELU_TANH, 0, 0};
    case TDNN_ACT_ELU: return (tdnn_act){TDNN_ACTIVATE_ELU, a->alpha, 0};
    }
    return (tdnn_act){TDNN_ACTIVATE_NONE, 0, 0};
}

#endif

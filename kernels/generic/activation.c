/* Activations, in portable C: what each kind means. */
#include "kernels/kernels.h"

#include <math.h>

void tdnn_fill_activation_generic(tdnn_kernels *t);

static float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

/* log(1 + e^x) without overflow for large x. */
static float softplus(float x) { return x > 0 ? x + log1pf(expf(-x)) : log1pf(expf(x)); }

static float clip(float x, float low, float high)
{
    x = x < low ? low : x;
    return x > high ? high : x;
}

static float gelu_tanh(float x)
{
    return 0.5f * x * (1.0f + tanhf(0.7978845608f * (x + 0.044715f * x * x * x)));
}

static float activate_one(float x, const tdnn_act *act)
{
    const float a = act->alpha, b = act->beta;
    switch (act->kind) {
    case TDNN_ACTIVATE_NONE: return x;
    case TDNN_ACTIVATE_CLIP: return clip(x, a, b);
    case TDNN_ACTIVATE_LEAKY: return x < 0 ? a * x : x;
    case TDNN_ACTIVATE_SIGMOID: return sigmoid(x);
    case TDNN_ACTIVATE_TANH: return tanhf(x);
    case TDNN_ACTIVATE_SILU: return x * sigmoid(a * x);
    case TDNN_ACTIVATE_HARDSIGMOID: return clip(a * x + b, 0, 1);
    case TDNN_ACTIVATE_HARDSWISH: return x * clip(a * x + b, 0, 1);
    case TDNN_ACTIVATE_MISH: return x * tanhf(softplus(x));
    case TDNN_ACTIVATE_GELU: return 0.5f * x * (1.0f + erff(x * 0.70710678f));
    case TDNN_ACTIVATE_GELU_TANH: return gelu_tanh(x);
    case TDNN_ACTIVATE_ELU: return x < 0 ? a * expm1f(x) : x;
    case TDNN_ACTIVATE_SELU: return b * (x < 0 ? a * expm1f(x) : x);
    case TDNN_ACTIVATE_SOFTPLUS: return softplus(x);
    case TDNN_ACTIVATE_KINDS: break;
    }
    return x;
}

static void activate(float *y, const float *x, size_t n, const tdnn_act *act)
{
    for (size_t i = 0; i < n; i++) y[i] = activate_one(x[i], act);
}

void tdnn_fill_activation_generic(tdnn_kernels *t) { t->activate_f32 = activate; }

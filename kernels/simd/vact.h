/* Activations of one vector. */
#ifndef TDNN_KERNELS_SIMD_VACT_H
#define TDNN_KERNELS_SIMD_VACT_H

#include "kernels/kernels.h"
#include "kernels/simd/vmath.h"

static inline v_f32 v_clip(v_f32 x, v_f32 low, v_f32 high) { return v_min(high, v_max(low, x)); }

static inline v_f32 v_hardsigmoid(v_f32 x, v_f32 a, v_f32 b)
{
    return v_clip(v_fma(a, x, b), v_set1(0), v_set1(1));
}

/* tanh(log(1 + u)) = w / (w + 2) with u = e^x, w = u (u + 2); from 20 on it is 1 in f32. */
static inline v_f32 v_mish(v_f32 x)
{
    const v_f32 u = v_exp(v_min(v_set1(20), x)), w = v_mul(u, v_add(u, v_set1(2)));
    return v_mul(x, v_div(w, v_add(w, v_set1(2))));
}

/* x/2 (1 + erf t) with t = x / sqrt 2. 1 - erf |t| = e^Q(|t|) from 0 on, where Q is our minimax
 * fit of log erfc, weighted by erfc: a single formula for both signs and all sizes, and a
 * smaller error on the negative side than 1 + erf t has. Beyond 4.3 it is 0. */
static inline v_f32 v_gelu(v_f32 x)
{
    const v_f32 most = v_set1(4.3f), t = v_mul(v_abs(x), v_set1(0.70710678f)), b = v_min(most, t);
    v_f32 q = v_set1(2.630510834933375e-6f), n;
    q = v_fma(q, b, v_set1(-4.632276977645233e-5f));
    q = v_fma(q, b, v_set1(0.00032189665944f));
    q = v_fma(q, b, v_set1(-0.00096100813244f));
    q = v_fma(q, b, v_set1(-0.00073573260931f));
    q = v_fma(q, b, v_set1(0.019789084792f));
    q = v_fma(q, b, v_set1(-0.10301662981f));
    q = v_fma(q, b, v_set1(-0.63657802343f));
    q = v_fma(q, b, v_set1(-1.1283814907f));
    const v_f32 m = v_exp_parts(v_mul(q, b), &n);
    const v_f32 e = v_select(v_lt(most, t), v_set1(0), v_scale(v_add(m, v_set1(1)), n));
    const v_f32 gate = v_select(v_lt(x, v_set1(0)), e, v_sub(v_set1(2), e));
    return v_mul(v_mul(v_set1(0.5f), x), gate);
}

static inline v_f32 v_gelu_tanh(v_f32 x)
{
    const v_f32 cubic = v_mul(v_mul(v_set1(0.044715f), x), v_mul(x, x));
    const v_f32 t = v_tanh(v_mul(v_set1(0.7978845608f), v_add(x, cubic)));
    return v_mul(v_mul(v_set1(0.5f), x), v_add(v_set1(1), t));
}

static inline v_f32 v_elu(v_f32 x, v_f32 a)
{
    return v_select(v_lt(x, v_set1(0)), v_mul(a, v_expm1(x)), x);
}

/* `kind` is constant where this is inlined, and the switch goes away. */
static inline __attribute__((always_inline)) v_f32 v_activate(v_f32 x, tdnn_act_kind kind,
                                                              v_f32 a, v_f32 b)
{
    switch (kind) {
    case TDNN_ACTIVATE_NONE: return x;
    case TDNN_ACTIVATE_CLIP: return v_clip(x, a, b);
    case TDNN_ACTIVATE_LEAKY: return v_select(v_lt(x, v_set1(0)), v_mul(a, x), x);
    case TDNN_ACTIVATE_SIGMOID: return v_sigmoid(x);
    case TDNN_ACTIVATE_TANH: return v_tanh(x);
    case TDNN_ACTIVATE_SILU: return v_mul(x, v_sigmoid(v_mul(a, x)));
    case TDNN_ACTIVATE_HARDSIGMOID: return v_hardsigmoid(x, a, b);
    case TDNN_ACTIVATE_HARDSWISH: return v_mul(x, v_hardsigmoid(x, a, b));
    case TDNN_ACTIVATE_MISH: return v_mish(x);
    case TDNN_ACTIVATE_GELU: return v_gelu(x);
    case TDNN_ACTIVATE_GELU_TANH: return v_gelu_tanh(x);
    case TDNN_ACTIVATE_ELU: return v_elu(x, a);
    case TDNN_ACTIVATE_SELU: return v_mul(b, v_elu(x, a));
    case TDNN_ACTIVATE_SOFTPLUS: return v_softplus(x);
    case TDNN_ACTIVATE_KINDS: break;
    }
    return x;
}

#endif

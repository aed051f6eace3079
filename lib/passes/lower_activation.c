/* What the passes fuse and recognise, taken apart again: activations, residuals, ShuffleNet's
 * shuffle. The pieces are those that the passes know (patterns.c), so that reading them back
 * gives the same operators. */
#include "lib/passes/lower.h"

#include <math.h>

static tdnn_id silu(tdnn_lowering *l, tdnn_id x)
{
    return lower_op(l, Mul, x, lower_op(l, Sigmoid, x));
}

static tdnn_id hard_swish(tdnn_lowering *l, tdnn_id x)
{
    if (l->opset >= 14) return lower_op(l, HardSwish, x);
    const tdnn_id gate = lower_op(l, HardSigmoid, x);
    lower_set_float(l, "alpha", 1.0F / 6);
    lower_set_float(l, "beta", 0.5F);
    return lower_op(l, Mul, x, gate);
}

static tdnn_id mish(tdnn_lowering *l, tdnn_id x)
{
    if (l->opset >= 18) return lower_op(l, Mish, x);
    return lower_op(l, Mul, x, lower_op(l, Tanh, lower_op(l, Softplus, x)));
}

/* `type_of`: the input of the node whose type constants have. */
static tdnn_id gelu(tdnn_lowering *l, tdnn_id x, size_t type_of)
{
    if (l->opset >= 20) return lower_op(l, Gelu, x);
    const tdnn_id root = lower_number(l, type_of, sqrt(2.0)), one = lower_number(l, type_of, 1);
    const tdnn_id gate = lower_op(l, Add, lower_op(l, Erf, lower_op(l, Div, x, root)), one);
    return lower_op(l, Mul, lower_op(l, Mul, x, gate), lower_number(l, type_of, 0.5));
}

/* x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) */
static tdnn_id gelu_tanh(tdnn_lowering *l, tdnn_id x, size_t type_of)
{
    const tdnn_id half = lower_number(l, type_of, 0.5), one = lower_number(l, type_of, 1);
    const tdnn_id root = lower_number(l, type_of, sqrt(2 / 3.14159265358979323846));
    const tdnn_id cube = lower_op(l, Mul, lower_op(l, Mul, x, x), x);
    const tdnn_id bent =
        lower_op(l, Add, x, lower_op(l, Mul, lower_number(l, type_of, 0.044715), cube));
    const tdnn_id gate = lower_op(l, Add, one, lower_op(l, Tanh, lower_op(l, Mul, root, bent)));
    return lower_op(l, Mul, lower_op(l, Mul, half, x), gate);
}

static tdnn_id with_alpha(tdnn_lowering *l, tdnn_id made, float alpha)
{
    lower_set_float(l, "alpha", alpha);
    return made;
}

static tdnn_id clip(tdnn_lowering *l, const tdnn_activation *a, tdnn_id x, size_t type_of)
{
    const tdnn_id low =
        isinf(a->alpha) ? TDNN_ABSENT : lower_number(l, type_of, (double)a->alpha);
    const tdnn_id high = isinf(a->beta) ? TDNN_ABSENT : lower_number(l, type_of, (double)a->beta);
    return lower_op(l, Clip, x, low, high);
}

tdnn_id lower_activate(tdnn_lowering *l, const tdnn_activation *a, tdnn_id x, size_t type_of)
{
    tdnn_id y;
    switch ((tdnn_activation_kind)a->kind) {
    case TDNN_ACT_NONE: return x;
    case TDNN_ACT_RELU: return lower_op(l, Relu, x);
    case TDNN_ACT_LEAKY: return with_alpha(l, lower_op(l, LeakyRelu, x), a->alpha);
    case TDNN_ACT_ELU: return with_alpha(l, lower_op(l, Elu, x), a->alpha);
    case TDNN_ACT_CLIP: return clip(l, a, x, type_of);
    case TDNN_ACT_SIGMOID: return lower_op(l, Sigmoid, x);
    case TDNN_ACT_TANH: return lower_op(l, Tanh, x);
    case TDNN_ACT_SILU: return silu(l, x);
    case TDNN_ACT_HARDSIGMOID:
        y = with_alpha(l, lower_op(l, HardSigmoid, x), a->alpha);
        lower_set_float(l, "beta", a->beta);
        return y;
    case TDNN_ACT_HARDSWISH: return hard_swish(l, x);
    case TDNN_ACT_MISH: return mish(l, x);
    case TDNN_ACT_GELU: return gelu(l, x, type_of);
    case TDNN_ACT_GELU_TANH: return gelu_tanh(l, x, type_of);
    }
    return x;
}

/* ---- fused into convolutions and products ---- */

static tdnn_activation *activation_of(tdnn_node *node)
{
    if (node->op->kind == TDNN_OP_Conv) return &((tdnn_conv_params *)node->params)->activation;
    if (node->op->kind == TDNN_OP_ConvTranspose)
        return &((tdnn_conv_transpose_params *)node->params)->activation;
    return &((tdnn_gemm_params *)node->params)->activation;
}

void tdnn_lower_fused(tdnn_lowering *l)
{
    tdnn_node *node = l->node;
    tdnn_activation *slot = activation_of(node);
    const tdnn_activation activation = *slot;
    const bool is_conv = node->op->kind == TDNN_OP_Conv;
    const tdnn_id residual = is_conv ? lower_input(l, 3) : TDNN_ABSENT;
    lower_keep(l);
    if (activation.kind == TDNN_ACT_NONE && residual == TDNN_ABSENT) return;
    tdnn_id x = TDNN_ABSENT;
    if (!l->status) l->status = tdnn_graph_add_value(l->graph, NULL, &x, l->err);
    if (l->status) return;
    const bool after = is_conv && ((tdnn_conv_params *)node->params)->residual_after;
    tdnn_id y = x;
    if (residual != TDNN_ABSENT && !after) y = lower_op(l, Add, y, residual);
    y = lower_activate(l, &activation, y, 1);
    if (residual != TDNN_ABSENT && after) y = lower_op(l, Add, y, residual);
    l->begin++; /* the node is no part of what makes its own output */
    lower_result(l, 0, y);
    node->outputs[0] = x;
    slot->kind = TDNN_ACT_NONE;
    if (residual != TDNN_ABSENT) node->input_count = 3;
}

/* ---- alone ---- */

void tdnn_lower_swish(tdnn_lowering *l)
{
    const float alpha = ((const tdnn_alpha_params *)l->node->params)->alpha;
    const tdnn_id x = lower_input(l, 0);
    if (alpha == 1) {
        lower_result(l, 0, silu(l, x));
        return;
    }
    const tdnn_id bent = lower_op(l, Mul, x, lower_number(l, 0, (double)alpha));
    lower_result(l, 0, lower_op(l, Mul, x, lower_op(l, Sigmoid, bent)));
}

void tdnn_lower_mish(tdnn_lowering *l) { lower_result(l, 0, mish(l, lower_input(l, 0))); }

void tdnn_lower_hard_swish(tdnn_lowering *l)
{
    lower_result(l, 0, hard_swish(l, lower_input(l, 0)));
}

void tdnn_lower_gelu(tdnn_lowering *l)
{
    const bool bent = ((const tdnn_gelu_params *)l->node->params)->approximate;
    const tdnn_id x = lower_input(l, 0);
    lower_result(l, 0, bent ? gelu_tanh(l, x, 0) : gelu(l, x, 0));
}

/* ---- ChannelShuffle ---- */

void tdnn_lower_shuffle(tdnn_lowering *l)
{
    const tdnn_shuffle_params *p = l->node->params;
    if (l->node->input_count != 1 || l->node->output_count != 1) {
        lower_refuse(l, "several pieces, which the planner alone makes");
        return;
    }
    const tdnn_id x = lower_input(l, 0), shape = lower_op(l, Shape, x);
    const tdnn_id size = lower_slice(l, shape, 0, 2, 4, 1);
    const tdnn_id split = lower_joined(l, 0, lower_ints(l, 0, p->group, -1), size);
    const tdnn_id apart = lower_op(l, Reshape, x, split);
    const tdnn_id dealt = lower_transpose(l, apart, 0, 2, 1, 3, 4);
    lower_result(l, 0, lower_op(l, Reshape, dealt, shape));
}

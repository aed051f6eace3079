/* Softmax and its kin over an inner dimension, which older opsets do not have, and layer
 * normalisation in pieces, as layer_norm.c recognises them. */
#include "lib/passes/lower.h"

/* ---- Softmax, LogSoftmax, Hardmax ---- */

/* The dimension as the last one, and back; its number counts from the front. */
static tdnn_id as_last(tdnn_lowering *l, tdnn_id x, int64_t axis, int ndim)
{
    int64_t perm[TDNN_MAX_DIMS];
    for (int64_t i = 0; i < ndim; i++) perm[i] = i;
    perm[axis] = ndim - 1, perm[ndim - 1] = axis;
    const tdnn_id turned = lower_permute(l, x, perm, (size_t)ndim);
    const tdnn_id y = lower_append(l, l->node->op->kind, &turned, 1);
    lower_set_int(l, "axis", -1);
    return lower_permute(l, y, perm, (size_t)ndim);
}

/* Up to opset 12 all dimensions from the axis on counted as one. */
void tdnn_lower_softmax(tdnn_lowering *l)
{
    const tdnn_id x = lower_input(l, 0);
    const int ndim = l->graph->values[x].shape.ndim;
    int64_t axis = ((const tdnn_axis_params *)l->node->params)->axis;
    if (axis < 0 && ndim >= 0) axis += ndim;
    if (axis == -1 || ndim == 0 || axis == ndim - 1) {
        lower_keep(l);
    } else if (ndim > 0 && axis >= 0 && axis < ndim) {
        lower_result(l, 0, as_last(l, x, axis, ndim));
    } else if (l->node->op->kind == TDNN_OP_Hardmax) {
        lower_refuse(l, "an inner dimension among an unknown number");
    } else {
        const bool plain = l->node->op->kind == TDNN_OP_Softmax;
        const tdnn_id most = lower_reduce(l, TDNN_OP_ReduceMax, x, axis, true);
        const tdnn_id rest = lower_op(l, Sub, x, most), power = lower_op(l, Exp, rest);
        const tdnn_id sum = lower_reduce(l, TDNN_OP_ReduceSum, power, axis, true);
        lower_result(l, 0, plain ? lower_op(l, Div, power, sum)
                                 : lower_op(l, Sub, rest, lower_op(l, Log, sum)));
    }
}

/* ---- LayerNormalization ---- */

/* The axis and all behind it; without a number of dimensions it must count from the end. */
static bool axes_from(tdnn_lowering *l, int64_t axis, tdnn_id *axes)
{
    int64_t all[TDNN_MAX_DIMS];
    const int ndim = l->graph->values[lower_input(l, 0)].shape.ndim;
    if (axis >= 0 && ndim >= 0) axis -= ndim;
    if (axis >= 0 || axis < -TDNN_MAX_DIMS) return false;
    for (int64_t i = axis; i < 0; i++) all[i - axis] = i;
    *axes = lower_vector(l, all, (size_t)-axis);
    return true;
}

static bool is_short(tdnn_dtype type) { return type == TDNN_F16 || type == TDNN_BF16; }

void tdnn_lower_layer_norm(tdnn_lowering *l)
{
    const tdnn_layer_norm_params *p = l->node->params;
    const tdnn_dtype type = l->graph->values[lower_input(l, 0)].dtype;
    const bool wide = is_short(type) && p->stash_type == TDNN_F32;
    tdnn_id axes, x = lower_input(l, 0);
    if (p->stash_type != TDNN_F32 || !axes_from(l, p->axis, &axes)) {
        lower_refuse(l, "sums in bf16, or an axis among an unknown number of dimensions");
        return;
    }
    if (wide) x = lower_cast(l, x, TDNN_F32);
    const tdnn_id epsilon = type == TDNN_F64 ? lower_f64(l, (double)p->epsilon)
                                             : lower_f32(l, p->epsilon);
    const tdnn_id mean = lower_op(l, ReduceMean, x, axes), d = lower_op(l, Sub, x, mean);
    const tdnn_id variance = lower_op(l, ReduceMean, lower_op(l, Mul, d, d), axes);
    const tdnn_id root = lower_op(l, Sqrt, lower_op(l, Add, variance, epsilon));
    tdnn_id y = lower_op(l, Div, d, root);
    if (wide) y = lower_cast(l, y, type);
    y = lower_op(l, Mul, y, lower_input(l, 1));
    if (lower_input(l, 2) != TDNN_ABSENT) y = lower_op(l, Add, y, lower_input(l, 2));
    if (lower_wants(l, 1)) lower_result(l, 1, lower_cast(l, mean, TDNN_F32));
    if (lower_wants(l, 2))
        lower_result(l, 2, lower_cast(l, lower_op(l, Reciprocal, root), TDNN_F32));
    lower_result(l, 0, y);
}

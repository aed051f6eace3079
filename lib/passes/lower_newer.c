/* What older opsets or most engines lack of operators that they otherwise have. */
#include "lib/passes/lower.h"

/* ---- Resize of some axes (opset 18): the others by 1 ---- */

static bool counts_from_begin(const tdnn_ints *axes)
{
    for (size_t i = 0; i < axes->count; i++)
        if (axes->at[i] < 0) return false;
    return true;
}

void tdnn_lower_resize(tdnn_lowering *l)
{
    tdnn_resize_params *p = l->node->params;
    const tdnn_id x = lower_input(l, 0), scales = lower_input(l, 2), sizes = lower_input(l, 3);
    const bool stretch = p->keep_aspect_ratio_policy == 0 && !p->antialias;
    const bool apart = lower_input(l, 1) == TDNN_ABSENT && counts_from_begin(&p->axes);
    if (!p->axes.given || !stretch || !apart ||
        (scales == TDNN_ABSENT && sizes == TDNN_ABSENT)) {
        lower_keep(l);
        return;
    }
    const bool sized = sizes != TDNN_ABSENT;
    const tdnn_id shape = lower_op(l, Shape, x),
                  axes = lower_vector(l, p->axes.at, p->axes.count);
    const tdnn_id all = sized ? shape : lower_full(l, lower_op(l, Shape, shape), 1);
    const tdnn_id whole = lower_op(l, ScatterElements, all, axes, sized ? sizes : scales);
    const tdnn_id y = sized ? lower_op(l, Resize, x, TDNN_ABSENT, TDNN_ABSENT, whole)
                            : lower_op(l, Resize, x, TDNN_ABSENT, whole);
    if (l->status) return;
    tdnn_resize_params *to = l->last->params;
    *to = *p;
    to->axes = (tdnn_ints){0};
    lower_result(l, 0, y);
}

/* ---- BatchNormalization with the moments of the batch: only training engines have it ---- */

static tdnn_id mean_of(tdnn_lowering *l, tdnn_id x)
{
    return lower_op(l, ReduceMean, x, lower_ints(l, 0, 2));
}

/* The running statistics, moved towards the batch's. */
static void moved(tdnn_lowering *l, size_t output, tdnn_id now, float momentum)
{
    if (!lower_wants(l, output)) return;
    const tdnn_id before = lower_op(l, Mul, lower_input(l, output + 2),
                                    lower_number(l, output + 2, (double)momentum));
    const tdnn_id share = lower_number(l, output + 2, 1 - (double)momentum);
    now = lower_op(l, Mul, lower_reshape(l, now, -1), share);
    lower_result(l, output, lower_op(l, Add, before, now));
}

void tdnn_lower_batch_norm(tdnn_lowering *l)
{
    const tdnn_batch_norm_params *p = l->node->params;
    if (!p->training_mode) {
        lower_keep(l);
        return;
    }
    const tdnn_id x = lower_input(l, 0), planes = lower_reshape(l, x, 0, 0, -1);
    const tdnn_id mean = mean_of(l, planes), rest = lower_op(l, Sub, planes, mean);
    const tdnn_id variance = mean_of(l, lower_op(l, Mul, rest, rest));
    const tdnn_id padded = lower_op(l, Add, variance, lower_number(l, 0, (double)p->epsilon));
    const tdnn_id scale = lower_unsqueeze(l, lower_input(l, 1), 1);
    const tdnn_id bias = lower_unsqueeze(l, lower_input(l, 2), 1);
    const tdnn_id factor = lower_op(l, Div, scale, lower_op(l, Sqrt, padded));
    const tdnn_id y = lower_op(l, Add, lower_op(l, Mul, rest, factor), bias);
    lower_result(l, 0, lower_op(l, Reshape, y, lower_op(l, Shape, x)));
    moved(l, 1, mean, p->momentum);
    moved(l, 2, variance, p->momentum);
}

/* What older opsets or most engines lack of operators that they otherwise have. */
#include "lib/passes/lower.h"

/* ---- Shape of some axes (opset 15): a Slice of all ---- */

void tdnn_lower_shape(tdnn_lowering *l)
{
    int64_t begin = 0, end = INT64_MAX;
    lower_read(l->node, "start", &begin, sizeof begin);
    lower_read(l->node, "end", &end, sizeof end);
    if (begin == 0 && end == INT64_MAX) {
        lower_keep(l);
        return;
    }
    const tdnn_id all = lower_op(l, Shape, lower_input(l, 0));
    lower_result(l, 0, lower_slice(l, all, 0, begin, end, 1));
}

/* ---- Resize ---- */

static bool counts_from_begin(const tdnn_ints *axes)
{
    for (size_t i = 0; i < axes->count; i++)
        if (axes->at[i] < 0) return false;
    return true;
}

/* Of some axes (opset 18): the others by 1. Weights outside of the input matter to cubics and to
 * filters only; engines refuse to leave them out elsewhere. */
void tdnn_lower_resize(tdnn_lowering *l)
{
    tdnn_resize_params *p = l->node->params;
    if (p->mode != TDNN_RESIZE_CUBIC && !p->antialias) p->exclude_outside = 0;
    const tdnn_id x = lower_input(l, 0), scales = lower_input(l, 2), sizes = lower_input(l, 3);
    const bool stretch = p->keep_aspect_ratio_policy == 0 && !p->antialias;
    const bool apart = lower_input(l, 1) == TDNN_ABSENT && counts_from_begin(&p->axes);
    if (l->opset >= 18 || !p->axes.given || !stretch || !apart ||
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

/* The running statistics, moved towards those of the batch. */
static void move(tdnn_lowering *l, size_t output, tdnn_id now, float momentum)
{
    const size_t before = output + 2;
    const tdnn_id kept =
        lower_op(l, Mul, lower_input(l, before), lower_number(l, before, (double)momentum));
    const tdnn_id share = lower_number(l, before, 1 - (double)momentum);
    lower_result(l, output, lower_op(l, Add, kept, lower_op(l, Mul, now, share)));
}

static void move_statistics(tdnn_lowering *l, tdnn_id planes, float momentum)
{
    const tdnn_id axes = lower_ints(l, 0, 2), flat = lower_ints(l, -1);
    const tdnn_id mean = lower_op(l, ReduceMean, planes, axes);
    if (lower_wants(l, 1)) move(l, 1, lower_op(l, Reshape, mean, flat), momentum);
    if (!lower_wants(l, 2)) return;
    const tdnn_id rest = lower_op(l, Sub, planes, mean);
    const tdnn_id variance = lower_op(l, ReduceMean, lower_op(l, Mul, rest, rest), axes);
    move(l, 2, lower_op(l, Reshape, variance, flat), momentum);
}

/* A batch is one image if its images stand behind one another in each channel: then it is an
 * InstanceNormalization. */
void tdnn_lower_batch_norm(tdnn_lowering *l)
{
    const tdnn_batch_norm_params *p = l->node->params;
    if (!p->training_mode) {
        lower_keep(l);
        return;
    }
    const tdnn_id x = lower_input(l, 0), planes = lower_reshape(l, x, 0, 0, -1);
    const tdnn_id image = lower_unsqueeze(l, lower_transpose(l, planes, 1, 0, 2), 0);
    const tdnn_id y =
        lower_op(l, InstanceNormalization, image, lower_input(l, 1), lower_input(l, 2));
    lower_set_float(l, "epsilon", p->epsilon);
    const tdnn_id back = lower_transpose(l, lower_squeeze(l, y, 0), 1, 0, 2);
    lower_result(l, 0, lower_op(l, Reshape, back, lower_op(l, Shape, x)));
    if (lower_wants(l, 1) || lower_wants(l, 2)) move_statistics(l, planes, p->momentum);
}

/* Along an axis in order: running sums and products, reversal, rotation, numbers in a row. */
#include "parsers/tensorflow/ops.h"

/* Cumsum, Cumprod */
tdnn_status tf_import_cumulate(tf_call *c, tdnn_error *err)
{
    tf_value *x, *v;
    int64_t axis;
    tdnn_id ids[2], id;
    tdnn_node *node;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_input_int(c, 1, "axis", &axis, err));
    if (x->first || x->shape.ndim >= 0) TDNN_TRY(tf_axis(x, axis, &axis, err));
    ids[0] = x->id;
    TDNN_TRY(tf_const_int(c, tf_axis_place(x, axis), &ids[1], err));
    TDNN_TRY(tf_last(c, c->node->op->kind, ids, 2, &node, &id, err));
    TDNN_TRY(tf_set_int(c, node, "exclusive", tf_attr_bool(c, "exclusive", false), err));
    TDNN_TRY(tf_set_int(c, node, "reverse", tf_attr_bool(c, "reverse", false), err));
    TDNN_TRY(tf_value_like(c->scope, x, id, &v, err));
    return tf_give(c, 0, v, err);
}

/* Of each sequence the first elements backwards. The IR wants time and batch in front. */
tdnn_status tf_import_reverse_sequence(tf_call *c, tdnn_error *err)
{
    int64_t time, batch, perm[TDNN_MAX_DIMS], back[TDNN_MAX_DIMS];
    tf_value *x;
    tdnn_id ids[2], id;
    tdnn_node *node;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_axis(x, tf_attr_int(c, "seq_dim", 0), &time, err));
    TDNN_TRY(tf_axis(x, tf_attr_int(c, "batch_dim", 0), &batch, err));
    if (time == batch)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "seq_dim and batch_dim are both %lld",
                         (long long)time);
    const int n = x->shape.ndim;
    int at = 0;
    perm[at++] = batch, perm[at++] = time;
    for (int i = 0; i < n; i++)
        if (i != batch && i != time) perm[at++] = i;
    for (int i = 0; i < n; i++) back[perm[i]] = i;
    TDNN_TRY(tf_plain(c->scope, x, &ids[0], err));
    TDNN_TRY(tf_input_plain(c, 1, &ids[1], err));
    TDNN_TRY(tf_cast(c, ids[1], TDNN_I64, &ids[1], err));
    TDNN_TRY(tf_transpose(c, ids[0], perm, (size_t)n, &ids[0], err));
    TDNN_TRY(tf_inner(c, TDNN_OP_ReverseSequence, ids, 2, &node, &id, err));
    TDNN_TRY(tf_set_int(c, node, "batch_axis", 0, err));
    TDNN_TRY(tf_set_int(c, node, "time_axis", 1, err));
    TDNN_TRY(tf_transpose(c, id, back, (size_t)n, &id, err));
    return tf_give_new(c, 0, id, x->dtype, &x->shape, NULL, err);
}

/* Where each number stands: y[x[i]] = i. */
tdnn_status tf_import_invert_permutation(tf_call *c, tdnn_error *err)
{
    static const int64_t column[2] = {-1, 1};
    int64_t numbers[TF_KNOWN_MOST];
    tf_value *x, *v;
    tdnn_id ids[3], zero, one, count, id;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_cast(c, x->id, TDNN_I64, &ids[0], err));
    TDNN_TRY(tf_reshape(c, ids[0], column, 2, &ids[1], err));
    TDNN_TRY(tf_one(c, TDNN_OP_Size, x->id, &count, err));
    TDNN_TRY(tf_const_int(c, 0, &zero, err));
    TDNN_TRY(tf_const_int(c, 1, &one, err));
    TDNN_TRY(tf_three(c, TDNN_OP_Range, zero, count, one, &ids[2], err));
    TDNN_TRY(tf_inner(c, TDNN_OP_ScatterND, ids, 3, NULL, &id, err));
    if (x->dtype != TDNN_I64) TDNN_TRY(tf_cast(c, id, x->dtype, &id, err));
    TDNN_TRY(tf_give_new(c, 0, id, x->dtype, &x->shape, &v, err));
    for (size_t i = 0; x->known && i < x->known_count; i++) {
        const int64_t at = x->known[i];
        if (at < 0 || at >= (int64_t)x->known_count)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%lld in a permutation of %zu",
                             (long long)at, x->known_count);
        numbers[at] = (int64_t)i;
    }
    return x->known ? tf_set_known(c->scope, v, numbers, x->known_count, err) : TDNN_OK;
}

/* start, stop, count: start + i (stop - start) / (count - 1) */
tdnn_status tf_import_lin_space(tf_call *c, tdnn_error *err)
{
    tf_value *start, *stop, *count;
    tdnn_id zero, one, n, steps, i, span, id;
    TDNN_TRY(tf_input(c, 0, &start, err));
    TDNN_TRY(tf_input(c, 1, &stop, err));
    TDNN_TRY(tf_input(c, 2, &count, err));
    const tdnn_dtype type = start->dtype;
    TDNN_TRY(tf_const_int(c, 0, &zero, err));
    TDNN_TRY(tf_const_int(c, 1, &one, err));
    TDNN_TRY(tf_cast(c, count->id, TDNN_I64, &n, err));
    TDNN_TRY(tf_three(c, TDNN_OP_Range, zero, n, one, &i, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Sub, n, one, &steps, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Max, steps, one, &steps,
                    err)); /* one number: its step is of no use */
    TDNN_TRY(tf_cast(c, i, type, &i, err));
    TDNN_TRY(tf_cast(c, steps, type, &steps, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Sub, stop->id, start->id, &span, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Div, span, steps, &span, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Mul, i, span, &id, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Add, id, start->id, &id, err));
    tdnn_shape shape = tf_unknown_shape(1);
    if (count->known && count->known_count == 1) shape.dim[0] = count->known[0];
    if (shape.dim[0] == 0 || shape.dim[0] < -1)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%lld numbers, expected 1 or more",
                         (long long)shape.dim[0]);
    return tf_give_new(c, 0, id, type, &shape, NULL, err);
}

/* ---- Roll ---- */

/* What was pushed out at one end comes in at the other. */
static tdnn_status rotate(const tf_call *c, int64_t axis, int64_t size, int64_t shift,
                          tdnn_id *id, tdnn_error *err)
{
    static const int64_t begin = 0, last = INT64_MAX;
    const int64_t at = (size - shift % size) % size;
    tdnn_id parts[2], head[4] = {*id}, tail[4] = {*id};
    if (!at) return TDNN_OK;
    TDNN_TRY(tf_const_ints(c, &at, 1, &head[1], err));
    TDNN_TRY(tf_const_ints(c, &last, 1, &head[2], err));
    TDNN_TRY(tf_const_ints(c, &axis, 1, &head[3], err));
    TDNN_TRY(tf_const_ints(c, &begin, 1, &tail[1], err));
    tail[2] = head[1], tail[3] = head[3];
    TDNN_TRY(tf_inner(c, TDNN_OP_Slice, head, 4, NULL, &parts[0], err));
    TDNN_TRY(tf_inner(c, TDNN_OP_Slice, tail, 4, NULL, &parts[1], err));
    return tf_concat(c, parts, 2, axis, id, err);
}

tdnn_status tf_import_roll(tf_call *c, tdnn_error *err)
{
    const int64_t *shifts, *axes;
    size_t count, axis_count;
    tf_value *x, *v;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_input_ints(c, 1, "shift", &shifts, &count, err));
    TDNN_TRY(tf_input_ints(c, 2, "axis", &axes, &axis_count, err));
    if (count != axis_count)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%zu shifts along %zu axes", count, axis_count);
    tdnn_id id = x->id;
    for (size_t i = 0; i < count; i++) {
        int64_t axis;
        TDNN_TRY(tf_axis(x, axes[i], &axis, err));
        if (x->shape.dim[axis] < 0)
            return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                             "a dimension whose size is not known while loading");
        if (x->shape.dim[axis] > 0)
            TDNN_TRY(
                rotate(c, tf_axis_place(x, axis), x->shape.dim[axis], shifts[i], &id, err));
    }
    TDNN_TRY(tf_value_like(c->scope, x, id, &v, err));
    return tf_give(c, 0, v, err);
}

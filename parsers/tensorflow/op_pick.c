/* Picking elements by their places: from anywhere, the greatest, those that differ. */
#include "parsers/tensorflow/ops.h"

#include <string.h>

/* ---- Gather ---- */

static tdnn_status know_gather(const tf_call *c, const tf_value *x, const tf_value *at,
                               tf_value *v, tdnn_error *err)
{
    int64_t numbers[TF_KNOWN_MOST];
    if (!x->known || !at->known || x->shape.ndim != 1 || at->shape.ndim > 1) return TDNN_OK;
    for (size_t i = 0; i < at->known_count; i++) {
        if (at->known[i] < 0 || at->known[i] >= (int64_t)x->known_count) return TDNN_OK;
        numbers[i] = x->known[at->known[i]];
    }
    return tf_set_known(c->scope, v, numbers, at->known_count, err);
}

/* Each of the first `batch` dimensions has indices of its own. With the axis behind them this
 * is GatherND; an axis further back is brought there, and what it passed is brought before the
 * indices afterwards. */
static tdnn_status gather_batches(const tf_call *c, const tf_value *x, const tf_value *at,
                                  int64_t axis, int64_t batch, tdnn_error *err)
{
    const int64_t last = -1;
    int64_t perm[2 * TDNN_MAX_DIMS];
    tdnn_id ids[2] = {x->id, at->id}, id, behind;
    tdnn_node *node;
    const int n = x->shape.ndim, m = at->shape.ndim, own = m - (int)batch,
              passed = (int)(axis - batch);
    if (m < 0 || batch < 0 || batch > m || batch > axis || n - 1 + own > TDNN_MAX_DIMS)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED,
                         "batch_dims %lld of %d dimensions of indices", (long long)batch, m);
    for (int i = 0; i < n; i++) perm[i] = i < batch || i > axis ? i : i == batch ? axis : i - 1;
    if (passed) TDNN_TRY(tf_transpose(c, ids[0], perm, (size_t)n, &ids[0], err));
    TDNN_TRY(tf_const_ints(c, &last, 1, &behind, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Unsqueeze, ids[1], behind, &ids[1], err));
    TDNN_TRY(tf_cast(c, ids[1], TDNN_I64, &ids[1], err));
    TDNN_TRY(tf_inner(c, TDNN_OP_GatherND, ids, 2, &node, &id, err));
    TDNN_TRY(tf_set_int(c, node, "batch_dims", batch, err));
    const int count = n - 1 + own;
    for (int i = 0; i < count; i++) {
        const int k = i - (int)batch;
        perm[i] = k < 0 || k >= passed + own ? i : k < passed ? i + own : i - passed;
    }
    if (passed && own) TDNN_TRY(tf_transpose(c, id, perm, (size_t)count, &id, err));
    tdnn_shape shape = tf_unknown_shape(count);
    return tf_give_new(c, 0, id, x->dtype, &shape, NULL, err);
}

/* Gather: params, indices. GatherV2 has an axis and maybe batch dimensions. */
tdnn_status tf_import_gather(tf_call *c, tdnn_error *err)
{
    int64_t axis = 0, batch = tf_attr_int(c, "batch_dims", 0);
    tf_value *x, *at, *v;
    tdnn_id ids[2], id;
    tdnn_node *node;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_input(c, 1, &at, err));
    if (c->input_count > 2) TDNN_TRY(tf_input_int(c, 2, "axis", &axis, err));
    TDNN_TRY(tf_plain(c->scope, x, &ids[0], err));
    TDNN_TRY(tf_plain(c->scope, at, &ids[1], err));
    if (batch) {
        tf_value plain = *x, indices = *at;
        plain.id = ids[0], indices.id = ids[1];
        TDNN_TRY(tf_axis(x, axis, &axis, err));
        if (batch < 0) batch += at->shape.ndim;
        return gather_batches(c, &plain, &indices, axis, batch, err);
    }
    TDNN_TRY(tf_last(c, TDNN_OP_Gather, ids, 2, &node, &id, err));
    ((tdnn_axis_params *)node->params)->axis = axis;
    int ndim =
        x->shape.ndim < 1 || at->shape.ndim < 0 ? -1 : x->shape.ndim - 1 + at->shape.ndim;
    tdnn_shape shape = tf_unknown_shape(ndim > TDNN_MAX_DIMS ? -1 : ndim);
    TDNN_TRY(tf_give_new(c, 0, id, x->dtype, &shape, &v, err));
    return know_gather(c, x, at, v, err);
}

tdnn_status tf_import_gather_nd(tf_call *c, tdnn_error *err)
{
    tdnn_id ids[2], id;
    const tf_value *x, *at;
    TDNN_TRY(tf_input_plain(c, 0, &ids[0], err));
    TDNN_TRY(tf_input_plain(c, 1, &ids[1], err));
    x = c->inputs[0], at = c->inputs[1];
    if (at->dtype != TDNN_I64) TDNN_TRY(tf_cast(c, ids[1], TDNN_I64, &ids[1], err));
    TDNN_TRY(tf_last(c, TDNN_OP_GatherND, ids, 2, NULL, &id, err));
    int ndim = -1;
    if (x->shape.ndim > 0 && at->shape.ndim > 0 && at->shape.dim[at->shape.ndim - 1] >= 0)
        ndim = at->shape.ndim - 1 + x->shape.ndim - (int)at->shape.dim[at->shape.ndim - 1];
    tdnn_shape shape = tf_unknown_shape(ndim > TDNN_MAX_DIMS || ndim < 0 ? -1 : ndim);
    return tf_give_new(c, 0, id, x->dtype, &shape, NULL, err);
}

/* ReverseV2: a slice with steps of -1. */
tdnn_status tf_import_reverse(tf_call *c, tdnn_error *err)
{
    const int64_t *axes;
    size_t count;
    int64_t at[TF_KNOWN_MOST], begins[TF_KNOWN_MOST], ends[TF_KNOWN_MOST], steps[TF_KNOWN_MOST];
    tf_value *x, *v;
    tdnn_id ids[5], id;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_input_ints(c, 1, "axis", &axes, &count, err));
    if (!count) return tf_give(c, 0, x, err);
    for (size_t i = 0; i < count; i++) {
        TDNN_TRY(tf_axis(x, axes[i], &at[i], err));
        at[i] = tf_axis_place(x, at[i]);
        begins[i] = INT64_MAX, ends[i] = -INT64_MAX, steps[i] = -1;
    }
    ids[0] = x->id;
    TDNN_TRY(tf_const_ints(c, begins, count, &ids[1], err));
    TDNN_TRY(tf_const_ints(c, ends, count, &ids[2], err));
    TDNN_TRY(tf_const_ints(c, at, count, &ids[3], err));
    TDNN_TRY(tf_const_ints(c, steps, count, &ids[4], err));
    TDNN_TRY(tf_last(c, TDNN_OP_Slice, ids, 5, NULL, &id, err));
    TDNN_TRY(tf_value_like(c->scope, x, id, &v, err));
    return tf_give(c, 0, v, err);
}

/* OneHot: indices, depth, on, off. */
tdnn_status tf_import_one_hot(tf_call *c, tdnn_error *err)
{
    static const int64_t one[1] = {1};
    tdnn_id ids[3], pair[2], id;
    tdnn_node *node;
    TDNN_TRY(tf_input_plain(c, 0, &ids[0], err));
    TDNN_TRY(tf_input_plain(c, 1, &ids[1], err));
    TDNN_TRY(tf_input_plain(c, 3, &pair[0], err));
    TDNN_TRY(tf_input_plain(c, 2, &pair[1], err));
    for (int i = 0; i < 2; i++) TDNN_TRY(tf_reshape(c, pair[i], one, 1, &pair[i], err));
    TDNN_TRY(tf_inner(c, TDNN_OP_Concat, pair, 2, &node, &ids[2], err));
    ((tdnn_axis_params *)node->params)->axis = 0;
    TDNN_TRY(tf_last(c, TDNN_OP_OneHot, ids, 3, &node, &id, err));
    ((tdnn_axis_params *)node->params)->axis = tf_attr_int(c, "axis", -1);
    const int n = c->inputs[0]->shape.ndim;
    tdnn_shape shape = tf_unknown_shape(n < 0 || n == TDNN_MAX_DIMS ? -1 : n + 1);
    return tf_give_new(c, 0, id, c->inputs[2]->dtype, &shape, NULL, err);
}

/* TopKV2: values, k. TopK has k as an attribute. */
tdnn_status tf_import_top_k(tf_call *c, tdnn_error *err)
{
    static const int64_t one[1] = {1};
    tdnn_id ids[2], index;
    tdnn_node *node;
    tf_value *x;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_plain(c->scope, x, &ids[0], err));
    if (c->input_count > 1) {
        TDNN_TRY(tf_input_plain(c, 1, &ids[1], err));
        TDNN_TRY(tf_cast(c, ids[1], TDNN_I64, &ids[1], err));
        TDNN_TRY(tf_reshape(c, ids[1], one, 1, &ids[1], err));
    } else {
        const int64_t k = tf_attr_int(c, "k", 1);
        TDNN_TRY(tf_const_ints(c, &k, 1, &ids[1], err));
    }
    TDNN_TRY(tf_many(c, TDNN_OP_TopK, ids, 2, 2, &node, err));
    tdnn_shape shape = tf_unknown_shape(x->shape.ndim);
    for (int i = 0; i < x->shape.ndim - 1; i++) shape.dim[i] = x->shape.dim[i];
    TDNN_TRY(tf_give_new(c, 0, node->outputs[0], x->dtype, &shape, NULL, err));
    TDNN_TRY(tf_cast(c, node->outputs[1], TDNN_I32, &index, err));
    return tf_give_new(c, 1, index, TDNN_I32, &shape, NULL, err);
}

/* ---- Those that are there ---- */

/* Where: the places of what is true, row by row. */
tdnn_status tf_import_where(tf_call *c, tdnn_error *err)
{
    static const int64_t swap[2] = {1, 0};
    tdnn_id id;
    TDNN_TRY(tf_input_plain(c, 0, &id, err));
    TDNN_TRY(tf_one(c, TDNN_OP_NonZero, id, &id, err));
    TDNN_TRY(tf_transpose(c, id, swap, 2, &id, err));
    tdnn_shape shape = tf_unknown_shape(2);
    if (c->inputs[0]->shape.ndim >= 0) shape.dim[1] = c->inputs[0]->shape.ndim;
    return tf_give_new(c, 0, id, TDNN_I64, &shape, NULL, err);
}

/* Unique, UniqueWithCounts and their V2, which have an axis: in the order in which they come.
 */
tdnn_status tf_import_unique(tf_call *c, tdnn_error *err)
{
    const tdnn_dtype type = tf_attr_type(c, "out_idx", TDNN_I32);
    static const int64_t ports[] = {-1, -1, 1, 2}; /* of the IR's outputs, in TensorFlow */
    const int64_t *axes = NULL;
    size_t count = 0;
    tf_value *x;
    tdnn_id in, id;
    tdnn_node *node;
    TDNN_TRY(tf_input(c, 0, &x, err));
    if (c->input_count > 1) TDNN_TRY(tf_input_ints(c, 1, "axis", &axes, &count, err));
    TDNN_TRY(tf_plain(c->scope, x, &in, err));
    TDNN_TRY(tf_many(c, TDNN_OP_Unique, &in, 1, 4, &node, err));
    TDNN_TRY(tf_set_int(c, node, "sorted", 0, err));
    if (count) TDNN_TRY(tf_set_int(c, node, "axis", axes[0], err));
    tdnn_shape shape = tf_unknown_shape(count ? x->shape.ndim : 1);
    TDNN_TRY(tf_give_new(c, 0, node->outputs[0], x->dtype, &shape, NULL, err));
    shape = tf_unknown_shape(1);
    for (size_t i = 2; i < 4; i++) {
        id = node->outputs[i];
        if (type != TDNN_I64) TDNN_TRY(tf_cast(c, id, type, &id, err));
        TDNN_TRY(tf_give_new(c, (size_t)ports[i], id, type, &shape, NULL, err));
    }
    return TDNN_OK;
}

/* ListDiff: what of input 0 does not stand in input 1, and where it stands. */
tdnn_status tf_import_list_diff(tf_call *c, tdnn_error *err)
{
    static const int64_t column[2] = {-1, 1}, flat[1] = {-1}, second = 1;
    const tdnn_dtype type = tf_attr_type(c, "out_idx", TDNN_I32);
    tf_value *x, *y;
    tdnn_id wide, same, ids[2], id, rest;
    tdnn_node *node;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_input(c, 1, &y, err));
    TDNN_TRY(tf_reshape(c, x->id, column, 2, &wide, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Equal, wide, y->id, &same, err));
    TDNN_TRY(tf_cast(c, same, TDNN_I32, &ids[0], err));
    TDNN_TRY(tf_const_ints(c, &second, 1, &ids[1], err));
    TDNN_TRY(tf_inner(c, TDNN_OP_ReduceSum, ids, 2, &node, &id, err));
    TDNN_TRY(tf_set_int(c, node, "keepdims", 0, err));
    TDNN_TRY(tf_with(c, TDNN_OP_Equal, id, TDNN_I32, 0, &id, err));
    TDNN_TRY(tf_one(c, TDNN_OP_NonZero, id, &id, err));
    TDNN_TRY(tf_reshape(c, id, flat, 1, &id, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Gather, x->id, id, &rest, err));
    if (type != TDNN_I64) TDNN_TRY(tf_cast(c, id, type, &id, err));
    tdnn_shape shape = tf_unknown_shape(1);
    TDNN_TRY(tf_give_new(c, 0, rest, x->dtype, &shape, NULL, err));
    return tf_give_new(c, 1, id, type, &shape, NULL, err);
}

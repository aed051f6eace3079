/* Constants, placeholders, and what is about shapes. */
#include "parsers/tensorflow/ops.h"

#include <stdlib.h>
#include <string.h>

tdnn_status tf_import_const(tf_call *c, tdnn_error *err)
{
    const Tensorflow__AttrValue *a = tf_attr(c->node, "value");
    tdnn_tensor *t;
    tf_value *v;
    if (!a || !a->tensor)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "no attribute \"value\" with a tensor");
    TDNN_TRY(tf_tensor_import(c->scope->model->source, c->node->file, a->tensor, &t, err));
    TDNN_TRY(tf_constant_value(c->scope, c->name, t, &v, err));
    return tf_give(c, 0, v, err);
}

tdnn_status tf_import_variable(tf_call *c, tdnn_error *err)
{
    (void)c;
    return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED,
                     "a variable without its value: freeze the graph first, "
                     "or give the .pb that has its weights");
}

/* ---- Shapes ---- */

/* The IR's counts are i64; TensorFlow's are i32 unless asked otherwise. */
static tdnn_status give_count(const tf_call *c, tdnn_id id, const char *attr,
                              const tdnn_shape *shape, tf_value **out, tdnn_error *err)
{
    const tdnn_dtype type = tf_attr_type(c, attr, TDNN_I32);
    if (type != TDNN_I64) TDNN_TRY(tf_cast(c, id, type, &id, err));
    return tf_give_new(c, 0, id, type, shape, out, err);
}

static tdnn_status import_shape(tf_call *c, size_t index, tdnn_error *err)
{
    static const int64_t flat[4] = {0, 2, 3, 1}, deep[5] = {0, 2, 3, 4, 1};
    tf_value *x, *v;
    tdnn_id ids[2];
    TDNN_TRY(tf_input(c, index, &x, err));
    TDNN_TRY(tf_inner(c, TDNN_OP_Shape, &x->id, 1, NULL, &ids[0], err));
    if (x->first) {
        TDNN_TRY(tf_const_ints(c, x->shape.ndim == 4 ? flat : deep, (size_t)x->shape.ndim,
                               &ids[1], err));
        TDNN_TRY(tf_inner(c, TDNN_OP_Gather, ids, 2, NULL, &ids[0], err));
    }
    const int64_t count = x->shape.ndim;
    tdnn_shape shape = tdnn_shape_make(1, &count);
    const tdnn_dtype type = tf_attr_type(c, "out_type", TDNN_I32);
    if (type != TDNN_I64) TDNN_TRY(tf_cast(c, ids[0], type, &ids[0], err));
    TDNN_TRY(tf_give_new(c, index, ids[0], type, &shape, &v, err));
    if (x->shape.ndim >= 0 && tdnn_shape_known(&x->shape))
        return tf_set_known(c->scope, v, x->shape.dim, (size_t)x->shape.ndim, err);
    return TDNN_OK;
}

tdnn_status tf_import_shape(tf_call *c, tdnn_error *err)
{
    if (!c->input_count) return TDNN_FAIL(err, TDNN_ERR_FORMAT, "no input, expected one");
    for (size_t i = 0; i < c->input_count; i++) TDNN_TRY(import_shape(c, i, err));
    return TDNN_OK;
}

tdnn_status tf_import_rank(tf_call *c, tdnn_error *err)
{
    static const tdnn_shape scalar = {.ndim = 0};
    tf_value *x, *v;
    tdnn_id id;
    TDNN_TRY(tf_input(c, 0, &x, err));
    const int64_t rank = x->shape.ndim;
    if (rank < 0) {
        TDNN_TRY(tf_inner(c, TDNN_OP_Shape, &x->id, 1, NULL, &id, err));
        TDNN_TRY(tf_inner(c, TDNN_OP_Size, &id, 1, NULL, &id, err));
        return give_count(c, id, "none", &scalar, &v, err);
    }
    TDNN_TRY(tf_const_scalar(c, TDNN_I32, (double)rank, &id, err));
    TDNN_TRY(tf_give_new(c, 0, id, TDNN_I32, &scalar, &v, err));
    return tf_set_known(c->scope, v, &rank, 1, err);
}

tdnn_status tf_import_size(tf_call *c, tdnn_error *err)
{
    static const tdnn_shape scalar = {.ndim = 0};
    tf_value *x, *v;
    tdnn_id id;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_inner(c, TDNN_OP_Size, &x->id, 1, NULL, &id, err));
    TDNN_TRY(give_count(c, id, "out_type", &scalar, &v, err));
    if (x->shape.ndim < 0 || !tdnn_shape_known(&x->shape)) return TDNN_OK;
    const int64_t count = tdnn_shape_count(&x->shape);
    return tf_set_known(c->scope, v, &count, 1, err);
}

static tdnn_status check_dims(const int64_t *at, size_t count, tdnn_error *err)
{
    if (count > TDNN_MAX_DIMS)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "%zu dimensions, expected at most %d",
                         count, TDNN_MAX_DIMS);
    for (size_t i = 0; i < count; i++)
        if (at[i] < -1 || at[i] > INT32_MAX)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "dimension %lld of the new shape",
                             (long long)at[i]);
    return TDNN_OK;
}

/* What a vector of dimensions says of a shape that has them. */
static tdnn_shape shape_from(const tf_value *dims)
{
    if (dims->known && dims->known_count <= TDNN_MAX_DIMS)
        return tdnn_shape_make((int)dims->known_count, dims->known);
    if (dims->shape.ndim == 1 && dims->shape.dim[0] >= 0 && dims->shape.dim[0] <= TDNN_MAX_DIMS)
        return tf_unknown_shape((int)dims->shape.dim[0]);
    return tf_unknown_shape(-1);
}

/* A 0 is a size of 0 to TensorFlow, which has no meaning beside a -1: that is how texts made
 * for OpenCV keep a dimension. */
static bool keeps_some(const tf_value *dims)
{
    bool zero = false, open = false;
    for (size_t i = 0; dims->known && i < dims->known_count; i++) {
        zero |= dims->known[i] == 0;
        open |= dims->known[i] == -1;
    }
    return zero && open;
}

tdnn_status tf_import_reshape(tf_call *c, tdnn_error *err)
{
    tf_value *x, *dims, *v;
    tdnn_id ids[2], id;
    tdnn_node *node;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_plain(c->scope, x, &ids[0], err));
    TDNN_TRY(tf_input(c, 1, &dims, err));
    if (dims->known) {
        TDNN_TRY(check_dims(dims->known, dims->known_count, err));
        TDNN_TRY(tf_const_ints(c, dims->known, dims->known_count, &ids[1], err));
    } else {
        TDNN_TRY(tf_cast(c, dims->id, TDNN_I64, &ids[1], err));
    }
    TDNN_TRY(tf_last(c, TDNN_OP_Reshape, ids, 2, &node, &id, err));
    ((tdnn_reshape_params *)node->params)->allowzero = !keeps_some(dims);
    tdnn_shape shape = shape_from(dims);
    for (int i = 0; keeps_some(dims) && i < shape.ndim; i++)
        if (!shape.dim[i]) shape.dim[i] = i < x->shape.ndim ? x->shape.dim[i] : -1;
    TDNN_TRY(tf_give_new(c, 0, id, x->dtype, &shape, &v, err));
    if (x->known) return tf_set_known(c->scope, v, x->known, x->known_count, err);
    return TDNN_OK;
}

tdnn_status tf_import_flatten(tf_call *c, tdnn_error *err)
{
    tf_value *x;
    tdnn_id in, id;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_plain(c->scope, x, &in, err));
    TDNN_TRY(tf_last(c, TDNN_OP_Flatten, &in, 1, NULL, &id, err));
    tdnn_shape shape = tf_unknown_shape(2);
    return tf_give_new(c, 0, id, x->dtype, &shape, NULL, err);
}

tdnn_status tf_import_expand_dims(tf_call *c, tdnn_error *err)
{
    tf_value *x, *v;
    int64_t axis;
    tdnn_id ids[2], id;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_input_int(c, 1, "dim", &axis, err));
    TDNN_TRY(tf_plain(c->scope, x, &ids[0], err));
    TDNN_TRY(tf_const_ints(c, &axis, 1, &ids[1], err));
    TDNN_TRY(tf_last(c, TDNN_OP_Unsqueeze, ids, 2, NULL, &id, err));
    tdnn_shape shape = tf_unknown_shape(-1);
    const int n = x->shape.ndim;
    if (n >= 0 && n < TDNN_MAX_DIMS && axis >= -n - 1 && axis <= n) {
        const int at = (int)(axis < 0 ? axis + n + 1 : axis);
        shape.ndim = n + 1;
        for (int i = 0; i <= n; i++) shape.dim[i] = i == at ? 1 : x->shape.dim[i - (i > at)];
    }
    TDNN_TRY(tf_give_new(c, 0, id, x->dtype, &shape, &v, err));
    if (x->known && n == 0) return tf_set_known(c->scope, v, x->known, 1, err);
    return TDNN_OK;
}

/* ---- Squeeze ---- */

static tdnn_status squeeze_mask(const tf_call *c, const tf_value *x, unsigned *mask,
                                tdnn_error *err)
{
    const int64_t *at;
    size_t count;
    *mask = 0;
    TDNN_TRY(tf_attr_ints(c, "squeeze_dims", &at, &count, err));
    if (!count) TDNN_TRY(tf_attr_ints(c, "axis", &at, &count, err));
    for (size_t i = 0; i < count; i++) {
        int64_t a;
        TDNN_TRY(tf_axis(x, at[i], &a, err));
        *mask |= 1u << a;
    }
    if (count) return TDNN_OK;
    if (x->shape.ndim < 0 || !tdnn_shape_known(&x->shape)) { /* whatever is 1 */
        *mask = UINT32_MAX;
        return TDNN_OK;
    }
    for (int i = 0; i < x->shape.ndim; i++)
        if (x->shape.dim[i] == 1) *mask |= 1u << i;
    return TDNN_OK;
}

tdnn_status tf_import_squeeze(tf_call *c, tdnn_error *err)
{
    tf_value *x, *v;
    unsigned mask;
    tdnn_id ids[2], id;
    int64_t at[TDNN_MAX_DIMS];
    size_t count = 0;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(squeeze_mask(c, x, &mask, err));
    tdnn_shape shape = {.ndim = 0};
    if (mask == UINT32_MAX) {
        shape = tf_unknown_shape(-1);
        TDNN_TRY(tf_plain(c->scope, x, &ids[0], err));
        TDNN_TRY(tf_last(c, TDNN_OP_Squeeze, ids, 1, NULL, &id, err));
        return tf_give_new(c, 0, id, x->dtype, &shape, NULL, err);
    }
    if (!mask) return tf_give(c, 0, x, err);
    const int last = x->shape.ndim - 1;
    const unsigned space = x->shape.ndim > 2 ? ((1u << last) - 1) & ~1u : 0;
    tf_value plain = *x;
    plain.first = x->first && (mask >> last & 1 || (mask & space) == space);
    ids[0] = x->id;
    if (!plain.first) TDNN_TRY(tf_plain(c->scope, x, &ids[0], err));
    for (int i = 0; i < x->shape.ndim; i++)
        if (mask >> i & 1)
            at[count++] = tf_axis_place(&plain, i);
        else
            shape.dim[shape.ndim++] = x->shape.dim[i];
    TDNN_TRY(tf_const_ints(c, at, count, &ids[1], err));
    TDNN_TRY(tf_last(c, TDNN_OP_Squeeze, ids, 2, NULL, &id, err));
    TDNN_TRY(tf_give_new(c, 0, id, x->dtype, &shape, &v, err));
    if (x->known) return tf_set_known(c->scope, v, x->known, x->known_count, err);
    return TDNN_OK;
}

/* ---- Transpose ---- */

static bool is_perm(const int64_t *at, size_t count)
{
    unsigned seen = 0;
    if (count > TDNN_MAX_DIMS) return false;
    for (size_t i = 0; i < count; i++) {
        if (at[i] < 0 || at[i] >= (int64_t)count || seen >> at[i] & 1) return false;
        seen |= 1u << at[i];
    }
    return true;
}

static bool equal_ints(const int64_t *a, const int64_t *b, size_t count)
{
    return !count || !memcmp(a, b, count * sizeof *a);
}

tdnn_status tf_import_transpose(tf_call *c, tdnn_error *err)
{
    static const int64_t same[8] = {0, 1, 2, 3, 4, 5, 6, 7}, back[4] = {0, 2, 3, 1};
    tf_value *x, *v;
    const int64_t *perm;
    size_t count;
    int64_t turn[TDNN_MAX_DIMS];
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_input_ints(c, 1, "perm", &perm, &count, err));
    if (!is_perm(perm, count) || (x->shape.ndim >= 0 && (size_t)x->shape.ndim != count))
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "a perm of %zu numbers that is none of %d dimensions", count,
                         x->shape.ndim);
    tdnn_shape shape = tf_unknown_shape((int)count);
    for (size_t i = 0; i < count; i++) {
        if (x->shape.ndim >= 0) shape.dim[i] = x->shape.dim[perm[i]];
        turn[i] = tf_axis_place(x, perm[i]);
    }
    tdnn_id id = x->id;
    const bool to_last = !x->first && count == 4 && equal_ints(perm, back, 4);
    if (!to_last && !equal_ints(turn, same, count)) {
        tdnn_node *node;
        TDNN_TRY(tf_last(c, TDNN_OP_Transpose, &x->id, 1, &node, &id, err));
        TDNN_TRY(tf_set_ints(c, node, "perm", turn, count, err));
    }
    TDNN_TRY(tf_give_new(c, 0, id, x->dtype, &shape, &v, err));
    v->first = to_last; /* lies as a convolution wants it */
    return TDNN_OK;
}

/* ---- Filling ---- */

tdnn_status tf_import_fill(tf_call *c, tdnn_error *err)
{
    tf_value *dims, *x, *v;
    tdnn_id ids[2], id;
    TDNN_TRY(tf_input(c, 0, &dims, err));
    TDNN_TRY(tf_input(c, 1, &x, err));
    TDNN_TRY(tf_plain(c->scope, x, &ids[0], err));
    TDNN_TRY(tf_cast(c, dims->id, TDNN_I64, &ids[1], err));
    TDNN_TRY(tf_last(c, TDNN_OP_Expand, ids, 2, NULL, &id, err));
    tdnn_shape shape = shape_from(dims);
    TDNN_TRY(tf_give_new(c, 0, id, x->dtype, &shape, &v, err));
    if (!x->known || x->known_count != 1 || shape.ndim != 1 || shape.dim[0] < 0 ||
        shape.dim[0] > TF_KNOWN_MOST)
        return TDNN_OK;
    int64_t numbers[TF_KNOWN_MOST];
    for (int64_t i = 0; i < shape.dim[0]; i++) numbers[i] = x->known[0];
    return tf_set_known(c->scope, v, numbers, (size_t)shape.dim[0], err);
}

tdnn_status tf_import_broadcast_to(tf_call *c, tdnn_error *err)
{
    tf_value *dims;
    tdnn_id ids[2], id;
    TDNN_TRY(tf_input_plain(c, 0, &ids[0], err));
    TDNN_TRY(tf_input(c, 1, &dims, err));
    TDNN_TRY(tf_cast(c, dims->id, TDNN_I64, &ids[1], err));
    TDNN_TRY(tf_last(c, TDNN_OP_Expand, ids, 2, NULL, &id, err));
    tdnn_shape shape = shape_from(dims);
    return tf_give_new(c, 0, id, c->inputs[0]->dtype, &shape, NULL, err);
}

/* ZerosLike, OnesLike */
tdnn_status tf_import_like(tf_call *c, tdnn_error *err)
{
    tf_value *x, *v;
    tdnn_id ids[2], id;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_const_scalar(c, x->dtype, tf_is(c->node, "OnesLike"), &ids[0], err));
    TDNN_TRY(tf_inner(c, TDNN_OP_Shape, &x->id, 1, NULL, &ids[1], err));
    TDNN_TRY(tf_last(c, TDNN_OP_Expand, ids, 2, NULL, &id, err));
    TDNN_TRY(tf_value_like(c->scope, x, id, &v, err));
    return tf_give(c, 0, v, err);
}

tdnn_status tf_import_range(tf_call *c, tdnn_error *err)
{
    tf_value *in[3], *v;
    tdnn_id ids[3], id;
    for (size_t i = 0; i < 3; i++) {
        TDNN_TRY(tf_input(c, i, &in[i], err));
        ids[i] = in[i]->id;
    }
    TDNN_TRY(tf_last(c, TDNN_OP_Range, ids, 3, NULL, &id, err));
    tdnn_shape shape = tf_unknown_shape(1);
    TDNN_TRY(tf_give_new(c, 0, id, in[0]->dtype, &shape, &v, err));
    for (int i = 0; i < 3; i++)
        if (!in[i]->known || in[i]->known_count != 1) return TDNN_OK;
    const int64_t start = in[0]->known[0], limit = in[1]->known[0], delta = in[2]->known[0];
    if (!delta) return TDNN_FAIL(err, TDNN_ERR_FORMAT, "a step of 0");
    if (llabs(start) > INT32_MAX || llabs(limit) > INT32_MAX || llabs(delta) > INT32_MAX)
        return TDNN_OK;
    int64_t numbers[TF_KNOWN_MOST], count = 0;
    for (int64_t i = start; delta > 0 ? i < limit : i > limit; i += delta) {
        if (count == TF_KNOWN_MOST) return TDNN_OK;
        numbers[count++] = i;
    }
    v->shape.dim[0] = count;
    return tf_set_known(c->scope, v, numbers, (size_t)count, err);
}

tdnn_status tf_import_tile(tf_call *c, tdnn_error *err)
{
    tdnn_id ids[2], id;
    TDNN_TRY(tf_input_plain(c, 0, &ids[0], err));
    TDNN_TRY(tf_input_plain(c, 1, &ids[1], err));
    TDNN_TRY(tf_cast(c, ids[1], TDNN_I64, &ids[1], err));
    TDNN_TRY(tf_last(c, TDNN_OP_Tile, ids, 2, NULL, &id, err));
    tdnn_shape shape = tf_unknown_shape(c->inputs[0]->shape.ndim);
    const tf_value *x = c->inputs[0], *n = c->inputs[1];
    for (int i = 0; n->known && i < shape.ndim && (size_t)i < n->known_count; i++)
        if (x->shape.dim[i] >= 0 && x->shape.dim[i] < INT32_MAX && n->known[i] >= 0 &&
            n->known[i] < INT32_MAX)
            shape.dim[i] = x->shape.dim[i] * n->known[i];
    return tf_give_new(c, 0, id, x->dtype, &shape, NULL, err);
}

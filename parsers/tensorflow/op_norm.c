/* Normalisation, softmax, reductions. */
#include "parsers/tensorflow/ops.h"

#include <string.h>

/* ---- Batch normalisation ---- */

static bool is_empty(const tf_value *v) { return v->shape.ndim == 1 && v->shape.dim[0] == 0; }

/* Mean and variance are those of the batch if the node is in training mode, which TensorFlow
 * takes for granted; a text made for OpenCV gives them and says nothing of a mode. */
static bool uses_batch(const tf_call *c)
{
    const Tensorflow__AttrValue *a = tf_attr(c->node, "is_training");
    if (c->input_count < 5 || is_empty(c->inputs[3]) || is_empty(c->inputs[4])) return true;
    return a && a->has_b && a->b;
}

tdnn_status tf_import_batch_norm(tf_call *c, tdnn_error *err)
{
    bool last, known, batch;
    tf_value *x, *v;
    tdnn_id ids[5], id;
    tdnn_node *node;
    if (c->input_count < 3)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%zu inputs, expected 5", c->input_count);
    batch = uses_batch(c);
    last = tf_channels_last(c, &known);
    x = c->inputs[0];
    int ndim = x->shape.ndim < 0 ? (c->node->op->flags & TF_VOLUME ? 5 : 4) : x->shape.ndim;
    if (batch || !x->block[0] || !last)
        TDNN_TRY(tf_spatial(c, 0, ndim, &ids[0], &last, err));
    else
        ids[0] = x->id; /* blocks make no difference to known statistics */
    for (size_t i = 1; i < 5; i++)
        TDNN_TRY(tf_input_plain(c, batch && i > 2 ? 1 : i, &ids[i], err));
    TDNN_TRY(tf_last(c, TDNN_OP_BatchNormalization, ids, 5, &node, &id, err));
    tdnn_batch_norm_params *p = node->params;
    p->epsilon = tf_attr_float(c, "epsilon", 1e-4f);
    p->training_mode = batch;
    tdnn_shape shape = x->shape.ndim < 0 ? tf_unknown_shape(ndim) : x->shape;
    TDNN_TRY(tf_give_new(c, 0, id, x->dtype, &shape, &v, err));
    v->first = last;
    if (!batch && x->block[0] && last) memcpy(v->block, x->block, sizeof v->block);
    for (size_t port = 1; !batch && port < 5; port++)
        TDNN_TRY(tf_give(c, port, c->inputs[port % 2 ? 3 : 4], err));
    return TDNN_OK;
}

/* As the first Inception had it: image, mean, variance, beta, gamma, which may be left out of
 * account. */
tdnn_status tf_import_global_norm(tf_call *c, tdnn_error *err)
{
    static const size_t order[5] = {0, 4, 3, 1, 2};
    tdnn_id ids[5], shape;
    tdnn_node *node;
    tf_value *v;
    for (size_t i = 1; i < 5; i++) TDNN_TRY(tf_input_plain(c, order[i], &ids[i], err));
    TDNN_TRY(tf_input(c, 0, &v, err));
    TDNN_TRY(tf_first(c->scope, v, 4, &ids[0], err));
    if (!tf_attr_bool(c, "scale_after_normalization", true)) {
        TDNN_TRY(tf_one(c, TDNN_OP_Shape, ids[2], &shape, err));
        TDNN_TRY(tf_const_scalar(c, c->inputs[0]->dtype, 1, &ids[1], err));
        TDNN_TRY(tf_two(c, TDNN_OP_Expand, ids[1], shape, &ids[1], err));
    }
    TDNN_TRY(tf_last(c, TDNN_OP_BatchNormalization, ids, 5, &node, &ids[0], err));
    ((tdnn_batch_norm_params *)node->params)->epsilon =
        tf_attr_float(c, "variance_epsilon", 1e-3F);
    tdnn_shape known = v->shape.ndim < 0 ? tf_unknown_shape(4) : v->shape;
    TDNN_TRY(tf_give_new(c, 0, ids[0], v->dtype, &known, &v, err));
    v->first = true;
    return TDNN_OK;
}

/* ---- Across channels ---- */

tdnn_status tf_import_lrn(tf_call *c, tdnn_error *err)
{
    bool last;
    tf_value *v;
    tdnn_id in, id;
    tdnn_node *node;
    const int64_t radius = tf_attr_int(c, "depth_radius", 5);
    if (radius < 0 || radius > 1 << 20)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "depth_radius %lld", (long long)radius);
    TDNN_TRY(tf_spatial(c, 0, 4, &in, &last, err));
    TDNN_TRY(tf_last(c, TDNN_OP_LRN, &in, 1, &node, &id, err));
    const int64_t size = 2 * radius + 1;
    TDNN_TRY(tf_set_int(c, node, "size", size, err));
    TDNN_TRY(tf_set_float(c, node, "alpha", tf_attr_float(c, "alpha", 1) * (float)size, err));
    TDNN_TRY(tf_set_float(c, node, "beta", tf_attr_float(c, "beta", 0.5f), err));
    TDNN_TRY(tf_set_float(c, node, "bias", tf_attr_float(c, "bias", 1), err));
    tdnn_shape shape = c->inputs[0]->shape.ndim < 0 ? tf_unknown_shape(4) : c->inputs[0]->shape;
    TDNN_TRY(tf_give_new(c, 0, id, c->inputs[0]->dtype, &shape, &v, err));
    v->first = last;
    return TDNN_OK;
}

/* Over the last dimension, wherever it lies. */
tdnn_status tf_import_softmax(tf_call *c, tdnn_error *err)
{
    tf_value *x, *v;
    tdnn_id id;
    tdnn_node *node;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_last(c, c->node->op->kind, &x->id, 1, &node, &id, err));
    ((tdnn_axis_params *)node->params)->axis = x->first ? 1 : -1;
    TDNN_TRY(tf_value_like(c->scope, x, id, &v, err));
    return tf_give(c, 0, v, err);
}

/* sum(x * x) / 2 */
tdnn_status tf_import_l2_loss(tf_call *c, tdnn_error *err)
{
    static const tdnn_shape scalar = {.ndim = 0};
    tf_value *x;
    tdnn_id ids[2];
    tdnn_node *node;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_inner(c, TDNN_OP_ReduceSumSquare, &x->id, 1, &node, &ids[0], err));
    TDNN_TRY(tf_set_int(c, node, "keepdims", 0, err));
    TDNN_TRY(tf_const_scalar(c, x->dtype, 0.5, &ids[1], err));
    TDNN_TRY(tf_last(c, TDNN_OP_Mul, ids, 2, NULL, &ids[0], err));
    return tf_give_new(c, 0, ids[0], x->dtype, &scalar, NULL, err);
}

/* ---- Reductions ---- */

/* True if what remains without these dimensions stands in the same order either way. */
static bool order_kept(const tf_value *x, unsigned dropped)
{
    const int last = x->shape.ndim - 1;
    const unsigned space = ((1u << last) - 1) & ~1u;
    return !x->first || dropped & 1u << last || (dropped & space) == space;
}

static tdnn_status reduce_unknown(tf_call *c, bool keep, tdnn_error *err)
{
    tdnn_id ids[2], id;
    tdnn_node *node;
    TDNN_TRY(tf_input_plain(c, 0, &ids[0], err));
    TDNN_TRY(tf_input_plain(c, 1, &ids[1], err));
    TDNN_TRY(tf_cast(c, ids[1], TDNN_I64, &ids[1], err));
    TDNN_TRY(tf_last(c, c->node->op->kind, ids, 2, &node, &id, err));
    TDNN_TRY(tf_set_int(c, node, "keepdims", keep, err));
    TDNN_TRY(tf_set_int(c, node, "noop_with_empty_axes", 1, err));
    tdnn_shape shape = tf_unknown_shape(keep ? c->inputs[0]->shape.ndim : -1);
    return tf_give_new(c, 0, id, c->inputs[0]->dtype, &shape, NULL, err);
}

/* TensorFlow calls the attribute keep_dims or, in a text for OpenCV, keepdims. */
static bool keeps_dimensions(const tf_call *c)
{
    return tf_attr_bool(c, "keep_dims", false) || tf_attr_bool(c, "keepdims", false);
}

static tdnn_status reduced_shape(const tf_call *c, const tf_value *x, const tf_value *axes,
                                 bool keep, unsigned *mask, tdnn_shape *out, tdnn_error *err)
{
    *mask = 0;
    for (size_t i = 0; i < axes->known_count; i++) {
        int64_t a;
        (void)c;
        TDNN_TRY(tf_axis(x, axes->known[i], &a, err));
        *mask |= 1u << a;
    }
    *out = (tdnn_shape){.ndim = 0};
    for (int i = 0; i < x->shape.ndim; i++)
        if (!(*mask >> i & 1))
            out->dim[out->ndim++] = x->shape.dim[i];
        else if (keep)
            out->dim[out->ndim++] = 1;
    return TDNN_OK;
}

/* An order of the axes as they lie; only where it is known what they are. */
static tdnn_status reduce_axes(const tf_call *c, const tf_value *as, const tf_value *axes,
                               tdnn_id *out, tdnn_error *err)
{
    int64_t at[TF_KNOWN_MOST], a;
    for (size_t i = 0; i < axes->known_count; i++) {
        TDNN_TRY(tf_axis(as, axes->known[i], &a, err));
        at[i] = tf_axis_place(as, a);
    }
    return tf_const_ints(c, at, axes->known_count, out, err);
}

tdnn_status tf_import_reduce(tf_call *c, tdnn_error *err)
{
    const bool keep = keeps_dimensions(c);
    tf_value *x, *axes, *v;
    tdnn_shape shape;
    tdnn_id ids[2], id;
    tdnn_node *node;
    unsigned mask;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_input(c, 1, &axes, err));
    if (!axes->known || x->shape.ndim < 0) return reduce_unknown(c, keep, err);
    if (!axes->known_count) return tf_give(c, 0, x, err);
    TDNN_TRY(reduced_shape(c, x, axes, keep, &mask, &shape, err));
    tf_value plain = *x;
    plain.first = x->first && (keep || order_kept(x, mask));
    ids[0] = x->id;
    if (!plain.first) TDNN_TRY(tf_plain(c->scope, x, &ids[0], err));
    TDNN_TRY(reduce_axes(c, &plain, axes, &ids[1], err));
    const bool truth = c->node->op->kind == TDNN_OP_ReduceMax && x->dtype == TDNN_BOOL;
    const bool all = c->node->op->kind == TDNN_OP_ReduceMin && x->dtype == TDNN_BOOL;
    if (truth || all) TDNN_TRY(tf_cast(c, ids[0], TDNN_U8, &ids[0], err));
    TDNN_TRY(tf_last(c, c->node->op->kind, ids, 2, &node, &id, err));
    TDNN_TRY(tf_set_int(c, node, "keepdims", keep, err));
    if (truth || all) TDNN_TRY(tf_cast(c, id, TDNN_BOOL, &id, err));
    TDNN_TRY(tf_give_new(c, 0, id, x->dtype, &shape, &v, err));
    v->first = plain.first && keep;
    return TDNN_OK;
}

/* ArgMax, ArgMin: the dimension goes. */
tdnn_status tf_import_arg(tf_call *c, tdnn_error *err)
{
    tf_value *x;
    int64_t axis = 0;
    tdnn_id in, id;
    tdnn_node *node;
    const tdnn_dtype type = tf_attr_type(c, "output_type", TDNN_I64);
    TDNN_TRY(tf_input(c, 0, &x, err));
    if (c->input_count > 1) TDNN_TRY(tf_input_int(c, 1, "dimension", &axis, err));
    TDNN_TRY(tf_axis(x, axis, &axis, err));
    tf_value plain = *x;
    plain.first = x->first && order_kept(x, 1u << axis);
    in = x->id;
    if (!plain.first) TDNN_TRY(tf_plain(c->scope, x, &in, err));
    TDNN_TRY(tf_last(c, c->node->op->kind, &in, 1, &node, &id, err));
    TDNN_TRY(tf_set_int(c, node, "axis", tf_axis_place(&plain, axis), err));
    TDNN_TRY(tf_set_int(c, node, "keepdims", 0, err));
    if (type != TDNN_I64) TDNN_TRY(tf_cast(c, id, type, &id, err));
    tdnn_shape shape = {.ndim = 0};
    for (int i = 0; i < x->shape.ndim; i++)
        if (i != axis) shape.dim[shape.ndim++] = x->shape.dim[i];
    return tf_give_new(c, 0, id, type, &shape, NULL, err);
}

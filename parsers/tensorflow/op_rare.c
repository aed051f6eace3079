/* Arithmetic that models seldom have and the IR has in other words. Edges follow TensorFlow: x
 * log y is 0 where x is 0, whatever y is. */
#include "parsers/tensorflow/ops.h"

#include <math.h>
#include <string.h>

static tdnn_status give_like(const tf_call *c, const tf_value *like, tdnn_id id,
                             tdnn_error *err)
{
    tf_value *v;
    TDNN_TRY(tf_value_like(c->scope, like, id, &v, err));
    return tf_give(c, 0, v, err);
}

/* The angle of (x, y); the arc tangent of y / x knows only half of the circle. */
tdnn_status tf_import_atan2(tf_call *c, tdnn_error *err)
{
    const double pi = 3.14159265358979323846;
    tf_value like;
    tdnn_id in[2], zero, half, other, up, down, id, left, below, y_zero, x_zero, both;
    TDNN_TRY(tf_unify(c, 0, 2, in, &like, err));
    TDNN_TRY(tf_const_scalar(c, like.dtype, 0, &zero, err));
    TDNN_TRY(tf_const_scalar(c, like.dtype, pi, &up, err));
    TDNN_TRY(tf_const_scalar(c, like.dtype, -pi, &down, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Div, in[0], in[1], &half, err));
    TDNN_TRY(tf_one(c, TDNN_OP_Atan, half, &half, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Less, in[0], zero, &below, err));
    TDNN_TRY(tf_three(c, TDNN_OP_Where, below, down, up, &other, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Add, half, other, &other, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Less, in[1], zero, &left, err));
    TDNN_TRY(tf_three(c, TDNN_OP_Where, left, other, half, &id, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Equal, in[0], zero, &y_zero, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Equal, in[1], zero, &x_zero, err));
    TDNN_TRY(tf_two(c, TDNN_OP_And, y_zero, x_zero, &both, err));
    TDNN_TRY(tf_three(c, TDNN_OP_Where, both, zero, id, &id, err));
    return give_like(c, &like, id, err);
}

/* Xdivy, Xlogy, Xlog1py: 0 where x is 0. MulNoNan: 0 where y is 0. */
tdnn_status tf_import_zero_times(tf_call *c, tdnn_error *err)
{
    tf_value like;
    tdnn_id in[2], zero, id, is_zero;
    const bool divides = tf_is(c->node, "Xdivy"), plain = tf_is(c->node, "MulNoNan");
    TDNN_TRY(tf_unify(c, 0, 2, in, &like, err));
    TDNN_TRY(tf_const_scalar(c, like.dtype, 0, &zero, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Equal, in[plain ? 1 : 0], zero, &is_zero, err));
    if (tf_is(c->node, "Xlog1py"))
        TDNN_TRY(tf_with(c, TDNN_OP_Add, in[1], like.dtype, 1, &in[1], err));
    if (!divides && !plain) TDNN_TRY(tf_one(c, TDNN_OP_Log, in[1], &in[1], err));
    TDNN_TRY(tf_two(c, divides ? TDNN_OP_Div : TDNN_OP_Mul, in[0], in[1], &id, err));
    TDNN_TRY(tf_three(c, TDNN_OP_Where, is_zero, zero, id, &id, err));
    return give_like(c, &like, id, err);
}

tdnn_status tf_import_is_finite(tf_call *c, tdnn_error *err)
{
    tf_value like;
    tdnn_id in, nan, inf, id;
    TDNN_TRY(tf_unify(c, 0, 1, &in, &like, err));
    TDNN_TRY(tf_one(c, TDNN_OP_IsNaN, in, &nan, err));
    TDNN_TRY(tf_one(c, TDNN_OP_IsInf, in, &inf, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Or, nan, inf, &id, err));
    TDNN_TRY(tf_one(c, TDNN_OP_Not, id, &id, err));
    like.dtype = TDNN_BOOL;
    return give_like(c, &like, id, err);
}

/* 1 - erf(x) */
tdnn_status tf_import_erfc(tf_call *c, tdnn_error *err)
{
    tf_value like;
    tdnn_id in, one, id;
    TDNN_TRY(tf_unify(c, 0, 1, &in, &like, err));
    TDNN_TRY(tf_const_scalar(c, like.dtype, 1, &one, err));
    TDNN_TRY(tf_one(c, TDNN_OP_Erf, in, &id, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Sub, one, id, &id, err));
    return give_like(c, &like, id, err);
}

tdnn_status tf_import_approximate_equal(tf_call *c, tdnn_error *err)
{
    tf_value like;
    tdnn_id in[2], id;
    const double tolerance = (double)tf_attr_float(c, "tolerance", 1e-5F);
    TDNN_TRY(tf_unify(c, 0, 2, in, &like, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Sub, in[0], in[1], &id, err));
    TDNN_TRY(tf_one(c, TDNN_OP_Abs, id, &id, err));
    TDNN_TRY(tf_with(c, TDNN_OP_Less, id, like.dtype, tolerance, &id, err));
    like.dtype = TDNN_BOOL;
    return give_like(c, &like, id, err);
}

/* x * weight where x is below 0: nothing of TensorFlow's own, but of converters' graphs. */
tdnn_status tf_import_prelu(tf_call *c, tdnn_error *err)
{
    tf_value like;
    tdnn_id in[2], id;
    TDNN_TRY(tf_unify(c, 0, 2, in, &like, err));
    TDNN_TRY(tf_last(c, TDNN_OP_PRelu, in, 2, NULL, &id, err));
    return give_like(c, &like, id, err);
}

/* The square root of the sum of squares; the axes stand in input 1. */
tdnn_status tf_import_euclidean_norm(tf_call *c, tdnn_error *err)
{
    const bool keep = tf_attr_bool(c, "keep_dims", false);
    tf_value *x;
    tdnn_id ids[2], id;
    tdnn_node *node;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_plain(c->scope, x, &ids[0], err));
    TDNN_TRY(tf_input_plain(c, 1, &ids[1], err));
    TDNN_TRY(tf_cast(c, ids[1], TDNN_I64, &ids[1], err));
    TDNN_TRY(tf_last(c, TDNN_OP_ReduceL2, ids, 2, &node, &id, err));
    TDNN_TRY(tf_set_int(c, node, "keepdims", keep, err));
    TDNN_TRY(tf_set_int(c, node, "noop_with_empty_axes", 1, err));
    const tf_value *axes = c->inputs[1];
    int ndim = keep ? x->shape.ndim : -1;
    if (!keep && x->shape.ndim >= 0 && axes->known &&
        axes->known_count <= (size_t)x->shape.ndim)
        ndim = x->shape.ndim - (int)axes->known_count;
    tdnn_shape shape = tf_unknown_shape(ndim);
    return tf_give_new(c, 0, id, x->dtype, &shape, NULL, err);
}

/* How many of the boundaries, which rise, are not above each number. */
tdnn_status tf_import_bucketize(tf_call *c, tdnn_error *err)
{
    static const int64_t last = -1;
    const Tensorflow__AttrValue *a = tf_attr(c->node, "boundaries");
    const size_t count = a && a->list ? a->list->n_f : 0;
    const tdnn_shape shape = {1, {(int64_t)count}};
    tf_value *x;
    tdnn_tensor *t;
    tdnn_id in, bounds, at, id;
    tdnn_node *node;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_plain(c->scope, x, &in, err));
    TDNN_TRY(tdnn_tensor_create(TDNN_F32, &shape, &t, err));
    if (count) memcpy(t->data, a->list->f, count * sizeof(float));
    TDNN_TRY(tdnn_graph_add_constant(c->scope->graph, NULL, t, &bounds, err));
    TDNN_TRY(tf_const_ints(c, &last, 1, &at, err));
    TDNN_TRY(tf_cast(c, in, TDNN_F32, &in, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Unsqueeze, in, at, &in, err));
    TDNN_TRY(tf_two(c, TDNN_OP_GreaterOrEqual, in, bounds, &id, err));
    TDNN_TRY(tf_cast(c, id, TDNN_I32, &id, err));
    TDNN_TRY(tf_inner(c, TDNN_OP_ReduceSum, (tdnn_id[2]){id, at}, 2, &node, &id, err));
    TDNN_TRY(tf_set_int(c, node, "keepdims", 0, err));
    return tf_give_new(c, 0, id, TDNN_I32, &x->shape, NULL, err);
}

/* images, factor: away from the mean of each channel of each image. */
tdnn_status tf_import_contrast(tf_call *c, tdnn_error *err)
{
    static const int64_t places[2] = {-3, -2};
    tf_value *x;
    tdnn_id in, factor, axes, mean, id;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_plain(c->scope, x, &in, err));
    TDNN_TRY(tf_input_plain(c, 1, &factor, err));
    TDNN_TRY(tf_const_ints(c, places, 2, &axes, err));
    TDNN_TRY(tf_two(c, TDNN_OP_ReduceMean, in, axes, &mean, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Sub, in, mean, &id, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Mul, id, factor, &id, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Add, id, mean, &id, err));
    return tf_give_new(c, 0, id, x->dtype, &x->shape, NULL, err);
}

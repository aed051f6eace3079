/* Element-wise operators. */
#include "parsers/tensorflow/ops.h"

#include <math.h>
#include <string.h>

/* Gives the call's result, which lies as `like` does. */
static tdnn_status give_like(const tf_call *c, tf_value *like, tdnn_id id, tf_value **out,
                             tdnn_error *err)
{
    tf_value *v;
    TDNN_TRY(tf_value_like(c->scope, like, id, &v, err));
    if (out) *out = v;
    return tf_give(c, 0, v, err);
}

tdnn_status tf_import_unary(tf_call *c, tdnn_error *err)
{
    tf_value like;
    tdnn_id in, id;
    TDNN_TRY(tf_unify(c, 0, 1, &in, &like, err));
    TDNN_TRY(tf_last(c, c->node->op->kind, &in, 1, NULL, &id, err));
    if (c->node->op->kind == TDNN_OP_IsNaN || c->node->op->kind == TDNN_OP_IsInf)
        like.dtype = TDNN_BOOL;
    return give_like(c, &like, id, NULL, err);
}

tdnn_status tf_import_identity(tf_call *c, tdnn_error *err)
{
    for (size_t i = 0; i < c->input_count; i++) TDNN_TRY(tf_give(c, i, c->inputs[i], err));
    if (!c->input_count) return TDNN_FAIL(err, TDNN_ERR_FORMAT, "no input, expected one");
    return TDNN_OK;
}

/* Of its inputs the first passes; the others check or print it. */
tdnn_status tf_import_identity_first(tf_call *c, tdnn_error *err)
{
    if (!c->input_count) return TDNN_FAIL(err, TDNN_ERR_FORMAT, "no input, expected one");
    return tf_give(c, 0, c->inputs[0], err);
}

/* ---- Integers that are known ---- */

static bool calculate(tdnn_op_kind kind, int64_t a, int64_t b, int64_t *out)
{
    switch (kind) {
    case TDNN_OP_Add: return !__builtin_add_overflow(a, b, out);
    case TDNN_OP_Sub: return !__builtin_sub_overflow(a, b, out);
    case TDNN_OP_Mul: return !__builtin_mul_overflow(a, b, out);
    case TDNN_OP_Max: *out = a > b ? a : b; return true;
    case TDNN_OP_Min: *out = a < b ? a : b; return true;
    case TDNN_OP_Less: *out = a < b; return true;
    case TDNN_OP_LessOrEqual: *out = a <= b; return true;
    case TDNN_OP_Greater: *out = a > b; return true;
    case TDNN_OP_GreaterOrEqual: *out = a >= b; return true;
    case TDNN_OP_Equal: *out = a == b; return true;
    case TDNN_OP_And: *out = a && b; return true;
    case TDNN_OP_Or: *out = a || b; return true;
    case TDNN_OP_Div:
        if (a < 0 || b <= 0) return false;
        *out = a / b;
        return true;
    default: return false;
    }
}

static tdnn_status know_binary(const tf_call *c, tf_value *v, tdnn_error *err)
{
    const tf_value *a = c->inputs[0], *b = c->inputs[1];
    int64_t numbers[TF_KNOWN_MOST];
    if (!a->known || !b->known || !a->known_count || !b->known_count || a->shape.ndim > 1 ||
        b->shape.ndim > 1)
        return TDNN_OK;
    size_t count = a->known_count > b->known_count ? a->known_count : b->known_count;
    if ((a->known_count != count && a->known_count != 1) ||
        (b->known_count != count && b->known_count != 1))
        return TDNN_OK;
    for (size_t i = 0; i < count; i++)
        if (!calculate(c->node->op->kind, a->known[a->known_count == 1 ? 0 : i],
                       b->known[b->known_count == 1 ? 0 : i], &numbers[i]))
            return TDNN_OK;
    return tf_set_known(c->scope, v, numbers, count, err);
}

/* ---- Two inputs ---- */

static bool compares(tdnn_op_kind kind)
{
    return kind == TDNN_OP_Less || kind == TDNN_OP_LessOrEqual || kind == TDNN_OP_Greater ||
           kind == TDNN_OP_GreaterOrEqual || kind == TDNN_OP_Equal;
}

tdnn_status tf_import_binary(tf_call *c, tdnn_error *err)
{
    tf_value like, *v;
    tdnn_id ids[2], id;
    TDNN_TRY(tf_unify(c, 0, 2, ids, &like, err));
    TDNN_TRY(tf_last(c, c->node->op->kind, ids, 2, NULL, &id, err));
    if (compares(c->node->op->kind)) like.dtype = TDNN_BOOL;
    TDNN_TRY(give_like(c, &like, id, &v, err));
    return know_binary(c, v, err);
}

/* Any number of inputs: AddN, AccumulateNV2. */
tdnn_status tf_import_nary(tf_call *c, tdnn_error *err)
{
    tf_value like;
    tdnn_id id, *ids = tdnn_zone_alloc(c->scope->model->zone, c->input_count + 1, sizeof *ids);
    if (!ids) return TDNN_NO_MEMORY(err);
    if (!c->input_count)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "no inputs, expected one at least");
    TDNN_TRY(tf_unify(c, 0, c->input_count, ids, &like, err));
    TDNN_TRY(tf_last(c, c->node->op->kind, ids, c->input_count, NULL, &id, err));
    return give_like(c, &like, id, NULL, err);
}

/* A second operator behind the first. */
static tdnn_status import_then(tf_call *c, tdnn_op_kind first, tdnn_op_kind second,
                               size_t inputs, bool truth, tdnn_error *err)
{
    tf_value like;
    tdnn_id ids[2], id;
    TDNN_TRY(tf_unify(c, 0, inputs, ids, &like, err));
    TDNN_TRY(tf_inner(c, first, ids, inputs, NULL, &id, err));
    TDNN_TRY(tf_last(c, second, &id, 1, NULL, &id, err));
    if (truth) like.dtype = TDNN_BOOL;
    return give_like(c, &like, id, NULL, err);
}

tdnn_status tf_import_rsqrt(tf_call *c, tdnn_error *err)
{
    return import_then(c, TDNN_OP_Sqrt, TDNN_OP_Reciprocal, 1, false, err);
}
tdnn_status tf_import_not_equal(tf_call *c, tdnn_error *err)
{
    return import_then(c, TDNN_OP_Equal, TDNN_OP_Not, 2, true, err);
}

/* ---- Made of others ---- */

static tdnn_status twice(tf_call *c, tdnn_op_kind inner, tdnn_error *err)
{
    tf_value like;
    tdnn_id ids[2], id;
    TDNN_TRY(tf_unify(c, 0, inner == TDNN_OP_Mul ? 1 : 2, ids, &like, err));
    if (inner == TDNN_OP_Mul)
        ids[1] = ids[0];
    else {
        TDNN_TRY(tf_inner(c, inner, ids, 2, NULL, &id, err));
        ids[0] = ids[1] = id;
    }
    TDNN_TRY(tf_last(c, TDNN_OP_Mul, ids, 2, NULL, &id, err));
    return give_like(c, &like, id, NULL, err);
}
tdnn_status tf_import_square(tf_call *c, tdnn_error *err) { return twice(c, TDNN_OP_Mul, err); }
tdnn_status tf_import_squared_difference(tf_call *c, tdnn_error *err)
{
    return twice(c, TDNN_OP_Sub, err);
}

static tdnn_status clip(tf_call *c, const double *low, const double *high, tdnn_error *err)
{
    tf_value like;
    tdnn_id ids[3] = {TDNN_ABSENT, TDNN_ABSENT, TDNN_ABSENT}, id;
    TDNN_TRY(tf_unify(c, 0, 1, ids, &like, err));
    if (low) TDNN_TRY(tf_const_scalar(c, like.dtype, *low, &ids[1], err));
    if (high) TDNN_TRY(tf_const_scalar(c, like.dtype, *high, &ids[2], err));
    TDNN_TRY(tf_last(c, TDNN_OP_Clip, ids, 3, NULL, &id, err));
    return give_like(c, &like, id, NULL, err);
}
tdnn_status tf_import_relu6(tf_call *c, tdnn_error *err)
{
    const double low = 0, high = 6;
    return clip(c, &low, &high, err);
}

/* The limits may be whole tensors. */
tdnn_status tf_import_clip_by_value(tf_call *c, tdnn_error *err)
{
    tf_value like;
    tdnn_id ids[3], id;
    TDNN_TRY(tf_unify(c, 0, 3, ids, &like, err));
    if (c->inputs[1]->shape.ndim == 0 && c->inputs[2]->shape.ndim == 0) {
        TDNN_TRY(tf_last(c, TDNN_OP_Clip, ids, 3, NULL, &id, err));
        return give_like(c, &like, id, NULL, err);
    }
    const tdnn_id most[2] = {ids[0], ids[2]};
    tdnn_id least[2] = {TDNN_ABSENT, ids[1]};
    TDNN_TRY(tf_inner(c, TDNN_OP_Min, most, 2, NULL, &least[0], err));
    TDNN_TRY(tf_last(c, TDNN_OP_Max, least, 2, NULL, &id, err));
    return give_like(c, &like, id, NULL, err);
}

tdnn_status tf_import_leaky_relu(tf_call *c, tdnn_error *err)
{
    tf_value like;
    tdnn_id in, id;
    tdnn_node *node;
    TDNN_TRY(tf_unify(c, 0, 1, &in, &like, err));
    TDNN_TRY(tf_last(c, TDNN_OP_LeakyRelu, &in, 1, &node, &id, err));
    ((tdnn_alpha_params *)node->params)->alpha = tf_attr_float(c, "alpha", 0.2f);
    return give_like(c, &like, id, NULL, err);
}

static tdnn_status with_scalar(tf_call *c, tdnn_op_kind first, tdnn_op_kind second,
                               double scalar, tdnn_error *err)
{
    tf_value like;
    tdnn_id ids[2], id;
    TDNN_TRY(tf_unify(c, 0, 1, ids, &like, err));
    TDNN_TRY(tf_const_scalar(c, like.dtype, scalar, &ids[1], err));
    if (first == TDNN_OP_Add) { /* log(1 + x) */
        TDNN_TRY(tf_inner(c, first, ids, 2, NULL, &id, err));
        TDNN_TRY(tf_last(c, second, &id, 1, NULL, &id, err));
    } else { /* exp(x) - 1 */
        TDNN_TRY(tf_inner(c, first, ids, 1, NULL, &ids[0], err));
        TDNN_TRY(tf_last(c, second, ids, 2, NULL, &id, err));
    }
    return give_like(c, &like, id, NULL, err);
}
tdnn_status tf_import_log1p(tf_call *c, tdnn_error *err)
{
    return with_scalar(c, TDNN_OP_Add, TDNN_OP_Log, 1, err);
}
tdnn_status tf_import_expm1(tf_call *c, tdnn_error *err)
{
    return with_scalar(c, TDNN_OP_Exp, TDNN_OP_Sub, 1, err);
}

/* ---- Division ---- */

/* Integers: FloorDiv rounds down, Div and TruncateDiv towards zero. */
tdnn_status tf_import_floor_div(tf_call *c, tdnn_error *err)
{
    tf_value like, *v;
    tdnn_id ids[2], id;
    TDNN_TRY(tf_unify(c, 0, 2, ids, &like, err));
    if (tdnn_dtype_is_int(like.dtype)) { /* (a - floormod(a, b)) / b is exact */
        tdnn_id steps[2] = {ids[0]};
        TDNN_TRY(tf_inner(c, TDNN_OP_Mod, ids, 2, NULL, &steps[1], err));
        TDNN_TRY(tf_inner(c, TDNN_OP_Sub, steps, 2, NULL, &ids[0], err));
        TDNN_TRY(tf_last(c, TDNN_OP_Div, ids, 2, NULL, &id, err));
    } else {
        TDNN_TRY(tf_inner(c, TDNN_OP_Div, ids, 2, NULL, &id, err));
        TDNN_TRY(tf_last(c, TDNN_OP_Floor, &id, 1, NULL, &id, err));
    }
    TDNN_TRY(give_like(c, &like, id, &v, err));
    return know_binary(c, v, err);
}

/* Mod and TruncateMod have the sign of the dividend, FloorMod that of the divisor. */
tdnn_status tf_import_mod(tf_call *c, tdnn_error *err)
{
    tf_value like;
    tdnn_id ids[2], id;
    tdnn_node *node;
    const bool floor_mod = tf_is(c->node, "FloorMod");
    TDNN_TRY(tf_unify(c, 0, 2, ids, &like, err));
    if (floor_mod && !tdnn_dtype_is_int(like.dtype)) { /* a - b floor(a / b) */
        tdnn_id steps[2];
        TDNN_TRY(tf_inner(c, TDNN_OP_Div, ids, 2, NULL, &id, err));
        TDNN_TRY(tf_inner(c, TDNN_OP_Floor, &id, 1, NULL, &steps[0], err));
        steps[1] = ids[1];
        TDNN_TRY(tf_inner(c, TDNN_OP_Mul, steps, 2, NULL, &ids[1], err));
        TDNN_TRY(tf_last(c, TDNN_OP_Sub, ids, 2, NULL, &id, err));
    } else {
        TDNN_TRY(tf_last(c, TDNN_OP_Mod, ids, 2, &node, &id, err));
        if (!floor_mod) TDNN_TRY(tf_set_int(c, node, "fmod", 1, err));
    }
    return give_like(c, &like, id, NULL, err);
}

/* x / y, and 0 where y is 0. */
tdnn_status tf_import_div_no_nan(tf_call *c, tdnn_error *err)
{
    tf_value like;
    tdnn_id ids[2], id, parts[3], zero[2];
    TDNN_TRY(tf_unify(c, 0, 2, ids, &like, err));
    zero[0] = ids[1];
    TDNN_TRY(tf_const_scalar(c, like.dtype, 0, &zero[1], err));
    TDNN_TRY(tf_inner(c, TDNN_OP_Equal, zero, 2, NULL, &parts[0], err));
    parts[1] = zero[1];
    TDNN_TRY(tf_inner(c, TDNN_OP_Div, ids, 2, NULL, &parts[2], err));
    TDNN_TRY(tf_last(c, TDNN_OP_Where, parts, 3, NULL, &id, err));
    return give_like(c, &like, id, NULL, err);
}

/* ---- Choosing, casting ---- */

/* Select's condition may be a vector that chooses whole rows; SelectV2's is broadcast. */
tdnn_status tf_import_select(tf_call *c, tdnn_error *err)
{
    tf_value like;
    tdnn_id ids[3], id;
    if (c->input_count != 3)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%zu inputs, expected 3", c->input_count);
    const int rows = c->inputs[0]->shape.ndim, ndim = c->inputs[1]->shape.ndim;
    if (tf_is(c->node, "Select") && rows == 1 && ndim > 1) {
        int64_t dims[TDNN_MAX_DIMS] = {-1};
        for (int i = 1; i < ndim; i++) dims[i] = 1;
        TDNN_TRY(tf_input_plain(c, 0, &ids[0], err));
        TDNN_TRY(tf_reshape(c, ids[0], dims, (size_t)ndim, &ids[0], err));
        TDNN_TRY(tf_input_plain(c, 1, &ids[1], err));
        TDNN_TRY(tf_input_plain(c, 2, &ids[2], err));
        like = (tf_value){.shape = c->inputs[1]->shape, .other = TDNN_ABSENT};
    } else {
        TDNN_TRY(tf_unify(c, 0, 3, ids, &like, err));
    }
    like.dtype = c->inputs[1]->dtype;
    TDNN_TRY(tf_last(c, TDNN_OP_Where, ids, 3, NULL, &id, err));
    return give_like(c, &like, id, NULL, err);
}

tdnn_status tf_import_cast(tf_call *c, tdnn_error *err)
{
    tf_value like, *v;
    tdnn_id in, id;
    tdnn_node *node;
    tdnn_dtype to = tf_attr_type(c, "DstT", TDNN_NONE);
    if (!to)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED,
                         "a cast to a type that tinydnn does not have");
    TDNN_TRY(tf_unify(c, 0, 1, &in, &like, err));
    TDNN_TRY(tf_last(c, TDNN_OP_Cast, &in, 1, &node, &id, err));
    TDNN_TRY(tf_set_int(c, node, "to", to, err));
    like.dtype = to;
    TDNN_TRY(give_like(c, &like, id, &v, err));
    const tf_value *from = c->inputs[0];
    if (from->known && tdnn_dtype_is_int(to))
        return tf_set_known(c->scope, v, from->known, from->known_count, err);
    return TDNN_OK;
}

/* ---- Biases and quantised values ---- */

/* Behind a convolution whose channels have traded places, the biases do. */
static tdnn_status swap_biases(tf_call *c, tdnn_error *err)
{
    tf_value *bias;
    tdnn_id id;
    if (!tf_locations_transposed(tf_input_node(c->scope, c->node, 0))) return TDNN_OK;
    TDNN_TRY(tf_input(c, 1, &bias, err));
    TDNN_TRY(tf_plain(c->scope, bias, &id, err));
    TDNN_TRY(tf_swap_locations(c, &id, bias->shape.ndim == 1 ? bias->shape.dim[0] : -1, err));
    return tf_value_like(c->scope, bias, id, &c->inputs[1], err);
}

tdnn_status tf_import_bias_add(tf_call *c, tdnn_error *err)
{
    tf_value like;
    tdnn_id ids[2], id;
    bool known, last = tf_channels_last(c, &known);
    if (c->input_count < 2)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%zu inputs, expected 2", c->input_count);
    TDNN_TRY(swap_biases(c, err));
    if (last || c->inputs[0]->shape.ndim == 2) {
        TDNN_TRY(tf_unify(c, 0, 2, ids, &like, err));
    } else {
        tf_value *x;
        TDNN_TRY(tf_input(c, 0, &x, err));
        int ndim = x->shape.ndim < 2 ? 4 : x->shape.ndim;
        int64_t dims[TDNN_MAX_DIMS] = {-1};
        for (int i = 1; i < ndim - 1; i++) dims[i] = 1;
        TDNN_TRY(tf_input_plain(c, 0, &ids[0], err));
        TDNN_TRY(tf_input_plain(c, 1, &ids[1], err));
        TDNN_TRY(tf_reshape(c, ids[1], dims, (size_t)ndim - 1, &ids[1], err));
        like = (tf_value){.dtype = x->dtype, .shape = x->shape, .other = TDNN_ABSENT};
    }
    TDNN_TRY(tf_last(c, TDNN_OP_Add, ids, 2, NULL, &id, err));
    return give_like(c, &like, id, NULL, err);
}

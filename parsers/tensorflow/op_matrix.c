/* Matrices: products of them, bands and diagonals, sums over named dimensions. */
#include "parsers/tensorflow/ops.h"

#include <string.h>

/* ---- Matrix products ---- */

static int64_t dim_of(const tf_value *v, int at)
{
    return v->shape.ndim == 2 ? v->shape.dim[at] : -1;
}

tdnn_status tf_import_matmul(tf_call *c, tdnn_error *err)
{
    const bool ta = tf_attr_bool(c, "transpose_a", false),
               tb = tf_attr_bool(c, "transpose_b", false);
    tf_value *a, *b;
    tdnn_id ids[2], id;
    tdnn_node *node;
    TDNN_TRY(tf_input(c, 0, &a, err));
    TDNN_TRY(tf_input(c, 1, &b, err));
    if ((a->shape.ndim >= 0 && a->shape.ndim != 2) ||
        (b->shape.ndim >= 0 && b->shape.ndim != 2))
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "inputs of %d and %d dimensions, expected 2 and 2", a->shape.ndim,
                         b->shape.ndim);
    TDNN_TRY(tf_plain(c->scope, a, &ids[0], err));
    TDNN_TRY(tf_plain(c->scope, b, &ids[1], err));
    TDNN_TRY(tf_last(c, TDNN_OP_Gemm, ids, 2, &node, &id, err));
    tdnn_gemm_params *p = node->params;
    p->transA = ta;
    p->transB = tb;
    const int64_t dims[2] = {dim_of(a, ta), dim_of(b, !tb)};
    tdnn_shape shape = tdnn_shape_make(2, dims);
    return tf_give_new(c, 0, id, a->dtype, &shape, NULL, err);
}

static tdnn_status swap_last(const tf_call *c, const tf_value *v, tdnn_id in, tdnn_id *out,
                             tdnn_error *err)
{
    int64_t perm[TDNN_MAX_DIMS];
    const int n = v->shape.ndim;
    if (n < 2)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "the adjoint of an input of unknown rank");
    for (int i = 0; i < n; i++) perm[i] = i < n - 2 ? i : 2 * n - 3 - i;
    return tf_transpose(c, in, perm, (size_t)n, out, err);
}

tdnn_status tf_import_batch_matmul(tf_call *c, tdnn_error *err)
{
    static const char *const adjoint[2] = {"adj_x", "adj_y"};
    tf_value *v[2];
    tdnn_id ids[2], id;
    for (size_t i = 0; i < 2; i++) {
        TDNN_TRY(tf_input(c, i, &v[i], err));
        TDNN_TRY(tf_plain(c->scope, v[i], &ids[i], err));
        if (tf_attr_bool(c, adjoint[i], false))
            TDNN_TRY(swap_last(c, v[i], ids[i], &ids[i], err));
    }
    TDNN_TRY(tf_last(c, TDNN_OP_MatMul, ids, 2, NULL, &id, err));
    const int a = v[0]->shape.ndim, b = v[1]->shape.ndim;
    tdnn_shape shape = tf_unknown_shape(a < 0 || b < 0 ? -1 : a > b ? a : b);
    return tf_give_new(c, 0, id, v[0]->dtype, &shape, NULL, err);
}

/* Dimensions are letters: "abc,cd->abd". */
tdnn_status tf_import_einsum(tf_call *c, tdnn_error *err)
{
    const char *equation = tf_attr_text(c, "equation", "");
    tdnn_id id, *ids = tdnn_zone_alloc(c->scope->model->zone, c->input_count + 1, sizeof *ids);
    tdnn_node *node;
    if (!ids) return TDNN_NO_MEMORY(err);
    if (!*equation) return TDNN_FAIL(err, TDNN_ERR_FORMAT, "no equation");
    if (!c->input_count)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "no input, expected one at least");
    for (size_t i = 0; i < c->input_count; i++) TDNN_TRY(tf_input_plain(c, i, &ids[i], err));
    TDNN_TRY(tf_last(c, TDNN_OP_Einsum, ids, c->input_count, &node, &id, err));
    TDNN_TRY(tf_set_text(c, node, "equation", equation, err));
    const char *result = strstr(equation, "->");
    int ndim = result && !strchr(result, '.') ? 0 : -1;
    for (const char *p = result; ndim >= 0 && p && *p; p++)
        ndim += (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');
    tdnn_shape shape = tf_unknown_shape(ndim > TDNN_MAX_DIMS ? -1 : ndim);
    return tf_give_new(c, 0, id, c->inputs[0]->dtype, &shape, NULL, err);
}

/* ---- Bands and diagonals ---- */

static tdnn_status triangle(const tf_call *c, tdnn_id in, int64_t k, bool upper, tdnn_id *out,
                            tdnn_error *err)
{
    tdnn_id ids[2] = {in};
    tdnn_node *node;
    TDNN_TRY(tf_const_int(c, k, &ids[1], err));
    TDNN_TRY(tf_inner(c, TDNN_OP_Trilu, ids, 2, &node, out, err));
    return tf_set_int(c, node, "upper", upper, err);
}

/* Keeps the diagonal and so many below and above it; -1: all. */
tdnn_status tf_import_band(tf_call *c, tdnn_error *err)
{
    int64_t below, above;
    tf_value *x;
    tdnn_id id;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_input_int(c, 1, "num_lower", &below, err));
    TDNN_TRY(tf_input_int(c, 2, "num_upper", &above, err));
    if (below < -1 || above < -1 || below > INT32_MAX || above > INT32_MAX)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%lld below, %lld above", (long long)below,
                         (long long)above);
    TDNN_TRY(tf_plain(c->scope, x, &id, err));
    if (below >= 0) TDNN_TRY(triangle(c, id, -below, true, &id, err));
    if (above >= 0) TDNN_TRY(triangle(c, id, above, false, &id, err));
    if (below < 0 && above < 0) return tf_give(c, 0, x, err);
    return tf_give_new(c, 0, id, x->dtype, &x->shape, NULL, err);
}

/* A vector (or rows) as the diagonal of a matrix of zeros. */
tdnn_status tf_import_diagonal(tf_call *c, tdnn_error *err)
{
    const int64_t last = -1;
    tf_value *x;
    tdnn_id in, axis, wide, zero, one, count, rows, columns, mask, id;
    TDNN_TRY(tf_input(c, 0, &x, err));
    if (x->shape.ndim < 1 || x->shape.ndim >= TDNN_MAX_DIMS)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "an input of %d dimensions", x->shape.ndim);
    for (size_t i = 1; i < c->input_count; i++) { /* V2, V3: of the main diagonal only */
        const tf_value *v = c->inputs[i];
        if (i < 4 && (!v->known || v->known_count != 1 || v->known[0] != (i == 1 ? 0 : -1)))
            return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "another diagonal than the main one");
    }
    TDNN_TRY(tf_plain(c->scope, x, &in, err));
    TDNN_TRY(tf_const_ints(c, &last, 1, &axis, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Unsqueeze, in, axis, &wide, err));
    const int64_t behind = x->shape.ndim - 1;
    TDNN_TRY(tf_dims(c, in, &behind, 1, &count, err));
    TDNN_TRY(tf_reshape(c, count, NULL, 0, &count, err));
    TDNN_TRY(tf_const_int(c, 0, &zero, err));
    TDNN_TRY(tf_const_int(c, 1, &one, err));
    TDNN_TRY(tf_three(c, TDNN_OP_Range, zero, count, one, &rows, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Unsqueeze, rows, axis, &columns, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Equal, rows, columns, &mask, err));
    TDNN_TRY(tf_const_scalar(c, x->dtype, 0, &zero, err));
    TDNN_TRY(tf_three(c, TDNN_OP_Where, mask, wide, zero, &id, err));
    tdnn_shape shape = x->shape;
    shape.dim[shape.ndim] = shape.dim[shape.ndim - 1];
    shape.ndim++;
    return tf_give_new(c, 0, id, x->dtype, &shape, NULL, err);
}

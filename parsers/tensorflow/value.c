/* Values: what is known of them, and the two orders in which they may lie. */
#include "parsers/tensorflow/import.h"

#include <string.h>

tdnn_shape tf_unknown_shape(int ndim)
{
    tdnn_shape s = {.ndim = ndim};
    for (int i = 0; i < ndim; i++) s.dim[i] = -1;
    return s;
}

tdnn_status tf_value_make(tf_scope *scope, tdnn_id id, tdnn_dtype dtype,
                          const tdnn_shape *shape, tf_value **out, tdnn_error *err)
{
    tf_value *v = *out = tdnn_zone_alloc(scope->model->zone, 1, sizeof *v);
    if (!v) return TDNN_NO_MEMORY(err);
    *v = (tf_value){.id = id, .dtype = dtype, .other = TDNN_ABSENT, .reserved = TDNN_ABSENT};
    v->shape = shape ? *shape : tf_unknown_shape(-1);
    return TDNN_OK;
}

tdnn_status tf_value_like(tf_scope *scope, const tf_value *like, tdnn_id id, tf_value **out,
                          tdnn_error *err)
{
    TDNN_TRY(tf_value_make(scope, id, like->dtype, &like->shape, out, err));
    (*out)->first = like->first;
    (*out)->block[0] = like->block[0];
    (*out)->block[1] = like->block[1];
    return TDNN_OK;
}

tdnn_shape tf_shape_broadcast(const tdnn_shape *a, const tdnn_shape *b)
{
    if (a->ndim < 0 || b->ndim < 0) return tf_unknown_shape(-1);
    tdnn_shape s = tf_unknown_shape(a->ndim > b->ndim ? a->ndim : b->ndim);
    for (int i = 0; i < s.ndim; i++) {
        int64_t x = i < a->ndim ? a->dim[a->ndim - 1 - i] : 1;
        int64_t y = i < b->ndim ? b->dim[b->ndim - 1 - i] : 1;
        int64_t d = x == 1 ? y : y == 1 || y == -1 ? x : y;
        if ((x == -1 && y == 1) || (x == 1 && y == -1)) d = -1;
        s.dim[s.ndim - 1 - i] = d;
    }
    return s;
}

/* ---- Constants ---- */

const tdnn_tensor *tf_constant(const tf_scope *scope, const tf_value *v)
{
    return v->id == TDNN_ABSENT ? NULL : scope->graph->values[v->id].constant;
}

tdnn_status tf_set_known(tf_scope *scope, tf_value *v, const int64_t *at, size_t count,
                         tdnn_error *err)
{
    if (count > TF_KNOWN_MOST) return TDNN_OK;
    int64_t *copy = tdnn_zone_alloc(scope->model->zone, count + 1, sizeof *copy);
    if (!copy) return TDNN_NO_MEMORY(err);
    if (count) memcpy(copy, at, count * sizeof *copy);
    v->known = copy;
    v->known_count = count;
    return TDNN_OK;
}

tdnn_status tf_constant_value(tf_scope *scope, const char *name, tdnn_tensor *tensor,
                              tf_value **out, tdnn_error *err)
{
    tdnn_id id;
    const tdnn_dtype dtype = tensor->dtype;
    const tdnn_shape shape = tensor->shape;
    if (name && tdnn_graph_find_value(scope->graph, name) != TDNN_ABSENT) name = NULL;
    TDNN_TRY(tdnn_graph_add_constant(scope->graph, name, tensor, &id, err));
    TDNN_TRY(tf_value_make(scope, id, dtype, &shape, out, err));
    int64_t count = tdnn_shape_count(&shape), numbers[TF_KNOWN_MOST];
    if ((!tdnn_dtype_is_int(dtype) && dtype != TDNN_BOOL) || shape.ndim > 2 ||
        count > TF_KNOWN_MOST)
        return TDNN_OK;
    for (int64_t i = 0; i < count; i++) numbers[i] = tdnn_tensor_get_i64(tensor, (size_t)i);
    return tf_set_known(scope, *out, numbers, (size_t)count, err);
}

/* ---- Orders ---- */

int64_t tf_axis_place(const tf_value *v, int64_t axis)
{
    if (!v->first || axis == 0) return axis;
    return axis == v->shape.ndim - 1 ? 1 : axis + 1;
}

static tdnn_status turn(tf_scope *scope, tf_value *v, int ndim, bool to_first, tdnn_id *out,
                        tdnn_error *err)
{
    int64_t perm[TDNN_MAX_DIMS];
    for (int i = 0; i < ndim; i++) {
        int last = ndim - 1;
        perm[i] = i == 0 ? 0 : to_first ? (i == 1 ? last : i - 1) : (i == last ? 1 : i + 1);
    }
    if (v->other != TDNN_ABSENT) {
        *out = v->other;
        return TDNN_OK;
    }
    const char *name = scope->graph->values[v->id].name;
    const char *own =
        tdnn_zone_printf(scope->model->zone, "%s/%s", name, to_first ? "nchw" : "nhwc");
    if (!own) return TDNN_NO_MEMORY(err);
    tdnn_node *node;
    TDNN_TRY(
        tdnn_graph_append(scope->graph, TDNN_OP_Transpose, own, &v->id, 1, &node, out, err));
    tdnn_transpose_params *p = node->params;
    TDNN_TRY(tdnn_graph_ints(scope->graph, perm, (size_t)ndim, &p->perm, err));
    v->other = *out;
    return TDNN_OK;
}

tdnn_status tf_plain(tf_scope *scope, tf_value *v, tdnn_id *out, tdnn_error *err)
{
    *out = v->id;
    return v->first ? turn(scope, v, v->shape.ndim, false, out, err) : TDNN_OK;
}

tdnn_status tf_first(tf_scope *scope, tf_value *v, int ndim, tdnn_id *out, tdnn_error *err)
{
    *out = v->id;
    if (v->shape.ndim >= 0 && v->shape.ndim != ndim)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "an input of %d dimensions, expected %d",
                         v->shape.ndim, ndim);
    return v->first ? TDNN_OK : turn(scope, v, ndim, true, out, err);
}

tdnn_status tf_capture(tf_scope *scope, tf_value *outer, tf_value **out, tdnn_error *err)
{
    tdnn_id id = TDNN_ABSENT;
    if (outer->id != TDNN_ABSENT)
        TDNN_TRY(tdnn_graph_capture(scope->graph, outer->id, &id, err));
    TDNN_TRY(tf_value_make(scope, id, outer->dtype, &outer->shape, out, err));
    tf_value *v = *out;
    tdnn_id other = v->other;
    *v = *outer;
    v->id = id;
    v->other = other;
    return TDNN_OK;
}

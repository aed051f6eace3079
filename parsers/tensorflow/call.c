/* What importers use: attributes and inputs of a node, and nodes of the IR. */
#include "parsers/tensorflow/import.h"

#include "lib/base/narrow.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- Attributes ---- */

const Tensorflow__AttrValue *tf_attr(const tf_node *node, const char *name)
{
    const Tensorflow__NodeDef *p = node->proto;
    for (size_t i = 0; i < p->n_attr; i++)
        if (p->attr[i]->key && !strcmp(p->attr[i]->key, name)) return p->attr[i]->value;
    return NULL;
}

int64_t tf_attr_int(const tf_call *c, const char *name, int64_t otherwise)
{
    const Tensorflow__AttrValue *a = tf_attr(c->node, name);
    return a && a->has_i ? a->i : otherwise;
}

float tf_attr_float(const tf_call *c, const char *name, float otherwise)
{
    const Tensorflow__AttrValue *a = tf_attr(c->node, name);
    return a && a->has_f ? a->f : otherwise;
}

bool tf_attr_bool(const tf_call *c, const char *name, bool otherwise)
{
    const Tensorflow__AttrValue *a = tf_attr(c->node, name);
    return a && a->has_b ? a->b : otherwise;
}

tdnn_dtype tf_attr_type(const tf_call *c, const char *name, tdnn_dtype otherwise)
{
    const Tensorflow__AttrValue *a = tf_attr(c->node, name);
    return a && a->has_type ? tf_dtype(a->type) : otherwise;
}

const char *tf_attr_text(const tf_call *c, const char *name, const char *otherwise)
{
    const Tensorflow__AttrValue *a = tf_attr(c->node, name);
    if (!a || !a->has_s) return otherwise;
    const char *text =
        tdnn_zone_strndup(c->scope->model->zone, (const char *)a->s.data, a->s.len);
    return text ? text : otherwise;
}

tdnn_status tf_attr_ints(const tf_call *c, const char *name, const int64_t **at, size_t *count,
                         tdnn_error *err)
{
    const Tensorflow__AttrValue *a = tf_attr(c->node, name);
    *at = NULL;
    *count = 0;
    if (!a) return TDNN_OK;
    const Tensorflow__AttrValue__ListValue *l = a->list;
    if (!l || l->n_s || l->n_f || l->n_b || l->n_type || l->n_shape)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "attribute \"%s\" is no list of integers", name);
    *at = a->list->i;
    *count = a->list->n_i;
    return TDNN_OK;
}

/* ---- Inputs ---- */

tdnn_status tf_input(const tf_call *c, size_t index, tf_value **out, tdnn_error *err)
{
    if (index >= c->input_count)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%zu inputs, expected %zu at least",
                         c->input_count, index + 1);
    TDNN_TRY(tf_unblocked(c, index, out, err));
    return TDNN_OK;
}

tdnn_status tf_input_plain(const tf_call *c, size_t index, tdnn_id *out, tdnn_error *err)
{
    tf_value *v;
    TDNN_TRY(tf_input(c, index, &v, err));
    return tf_plain(c->scope, v, out, err);
}

tdnn_status tf_input_ints(const tf_call *c, size_t index, const char *what, const int64_t **at,
                          size_t *count, tdnn_error *err)
{
    tf_value *v;
    TDNN_TRY(tf_input(c, index, &v, err));
    if (!v->known)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "input %zu, %s, is not known while loading",
                         index, what);
    *at = v->known;
    *count = v->known_count;
    return TDNN_OK;
}

tdnn_status tf_input_int(const tf_call *c, size_t index, const char *what, int64_t *out,
                         tdnn_error *err)
{
    const int64_t *at = NULL;
    size_t count = 0;
    TDNN_TRY(tf_input_ints(c, index, what, &at, &count, err));
    if (count != 1)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "input %zu, %s, has %zu numbers, expected one",
                         index, what, count);
    *out = at[0];
    return TDNN_OK;
}

tdnn_status tf_axis(const tf_value *v, int64_t axis, int64_t *out, tdnn_error *err)
{
    if (v->shape.ndim < 0)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "an input whose number of dimensions is not known");
    if (axis < -v->shape.ndim || axis >= v->shape.ndim)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "axis %lld of %d dimensions", (long long)axis,
                         v->shape.ndim);
    *out = axis < 0 ? axis + v->shape.ndim : axis;
    return TDNN_OK;
}

/* ---- Nodes ---- */

tdnn_status tf_inner(const tf_call *c, tdnn_op_kind kind, const tdnn_id *inputs, size_t count,
                     tdnn_node **node, tdnn_id *out, tdnn_error *err)
{
    const char *name =
        tdnn_zone_printf(c->scope->model->zone, "%s/%s", c->name, tdnn_schema_of(kind)->name);
    if (!name) return TDNN_NO_MEMORY(err);
    return tdnn_graph_append(c->scope->graph, kind, name, inputs, count, node, out, err);
}

tdnn_status tf_last(const tf_call *c, tdnn_op_kind kind, const tdnn_id *inputs, size_t count,
                    tdnn_node **node, tdnn_id *out, tdnn_error *err)
{
    return tdnn_graph_append(c->scope->graph, kind, c->name, inputs, count, node, out, err);
}

tdnn_status tf_many(const tf_call *c, tdnn_op_kind kind, const tdnn_id *inputs, size_t count,
                    size_t output_count, tdnn_node **node, tdnn_error *err)
{
    tdnn_graph *graph = c->scope->graph;
    tdnn_node *n;
    TDNN_TRY(tdnn_graph_add_node(graph, kind, c->name, count, output_count, &n, err));
    memcpy(n->inputs, inputs, count * sizeof *inputs);
    for (size_t i = 0; i < output_count; i++) {
        const char *name =
            i ? tdnn_zone_printf(c->scope->model->zone, "%s:%zu", c->name, i) : c->name;
        if (!name) return TDNN_NO_MEMORY(err);
        if (tdnn_graph_find_value(graph, name) != TDNN_ABSENT) name = NULL;
        TDNN_TRY(tdnn_graph_add_value(graph, name, &n->outputs[i], err));
    }
    *node = n;
    return TDNN_OK;
}

tdnn_status tf_set_int(const tf_call *c, tdnn_node *node, const char *attr, int64_t value,
                       tdnn_error *err)
{
    tdnn_attr_value v = {.type = TDNN_ATTR_INT, .i = value};
    return tdnn_node_set_attr(c->scope->graph, node, attr, &v, err);
}

tdnn_status tf_set_float(const tf_call *c, tdnn_node *node, const char *attr, float value,
                         tdnn_error *err)
{
    tdnn_attr_value v = {.type = TDNN_ATTR_FLOAT, .f = value};
    return tdnn_node_set_attr(c->scope->graph, node, attr, &v, err);
}

tdnn_status tf_set_text(const tf_call *c, tdnn_node *node, const char *attr, const char *value,
                        tdnn_error *err)
{
    tdnn_attr_value v = {.type = TDNN_ATTR_STRING, .s = value, .s_length = strlen(value)};
    return tdnn_node_set_attr(c->scope->graph, node, attr, &v, err);
}

tdnn_status tf_set_ints(const tf_call *c, tdnn_node *node, const char *attr, const int64_t *at,
                        size_t count, tdnn_error *err)
{
    tdnn_attr_value v = {.type = TDNN_ATTR_INTS, .ints = at, .count = count};
    return tdnn_node_set_attr(c->scope->graph, node, attr, &v, err);
}

tdnn_status tf_const_ints(const tf_call *c, const int64_t *at, size_t count, tdnn_id *out,
                          tdnn_error *err)
{
    tdnn_tensor *t;
    TDNN_TRY(tdnn_tensor_i64_vector(at, count, &t, err));
    return tdnn_graph_add_constant(c->scope->graph, NULL, t, out, err);
}

tdnn_status tf_const_int(const tf_call *c, int64_t value, tdnn_id *out, tdnn_error *err)
{
    return tf_const_scalar(c, TDNN_I64, (double)value, out, err);
}

static bool store_number(tdnn_dtype type, double value, void *at)
{
    switch (type) {
    case TDNN_F32: *(float *)at = (float)value; return true;
    case TDNN_F64: *(double *)at = value; return true;
    case TDNN_F16: *(uint16_t *)at = tdnn_f32_to_f16((float)value); return true;
    case TDNN_BF16: *(uint16_t *)at = tdnn_f32_to_bf16((float)value); return true;
    case TDNN_BOOL: *(unsigned char *)at = value != 0; return true;
    case TDNN_U8: *(uint8_t *)at = (uint8_t)(int64_t)value; return true;
    case TDNN_I8: *(int8_t *)at = (int8_t)(int64_t)value; return true;
    case TDNN_U16: *(uint16_t *)at = (uint16_t)(int64_t)value; return true;
    case TDNN_I16: *(int16_t *)at = (int16_t)(int64_t)value; return true;
    case TDNN_I32: *(int32_t *)at = (int32_t)(int64_t)value; return true;
    case TDNN_U32: *(uint32_t *)at = (uint32_t)(int64_t)value; return true;
    case TDNN_I64:
    case TDNN_U64: *(int64_t *)at = (int64_t)value; return true;
    default: return false;
    }
}

tdnn_status tf_const_scalar(const tf_call *c, tdnn_dtype type, double value, tdnn_id *out,
                            tdnn_error *err)
{
    tdnn_tensor *t;
    tdnn_shape scalar = {.ndim = 0};
    if (!type) type = TDNN_F32;
    TDNN_TRY(tdnn_tensor_create(type, &scalar, &t, err));
    if (!store_number(type, value, t->data)) {
        tdnn_tensor_release(t);
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "element type %s", tdnn_dtype_name(type));
    }
    return tdnn_graph_add_constant(c->scope->graph, NULL, t, out, err);
}

tdnn_status tf_transpose(const tf_call *c, tdnn_id in, const int64_t *perm, size_t count,
                         tdnn_id *out, tdnn_error *err)
{
    tdnn_node *node;
    TDNN_TRY(tf_inner(c, TDNN_OP_Transpose, &in, 1, &node, out, err));
    return tf_set_ints(c, node, "perm", perm, count, err);
}

tdnn_status tf_reshape(const tf_call *c, tdnn_id in, const int64_t *dims, size_t count,
                       tdnn_id *out, tdnn_error *err)
{
    tdnn_id ids[2] = {in};
    TDNN_TRY(tf_const_ints(c, dims, count, &ids[1], err));
    return tf_inner(c, TDNN_OP_Reshape, ids, 2, NULL, out, err);
}

tdnn_status tf_cast(const tf_call *c, tdnn_id in, tdnn_dtype to, tdnn_id *out, tdnn_error *err)
{
    tdnn_node *node;
    TDNN_TRY(tf_inner(c, TDNN_OP_Cast, &in, 1, &node, out, err));
    return tf_set_int(c, node, "to", to, err);
}

tdnn_status tf_one(const tf_call *c, tdnn_op_kind kind, tdnn_id a, tdnn_id *out,
                   tdnn_error *err)
{
    return tf_inner(c, kind, &a, 1, NULL, out, err);
}

tdnn_status tf_two(const tf_call *c, tdnn_op_kind kind, tdnn_id a, tdnn_id b, tdnn_id *out,
                   tdnn_error *err)
{
    return tf_inner(c, kind, (tdnn_id[2]){a, b}, 2, NULL, out, err);
}

tdnn_status tf_three(const tf_call *c, tdnn_op_kind kind, tdnn_id a, tdnn_id b, tdnn_id d,
                     tdnn_id *out, tdnn_error *err)
{
    return tf_inner(c, kind, (tdnn_id[3]){a, b, d}, 3, NULL, out, err);
}

tdnn_status tf_with(const tf_call *c, tdnn_op_kind kind, tdnn_id a, tdnn_dtype type,
                    double scalar, tdnn_id *out, tdnn_error *err)
{
    tdnn_id b;
    TDNN_TRY(tf_const_scalar(c, type, scalar, &b, err));
    return tf_two(c, kind, a, b, out, err);
}

tdnn_status tf_concat(const tf_call *c, const tdnn_id *parts, size_t count, int64_t axis,
                      tdnn_id *out, tdnn_error *err)
{
    tdnn_node *node;
    TDNN_TRY(tf_inner(c, TDNN_OP_Concat, parts, count, &node, out, err));
    ((tdnn_axis_params *)node->params)->axis = axis;
    return TDNN_OK;
}

tdnn_status tf_column(const tf_call *c, tdnn_id rows, int64_t index, tdnn_id *out,
                      tdnn_error *err)
{
    tdnn_id at;
    tdnn_node *node;
    TDNN_TRY(tf_const_ints(c, &index, 1, &at, err));
    TDNN_TRY(tf_inner(c, TDNN_OP_Gather, (tdnn_id[2]){rows, at}, 2, &node, out, err));
    ((tdnn_axis_params *)node->params)->axis = 1;
    return TDNN_OK;
}

tdnn_status tf_dims(const tf_call *c, tdnn_id in, const int64_t *axes, size_t count,
                    tdnn_id *out, tdnn_error *err)
{
    tdnn_id shape, at;
    TDNN_TRY(tf_one(c, TDNN_OP_Shape, in, &shape, err));
    TDNN_TRY(tf_const_ints(c, axes, count, &at, err));
    return tf_two(c, TDNN_OP_Gather, shape, at, out, err);
}

/* ---- Results ---- */

tdnn_status tf_give(const tf_call *c, size_t port, tf_value *value, tdnn_error *err)
{
    return tf_scope_set(c->scope, c->node->proto->name, port, value, err);
}

tdnn_status tf_give_new(const tf_call *c, size_t port, tdnn_id id, tdnn_dtype dtype,
                        const tdnn_shape *shape, tf_value **out, tdnn_error *err)
{
    tf_value *v;
    TDNN_TRY(tf_value_make(c->scope, id, dtype, shape, &v, err));
    if (out) *out = v;
    return tf_give(c, port, v, err);
}

tdnn_status tf_tell(tf_model *model, tdnn_finding_kind kind, tdnn_error *err,
                    const char *format, ...)
{
    char what[300];
    va_list list;
    va_start(list, format);
    vsnprintf(what, sizeof what, format, list);
    va_end(list);
    const tdnn_origin *o = &model->origin;
    const tdnn_finding finding = {kind, o->node, o->op, o->where, what};
    model->told = true;
    return tdnn_findings_add(&model->findings, &finding, err);
}

/* Operators that are several others in one: each part is imported as if it stood in the graph
 * by itself, so that it finds its order of dimensions and its fusions as always. */
#include "parsers/tensorflow/import.h"

#include <string.h>

static tf_extra extra_make(const char *key)
{
    tf_extra e = {.key = key};
    tensorflow__attr_value__init(&e.value);
    return e;
}

tf_extra tf_extra_int(const char *key, int64_t value)
{
    tf_extra e = extra_make(key);
    e.value.has_i = true;
    e.value.i = value;
    return e;
}

tf_extra tf_extra_float(const char *key, float value)
{
    tf_extra e = extra_make(key);
    e.value.has_f = true;
    e.value.f = value;
    return e;
}

tf_extra tf_extra_bool(const char *key, bool value)
{
    tf_extra e = extra_make(key);
    e.value.has_b = true;
    e.value.b = value;
    return e;
}

tf_extra tf_extra_text(const char *key, const char *value)
{
    tf_extra e = extra_make(key);
    e.value.has_s = true;
    e.value.s.data = (uint8_t *)(uintptr_t)value; /* is only read */
    e.value.s.len = strlen(value);
    return e;
}

/* The node that the delegate would be: the extra attributes are found first. */
static tdnn_status make_node(const tf_call *c, const char *op, const tf_extra *extra,
                             size_t extra_count, tf_node **out, tdnn_error *err)
{
    tf_model *model = c->scope->model;
    const Tensorflow__NodeDef *from = c->node->proto;
    const int32_t row = tdnn_map_get(&model->ops, op);
    Tensorflow__NodeDef *proto = tdnn_zone_alloc(model->zone, 1, sizeof *proto);
    Tensorflow__AttrEntry **attrs =
        tdnn_zone_alloc(model->zone, from->n_attr + extra_count + 1, sizeof *attrs);
    Tensorflow__AttrEntry *entries =
        tdnn_zone_alloc(model->zone, extra_count + 1, sizeof *entries);
    Tensorflow__AttrValue *values =
        tdnn_zone_alloc(model->zone, extra_count + 1, sizeof *values);
    *out = tdnn_zone_alloc(model->zone, 1, sizeof **out);
    if (!proto || !attrs || !entries || !values || !*out) return TDNN_NO_MEMORY(err);
    if (row < 0) return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "operator %s inside", op);
    tensorflow__node_def__init(proto);
    /* No name of TensorFlow's has this sign. */
    proto->name = tdnn_zone_printf(model->zone, "%s@%s%zu", from->name, op, model->calls++);
    proto->op = tdnn_zone_strdup(model->zone, op);
    if (!proto->name || !proto->op) return TDNN_NO_MEMORY(err);
    for (size_t i = 0; i < extra_count; i++) {
        tensorflow__attr_entry__init(&entries[i]);
        values[i] = extra[i].value;
        entries[i].key = (char *)(uintptr_t)extra[i].key;
        entries[i].value = &values[i];
        attrs[i] = &entries[i];
    }
    for (size_t i = 0; i < from->n_attr; i++) attrs[extra_count + i] = from->attr[i];
    proto->attr = attrs;
    proto->n_attr = from->n_attr + extra_count;
    **out = (tf_node){proto, c->node->file, &tf_ops[row]};
    return TDNN_OK;
}

tdnn_status tf_delegate(const tf_call *c, const char *op, bool last, tf_value *const *inputs,
                        size_t count, const tf_extra *extra, size_t extra_count, tf_value **out,
                        tdnn_error *err)
{
    tf_model *model = c->scope->model;
    tf_node *node;
    TDNN_TRY(make_node(c, op, extra, extra_count, &node, err));
    tf_call part = {.scope = c->scope, .node = node, .name = c->name, .input_count = count};
    if (!last) part.name = tdnn_zone_printf(model->zone, "%s/%s", c->name, op);
    part.inputs = tdnn_zone_alloc(model->zone, count + 1, sizeof *part.inputs);
    if (!part.name || !part.inputs) return TDNN_NO_MEMORY(err);
    if (count) memcpy(part.inputs, inputs, count * sizeof *inputs);
    TDNN_TRY(node->op->import(&part, err));
    *out = tf_scope_get(c->scope, node->proto->name, 0);
    return *out ? TDNN_OK : TDNN_FAIL(err, TDNN_ERR_INTERNAL, "%s inside gives nothing", op);
}

tdnn_status tf_value_ints(const tf_call *c, const int64_t *at, size_t count, int ndim,
                          tf_value **out, tdnn_error *err)
{
    const int64_t dims[2] = {ndim == 2 ? (int64_t)count / 2 : (int64_t)count, 2};
    const tdnn_shape shape = tdnn_shape_make(ndim, dims);
    tdnn_tensor *t;
    TDNN_TRY(tdnn_tensor_create(TDNN_I64, &shape, &t, err));
    if (count) memcpy(t->data, at, count * sizeof *at);
    return tf_constant_value(c->scope, NULL, t, out, err);
}

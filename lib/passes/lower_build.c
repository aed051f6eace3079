/* The builder of lower.h. */
#include "lib/passes/lower.h"

#include <stdio.h>
#include <string.h>

static void keep_status(tdnn_lowering *l, tdnn_status status)
{
    if (!l->status) l->status = status;
}

/* ---- nodes ---- */

tdnn_id lower_append(tdnn_lowering *l, tdnn_op_kind kind, const tdnn_id *inputs, size_t count)
{
    tdnn_id out = TDNN_ABSENT;
    char name[256];
    if (l->status) return TDNN_ABSENT;
    while (count && inputs[count - 1] == TDNN_ABSENT) count--;
    snprintf(name, sizeof name, "%s/%s", l->node->name, tdnn_schema_of(kind)->name);
    keep_status(l, tdnn_graph_append(l->graph, kind, l->node->name[0] ? name : NULL, inputs,
                                     count, &l->last, &out, l->err));
    return out;
}

tdnn_id lower_more(tdnn_lowering *l)
{
    if (l->status) return TDNN_ABSENT;
    tdnn_node *node = l->last;
    tdnn_id *outputs = tdnn_zone_alloc(l->graph->zone, node->output_count + 1, sizeof *outputs);
    tdnn_id out = TDNN_ABSENT;
    keep_status(l, outputs ? tdnn_graph_add_value(l->graph, NULL, &out, l->err)
                           : TDNN_NO_MEMORY(l->err));
    if (l->status) return TDNN_ABSENT;
    memcpy(outputs, node->outputs, node->output_count * sizeof *outputs);
    outputs[node->output_count++] = out;
    node->outputs = outputs;
    return out;
}

static void *attribute(tdnn_lowering *l, const char *name)
{
    if (l->status) return NULL;
    unsigned char *params = l->last->params;
    for (const tdnn_attr *a = l->last->op->attrs; a && a->type != TDNN_ATTR_END; a++) {
        if (strcmp(a->name, name) != 0) continue;
        if (a->given) *(bool *)(params + a->given) = true;
        return params + a->offset;
    }
    keep_status(l, TDNN_FAIL(l->err, TDNN_ERR_INTERNAL, "%s has no attribute \"%s\"",
                             l->last->op->name, name));
    return NULL;
}

void lower_set_int(tdnn_lowering *l, const char *name, int64_t value)
{
    void *at = attribute(l, name);
    if (at) memcpy(at, &value, sizeof value);
}

void lower_set_float(tdnn_lowering *l, const char *name, float value)
{
    void *at = attribute(l, name);
    if (at) memcpy(at, &value, sizeof value);
}

void lower_set_ints(tdnn_lowering *l, const char *name, const int64_t *values, size_t count)
{
    void *at = attribute(l, name);
    tdnn_ints list;
    if (!at) return;
    keep_status(l, tdnn_graph_ints(l->graph, values, count, &list, l->err));
    if (!l->status) memcpy(at, &list, sizeof list);
}

void lower_read(const tdnn_node *node, const char *name, void *out, size_t size)
{
    for (const tdnn_attr *a = node->op->attrs; a && a->type != TDNN_ATTR_END; a++)
        if (strcmp(a->name, name) == 0)
            memcpy(out, (const unsigned char *)node->params + a->offset, size);
}

tdnn_id lower_input(const tdnn_lowering *l, size_t index)
{
    return index < l->node->input_count ? l->node->inputs[index] : TDNN_ABSENT;
}

bool lower_wants(const tdnn_lowering *l, size_t output)
{
    return output < l->node->output_count && l->node->outputs[output] != TDNN_ABSENT;
}

static void replace(tdnn_id *ids, size_t count, tdnn_id from, tdnn_id to, bool *found)
{
    for (size_t i = 0; i < count; i++)
        if (ids[i] == from) {
            ids[i] = to;
            *found = true;
        }
}

/* The value takes over the output's id, so that names and users stay; what was not made by the
 * expansion (an input of the node) goes through an Identity. */
void lower_result(tdnn_lowering *l, size_t index, tdnn_id value)
{
    bool made = false, used;
    if (l->status || !lower_wants(l, index)) return;
    for (size_t n = l->begin; !made && n < l->graph->node_count; n++)
        for (size_t i = 0; i < l->graph->nodes[n]->output_count; i++)
            made = made || l->graph->nodes[n]->outputs[i] == value;
    if (!made) value = lower_op(l, Identity, value);
    for (size_t n = l->begin; !l->status && n < l->graph->node_count; n++) {
        tdnn_node *node = l->graph->nodes[n];
        replace(node->inputs, node->input_count, value, l->node->outputs[index], &used);
        replace(node->outputs, node->output_count, value, l->node->outputs[index], &used);
    }
}

void lower_refuse(tdnn_lowering *l, const char *why)
{
    if (!l->status)
        l->status = TDNN_FAIL(l->err, TDNN_ERR_UNSUPPORTED,
                              "cannot be said in ONNX's own operators: %s", why);
}

void lower_keep(tdnn_lowering *l)
{
    tdnn_graph *graph = l->graph;
    if (l->status) return;
    if (!TDNN_ZONE_PUSH(graph->zone, graph->nodes, graph->node_count, graph->node_capacity))
        keep_status(l, TDNN_NO_MEMORY(l->err));
    else
        graph->nodes[graph->node_count++] = l->node;
}

/* ---- constants ---- */

static tdnn_id add_constant(tdnn_lowering *l, tdnn_status made, tdnn_tensor *tensor)
{
    tdnn_id id = TDNN_ABSENT;
    keep_status(l, made);
    if (!l->status)
        keep_status(l, tdnn_graph_add_constant(l->graph, NULL, tensor, &id, l->err));
    return l->status ? TDNN_ABSENT : id;
}

static tdnn_id add_numbers(tdnn_lowering *l, tdnn_dtype dtype, const void *values,
                           const tdnn_shape *shape)
{
    tdnn_tensor *tensor = NULL;
    if (l->status) return TDNN_ABSENT;
    tdnn_status status = tdnn_tensor_create(dtype, shape, &tensor, l->err);
    if (!status && tensor->bytes) memcpy(tensor->data, values, tensor->bytes);
    return add_constant(l, status, tensor);
}

tdnn_id lower_vector(tdnn_lowering *l, const int64_t *values, size_t count)
{
    const tdnn_shape shape = {1, {(int64_t)count}};
    return add_numbers(l, TDNN_I64, values, &shape);
}

tdnn_id lower_i64(tdnn_lowering *l, int64_t value)
{
    const tdnn_shape scalar = {0};
    return add_numbers(l, TDNN_I64, &value, &scalar);
}

tdnn_id lower_f32(tdnn_lowering *l, float value)
{
    const tdnn_shape scalar = {0};
    return add_numbers(l, TDNN_F32, &value, &scalar);
}

tdnn_id lower_one(tdnn_lowering *l, float value)
{
    return lower_floats(l, &value, 1, (int64_t[]){1});
}

tdnn_id lower_f64(tdnn_lowering *l, double value)
{
    const tdnn_shape scalar = {0};
    return add_numbers(l, TDNN_F64, &value, &scalar);
}

tdnn_id lower_floats(tdnn_lowering *l, const float *values, int ndim, const int64_t *dims)
{
    const tdnn_shape shape = tdnn_shape_make(ndim, dims);
    return add_numbers(l, TDNN_F32, values, &shape);
}

tdnn_id lower_doubles(tdnn_lowering *l, const double *values, int64_t count)
{
    const tdnn_shape shape = {1, {count}};
    return add_numbers(l, TDNN_F64, values, &shape);
}

tdnn_id lower_number(tdnn_lowering *l, size_t index, double value)
{
    const tdnn_id input = lower_input(l, index);
    tdnn_dtype type = input == TDNN_ABSENT ? TDNN_F32 : l->graph->values[input].dtype;
    if (type == TDNN_F64) return lower_f64(l, value);
    if (type != TDNN_F16 && type != TDNN_BF16) return lower_f32(l, (float)value);
    return lower_cast(l, lower_f32(l, (float)value), type);
}

/* ---- shapes ---- */

tdnn_id lower_dim(tdnn_lowering *l, tdnn_id x, int axis)
{
    return lower_op(l, Gather, lower_op(l, Shape, x), lower_ints(l, axis));
}

tdnn_id lower_cast(tdnn_lowering *l, tdnn_id x, tdnn_dtype to)
{
    const tdnn_id out = lower_op(l, Cast, x);
    lower_set_int(l, "to", to);
    return out;
}

tdnn_id lower_concat(tdnn_lowering *l, int64_t axis, const tdnn_id *pieces, size_t count)
{
    const tdnn_id out = lower_append(l, TDNN_OP_Concat, pieces, count);
    lower_set_int(l, "axis", axis);
    return out;
}

tdnn_id lower_permute(tdnn_lowering *l, tdnn_id x, const int64_t *perm, size_t count)
{
    const tdnn_id out = lower_op(l, Transpose, x);
    lower_set_ints(l, "perm", perm, count);
    return out;
}

tdnn_id lower_slice(tdnn_lowering *l, tdnn_id x, int64_t axis, int64_t begin, int64_t end,
                    int64_t step)
{
    return lower_op(l, Slice, x, lower_ints(l, begin), lower_ints(l, end), lower_ints(l, axis),
                    step == 1 ? TDNN_ABSENT : lower_ints(l, step));
}

tdnn_id lower_head(tdnn_lowering *l, tdnn_id x, int64_t axis, tdnn_id count)
{
    return lower_op(l, Slice, x, lower_ints(l, 0), count, lower_ints(l, axis));
}

tdnn_id lower_gather(tdnn_lowering *l, tdnn_id x, tdnn_id indices, int64_t axis)
{
    const tdnn_id out = lower_op(l, Gather, x, indices);
    lower_set_int(l, "axis", axis);
    return out;
}

tdnn_id lower_squeeze(tdnn_lowering *l, tdnn_id x, int64_t axis)
{
    return lower_op(l, Squeeze, x, lower_ints(l, axis));
}

tdnn_id lower_unsqueeze(tdnn_lowering *l, tdnn_id x, int64_t axis)
{
    return lower_op(l, Unsqueeze, x, lower_ints(l, axis));
}

tdnn_id lower_reduce(tdnn_lowering *l, tdnn_op_kind kind, tdnn_id x, int64_t axis, bool keep)
{
    const tdnn_id inputs[] = {x, lower_ints(l, axis)};
    const tdnn_id out = lower_append(l, kind, inputs, 2);
    if (!keep) lower_set_int(l, "keepdims", 0);
    return out;
}

tdnn_id lower_count_up(tdnn_lowering *l, tdnn_id count)
{
    return lower_op(l, Range, lower_i64(l, 0), lower_squeeze(l, count, 0), lower_i64(l, 1));
}

void lower_cells(tdnn_lowering *l, tdnn_id maps, tdnn_id *row, tdnn_id *column)
{
    const tdnn_id width = lower_dim(l, maps, 3), height = lower_dim(l, maps, 2);
    const tdnn_id cell = lower_count_up(l, lower_op(l, Mul, height, width));
    *row = lower_op(l, Div, cell, width);
    *column = lower_op(l, Sub, cell, lower_op(l, Mul, *row, width));
}

tdnn_id lower_full(tdnn_lowering *l, tdnn_id shape, float value)
{
    return lower_op(l, Expand, lower_f32(l, value), shape);
}

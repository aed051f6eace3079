/* A call's inputs, the constants it may need, and the nodes that are made of it. */
#include "parsers/onnx/import.h"

#include "lib/base/narrow.h"

#include <inttypes.h>
#include <string.h>

typedef Onnx__AttributeProto attr_proto;

static const char *text(const char *s) { return s ? s : ""; }

/* ---- Inputs ---- */

tdnn_id onnx_input(const onnx_call *call, size_t index)
{
    return index < call->input_count ? call->inputs[index] : TDNN_ABSENT;
}

tdnn_status onnx_set_input(onnx_call *call, size_t index, tdnn_id id, tdnn_error *err)
{
    if (index >= call->input_count) {
        tdnn_id *grown = tdnn_zone_alloc(call->scope->model->zone, index + 1, sizeof *grown);
        if (!grown) return TDNN_NO_MEMORY(err);
        for (size_t i = 0; i <= index; i++) grown[i] = onnx_input(call, i);
        call->inputs = grown;
        call->input_count = index + 1;
    }
    call->inputs[index] = id;
    while (call->input_count && call->inputs[call->input_count - 1] == TDNN_ABSENT)
        call->input_count--;
    return TDNN_OK;
}

const tdnn_tensor *onnx_known(const onnx_call *call, tdnn_id id)
{
    return id == TDNN_ABSENT ? NULL : call->scope->graph->values[id].constant;
}

tdnn_status onnx_constant_ints(onnx_call *call, const int64_t *values, size_t count,
                               tdnn_id *out, tdnn_error *err)
{
    tdnn_tensor *tensor;
    TDNN_TRY(tdnn_tensor_i64_vector(values, count, &tensor, err));
    return tdnn_graph_add_constant(call->scope->graph, NULL, tensor, out, err);
}

tdnn_status onnx_constant_int(onnx_call *call, int64_t value, tdnn_id *out, tdnn_error *err)
{
    tdnn_tensor *tensor;
    tdnn_shape scalar = {0};
    TDNN_TRY(tdnn_tensor_create(TDNN_I64, &scalar, &tensor, err));
    memcpy(tensor->data, &value, sizeof value);
    return tdnn_graph_add_constant(call->scope->graph, NULL, tensor, out, err);
}

static void store_float(tdnn_dtype dtype, void *data, size_t index, float value)
{
    switch (dtype) {
    case TDNN_F64: ((double *)data)[index] = value; break;
    case TDNN_F32: ((float *)data)[index] = value; break;
    default:
        ((uint16_t *)data)[index] =
            (uint16_t)tdnn_narrow_encode(dtype, value, false, TDNN_ROUND_NEAREST);
    }
}

tdnn_status onnx_constant_floats(onnx_call *call, const float *values, size_t count, int ndim,
                                 tdnn_id like, tdnn_id *out, tdnn_error *err)
{
    int64_t dim = (int64_t)count;
    tdnn_shape shape = tdnn_shape_make(ndim, &dim);
    tdnn_dtype dtype = like == TDNN_ABSENT ? TDNN_F32 : call->scope->graph->values[like].dtype;
    if (dtype != TDNN_F64 && dtype != TDNN_F16 && dtype != TDNN_BF16) dtype = TDNN_F32;
    tdnn_tensor *tensor;
    TDNN_TRY(tdnn_tensor_create(dtype, &shape, &tensor, err));
    for (size_t i = 0; i < count; i++) store_float(dtype, tensor->data, i, values[i]);
    return tdnn_graph_add_constant(call->scope->graph, NULL, tensor, out, err);
}

/* ---- Nodes ---- */

/* Ready for tdnn_node_set_attr. */
static tdnn_status convert(const onnx_call *call, const attr_proto *a, tdnn_attr_value *value,
                           tdnn_error *err)
{
    tdnn_zone *zone = call->scope->model->zone;
    *value = (tdnn_attr_value){.type = onnx_attr_type(a), .i = a->i, .f = a->f};
    switch (value->type) {
    case TDNN_ATTR_STRING:
        value->s = tdnn_zone_strndup(zone, a->s.data ? (const char *)a->s.data : "", a->s.len);
        value->s_length = a->s.len;
        return value->s ? TDNN_OK : TDNN_NO_MEMORY(err);
    case TDNN_ATTR_TENSOR:
        if (!a->t) return TDNN_FAIL(err, TDNN_ERR_FORMAT, "attribute \"%s\" is empty", a->name);
        return tdnn_onnx_tensor_import(call->scope->model->source, a->t, &value->tensor, err);
    case TDNN_ATTR_INTS:
        value->ints = a->ints;
        value->count = a->n_ints;
        return TDNN_OK;
    case TDNN_ATTR_FLOATS:
        value->floats = a->floats;
        value->count = a->n_floats;
        return TDNN_OK;
    case TDNN_ATTR_STRINGS: {
        const char **list = tdnn_zone_alloc(zone, a->n_strings, sizeof *list);
        for (size_t i = 0; list && i < a->n_strings; i++) {
            const char *s = (const char *)a->strings[i].data;
            list[i] = tdnn_zone_strndup(zone, s ? s : "", a->strings[i].len);
            if (!list[i]) return TDNN_NO_MEMORY(err);
        }
        value->strings = list;
        value->count = a->n_strings;
        return list ? TDNN_OK : TDNN_NO_MEMORY(err);
    }
    default: return TDNN_OK;
    }
}

static tdnn_status import_subgraph(onnx_scope *outer, const attr_proto *a, tdnn_graph **out,
                                   tdnn_error *err)
{
    if (!a->g) return TDNN_FAIL(err, TDNN_ERR_FORMAT, "attribute \"%s\" has no graph", a->name);
    TDNN_TRY(tdnn_graph_create_sub(outer->graph, out, err));
    onnx_scope scope = {.model = outer->model,
                        .outer = outer,
                        .graph = *out,
                        .frame = outer->frame,
                        .prefix = "",
                        .opsets = outer->opsets,
                        .opset_count = outer->opset_count};
    (*out)->name = tdnn_zone_strdup(outer->graph->zone, text(a->g->name));
    if (!(*out)->name) return TDNN_NO_MEMORY(err);
    return onnx_graph_import(&scope, a->g, err);
}

/* Graphs first: the node owns them, its attributes then hold their indices. */
static tdnn_status own_subgraphs(const onnx_call *call, tdnn_node *node, tdnn_error *err)
{
    tdnn_zone *zone = call->scope->model->zone;
    tdnn_graph **subgraphs = tdnn_zone_alloc(zone, call->attr_count, sizeof(tdnn_graph *));
    size_t count = 0;
    if (!subgraphs) return TDNN_NO_MEMORY(err);
    for (size_t i = 0; i < call->attr_count; i++)
        if (onnx_attr_type(call->attrs[i]) == TDNN_ATTR_GRAPH)
            TDNN_TRY(import_subgraph(call->scope, call->attrs[i], &subgraphs[count++], err));
    return count ? tdnn_node_own(call->scope->graph, node, subgraphs, count, err) : TDNN_OK;
}

static tdnn_status set_attr(const onnx_call *call, tdnn_node *node, const attr_proto *attr,
                            int64_t *subgraph, tdnn_error *err)
{
    tdnn_attr_value value;
    TDNN_TRY(convert(call, attr, &value, err));
    if (value.type == TDNN_ATTR_GRAPH) value.i = (*subgraph)++;
    return tdnn_node_set_attr(call->scope->graph, node, text(attr->name), &value, err);
}

/* What is wrong with the node is told of, and what comes next is looked at. */
static tdnn_status tell(onnx_call *call, tdnn_finding_kind kind, tdnn_error *why, tdnn_error *err)
{
    tdnn_findings *findings = &call->scope->model->findings;
    if (!tdnn_findings_take(findings, why->status)) {
        if (err) *err = *why;
        return why->status;
    }
    call->told = true;
    tdnn_error_at(why, why->status, "%s", call->where);
    return tdnn_findings_add_error(findings, kind, call->name, call->op, why, err);
}

static tdnn_finding_kind kind_of(const char *attr)
{
    return tdnn_attr_is_type(attr) ? TDNN_FINDING_TYPE : TDNN_FINDING_ATTRIBUTE;
}

static tdnn_status set_attrs(onnx_call *call, tdnn_node *node, tdnn_error *err)
{
    int64_t subgraph = 0;
    for (size_t i = 0; i < call->attr_count; i++) {
        tdnn_error why = {0};
        if (set_attr(call, node, call->attrs[i], &subgraph, &why))
            TDNN_TRY(tell(call, kind_of(text(call->attrs[i]->name)), &why, err));
    }
    for (const tdnn_attr *a = node->op->attrs; a && a->type != TDNN_ATTR_END; a++) {
        tdnn_error why = {0};
        if (!a->required || onnx_attr(call, a->name)) continue;
        TDNN_FAIL(&why, TDNN_ERR_FORMAT, "attribute \"%s\" is missing", a->name);
        TDNN_TRY(tell(call, TDNN_FINDING_ATTRIBUTE, &why, err));
    }
    return TDNN_OK;
}

static tdnn_status add_node(const onnx_call *call, const char *domain, const char *op,
                            const tdnn_id *inputs, size_t input_count, size_t output_count,
                            tdnn_node **node, tdnn_error *err)
{
    const tdnn_schema *schema = tdnn_schema_find(domain, op);
    if (!schema)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "operator %s%s%s (version %" PRId64 ")",
                         domain, *domain ? "." : "", op, call->version);
    while (input_count && inputs[input_count - 1] == TDNN_ABSENT) input_count--;
    TDNN_TRY(tdnn_graph_add_node(call->scope->graph, schema->kind, call->name, input_count,
                                 output_count, node, err));
    if (input_count) memcpy((*node)->inputs, inputs, input_count * sizeof *inputs);
    return TDNN_OK;
}

/* What an operator that we do not have holds is looked at all the same, to find all that is
 * missing. */
static tdnn_status search_subgraphs(const onnx_call *call, tdnn_error *err)
{
    tdnn_graph *unused;
    for (size_t i = 0; i < call->attr_count; i++)
        if (onnx_attr_type(call->attrs[i]) == TDNN_ATTR_GRAPH)
            TDNN_TRY(import_subgraph(call->scope, call->attrs[i], &unused, err));
    return TDNN_OK;
}

tdnn_status onnx_emit(onnx_call *call, tdnn_error *err)
{
    tdnn_node *node;
    call->unknown = !tdnn_schema_find(call->domain, call->op);
    if (call->unknown) TDNN_TRY(search_subgraphs(call, err));
    TDNN_TRY(add_node(call, call->domain, call->op, call->inputs, call->input_count,
                      call->output_count, &node, err));
    if (call->output_count)
        memcpy(node->outputs, call->outputs, call->output_count * sizeof *call->outputs);
    tdnn_error why = {0};
    if (tdnn_node_check_arity(node, &why)) TDNN_TRY(tell(call, TDNN_FINDING_USE, &why, err));
    TDNN_TRY(own_subgraphs(call, node, err));
    return set_attrs(call, node, err);
}

tdnn_status onnx_append(onnx_call *call, const char *op, const tdnn_id *inputs,
                        size_t input_count, tdnn_node **node, tdnn_id *out, tdnn_error *err)
{
    tdnn_node *made;
    TDNN_TRY(add_node(call, "", op, inputs, input_count, 1, &made, err));
    TDNN_TRY(tdnn_node_check_arity(made, err));
    TDNN_TRY(tdnn_graph_add_value(call->scope->graph, NULL, out, err));
    made->outputs[0] = *out;
    if (node) *node = made;
    return TDNN_OK;
}

tdnn_status onnx_finish(onnx_call *call, const char *op, const tdnn_id *inputs,
                        size_t input_count, tdnn_node **node, tdnn_error *err)
{
    tdnn_node *made;
    if (call->output_count != 1)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "%s with %zu outputs, expected 1", call->op,
                         call->output_count);
    TDNN_TRY(add_node(call, "", op, inputs, input_count, 1, &made, err));
    TDNN_TRY(tdnn_node_check_arity(made, err));
    made->outputs[0] = call->outputs[0];
    if (node) *node = made;
    return TDNN_OK;
}

tdnn_status onnx_set_int(onnx_call *call, tdnn_node *node, const char *name, int64_t value,
                         tdnn_error *err)
{
    tdnn_attr_value v = {.type = TDNN_ATTR_INT, .i = value};
    return tdnn_node_set_attr(call->scope->graph, node, name, &v, err);
}

tdnn_status onnx_set_float(onnx_call *call, tdnn_node *node, const char *name, float value,
                           tdnn_error *err)
{
    tdnn_attr_value v = {.type = TDNN_ATTR_FLOAT, .f = value};
    return tdnn_node_set_attr(call->scope->graph, node, name, &v, err);
}

tdnn_status onnx_set_string(onnx_call *call, tdnn_node *node, const char *name,
                            const char *value, tdnn_error *err)
{
    tdnn_attr_value v = {.type = TDNN_ATTR_STRING, .s = value, .s_length = strlen(value)};
    return tdnn_node_set_attr(call->scope->graph, node, name, &v, err);
}

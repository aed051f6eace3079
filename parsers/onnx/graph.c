/* Graphs: initializers, inputs, nodes, outputs; and what a name means. */
#include "parsers/onnx/import.h"

#include <string.h>

/* Deeper than any model is, and shallow enough for the stack. */
enum { MOST_NESTING = 32 };

/* ---- Names ---- */

static const char *text(const char *s) { return s ? s : ""; }

static tdnn_status put_name(onnx_scope *scope, const char *name, tdnn_id id, tdnn_error *err)
{
    if (!tdnn_map_put(&scope->names, scope->model->zone, name, id)) return TDNN_NO_MEMORY(err);
    return TDNN_OK;
}

tdnn_status onnx_scope_declare(onnx_scope *scope, const char *name, tdnn_id *out,
                               tdnn_error *err)
{
    if (tdnn_map_get(&scope->names, name) >= 0)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "\"%s\" has two producers, expected one", name);
    const char *full = name;
    if (*scope->prefix) {
        full = tdnn_zone_printf(scope->model->zone, "%s%s", scope->prefix, name);
        if (!full) return TDNN_NO_MEMORY(err);
        if (tdnn_graph_find_value(scope->graph, full) != TDNN_ABSENT) full = NULL;
    }
    TDNN_TRY(tdnn_graph_add_value(scope->graph, full, out, err));
    return put_name(scope, name, *out, err);
}

/* Walks outwards to the scope that has the name, then captures it inwards, graph by graph. */
tdnn_status onnx_scope_find(onnx_scope *scope, const char *name, tdnn_id *out, tdnn_error *err)
{
    onnx_scope *path[MOST_NESTING + 1];
    int depth = 0;
    for (onnx_scope *s = scope; s && depth <= MOST_NESTING; s = s->outer) {
        path[depth] = s;
        *out = tdnn_map_get(&s->names, name);
        if (*out != TDNN_ABSENT) break;
        depth++;
    }
    if (*out == ONNX_NOT_GIVEN) {
        *out = TDNN_ABSENT;
        return TDNN_OK;
    }
    if (*out < 0)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                         "nothing makes \"%s\": no node, input or initializer has that name",
                         name);
    while (depth-- > 0) {
        TDNN_TRY(tdnn_graph_capture(path[depth]->graph, *out, out, err));
        TDNN_TRY(put_name(path[depth], name, *out, err));
    }
    return TDNN_OK;
}

/* ---- Parts of a graph ---- */

static tdnn_status add_initializer(onnx_scope *scope, const char *name, tdnn_tensor *tensor,
                                   tdnn_error *err)
{
    if (tdnn_map_get(&scope->names, name) >= 0) {
        tdnn_tensor_release(tensor);
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "two initializers are named \"%s\"", name);
    }
    tdnn_id id;
    TDNN_TRY(tdnn_graph_add_constant(scope->graph, name, tensor, &id, err));
    return put_name(scope, name, id, err);
}

/* Of an input, an initializer or an output: what it is stays unknown. */
static tdnn_status take_finding(onnx_scope *scope, const char *what, const char *name,
                                tdnn_error *why, tdnn_error *err)
{
    tdnn_findings *findings = &scope->model->findings;
    const tdnn_status status = why->status;
    tdnn_error_at(why, status, "%s %s", what, name);
    if (tdnn_findings_take(findings, status))
        return tdnn_findings_add_error(
            findings, status == TDNN_ERR_UNSUPPORTED ? TDNN_FINDING_TYPE : TDNN_FINDING_USE, name,
            "", why, err);
    if (err) *err = *why;
    return status;
}

/* One that cannot be read is a value that nothing makes. */
static tdnn_status take_initializer(onnx_scope *scope, const char *name, tdnn_status status,
                                    tdnn_tensor *tensor, tdnn_error *why, tdnn_error *err)
{
    tdnn_id id;
    if (!status) return add_initializer(scope, name, tensor, err);
    TDNN_TRY(take_finding(scope, "initializer", name, why, err));
    return tdnn_map_get(&scope->names, name) < 0 ? onnx_scope_declare(scope, name, &id, err)
                                                 : TDNN_OK;
}

static tdnn_status import_initializers(onnx_scope *scope, const Onnx__GraphProto *proto,
                                       tdnn_error *err)
{
    const tdnn_source *source = scope->model->source;
    tdnn_tensor *tensor = NULL;
    for (size_t i = 0; i < proto->n_initializer; i++) {
        tdnn_error why = {0};
        tdnn_status status =
            tdnn_onnx_tensor_import(source, proto->initializer[i], &tensor, &why);
        TDNN_TRY(take_initializer(scope, text(proto->initializer[i]->name), status, tensor,
                                  &why, err));
    }
    for (size_t i = 0; i < proto->n_sparse_initializer; i++) {
        const Onnx__SparseTensorProto *sparse = proto->sparse_initializer[i];
        tdnn_error why = {0};
        tdnn_status status = tdnn_onnx_sparse_import(source, sparse, &tensor, &why);
        TDNN_TRY(take_initializer(scope, sparse->values ? text(sparse->values->name) : "", status,
                                  tensor, &why, err));
    }
    return TDNN_OK;
}

/* Up to IR version 3 every initializer was an input too; a value for it cannot be given here.
 */
static tdnn_status import_inputs(onnx_scope *scope, const Onnx__GraphProto *proto,
                                 tdnn_error *err)
{
    for (size_t i = 0; i < proto->n_input; i++) {
        const Onnx__ValueInfoProto *info = proto->input[i];
        const char *name = text(info->name);
        tdnn_error why = {0};
        tdnn_id id = tdnn_map_get(&scope->names, name);
        if (id >= 0 && (scope->graph->values[id].constant || scope->model->findings.total))
            continue;
        tdnn_status status = onnx_scope_declare(scope, name, &id, err);
        if (!status && onnx_type_import(info->type, &scope->graph->values[id], &why)) {
            scope->graph->values[id].dtype = TDNN_NONE;
            status = take_finding(scope, "input", name, &why, err);
        }
        if (!status) status = tdnn_graph_add_input(scope->graph, id, err);
        if (status) return tdnn_error_at(err, status, "input %s", name);
    }
    return TDNN_OK;
}

/* Of inner values only kind and element type are believed: their shapes may be those of another
 * input size than the one that will be run. */
static void import_value_infos(onnx_scope *scope, Onnx__ValueInfoProto *const *infos,
                               size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tdnn_id id = tdnn_map_get(&scope->names, text(infos[i]->name));
        if (id < 0 || scope->graph->values[id].constant) continue;
        tdnn_value said = scope->graph->values[id];
        if (said.dtype != TDNN_NONE || onnx_type_import(infos[i]->type, &said, NULL)) continue;
        scope->graph->values[id].kind = said.kind;
        scope->graph->values[id].dtype = said.dtype;
    }
}

static tdnn_status declare_outputs(onnx_scope *scope, Onnx__NodeProto *const *nodes,
                                   size_t count, tdnn_error *err)
{
    for (size_t n = 0; n < count; n++)
        for (size_t i = 0; i < nodes[n]->n_output; i++) {
            const char *name = text(nodes[n]->output[i]);
            tdnn_id id = tdnn_map_get(&scope->names, name);
            /* A function's outputs are bound before its nodes are seen. */
            bool bound = id >= 0 && scope->frame;
            if (!*name || bound) continue;
            tdnn_status status = onnx_scope_declare(scope, name, &id, err);
            if (status)
                return tdnn_error_at(err, status, "node %s%s (%s)", scope->prefix,
                                     text(nodes[n]->name), text(nodes[n]->op_type));
        }
    return TDNN_OK;
}

tdnn_status onnx_nodes_import(onnx_scope *scope, Onnx__NodeProto *const *nodes, size_t count,
                              tdnn_error *err)
{
    TDNN_TRY(declare_outputs(scope, nodes, count, err));
    for (size_t n = 0; n < count; n++) TDNN_TRY(onnx_node_import(scope, nodes[n], err));
    return TDNN_OK;
}

/* Of a subgraph's outputs, too, only kind and element type: a loop may change the shape. */
static tdnn_status type_output(onnx_scope *scope, const Onnx__TypeProto *type,
                               tdnn_value *value, tdnn_error *err)
{
    tdnn_value said = *value;
    if (value->constant || value->shape.ndim >= 0) return TDNN_OK;
    TDNN_TRY(onnx_type_import(type, &said, err));
    if (scope->outer) said.shape = value->shape;
    if (said.dtype != TDNN_NONE) *value = said;
    return TDNN_OK;
}

static tdnn_status import_outputs(onnx_scope *scope, const Onnx__GraphProto *proto,
                                  tdnn_error *err)
{
    for (size_t i = 0; i < proto->n_output; i++) {
        const Onnx__ValueInfoProto *info = proto->output[i];
        tdnn_error why = {0};
        tdnn_id id;
        tdnn_status status = onnx_scope_find(scope, text(info->name), &id, &why);
        if (!status) status = type_output(scope, info->type, &scope->graph->values[id], &why);
        if (!status) status = tdnn_graph_add_output(scope->graph, id, &why);
        if (status) TDNN_TRY(take_finding(scope, "output", text(info->name), &why, err));
    }
    return TDNN_OK;
}

tdnn_status onnx_graph_import(onnx_scope *scope, const Onnx__GraphProto *proto, tdnn_error *err)
{
    int depth = 0;
    for (const onnx_scope *s = scope; s; s = s->outer) depth++;
    if (depth > MOST_NESTING)
        return TDNN_FAIL(err, TDNN_ERR_LIMIT, "graphs are nested more than %d deep",
                         MOST_NESTING);
    TDNN_TRY(import_initializers(scope, proto, err));
    TDNN_TRY(import_inputs(scope, proto, err));
    TDNN_TRY(declare_outputs(scope, proto->node, proto->n_node, err));
    import_value_infos(scope, proto->value_info, proto->n_value_info);
    for (size_t n = 0; n < proto->n_node; n++)
        TDNN_TRY(onnx_node_import(scope, proto->node[n], err));
    return import_outputs(scope, proto, err);
}

/* One NodeProto on its way in: names become ids, references to a function's attributes become
 * those attributes, and what tinydnn does not have is noted. */
#include "parsers/onnx/import.h"

#include <inttypes.h>
#include <string.h>

static const char *text(const char *s) { return s ? s : ""; }

/* Models of IR version 1 and 2 could not say it. */
static tdnn_status find_version(const onnx_scope *scope, const char *domain, int64_t *version,
                                tdnn_error *err)
{
    *version = 1;
    for (size_t i = 0; i < scope->opset_count; i++) {
        const char *d = text(scope->opsets[i]->domain);
        if (strcmp(strcmp(d, "ai.onnx") ? d : "", domain) != 0) continue;
        *version = scope->opsets[i]->version;
        return TDNN_OK;
    }
    if (*domain || scope->model->proto->ir_version < 3) return TDNN_OK;
    return TDNN_FAIL(err, TDNN_ERR_FORMAT, "no version of ONNX's operator set is imported");
}

static tdnn_status resolve_attr(const onnx_scope *scope, const Onnx__AttributeProto *attr,
                                const Onnx__AttributeProto **out, tdnn_error *err)
{
    const char *ref = text(attr->ref_attr_name);
    *out = attr;
    if (!*ref) return TDNN_OK;
    if (!scope->frame)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                         "attribute \"%s\" refers to \"%s\" of a function, but is in none",
                         text(attr->name), ref);
    const Onnx__FunctionProto *function = scope->frame->function;
    const Onnx__AttributeProto *found = onnx_attr(scope->frame->call, ref);
    for (size_t i = 0; !found && i < function->n_attribute_proto; i++)
        if (!strcmp(text(function->attribute_proto[i]->name), ref))
            found = function->attribute_proto[i];
    *out = NULL; /* neither given nor with a default: the node goes without */
    if (!found) return TDNN_OK;
    if (found->g)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "a graph as attribute of a function");
    Onnx__AttributeProto *named = tdnn_zone_alloc(scope->model->zone, 1, sizeof *named);
    if (!named) return TDNN_NO_MEMORY(err);
    *named = *found;
    named->name = attr->name;
    *out = named;
    return TDNN_OK;
}

static tdnn_status resolve_attrs(onnx_call *call, const Onnx__NodeProto *proto, tdnn_error *err)
{
    call->attrs =
        tdnn_zone_alloc(call->scope->model->zone, proto->n_attribute, sizeof *call->attrs);
    if (!call->attrs) return TDNN_NO_MEMORY(err);
    for (size_t i = 0; i < proto->n_attribute; i++) {
        const char *name = text(proto->attribute[i]->name);
        if (onnx_attr(call, name))
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "attribute \"%s\" is given twice", name);
        const Onnx__AttributeProto *attr;
        TDNN_TRY(resolve_attr(call->scope, proto->attribute[i], &attr, err));
        if (attr) call->attrs[call->attr_count++] = attr;
    }
    return TDNN_OK;
}

static tdnn_status resolve_values(onnx_call *call, const Onnx__NodeProto *proto,
                                  tdnn_error *err)
{
    onnx_scope *scope = call->scope;
    call->inputs = tdnn_zone_alloc(scope->model->zone, proto->n_input, sizeof *call->inputs);
    call->outputs = tdnn_zone_alloc(scope->model->zone, proto->n_output, sizeof *call->outputs);
    if (!call->inputs || !call->outputs) return TDNN_NO_MEMORY(err);
    for (size_t i = 0; i < proto->n_input; i++) {
        call->inputs[i] = TDNN_ABSENT;
        if (*text(proto->input[i]))
            TDNN_TRY(onnx_scope_find(scope, proto->input[i], &call->inputs[i], err));
        if (call->inputs[i] != TDNN_ABSENT) call->input_count = i + 1;
    }
    for (size_t i = 0; i < proto->n_output; i++) {
        const char *name = text(proto->output[i]);
        call->outputs[i] = *name ? tdnn_map_get(&scope->names, name) : TDNN_ABSENT;
        if (call->outputs[i] != TDNN_ABSENT) call->output_count = i + 1;
    }
    return TDNN_OK;
}

static tdnn_status prepare(onnx_scope *scope, const Onnx__NodeProto *proto, onnx_call *call,
                           tdnn_error *err)
{
    const char *domain = text(proto->domain);
    *call = (onnx_call){.scope = scope,
                        .domain = strcmp(domain, "ai.onnx") ? domain : "",
                        .op = text(proto->op_type),
                        .name = text(proto->name),
                        .overload = text(proto->overload)};
    if (*scope->prefix && *call->name) {
        call->name = tdnn_zone_printf(scope->model->zone, "%s%s", scope->prefix, call->name);
        if (!call->name) return TDNN_NO_MEMORY(err);
    }
    const tdnn_load_options *limits = tdnn_graph_limits(scope->graph);
    if (++scope->model->calls > limits->max_nodes)
        return TDNN_FAIL(err, TDNN_ERR_LIMIT, "the model has more than %u nodes",
                         limits->max_nodes);
    if (!*call->op) return TDNN_FAIL(err, TDNN_ERR_FORMAT, "a node without an operator");
    TDNN_TRY(find_version(scope, call->domain, &call->version, err));
    TDNN_TRY(resolve_attrs(call, proto, err));
    return resolve_values(call, proto, err);
}

static tdnn_status import_call(onnx_call *call, tdnn_error *err)
{
    int32_t function = onnx_function_find(call->scope->model, call);
    if (function >= 0) return onnx_function_expand(call, function, err);
    if (call->version < 6) onnx_take(call, "consumed_inputs"); /* a hint for in-place use */
    onnx_rewrite_fn rewrite = onnx_rewrite_find(call->domain, call->op, call->version);
    return rewrite ? rewrite(call, err) : onnx_emit(call, err);
}

static const char *place_of(const onnx_scope *scope, const Onnx__NodeProto *proto)
{
    tdnn_zone *zone = scope->model->zone;
    const char *op = text(proto->op_type);
    if (*text(proto->name))
        return tdnn_zone_printf(zone, "node %s%s (%s)", scope->prefix, proto->name, op);
    return tdnn_zone_printf(zone, "node making %s%s (%s)", scope->prefix,
                            proto->n_output ? text(proto->output[0]) : "", op);
}

/* What is left of the node goes, so that its results are unknown. */
static tdnn_status take_finding(onnx_call *call, const Onnx__NodeProto *proto, size_t nodes,
                                const tdnn_error *why, tdnn_error *err)
{
    tdnn_findings *findings = &call->scope->model->findings;
    const tdnn_status status = why->status;
    if (status && !tdnn_findings_take(findings, status) &&
        !(call->told && tdnn_is_doubtful(status))) {
        if (err) *err = *why;
        return status;
    }
    call->scope->graph->node_count = nodes;
    if (call->told) return TDNN_OK;
    const tdnn_finding_kind kind =
        call->unknown ? TDNN_FINDING_OPERATOR : tdnn_finding_kind_of(status);
    return tdnn_findings_add_error(findings, kind, text(proto->name), text(proto->op_type), why,
                                   err);
}

tdnn_status onnx_node_import(onnx_scope *scope, const Onnx__NodeProto *proto, tdnn_error *err)
{
    tdnn_error here = {0};
    onnx_call call;
    const size_t nodes = scope->graph->node_count;
    const char *where = place_of(scope, proto);
    if (!where) return TDNN_NO_MEMORY(err);
    const tdnn_origin origin = {text(proto->name), text(proto->op_type), where};
    TDNN_TRY(tdnn_graph_set_origin(scope->graph, &origin, err));
    tdnn_status status = prepare(scope, proto, &call, &here);
    call.where = where;
    if (!status) status = import_call(&call, &here);
    if (!status && !call.told) return TDNN_OK;
    tdnn_error_at(&here, status, "%s", where);
    return take_finding(&call, proto, nodes, &here, err);
}

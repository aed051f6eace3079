/* Functions that a model brings along: each call is expanded in place, its inner names prefixed
 * with the call's. */
#include "parsers/onnx/import.h"

#include <string.h>

enum { MOST_DEPTH = 32 }; /* of functions that call functions */

static const char *text(const char *s) { return s ? s : ""; }

static const char *make_key(tdnn_zone *zone, const char *domain, const char *name,
                            const char *overload)
{
    const char *own = strcmp(domain, "ai.onnx") ? domain : "";
    return tdnn_zone_printf(zone, "%s\n%s\n%s", own, name, overload);
}

tdnn_status onnx_functions_collect(onnx_model *model, tdnn_error *err)
{
    for (size_t i = 0; i < model->proto->n_functions && i < INT32_MAX; i++) {
        const Onnx__FunctionProto *f = model->proto->functions[i];
        const char *key =
            make_key(model->zone, text(f->domain), text(f->name), text(f->overload));
        if (!key) return TDNN_NO_MEMORY(err);
        if (tdnn_map_get(&model->functions, key) >= 0)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "two functions are named \"%s\"",
                             text(f->name));
        if (!tdnn_map_put(&model->functions, model->zone, key, (int32_t)i))
            return TDNN_NO_MEMORY(err);
    }
    return TDNN_OK;
}

int32_t onnx_function_find(const onnx_model *model, const onnx_call *call)
{
    if (model->functions.count == 0) return -1;
    const char *key = make_key(model->zone, call->domain, call->op, call->overload);
    return key ? tdnn_map_get(&model->functions, key) : -1;
}

static tdnn_status check_frames(const onnx_scope *scope, const Onnx__FunctionProto *function,
                                tdnn_error *err)
{
    for (const onnx_frame *f = scope->frame; f; f = f->caller)
        if (f->function == function)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "function \"%s\" calls itself",
                             text(function->name));
    if (scope->frame && scope->frame->depth >= MOST_DEPTH)
        return TDNN_FAIL(err, TDNN_ERR_LIMIT, "functions call each other more than %d deep",
                         MOST_DEPTH);
    return TDNN_OK;
}

static tdnn_status bind_inputs(onnx_scope *body, const onnx_call *call,
                               const Onnx__FunctionProto *function, tdnn_error *err)
{
    if (call->input_count > function->n_input)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%zu inputs, but function \"%s\" has %zu",
                         call->input_count, text(function->name), function->n_input);
    for (size_t i = 0; i < function->n_input; i++) {
        tdnn_id id = onnx_input(call, i);
        if (!tdnn_map_put(&body->names, body->model->zone, text(function->input[i]),
                          id == TDNN_ABSENT ? ONNX_NOT_GIVEN : id))
            return TDNN_NO_MEMORY(err);
    }
    return TDNN_OK;
}

/* The nodes that make a function's outputs make the call's outputs. An output that is an input
 * needs a node of its own. */
static tdnn_status bind_outputs(onnx_scope *body, onnx_call *call,
                                const Onnx__FunctionProto *function, tdnn_error *err)
{
    if (call->output_count > function->n_output)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%zu outputs, but function \"%s\" has %zu",
                         call->output_count, text(function->name), function->n_output);
    for (size_t i = 0; i < call->output_count; i++) {
        const char *name = text(function->output[i]);
        if (call->outputs[i] == TDNN_ABSENT) continue;
        tdnn_id same = tdnn_map_get(&body->names, name);
        if (same >= 0) {
            onnx_call copy = *call;
            copy.outputs = &call->outputs[i];
            copy.output_count = 1;
            TDNN_TRY(onnx_finish(&copy, "Identity", &same, 1, NULL, err));
        } else if (!tdnn_map_put(&body->names, body->model->zone, name, call->outputs[i])) {
            return TDNN_NO_MEMORY(err);
        }
    }
    return TDNN_OK;
}

tdnn_status onnx_function_expand(onnx_call *call, int32_t index, tdnn_error *err)
{
    onnx_scope *scope = call->scope;
    onnx_model *model = scope->model;
    const Onnx__FunctionProto *function = model->proto->functions[index];
    TDNN_TRY(check_frames(scope, function, err));
    onnx_frame frame = {.caller = scope->frame,
                        .function = function,
                        .call = call,
                        .depth = scope->frame ? scope->frame->depth + 1 : 1};
    onnx_scope body = {.model = model,
                       .graph = scope->graph,
                       .frame = &frame,
                       .opsets = function->opset_import,
                       .opset_count = function->n_opset_import};
    body.prefix = *call->name ? tdnn_zone_printf(model->zone, "%s/", call->name)
                              : tdnn_zone_printf(model->zone, "%s%s_%zu/", scope->prefix,
                                                 call->op, model->calls);
    if (!body.prefix) return TDNN_NO_MEMORY(err);
    TDNN_TRY(bind_inputs(&body, call, function, err));
    TDNN_TRY(bind_outputs(&body, call, function, err));
    return onnx_nodes_import(&body, function->node, function->n_node, err);
}

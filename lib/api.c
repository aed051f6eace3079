/* The public functions of nets and sessions: they check what the caller hands over, and
 * delegate. (Those of tensors and images stand beside what they do, in lib/base and
 * lib/vision.) */
#include "lib/base/file.h"
#include "lib/runtime/session.h"
#include "lib/runtime/write.h"

#include <string.h>

#define TDNN_NEED(condition, err)                                                              \
    do {                                                                                       \
        if (!(condition))                                                                      \
            return TDNN_FAIL((err), TDNN_ERR_ARGUMENT, "%s: expected %s", __func__,            \
                             #condition);                                                      \
    } while (0)

const char *tdnn_version(void)
{
    return TDNN_STR(TDNN_VERSION_MAJOR) "." TDNN_STR(TDNN_VERSION_MINOR) "." TDNN_STR(
        TDNN_VERSION_PATCH);
}

const char *tdnn_cpu_level(void) { return tdnn_cpu_level_name(tdnn_cpu_best()); }

const char *tdnn_finding_kind_name(tdnn_finding_kind kind)
{
    static const char *const names[] = {"operator", "attribute", "element type", "shape", "use"};
    return (size_t)kind < sizeof names / sizeof *names ? names[kind] : "?";
}

const char *tdnn_format_name(tdnn_format format)
{
    static const char *const names[] = {"unknown", "ONNX", "Caffe", "TensorFlow", "Darknet"};
    return (size_t)format < sizeof names / sizeof *names ? names[format] : "?";
}

/* ---- nets ---- */

void tdnn_load_options_init(tdnn_load_options *options)
{
    if (!options) return;
    *options = (tdnn_load_options){
        .optimize = true,
        .max_bytes = 16ull << 30,
        .max_tensor_bytes = 8ull << 30,
        .max_nodes = 1000000,
        .memory_limit = tdnn_memory_size(),
    };
}

static tdnn_load_options with_defaults(const tdnn_load_options *given)
{
    tdnn_load_options defaults, options;
    tdnn_load_options_init(&defaults);
    if (!given) return defaults;
    options = *given;
    if (!options.max_bytes) options.max_bytes = defaults.max_bytes;
    if (!options.max_tensor_bytes) options.max_tensor_bytes = defaults.max_tensor_bytes;
    if (!options.max_nodes) options.max_nodes = defaults.max_nodes;
    if (!options.memory_limit) options.memory_limit = defaults.memory_limit;
    return options;
}

/* The folder that a path lies in, as text of the given length; "." for a bare name. */
static const char *folder_of(const char *path, size_t *length)
{
    const char *slash = strrchr(path, '/');
    *length = slash ? (size_t)(slash - path) : 1;
    if (slash && *length == 0) *length = 1; /* the root */
    return slash ? path : ".";
}

tdnn_status tdnn_net_load(const char *model, const char *config, const tdnn_load_options *options,
                          tdnn_net **out, tdnn_error *err)
{
    tdnn_error_clear(err);
    TDNN_NEED(out != NULL, err);
    *out = NULL;
    TDNN_NEED(model != NULL, err);
    tdnn_load_options opts = with_defaults(options);
    tdnn_file *model_file = NULL, *config_file = NULL;
    size_t length;
    const char *folder = folder_of(model, &length);
    tdnn_zone *zone = tdnn_zone_create();
    char *dir = zone ? tdnn_zone_strndup(zone, folder, length) : NULL;
    tdnn_status status = dir ? TDNN_OK : TDNN_NO_MEMORY(err);
    if (!status) status = tdnn_file_open(model, opts.max_bytes, &model_file, err);
    if (!status && config) status = tdnn_file_open(config, opts.max_bytes, &config_file, err);
    if (config_file && !tdnn_file_bytes(config_file).size) /* the loader would take it for none */
        status = tdnn_error_at(err, TDNN_FAIL(err, TDNN_ERR_FORMAT, "the file is empty"), "%s",
                               config);
    if (!status) {
        tdnn_load_request request = {
            .model = tdnn_file_bytes(model_file), .model_name = model, .model_file = model_file,
            .config_name = config, .config_file = config_file, .dir = dir, .options = &opts,
        };
        if (config_file) request.config = tdnn_file_bytes(config_file);
        status = tdnn_net_build(&request, out, err);
    }
    tdnn_file_release(model_file);
    tdnn_file_release(config_file);
    tdnn_zone_free(zone);
    return status;
}

tdnn_status tdnn_net_load_memory(tdnn_bytes model, tdnn_bytes config,
                                 const tdnn_load_options *options, tdnn_net **out,
                                 tdnn_error *err)
{
    tdnn_error_clear(err);
    TDNN_NEED(out != NULL, err);
    *out = NULL;
    TDNN_NEED(model.data != NULL && model.size > 0, err);
    TDNN_NEED(config.data != NULL || config.size == 0, err);
    tdnn_load_options opts = with_defaults(options);
    if (model.size > opts.max_bytes || config.size > opts.max_bytes)
        return TDNN_FAIL(err, TDNN_ERR_LIMIT, "the model has %zu bytes, the limit is %llu",
                         model.size, (unsigned long long)opts.max_bytes);
    tdnn_load_request request = {.model = model,
                                 .config = config,
                                 .model_name = "model in memory",
                                 .config_name = "config in memory",
                                 .options = &opts};
    return tdnn_net_build(&request, out, err);
}

tdnn_net *tdnn_net_retain(tdnn_net *net)
{
    if (net) atomic_fetch_add(&net->refs, 1);
    return net;
}

void tdnn_net_release(tdnn_net *net)
{
    if (net && atomic_fetch_sub(&net->refs, 1) == 1) tdnn_net_destroy(net);
}

tdnn_format tdnn_net_format(const tdnn_net *net) { return net ? net->format : TDNN_FORMAT_AUTO; }
size_t tdnn_net_input_count(const tdnn_net *net) { return net ? net->graph->input_count : 0; }
size_t tdnn_net_output_count(const tdnn_net *net) { return net ? net->graph->output_count : 0; }
size_t tdnn_net_node_count(const tdnn_net *net) { return net ? net->graph->node_count : 0; }
uint64_t tdnn_net_weight_bytes(const tdnn_net *net) { return net ? net->weight_bytes : 0; }

const tdnn_port *tdnn_net_input(const tdnn_net *net, size_t index)
{
    return index < tdnn_net_input_count(net) ? &net->inputs[index] : NULL;
}

const tdnn_port *tdnn_net_output(const tdnn_net *net, size_t index)
{
    return index < tdnn_net_output_count(net) ? &net->outputs[index] : NULL;
}

tdnn_status tdnn_net_node(const tdnn_net *net, size_t index, tdnn_node_info *out, tdnn_error *err)
{
    tdnn_error_clear(err);
    TDNN_NEED(net != NULL, err);
    TDNN_NEED(out != NULL, err);
    TDNN_NEED(index < net->graph->node_count, err);
    const tdnn_node *node = net->graph->nodes[index];
    *out = (tdnn_node_info){.name = node->name,
                            .op = node->op->name,
                            .input_count = node->input_count,
                            .output_count = node->output_count};
    if (!node->name[0] && node->output_count && node->outputs[0] != TDNN_ABSENT)
        out->name = net->graph->values[node->outputs[0]].name; /* as tdnn_session_step has it */
    for (size_t i = 0; i < node->input_count; i++) {
        if (node->inputs[i] == TDNN_ABSENT) continue;
        const tdnn_tensor *constant = net->graph->values[node->inputs[i]].constant;
        if (!constant) continue;
        out->weight_bytes += constant->bytes;
        out->weight_count += (uint64_t)tdnn_shape_count(&constant->shape);
    }
    return TDNN_OK;
}

tdnn_status tdnn_net_write_dot(const tdnn_net *net, const char *path, tdnn_error *err)
{
    tdnn_error_clear(err);
    TDNN_NEED(net != NULL, err);
    TDNN_NEED(path != NULL, err);
    return tdnn_graph_write_dot(net->graph, path, err);
}

void tdnn_onnx_options_init(tdnn_onnx_options *options)
{
    if (options) *options = (tdnn_onnx_options){0};
}

tdnn_status tdnn_net_write_onnx(tdnn_net *net, const char *path, const tdnn_onnx_options *options,
                                tdnn_error *err)
{
    tdnn_onnx_options defaults;
    tdnn_onnx_options_init(&defaults);
    tdnn_error_clear(err);
    TDNN_NEED(net != NULL, err);
    TDNN_NEED(path != NULL, err);
    if (!options) options = &defaults;
    TDNN_NEED(options->input_count == 0 || (options->input_names && options->input_shapes), err);
    return tdnn_net_write(net, options, path, err);
}

/* ---- sessions ---- */

void tdnn_session_options_init(tdnn_session_options *options)
{
    if (options) *options = (tdnn_session_options){.threads = 1};
}

tdnn_status tdnn_session_create(tdnn_net *net, const tdnn_session_options *options,
                                tdnn_session **out, tdnn_error *err)
{
    tdnn_error_clear(err);
    TDNN_NEED(out != NULL, err);
    *out = NULL;
    TDNN_NEED(net != NULL, err);
    tdnn_session_options opts;
    tdnn_session_options_init(&opts);
    if (options) opts = *options;
    if (opts.threads == 0) opts.threads = 1;
    if (opts.memory_limit == 0) opts.memory_limit = tdnn_memory_size();
    TDNN_NEED(opts.threads >= 1 && opts.threads <= 1024, err);
    return tdnn_session_open(net, &opts, out, err);
}

static tdnn_status set_input(tdnn_session *session, const char *name, const tdnn_tensor *value,
                             bool copy, tdnn_error *err)
{
    tdnn_error_clear(err);
    TDNN_NEED(session != NULL, err);
    TDNN_NEED(value != NULL, err);
    tdnn_tensor *counted = tdnn_tensor_retain(value); /* its reference count is what changes */
    tdnn_budget *before = tdnn_budget_begin(&session->budget);
    tdnn_status status = tdnn_session_put(session, name, counted, copy, err);
    status = tdnn_budget_end(before, status, err);
    tdnn_tensor_release(counted);
    return status;
}

tdnn_status tdnn_session_set_input(tdnn_session *session, const char *name,
                                   const tdnn_tensor *value, tdnn_error *err)
{
    return set_input(session, name, value, true, err);
}

tdnn_status tdnn_session_bind_input(tdnn_session *session, const char *name, tdnn_tensor *value,
                                    tdnn_error *err)
{
    return set_input(session, name, value, false, err);
}

tdnn_status tdnn_session_plan(tdnn_session *session, const char *const *names,
                              const tdnn_shape *shapes, size_t count, tdnn_error *err)
{
    tdnn_error_clear(err);
    TDNN_NEED(session != NULL, err);
    TDNN_NEED(count == 0 || (names != NULL && shapes != NULL), err);
    for (size_t i = 0; i < count; i++) {
        TDNN_NEED(names[i] != NULL, err);
        TDNN_NEED(shapes[i].ndim >= 0 && shapes[i].ndim <= TDNN_MAX_DIMS, err);
    }
    tdnn_budget *before = tdnn_budget_begin(&session->budget);
    return tdnn_budget_end(before, tdnn_session_prepare(session, names, shapes, count, err), err);
}

tdnn_status tdnn_session_run(tdnn_session *session, tdnn_error *err)
{
    tdnn_error_clear(err);
    TDNN_NEED(session != NULL, err);
    tdnn_budget *before = tdnn_budget_begin(&session->budget);
    return tdnn_budget_end(before, tdnn_session_go(session, err), err);
}

tdnn_status tdnn_session_output(const tdnn_session *session, const char *name,
                                const tdnn_tensor **out, tdnn_error *err)
{
    tdnn_error_clear(err);
    TDNN_NEED(out != NULL, err);
    *out = NULL;
    TDNN_NEED(session != NULL, err);
    return tdnn_session_get(session, name, out, err);
}

uint64_t tdnn_session_packed_bytes(const tdnn_session *session)
{
    return session ? tdnn_packs_bytes(session->env.packs) : 0;
}

tdnn_status tdnn_session_step(const tdnn_session *session, size_t index, tdnn_step_info *out,
                              tdnn_error *err)
{
    tdnn_error_clear(err);
    TDNN_NEED(session != NULL, err);
    TDNN_NEED(out != NULL, err);
    return tdnn_session_step_at(session, index, out, err);
}

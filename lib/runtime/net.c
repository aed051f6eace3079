/* From bytes to a net: find the format, parse, check, cut, optimise. */
#include "lib/runtime/net.h"

#include "lib/base/file.h"
#include "lib/base/thread.h"
#include "lib/passes/pass.h"
#include "lib/runtime/plan.h"
#include "parsers/parser.h"

#include <string.h>

/* ---- format ---- */

tdnn_format tdnn_format_detect(tdnn_bytes bytes)
{
    int best = 1; /* Darknet's weights could be any bytes: that is no finding */
    tdnn_format format = TDNN_FORMAT_AUTO;
    for (const tdnn_parser *const *p = tdnn_parsers; *p; p++) {
        int model = (*p)->sniff_model(bytes);
        int config = (*p)->sniff_config ? (*p)->sniff_config(bytes) : 0;
        int sure = model > config ? model : config;
        if (sure > best) {
            best = sure;
            format = (*p)->format;
        }
    }
    return format;
}

enum { SURE = 90 };

/* The parser that is surest of the two files, and whether they came in the other order. A
 * format that the caller names is believed: its parser says what is wrong with the files. */
static const tdnn_parser *choose(const tdnn_load_request *r, bool *swapped)
{
    const tdnn_parser *best = NULL;
    const bool named = r->options->format != TDNN_FORMAT_AUTO;
    int best_sure = 0;
    for (const tdnn_parser *const *at = tdnn_parsers; *at; at++) {
        const tdnn_parser *p = *at;
        if (named && r->options->format != p->format) continue;
        for (int swap = 0; swap < 2; swap++) {
            tdnn_bytes model = swap ? r->config : r->model, config = swap ? r->model : r->config;
            if (swap && !r->config.size) break;
            if (config.size && !p->sniff_config) continue;
            int sure = p->sniff_model(model);
            if (config.size) { /* a sure second file is enough: the parser says what is wrong
                                  with the first */
                int other = p->sniff_config(config);
                sure = named || (other && (sure || other >= SURE)) ? sure + other : 0;
            }
            if (named && !swap) sure++;
            if (sure > best_sure) {
                best_sure = sure;
                best = p;
                *swapped = swap != 0;
            }
        }
    }
    return best;
}

/* ---- external data ---- */

typedef struct external {
    const tdnn_load_request *request;
    tdnn_zone *zone;
    struct opened {
        const char *name;
        tdnn_file *file;
    } *files; /* stay open while the parser runs */
    size_t count, capacity;
} external;

static tdnn_status external_file(external *e, const char *name, tdnn_file **out, tdnn_error *err)
{
    for (size_t i = 0; i < e->count; i++)
        if (strcmp(e->files[i].name, name) == 0) {
            *out = e->files[i].file;
            return TDNN_OK;
        }
    if (!TDNN_ZONE_PUSH(e->zone, e->files, e->count, e->capacity)) return TDNN_NO_MEMORY(err);
    const char *copy = tdnn_zone_strdup(e->zone, name);
    if (!copy) return TDNN_NO_MEMORY(err);
    TDNN_TRY(
        tdnn_file_open_inside(e->request->dir, name, e->request->options->max_bytes, out, err));
    e->files[e->count++] = (struct opened){copy, *out};
    return TDNN_OK;
}

static tdnn_status external_open(void *context, const char *name, uint64_t offset,
                                 uint64_t length, tdnn_bytes *bytes, tdnn_error *err)
{
    tdnn_file *file;
    TDNN_TRY(external_file(context, name, &file, err));
    tdnn_bytes all = tdnn_file_bytes(file);
    if (offset > all.size || (length != UINT64_MAX && length > all.size - offset))
        return TDNN_FAIL(
            err, TDNN_ERR_FORMAT, "external data: bytes %llu to %llu of \"%s\", which has %zu",
            (unsigned long long)offset, (unsigned long long)(offset + length), name, all.size);
    bytes->data = (const unsigned char *)all.data + offset;
    bytes->size = length == UINT64_MAX ? all.size - (size_t)offset : (size_t)length;
    return TDNN_OK;
}

static void external_close(external *e)
{
    for (size_t i = 0; i < e->count; i++) tdnn_file_release(e->files[i].file);
    tdnn_zone_free(e->zone);
}

static tdnn_file *external_file_of(void *context, const void *data, size_t bytes)
{
    const external *e = context;
    for (size_t i = 0; i < e->count; i++) {
        const tdnn_bytes all = tdnn_file_bytes(e->files[i].file);
        const uintptr_t begin = (uintptr_t)all.data, at = (uintptr_t)data;
        if (at >= begin && at - begin <= all.size && bytes <= all.size - (at - begin))
            return e->files[i].file;
    }
    return NULL;
}

/* ---- parsing and optimising ---- */

static tdnn_status finish_constants(const tdnn_graph *graph, tdnn_error *err);

/* Whoever wants to know all that is missing is told of what can be known of the rest, too. */
static void look_at_rest(tdnn_net *net, const tdnn_load_options *options)
{
    tdnn_error unread = {0};
    if (!net->graph || !net->graph->partial || finish_constants(net->graph, &unread)) return;
    if (tdnn_graph_survey_rest(net->graph, options, &unread)) return;
}

static tdnn_status parse(const tdnn_load_request *r, tdnn_net *net, tdnn_error *err)
{
    bool swapped = false;
    const tdnn_parser *parser = choose(r, &swapped);
    if (!parser)
        return tdnn_error_at(err,
                             TDNN_FAIL(err, TDNN_ERR_FORMAT,
                                       r->config.size
                                           ? "the two files are no model that tinydnn reads"
                                           : "no model that tinydnn reads"),
                             "%s", r->model_name);
    external e = {.request = r, .zone = tdnn_zone_create()};
    if (!e.zone) return TDNN_NO_MEMORY(err);
    tdnn_external ext = {external_open, external_file_of, &e};
    tdnn_source source = {
        .model = swapped ? r->config : r->model, .config = swapped ? r->model : r->config,
        .model_name = swapped ? r->config_name : r->model_name,
        .config_name = swapped ? r->model_name : r->config_name,
        .options = r->options, .external = r->dir ? &ext : NULL,
        .model_file = swapped ? r->config_file : r->model_file,
        .config_file = swapped ? r->model_file : r->config_file,
        .found = r->options->found, .found_context = r->options->user,
    };
    net->format = parser->format;
    tdnn_status status = tdnn_graph_create(r->options, &net->graph, err);
    if (!status) status = parser->parse(&source, net->graph, err);
    if (!status) status = tdnn_graph_check(net->graph, err);
    if (status && source.found) look_at_rest(net, r->options);
    external_close(&e);
    return status ? tdnn_error_at(err, status, "%s", r->model_name) : TDNN_OK;
}


static tdnn_status evaluate(void *user, const tdnn_graph *graph, const tdnn_node *node,
                            tdnn_tensor **outputs, tdnn_error *err)
{
    const tdnn_op *op = tdnn_op_of(node);
    tdnn_plan_env env = {.kernels = tdnn_kernels_get(TDNN_CPU_AVX512), .threads = 1};
    (void)user;
    if ((op->flags & (TDNN_OP_RANDOM | TDNN_OP_NO_FOLD)) || !op->plan || node->capture_count ||
        node->subgraph_count)
        return TDNN_ERR_UNSUPPORTED;
    tdnn_zone *zone = tdnn_zone_create();
    tdnn_tensor **inputs =
        zone ? tdnn_zone_alloc(zone, node->input_count + 1, sizeof *inputs) : NULL;
    tdnn_status status = inputs ? TDNN_OK : TDNN_NO_MEMORY(err);
    for (size_t i = 0; !status && i < node->input_count; i++) {
        inputs[i] =
            node->inputs[i] == TDNN_ABSENT ? NULL : graph->values[node->inputs[i]].constant;
        if (inputs[i] && (inputs[i]->kind != TDNN_KIND_TENSOR || inputs[i]->dtype == TDNN_STRING))
            status = TDNN_ERR_UNSUPPORTED;
    }
    if (!status) status = tdnn_evaluate(&env, node, inputs, outputs, err);
    tdnn_zone_free(zone);
    return status == TDNN_WAIT ? TDNN_ERR_UNSUPPORTED : status;
}

/* Whether a node takes its input `index` as it lies in the file. */
static bool takes_later(const tdnn_graph *graph, const tdnn_node *node, size_t index)
{
    const tdnn_tensor *t = graph->values[node->inputs[index]].constant;
    if (index >= 8 || !(tdnn_op_of(node)->later >> index & 1)) return false;
    for (size_t i = 1; i < node->input_count; i++)
        if (node->inputs[i] != TDNN_ABSENT && !graph->values[node->inputs[i]].constant)
            return false;
    return t->dtype == TDNN_F32 && t->shape.ndim <= 5;
}

/* All data of constants, but where every user takes them later. */
static tdnn_status finish_constants(const tdnn_graph *graph, tdnn_error *err)
{
    for (size_t n = 0; n < graph->node_count; n++) {
        const tdnn_node *node = graph->nodes[n];
        for (size_t i = 0; i < node->input_count + node->capture_count; i++) {
            tdnn_tensor *t =
                node->inputs[i] == TDNN_ABSENT ? NULL : graph->values[node->inputs[i]].constant;
            if (!t || !t->fill) continue;
            if (i < node->input_count && takes_later(graph, node, i)) continue;
            TDNN_TRY(tdnn_tensor_ready(t, err));
        }
        for (size_t s = 0; s < node->subgraph_count; s++) /* nesting was bounded by the check */
            TDNN_TRY(finish_constants(node->subgraphs[s], err));
    }
    for (size_t i = 0; i < graph->output_count; i++) {
        tdnn_tensor *t = graph->values[graph->outputs[i]].constant;
        if (t) TDNN_TRY(tdnn_tensor_ready(t, err));
    }
    return TDNN_OK;
}

/* Each constant that a node or an output of this graph uses, once. */
static tdnn_status sum_weights(const tdnn_graph *graph, uint64_t *bytes, tdnn_error *err)
{
    tdnn_zone *zone = tdnn_zone_create();
    uint32_t *uses = NULL;
    tdnn_status status =
        zone ? tdnn_graph_count_uses(graph, zone, &uses, err) : TDNN_NO_MEMORY(err);
    for (size_t v = 0; !status && v < graph->value_count; v++)
        if (graph->values[v].constant && uses[v]) *bytes += graph->values[v].constant->bytes;
    tdnn_zone_free(zone);
    for (size_t n = 0; !status && n < graph->node_count; n++)
        for (size_t s = 0; !status && s < graph->nodes[n]->subgraph_count; s++)
            status = sum_weights(graph->nodes[n]->subgraphs[s], bytes,
                                 err); /* nesting was bounded by the check */
    return status;
}

static tdnn_port *make_ports(tdnn_graph *graph, const tdnn_id *ids, size_t count)
{
    tdnn_port *ports = tdnn_zone_alloc(graph->zone, count + 1, sizeof *ports);
    for (size_t i = 0; ports && i < count; i++) {
        const tdnn_value *v = &graph->values[ids[i]];
        ports[i] =
            (tdnn_port){v->name, v->kind, v->dtype, v->shape, v->usual ? *v->usual : v->shape};
    }
    return ports;
}

/* A node's name stands for its output, as long as the passes have not changed any. */
static tdnn_status name_outputs(tdnn_net *net, tdnn_error *err)
{
    const tdnn_graph *graph = net->graph;
    net->output_nodes =
        tdnn_zone_alloc(graph->zone, graph->output_count + 1, sizeof *net->output_nodes);
    tdnn_node **producers;
    if (!net->output_nodes) return TDNN_NO_MEMORY(err);
    TDNN_TRY(tdnn_graph_producers(graph, graph->zone, &producers, err));
    for (size_t i = 0; i < graph->output_count; i++) {
        const tdnn_node *node = producers[graph->outputs[i]];
        net->output_nodes[i] = node && node->outputs[0] == graph->outputs[i] ? node->name : "";
    }
    return TDNN_OK;
}

static tdnn_status finish(tdnn_net *net, const tdnn_load_options *options, tdnn_error *err)
{
    tdnn_pass_context passes = {evaluate, NULL};
    TDNN_TRY(tdnn_graph_cut(net->graph, options, err));
    TDNN_TRY(name_outputs(net, err));
    if (options->optimize) TDNN_TRY(tdnn_passes_run(net->graph, &passes, err));
    TDNN_TRY(tdnn_graph_check(net->graph, err));
    net->inputs = make_ports(net->graph, net->graph->inputs, net->graph->input_count);
    net->outputs = make_ports(net->graph, net->graph->outputs, net->graph->output_count);
    if (!net->inputs || !net->outputs) return TDNN_NO_MEMORY(err);
    TDNN_TRY(sum_weights(net->graph, &net->weight_bytes, err));
    net->mutex = tdnn_mutex_create();
    if (!net->mutex) return TDNN_NO_MEMORY(err);
    return tdnn_packs_create(false, net->weight_bytes, &net->packs, err);
}

tdnn_status tdnn_net_ready(tdnn_net *net, tdnn_error *err)
{
    tdnn_mutex_lock(net->mutex);
    tdnn_status status = net->ready ? TDNN_OK : finish_constants(net->graph, err);
    net->ready = !status;
    tdnn_mutex_unlock(net->mutex);
    return status;
}

tdnn_status tdnn_net_build(const tdnn_load_request *request, tdnn_net **out, tdnn_error *err)
{
    *out = NULL;
    tdnn_net *net = tdnn_calloc(1, sizeof *net);
    if (!net) return TDNN_NO_MEMORY(err);
    atomic_init(&net->refs, 1);
    tdnn_budget budget = {.limit = request->options->memory_limit},
                *before = tdnn_budget_begin(&budget);
    tdnn_status status = parse(request, net, err);
    if (!status) status = finish(net, request->options, err);
    status = tdnn_budget_end(before, status, err);
    net->allocated = budget.used;
    if (!status && request->options->found) status = tdnn_net_ready(net, err);
    if (!status && request->options->found)
        status = tdnn_graph_survey(net->graph, request->options, err);
    if (status)
        tdnn_net_destroy(net);
    else
        *out = net;
    return status;
}

void tdnn_net_destroy(tdnn_net *net)
{
    tdnn_packs_free(net->packs);
    tdnn_mutex_free(net->mutex);
    tdnn_graph_free(net->graph);
    tdnn_free(net);
}

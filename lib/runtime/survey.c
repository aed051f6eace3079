/* Looking for all shapes and element types that stand in the way, for the caller who wants to know
 * of all findings: planning's inference, which here goes on behind a node that fails. What hangs on
 * something unknown (an operator that is missing, an input of open size, contents that only running
 * gives) is left alone. */
#include "lib/runtime/net.h"
#include "lib/runtime/plan.h"

#include <string.h>

typedef struct survey {
    const tdnn_graph *graph;
    const tdnn_load_options *options;
    tdnn_error *first;
    size_t count;
} survey;

static void tell(survey *s, const tdnn_finding *finding)
{
    s->count++;
    s->options->found(s->options->user, finding);
}

static void failed(void *context, const tdnn_node *node, tdnn_error *why)
{
    survey *s = context;
    const tdnn_origin *from = node->origin;
    tdnn_node_error(s->graph, node, why->status, why);
    tdnn_finding finding = {why->status == TDNN_ERR_UNSUPPORTED ? TDNN_FINDING_TYPE
                                                                : TDNN_FINDING_SHAPE,
                            from ? from->node : node->name, from ? from->op : node->op->name,
                            from ? from->where : why->where, why->message};
    if (!s->count) *s->first = *why;
    tell(s, &finding);
}

/* What the caller says, else what the model says, whose open number of images is one. */
static tdnn_shape size_of(const tdnn_load_options *o, const tdnn_value *input, bool only)
{
    tdnn_shape shape = input->usual ? *input->usual : input->shape;
    for (size_t i = 0; i < o->size_count; i++)
        if (!strcmp(o->size_names[i], input->name) || (only && !*o->size_names[i]))
            shape = o->sizes[i];
    if (shape.ndim > 0 && shape.dim[0] < 0) shape.dim[0] = 1;
    return shape;
}

static tdnn_status infer(survey *s, tdnn_zone *zone, tdnn_error *err)
{
    const tdnn_graph *g = s->graph;
    tdnn_tensor **values = tdnn_zone_alloc(zone, g->value_count + 1, sizeof *values);
    tdnn_tensor *inputs = tdnn_zone_alloc(zone, g->input_count + 1, sizeof *inputs);
    int32_t *last_use = tdnn_zone_alloc(zone, g->value_count + 1, sizeof *last_use);
    tdnn_plan plan = {.zone = zone, .graph = g};
    tdnn_plan_env env = {.kernels = tdnn_kernels_get(tdnn_cpu_best()), .threads = 1};
    tdnn_segment segment = {g, 0, values, last_use};
    tdnn_planner planner = {.env = &env, .segment = &segment, .plan = &plan, .err = err,
                            .failed = failed, .context = s};
    planner.index = tdnn_zone_alloc(zone, g->value_count + 1, sizeof *planner.index);
    if (!values || !inputs || !last_use || !planner.index) return TDNN_NO_MEMORY(err);
    for (size_t v = 0; v < g->value_count; v++) planner.index[v] = -1;
    for (size_t i = 0; i < g->input_count; i++) {
        const tdnn_value *v = &g->values[g->inputs[i]];
        inputs[i] = (tdnn_tensor){.kind = v->kind, .dtype = v->dtype,
                                  .shape = size_of(s->options, v, g->input_count == 1)};
        if (v->kind == TDNN_KIND_TENSOR && v->dtype != TDNN_NONE && tdnn_shape_known(&inputs[i].shape))
            values[g->inputs[i]] = &inputs[i];
    }
    tdnn_status status = tdnn_planner_infer(&planner);
    for (size_t i = 0; i < plan.held_count; i++) tdnn_tensor_release(plan.held[i]);
    return status;
}

tdnn_status tdnn_graph_survey(const tdnn_graph *graph, const tdnn_load_options *options,
                              tdnn_error *err)
{
    tdnn_error first = {0}, here = {0};
    survey s = {graph, options, &first, 0};
    tdnn_zone *zone = tdnn_zone_create();
    tdnn_status status = zone ? infer(&s, zone, &here) : TDNN_NO_MEMORY(&here);
    tdnn_zone_free(zone);
    if (!status && !s.count) return TDNN_OK;
    if (err) *err = status ? here : first;
    return status ? status : first.status;
}

/* ---- what is left of a graph ---- */

/* What nothing makes becomes an input of which nothing is known, so that the rest is a graph. */
static tdnn_status open_graph(tdnn_graph *g, tdnn_zone *zone, tdnn_error *err)
{
    tdnn_node **producers;
    TDNN_TRY(tdnn_graph_producers(g, zone, &producers, err));
    bool *given = tdnn_zone_alloc(zone, g->value_count + 1, sizeof *given);
    if (!given) return TDNN_NO_MEMORY(err);
    for (size_t i = 0; i < g->input_count; i++) given[g->inputs[i]] = true;
    for (size_t i = 0; i < g->capture_count; i++) given[g->captures[i].inner] = true;
    for (size_t v = 0; v < g->value_count; v++) {
        if (given[v] || producers[v] || g->values[v].constant) continue;
        g->values[v].dtype = TDNN_NONE;
        g->values[v].shape.ndim = -1;
        TDNN_TRY(tdnn_graph_add_input(g, (tdnn_id)v, err));
    }
    for (size_t n = 0; n < g->node_count; n++) /* no deeper than the parser went */
        for (size_t k = 0; k < g->nodes[n]->subgraph_count; k++)
            TDNN_TRY(open_graph(g->nodes[n]->subgraphs[k], zone, err));
    return TDNN_OK;
}

tdnn_status tdnn_graph_survey_rest(tdnn_graph *graph, const tdnn_load_options *options,
                                   tdnn_error *err)
{
    tdnn_zone *zone = tdnn_zone_create();
    tdnn_status status = zone ? open_graph(graph, zone, err) : TDNN_NO_MEMORY(err);
    tdnn_zone_free(zone);
    if (!status) status = tdnn_graph_check(graph, err);
    if (status == TDNN_ERR_FORMAT && err) {
        const tdnn_finding finding = {TDNN_FINDING_USE, "", "", err->where, err->message};
        options->found(options->user, &finding);
    }
    return status ? status : tdnn_graph_survey(graph, options, err);
}

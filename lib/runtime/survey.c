/* Looking for all shapes and element types that stand in the way, for the caller who wants to
 * know of all findings: planning's inference, which here goes on behind a node that fails. What
 * hangs on something unknown (an operator that is missing, an input of open size, contents that
 * only running gives) is left alone. Subgraphs are looked at with what their first run gets. */
#include "lib/runtime/net.h"
#include "lib/runtime/plan.h"

#include <string.h>

typedef struct nodes {
    const tdnn_node **at;
    size_t count, capacity;
} nodes;

typedef struct survey {
    const tdnn_graph *graph, *now; /* `now`: the subgraph that is looked at */
    const tdnn_load_options *options;
    tdnn_zone *zone;
    int64_t images;     /* in place of an open first dimension */
    bool guessed;       /* there is one */
    bool no_memory;
    nodes failed;
    const nodes *tell; /* NULL: nobody is told; else of these       */
    tdnn_error first;  /* of those that were told of                */
} survey;

static bool has(const nodes *list, const tdnn_node *node)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->at[i] == node) return true;
    return false;
}

static void tell(survey *s, const tdnn_node *node, tdnn_error *why)
{
    const tdnn_origin *from = node->origin;
    tdnn_node_error(s->now, node, why->status, why);
    const tdnn_finding finding = {
        why->status == TDNN_ERR_UNSUPPORTED ? TDNN_FINDING_TYPE : TDNN_FINDING_SHAPE,
        from ? from->node : node->name, from ? from->op : node->op->name,
        from ? from->where : why->where, why->message};
    if (!s->first.status) s->first = *why;
    s->options->found(s->options->user, &finding);
}

static void failed(void *context, const tdnn_node *node, tdnn_error *why)
{
    survey *s = context;
    if (s->tell && has(s->tell, node)) tell(s, node, why);
    if (TDNN_ZONE_PUSH(s->zone, s->failed.at, s->failed.count, s->failed.capacity))
        s->failed.at[s->failed.count++] = node;
    else
        s->no_memory = true;
}

/* What the caller says, else what the model says. */
static tdnn_shape size_of(survey *s, const tdnn_value *input, bool only)
{
    const tdnn_load_options *o = s->options;
    tdnn_shape shape = input->usual ? *input->usual : input->shape;
    for (size_t i = 0; i < o->size_count; i++)
        if (!strcmp(o->size_names[i], input->name) || (only && !*o->size_names[i]))
            shape = o->sizes[i];
    if (shape.ndim > 0 && shape.dim[0] < 0) {
        s->guessed = true;
        shape.dim[0] = s->images;
    }
    return shape;
}

static tdnn_status infer_graph(survey *s, const tdnn_graph *g, tdnn_tensor **values,
                               tdnn_error *err);

/* ---- subgraphs ---- */

static tdnn_tensor *tensor_of(tdnn_zone *zone, const tdnn_info *info)
{
    if (info->contents) return info->contents;
    tdnn_tensor *t = tdnn_zone_alloc(zone, 1, sizeof *t);
    if (t) *t = (tdnn_tensor){.kind = info->kind, .dtype = info->dtype, .shape = info->shape};
    return t;
}

/* *out: NULL if it is not known. */
static tdnn_status info_of(const tdnn_planner *p, tdnn_id id, const tdnn_info **out)
{
    *out = NULL;
    if (id == TDNN_ABSENT) return TDNN_OK;
    tdnn_tensor *t = p->segment->graph->values[id].constant;
    if (!t) t = p->segment->values[id];
    if (t) {
        tdnn_info *info = tdnn_zone_alloc(p->plan->zone, 1, sizeof *info);
        if (!info) return TDNN_NO_MEMORY(p->err);
        *info = (tdnn_info){.kind = t->kind, .dtype = t->dtype, .shape = t->shape,
                            .contents = t->data ? t : NULL};
        *out = info;
    } else if (p->index[id] >= 0) {
        *out = &p->plan->values[p->index[id]].info;
    }
    return TDNN_OK;
}

static tdnn_status infer_subgraph(survey *s, const tdnn_planner *p, const tdnn_infer *ctx,
                                  size_t index)
{
    const tdnn_node *node = ctx->node;
    const tdnn_graph *g = node->subgraphs[index];
    tdnn_tensor **values = tdnn_zone_alloc(s->zone, g->value_count + 1, sizeof *values);
    tdnn_info *in = tdnn_zone_alloc(s->zone, g->input_count + 1, sizeof *in);
    if (!values || !in) return TDNN_NO_MEMORY(p->err);
    if (!tdnn_op_of(node)->enter(ctx, index, in, g->input_count)) return TDNN_OK;
    for (size_t i = 0; i < g->input_count; i++)
        if (in[i].kind == TDNN_KIND_TENSOR && in[i].dtype)
            values[g->inputs[i]] = tensor_of(s->zone, &in[i]);
    for (size_t i = 0; i < g->capture_count; i++) {
        const tdnn_info *outer;
        TDNN_TRY(info_of(p, node->inputs[node->input_count + g->captures[i].slot], &outer));
        if (outer && outer->kind == TDNN_KIND_TENSOR)
            values[g->captures[i].inner] = tensor_of(s->zone, outer);
    }
    return infer_graph(s, g, values, p->err); /* nesting was bounded by the check */
}

static tdnn_status infer_subgraphs(survey *s, const tdnn_planner *p, const tdnn_node *node)
{
    if (!node->subgraph_count || !tdnn_op_of(node)->enter) return TDNN_OK;
    const tdnn_info **in = tdnn_zone_alloc(s->zone, node->input_count + 1, sizeof *in);
    if (!in) return TDNN_NO_MEMORY(p->err);
    for (size_t i = 0; i < node->input_count; i++) TDNN_TRY(info_of(p, node->inputs[i], &in[i]));
    const tdnn_infer ctx = {.node = node,
                            .params = node->params,
                            .input_count = node->input_count,
                            .output_count = node->output_count,
                            .in = in,
                            .err = p->err};
    for (size_t k = 0; k < node->subgraph_count; k++) TDNN_TRY(infer_subgraph(s, p, &ctx, k));
    return TDNN_OK;
}

/* ---- a graph ---- */

/* `values`: what is known before. */
static tdnn_status infer_graph(survey *s, const tdnn_graph *g, tdnn_tensor **values,
                               tdnn_error *err)
{
    tdnn_zone *zone = s->zone;
    const tdnn_graph *outer = s->now;
    int32_t *last_use = tdnn_zone_alloc(zone, g->value_count + 1, sizeof *last_use);
    tdnn_plan plan = {.zone = zone, .graph = g};
    tdnn_plan_env env = {.kernels = tdnn_kernels_get(tdnn_cpu_best()), .threads = 1};
    tdnn_segment segment = {g, 0, values, last_use};
    tdnn_planner planner = {.env = &env, .segment = &segment, .plan = &plan, .err = err,
                            .failed = failed, .context = s};
    planner.index = tdnn_zone_alloc(zone, g->value_count + 1, sizeof *planner.index);
    if (!last_use || !planner.index) return TDNN_NO_MEMORY(err);
    for (size_t v = 0; v < g->value_count; v++) planner.index[v] = -1;
    s->now = g;
    tdnn_status status = tdnn_planner_infer(&planner);
    for (size_t n = 0; !status && n < g->node_count; n++)
        status = infer_subgraphs(s, &planner, g->nodes[n]);
    s->now = outer;
    for (size_t i = 0; i < plan.held_count; i++) tdnn_tensor_release(plan.held[i]);
    return status;
}

static tdnn_status infer(survey *s, tdnn_error *err)
{
    tdnn_zone *zone = s->zone;
    const tdnn_graph *g = s->graph;
    tdnn_tensor **values = tdnn_zone_alloc(zone, g->value_count + 1, sizeof *values);
    tdnn_tensor *inputs = tdnn_zone_alloc(zone, g->input_count + 1, sizeof *inputs);
    if (!values || !inputs) return TDNN_NO_MEMORY(err);
    for (size_t i = 0; i < g->input_count; i++) {
        const tdnn_value *v = &g->values[g->inputs[i]];
        inputs[i] = (tdnn_tensor){.kind = v->kind, .dtype = v->dtype,
                                  .shape = size_of(s, v, g->input_count == 1)};
        if (v->kind == TDNN_KIND_TENSOR && v->dtype != TDNN_NONE &&
            tdnn_shape_known(&inputs[i].shape))
            values[g->inputs[i]] = &inputs[i];
    }
    tdnn_status status = infer_graph(s, g, values, err);
    return !status && s->no_memory ? TDNN_NO_MEMORY(err) : status;
}

/* What fails for one number of images and not for another one says nothing: the model leaves it
 * open. */
static tdnn_status find_failing(survey *s, nodes *always, tdnn_error *err)
{
    enum { MOST_IMAGES = 8 };
    TDNN_TRY(infer(s, err));
    *always = s->failed;
    while (always->count && s->guessed && s->images < MOST_IMAGES) {
        size_t kept = 0;
        s->images++;
        s->failed = (nodes){0};
        TDNN_TRY(infer(s, err));
        for (size_t i = 0; i < always->count; i++)
            if (has(&s->failed, always->at[i])) always->at[kept++] = always->at[i];
        always->count = kept;
    }
    return TDNN_OK;
}

tdnn_status tdnn_graph_survey(const tdnn_graph *graph, const tdnn_load_options *options,
                              tdnn_error *err)
{
    tdnn_error here = {0};
    nodes always = {0};
    survey s = {.graph = graph, .options = options, .zone = tdnn_zone_create(), .images = 1};
    tdnn_status status = s.zone ? find_failing(&s, &always, &here) : TDNN_NO_MEMORY(&here);
    if (!status && always.count) {
        s.tell = &always;
        s.images = 1;
        status = infer(&s, &here);
    }
    tdnn_zone_free(s.zone);
    if (!status && !s.first.status) return TDNN_OK;
    if (err) *err = status ? here : s.first;
    return status ? status : s.first.status;
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

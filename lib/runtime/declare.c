/* Types and shapes of a graph's values, for one that is written: as planning works them out for
 * two sets of input sizes. A size that is the same for both does not depend on the input. */
#include "lib/graph/params.h"
#include "lib/runtime/plan.h"
#include "lib/runtime/write.h"

#include <string.h>

/* ---- one set of sizes ---- */

typedef struct survey {
    tdnn_zone *zone;
    tdnn_tensor *inputs;  /* per input of the graph: without data */
    tdnn_info *infos;     /* per value; dtype NONE: not known     */
    tdnn_tensor *
        *known; /* NULL: not wanted; else per value: references to what it contains, or NULL */
} survey;

/* What a free size without a usual one may be, and the number of dimensions where none is
 * declared. */
typedef struct guess {
    int ndim;
    int64_t size;     /* of a picture's side                                  */
    int64_t channels; /* of dimension 1, or of the last one; 0: as the others */
    bool last;
} guess;

static tdnn_shape any_shape(int ndim)
{
    tdnn_shape shape = {.ndim = ndim};
    for (int i = 0; i < ndim; i++) shape.dim[i] = -1;
    return shape;
}

/* Free sizes take the usual ones, `times` as large; false if there are none. */
static bool input_shape(const tdnn_value *value, guess g, int64_t times, tdnn_shape *out)
{
    *out = value->usual ? *value->usual : value->shape;
    if (out->ndim < 0) *out = any_shape(g.ndim);
    if (value->kind != TDNN_KIND_TENSOR || value->dtype == TDNN_NONE || out->ndim < 0)
        return false;
    for (int i = 0; i < out->ndim; i++) {
        bool channels = g.channels && out->ndim > 2 && i == (g.last ? out->ndim - 1 : 1);
        bool is_free = out->dim[i] < 0;
        if (is_free) out->dim[i] = channels ? g.channels : i == 0 ? 1 : g.size;
        bool grows = value->shape.ndim < 0 || value->shape.dim[i] < 0;
        if (grows && !(is_free && channels)) out->dim[i] *= times;
    }
    return true;
}

static tdnn_status infer(survey *s, const tdnn_graph *graph, tdnn_error *err)
{
    tdnn_tensor **values = tdnn_zone_alloc(s->zone, graph->value_count + 1, sizeof *values);
    int32_t *last_use = tdnn_zone_alloc(s->zone, graph->value_count + 1, sizeof *last_use);
    tdnn_plan plan = {.zone = s->zone, .graph = graph};
    tdnn_plan_env env = {.kernels = tdnn_kernels_get(tdnn_cpu_best()), .threads = 1};
    tdnn_segment segment = {graph, 0, values, last_use};
    tdnn_planner planner = {.env = &env, .segment = &segment, .plan = &plan, .err = err};
    planner.index = tdnn_zone_alloc(s->zone, graph->value_count + 1, sizeof *planner.index);
    if (!values || !last_use || !planner.index) return TDNN_NO_MEMORY(err);
    for (size_t i = 0; i < graph->input_count; i++) values[graph->inputs[i]] = &s->inputs[i];
    for (size_t v = 0; v < graph->value_count; v++) planner.index[v] = -1;
    tdnn_status status = tdnn_planner_infer(&planner);
    for (size_t i = 0; !status && i < plan.value_count; i++)
        if (plan.values[i].id != TDNN_ABSENT) {
            tdnn_info *info = &s->infos[plan.values[i].id];
            *info = plan.values[i].info;
            if (s->known && info->contents && !plan.values[i].forever)
                s->known[plan.values[i].id] = tdnn_tensor_retain(info->contents);
            info->contents = NULL;
        }
    for (size_t i = 0; i < graph->input_count; i++) /* they stay as they are declared */
        s->infos[graph->inputs[i]].dtype = TDNN_NONE;
    for (size_t i = 0; i < plan.held_count; i++) tdnn_tensor_release(plan.held[i]);
    return status;
}

/* Nothing is known if the sizes do not fit the graph. */
static tdnn_status take_survey(survey *s, tdnn_zone *zone, const tdnn_graph *graph, guess g,
                               int64_t times, bool *known, tdnn_error *err)
{
    *s = (survey){.zone = zone, .known = s->known};
    *known = false;
    s->inputs = tdnn_zone_alloc(zone, graph->input_count + 1, sizeof *s->inputs);
    s->infos = tdnn_zone_alloc(zone, graph->value_count + 1, sizeof *s->infos);
    if (!s->inputs || !s->infos) return TDNN_NO_MEMORY(err);
    for (size_t i = 0; i < graph->input_count; i++) {
        const tdnn_value *value = &graph->values[graph->inputs[i]];
        tdnn_tensor *input = &s->inputs[i];
        *input = (tdnn_tensor){.kind = value->kind, .dtype = value->dtype};
        if (!input_shape(value, g, times, &input->shape)) return TDNN_OK;
    }
    tdnn_status status = infer(s, graph, err);
    if (status == TDNN_ERR_MEMORY) return status;
    *known = status == TDNN_OK;
    tdnn_error_clear(err);
    return TDNN_OK;
}

/* ---- both ---- */

static void declare(tdnn_value *value, const tdnn_info *one, const tdnn_info *other)
{
    if (one->dtype == TDNN_NONE || value->constant) return;
    if (value->dtype == TDNN_NONE) {
        value->kind = one->kind;
        value->dtype = one->dtype;
    }
    bool ranked = value->shape.ndim >= 0;
    if (one->kind != TDNN_KIND_TENSOR || (ranked && value->shape.ndim != one->shape.ndim)) return;
    bool same = other->dtype != TDNN_NONE && other->shape.ndim == one->shape.ndim;
    value->shape.ndim = one->shape.ndim;
    for (int i = 0; i < one->shape.ndim; i++) {
        if (ranked && value->shape.dim[i] >= 0) continue;
        value->shape.dim[i] =
            same && other->shape.dim[i] == one->shape.dim[i] ? one->shape.dim[i] : -1;
    }
}

/* What the first convolution takes; no dimensions if there is none. */
static guess first_convolution(const tdnn_graph *graph)
{
    for (size_t n = 0; n < graph->node_count; n++) {
        const tdnn_node *node = graph->nodes[n];
        if (node->op->kind != TDNN_OP_Conv) continue;
        const tdnn_conv_params *p = node->params;
        const tdnn_shape *w = &graph->values[node->inputs[1]].shape;
        return (guess){.ndim = w->ndim,
                       .channels = w->ndim > 1 && w->dim[1] > 0 ? w->dim[1] * p->group : 0};
    }
    return (guess){.ndim = -1};
}

/* An input without a number of dimensions has that with which the rest fits. */
static void declare_inputs(tdnn_graph *graph, int ndim)
{
    for (size_t i = 0; i < graph->input_count; i++) {
        tdnn_value *value = &graph->values[graph->inputs[i]];
        if (value->shape.ndim < 0 && ndim >= 0) value->shape = any_shape(ndim);
    }
}

tdnn_status tdnn_graph_declare(tdnn_graph *graph, tdnn_error *err)
{
    const guess conv = first_convolution(graph);
    const guess guesses[] = {{conv.ndim, 64, 0, false},
                             {conv.ndim, 64, conv.channels, false},
                             {conv.ndim, 64, conv.channels, true},
                             {conv.ndim, 1, 0, false}};
    survey one = {0}, other = {0};
    bool known = false, both = false;
    tdnn_zone *zone = tdnn_zone_create();
    tdnn_status status = zone ? TDNN_OK : TDNN_NO_MEMORY(err);
    for (size_t i = 0; !status && !known && i < sizeof guesses / sizeof *guesses; i++) {
        status = take_survey(&one, zone, graph, guesses[i], 1, &known, err);
        if (!status && known)
            status = take_survey(&other, zone, graph, guesses[i], 2, &both, err);
    }
    if (!status && known) declare_inputs(graph, conv.ndim);
    if (!status && known)
        for (size_t v = 0; v < graph->value_count; v++)
            declare(&graph->values[v], &one.infos[v], &other.infos[v]);
    tdnn_zone_free(zone);
    return status;
}

/* ---- contents ---- */

static bool is_settled(const tdnn_graph *graph)
{
    for (size_t i = 0; i < graph->input_count; i++)
        if (!tdnn_shape_known(&graph->values[graph->inputs[i]].shape)) return false;
    return true;
}

/* Nodes all of whose results are known go, and leave constants; results of the graph stay
 * computed. */
static tdnn_status make_constants(tdnn_graph *graph, tdnn_tensor **known, tdnn_error *err)
{
    for (size_t n = 0; n < graph->node_count; n++) {
        tdnn_node *node = graph->nodes[n];
        bool all = true;
        for (size_t i = 0; i < node->output_count; i++)
            if (node->outputs[i] != TDNN_ABSENT)
                all = all && known[node->outputs[i]] &&
                      !tdnn_graph_is_output(graph, node->outputs[i]);
        if (!all) continue;
        for (size_t i = 0; i < node->output_count; i++) {
            const tdnn_id id = node->outputs[i];
            if (id == TDNN_ABSENT) continue;
            TDNN_TRY(tdnn_graph_hold(graph, tdnn_tensor_retain(known[id]), err));
            tdnn_graph_set_constant(graph, id, known[id]);
        }
        node->op = NULL;
    }
    tdnn_graph_sweep(graph);
    return TDNN_OK;
}

tdnn_status tdnn_graph_settle(tdnn_graph *graph, tdnn_error *err)
{
    const guess none = {.ndim = -1};
    bool fits = false;
    if (!is_settled(graph)) return TDNN_OK;
    tdnn_zone *zone = tdnn_zone_create();
    survey s = {.known = zone ? tdnn_zone_alloc(zone, graph->value_count + 1, sizeof *s.known)
                              : NULL};
    tdnn_status status = s.known ? TDNN_OK : TDNN_NO_MEMORY(err);
    if (!status) status = take_survey(&s, zone, graph, none, 1, &fits, err);
    if (!status && fits) status = make_constants(graph, s.known, err);
    for (size_t v = 0; s.known && v < graph->value_count; v++) tdnn_tensor_release(s.known[v]);
    tdnn_zone_free(zone);
    return status;
}

/* Types and shapes of a graph's values, for one that is written: as planning works them out for two sets of
 * input sizes. A size that is the same for both does not depend on the input. */
#include "lib/runtime/plan.h"
#include "lib/runtime/write.h"

#include <string.h>

/* ---- one set of sizes ---- */

typedef struct survey {
    tdnn_zone *zone;
    tdnn_tensor *inputs;  /* per input of the graph: without data */
    tdnn_info *infos;     /* per value; dtype NONE: not known     */
} survey;

/* Free sizes take the usual ones, `times` as large; false if there are none. */
static bool input_shape(const tdnn_value *value, int64_t times, tdnn_shape *out)
{
    const tdnn_shape *usual = value->usual ? value->usual : &value->shape;
    *out = *usual;
    if (value->kind != TDNN_KIND_TENSOR || value->dtype == TDNN_NONE || usual->ndim < 0) return false;
    for (int i = 0; i < usual->ndim; i++) {
        if (out->dim[i] < 0) out->dim[i] = i == 0 ? 1 : 64;
        if (value->shape.ndim < 0 || value->shape.dim[i] < 0) out->dim[i] *= times;
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
            s->infos[plan.values[i].id] = plan.values[i].info;
            s->infos[plan.values[i].id].contents = NULL;
        }
    for (size_t i = 0; i < graph->input_count; i++) /* they stay as they are declared */
        s->infos[graph->inputs[i]].dtype = TDNN_NONE;
    for (size_t i = 0; i < plan.held_count; i++) tdnn_tensor_release(plan.held[i]);
    return status;
}

/* Nothing is known if the sizes do not fit the graph. */
static tdnn_status take_survey(survey *s, tdnn_zone *zone, const tdnn_graph *graph, int64_t times,
                               bool *known, tdnn_error *err)
{
    *s = (survey){.zone = zone};
    *known = false;
    s->inputs = tdnn_zone_alloc(zone, graph->input_count + 1, sizeof *s->inputs);
    s->infos = tdnn_zone_alloc(zone, graph->value_count + 1, sizeof *s->infos);
    if (!s->inputs || !s->infos) return TDNN_NO_MEMORY(err);
    for (size_t i = 0; i < graph->input_count; i++) {
        const tdnn_value *value = &graph->values[graph->inputs[i]];
        tdnn_tensor *input = &s->inputs[i];
        *input = (tdnn_tensor){.kind = value->kind, .dtype = value->dtype};
        if (!input_shape(value, times, &input->shape)) return TDNN_OK;
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
        value->shape.dim[i] = same && other->shape.dim[i] == one->shape.dim[i] ? one->shape.dim[i] : -1;
    }
}

tdnn_status tdnn_graph_declare(tdnn_graph *graph, tdnn_error *err)
{
    survey one, other;
    bool known = false, both = false;
    tdnn_zone *zone = tdnn_zone_create();
    if (!zone) return TDNN_NO_MEMORY(err);
    tdnn_status status = take_survey(&one, zone, graph, 1, &known, err);
    if (!status && known) status = take_survey(&other, zone, graph, 2, &both, err);
    if (!status && known)
        for (size_t v = 0; v < graph->value_count; v++)
            declare(&graph->values[v], &one.infos[v], &other.infos[v]);
    tdnn_zone_free(zone);
    return status;
}

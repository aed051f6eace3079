/* One operator on tensors, through the ordinary planner: for folding constants, for shape
 * arithmetic while planning, and for operators made of others. */
#include "lib/runtime/plan.h"

/* A graph of one node, whose inputs are values 0 .. and whose outputs follow them. */
typedef struct single {
    tdnn_graph graph;
    tdnn_node node;
    tdnn_node *nodes[1];
    tdnn_tensor **values;
    int32_t *last_use;
    size_t in_count, out_count;
} single;

static single *make_single(tdnn_zone *zone, const tdnn_node *node, tdnn_tensor *const *inputs)
{
    size_t count = node->input_count + node->output_count;
    single *s = tdnn_zone_alloc(zone, 1, sizeof *s);
    tdnn_value *values = tdnn_zone_alloc(zone, count + 1, sizeof *values);
    tdnn_id *ids = tdnn_zone_alloc(zone, count + 1, sizeof *ids);
    if (!s || !values || !ids) return NULL;
    s->values = tdnn_zone_alloc(zone, count + 1, sizeof(tdnn_tensor *));
    s->last_use = tdnn_zone_alloc(zone, count + 1, sizeof *s->last_use);
    if (!s->values || !s->last_use) return NULL;
    s->in_count = node->input_count;
    s->out_count = node->output_count;
    for (size_t i = 0; i < count; i++) {
        bool output = i >= node->input_count;
        values[i].name = node->name;
        s->last_use[i] = output ? INT32_MAX : 0;
        ids[i] = output || inputs[i] ? (tdnn_id)i : TDNN_ABSENT;
        if (!output) s->values[i] = inputs[i];
    }
    s->node = *node;
    s->node.inputs = ids;
    s->node.outputs = ids + node->input_count;
    s->nodes[0] = &s->node;
    s->graph = (tdnn_graph){.zone = zone, .name = "", .values = values, .value_count = count,
                            .nodes = s->nodes, .node_count = 1};
    return s;
}

static tdnn_status run_alone(const tdnn_plan_env *env, single *s, tdnn_tensor **outputs,
                             tdnn_error *err)
{
    tdnn_plan *plan;
    tdnn_segment segment = {&s->graph, 0, s->values, s->last_use};
    TDNN_TRY(tdnn_plan_build(env, &segment, &plan, err));
    tdnn_status status = plan->end == 1 ? TDNN_OK : TDNN_WAIT;
    unsigned char *arena = NULL;
    if (!status && !(arena = tdnn_alloc(plan->arena_bytes, 1))) status = TDNN_NO_MEMORY(err);
    tdnn_run_hooks hooks = {0};
    if (!status) status = tdnn_plan_run(plan, arena, &hooks, s->values, err);
    for (size_t i = 0; !status && i < s->out_count; i++) {
        tdnn_tensor *made = s->values[s->in_count + i];
        if (made) status = tdnn_tensor_copy(made, &outputs[i], err);
    }
    tdnn_free(arena);
    tdnn_plan_free(plan);
    return status;
}

/* The inputs, with their data for the time of one evaluation. */
static tdnn_status take_inputs(const tdnn_node *node, tdnn_tensor *const *inputs,
                               tdnn_tensor **taken, tdnn_error *err)
{
    for (size_t i = 0; i < node->input_count; i++) {
        if (inputs[i] && inputs[i]->fill)
            TDNN_TRY(tdnn_tensor_copy(inputs[i], &taken[i], err));
        else
            taken[i] = tdnn_tensor_retain(inputs[i]);
    }
    return TDNN_OK;
}

tdnn_status tdnn_evaluate(const tdnn_plan_env *env, const tdnn_node *node,
                          tdnn_tensor *const *inputs, tdnn_tensor **outputs, tdnn_error *err)
{
    for (size_t i = 0; i < node->output_count; i++) outputs[i] = NULL;
    if (!tdnn_op_of(node)->plan) return TDNN_WAIT;
    tdnn_zone *zone = tdnn_zone_create();
    tdnn_tensor **taken =
        zone ? tdnn_zone_alloc(zone, node->input_count + 1, sizeof *taken) : NULL;
    tdnn_status status = taken ? take_inputs(node, inputs, taken, err) : TDNN_NO_MEMORY(err);
    single *s = status ? NULL : make_single(zone, node, taken);
    if (!status && !s) status = TDNN_NO_MEMORY(err);
    tdnn_plan_env alone = {
        .kernels = env->kernels, .threads = 1, .precision = TDNN_PRECISION_FP32};
    if (!status) status = run_alone(&alone, s, outputs, err);
    for (size_t i = 0; taken && i < node->input_count; i++) {
        if (taken[i]) tdnn_tensor_discard(inputs[i]);
        tdnn_tensor_release(taken[i]);
    }
    if (status)
        for (size_t i = 0; i < node->output_count; i++) {
            tdnn_tensor_release(outputs[i]);
            outputs[i] = NULL;
        }
    tdnn_zone_free(zone);
    return status;
}

/* Constant folding: what can be computed once is, through the ordinary operators. */
#include "lib/passes/pass.h"

static bool all_constant(const tdnn_graph *graph, const tdnn_node *node)
{
    for (size_t i = 0; i < node->input_count; i++)
        if (node->inputs[i] != TDNN_ABSENT && !graph->values[node->inputs[i]].constant) return false;
    return true;
}

static tdnn_status keep(tdnn_graph *graph, const tdnn_node *node, tdnn_tensor **made, tdnn_error *err)
{
    tdnn_status status = TDNN_OK;
    for (size_t i = 0; i < node->output_count; i++) {
        if (!made[i]) continue;
        if (status || node->outputs[i] == TDNN_ABSENT) {
            tdnn_tensor_release(made[i]);
            continue;
        }
        status = tdnn_graph_hold(graph, made[i], err);
        if (!status) tdnn_graph_set_constant(graph, node->outputs[i], made[i]);
    }
    return status;
}

tdnn_status tdnn_pass_fold(tdnn_graph *graph, const tdnn_pass_context *context, size_t *changes,
                           tdnn_error *err)
{
    tdnn_zone *zone = tdnn_zone_create();
    if (!zone) return TDNN_NO_MEMORY(err);
    tdnn_status status = TDNN_OK;
    for (size_t n = 0; !status && n < graph->node_count; n++) { /* in order: results feed what follows */
        tdnn_node *node = graph->nodes[n];
        if (!all_constant(graph, node)) continue;
        tdnn_tensor **made = tdnn_zone_alloc(zone, node->output_count + 1, sizeof *made);
        status = made ? context->evaluate(context->user, graph, node, made, err) : TDNN_NO_MEMORY(err);
        if (status == TDNN_ERR_UNSUPPORTED) { /* it runs with the others */
            tdnn_error_clear(err);
            status = TDNN_OK;
            continue;
        }
        if (!status) status = keep(graph, node, made, err);
        if (status) {
            status = tdnn_node_error(graph, node, status, err);
        } else {
            node->op = NULL;
            ++*changes;
        }
    }
    tdnn_zone_free(zone);
    tdnn_graph_sweep(graph);
    return status;
}

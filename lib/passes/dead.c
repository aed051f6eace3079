/* Drops nodes whose results nobody uses. */
#include "lib/passes/pass.h"

tdnn_status tdnn_pass_dead(tdnn_graph *graph, const tdnn_pass_context *context, size_t *changes,
                           tdnn_error *err)
{
    (void)context;
    tdnn_zone *zone = tdnn_zone_create();
    uint32_t *uses = NULL;
    tdnn_status status =
        zone ? tdnn_graph_count_uses(graph, zone, &uses, err) : TDNN_NO_MEMORY(err);
    for (size_t n = graph->node_count; !status && n-- > 0;) {
        tdnn_node *node = graph->nodes[n];
        bool used = false;
        for (size_t i = 0; i < node->output_count; i++)
            used = used || (node->outputs[i] != TDNN_ABSENT && uses[node->outputs[i]] > 0);
        if (used) continue;
        for (size_t i = 0; i < node->input_count + node->capture_count; i++)
            if (node->inputs[i] != TDNN_ABSENT) uses[node->inputs[i]]--;
        node->op = NULL;
        ++*changes;
    }
    tdnn_zone_free(zone);
    tdnn_graph_sweep(graph);
    return status;
}

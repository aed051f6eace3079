/* Looking at graphs and changing them, for passes. */
#include "lib/graph/graph.h"

#include <string.h>

static size_t all_inputs(const tdnn_node *node)
{
    return node->input_count + node->capture_count;
}

void tdnn_graph_replace_uses(tdnn_graph *graph, tdnn_id from, tdnn_id to)
{
    for (size_t n = 0; n < graph->node_count; n++) {
        tdnn_node *node = graph->nodes[n];
        for (size_t i = 0; i < all_inputs(node); i++)
            if (node->inputs[i] == from) node->inputs[i] = to;
    }
    for (size_t i = 0; i < graph->output_count; i++)
        if (graph->outputs[i] == from) graph->outputs[i] = to;
}

tdnn_status tdnn_graph_count_uses(const tdnn_graph *graph, tdnn_zone *zone, uint32_t **out,
                                  tdnn_error *err)
{
    uint32_t *uses = *out = tdnn_zone_alloc(zone, graph->value_count, sizeof *uses);
    if (!uses) return TDNN_NO_MEMORY(err);
    for (size_t n = 0; n < graph->node_count; n++) {
        const tdnn_node *node = graph->nodes[n];
        if (!node->op) continue;
        for (size_t i = 0; i < all_inputs(node); i++)
            if (node->inputs[i] != TDNN_ABSENT) uses[node->inputs[i]]++;
    }
    for (size_t i = 0; i < graph->output_count; i++) uses[graph->outputs[i]]++;
    return TDNN_OK;
}

tdnn_status tdnn_graph_producers(const tdnn_graph *graph, tdnn_zone *zone, tdnn_node ***out,
                                 tdnn_error *err)
{
    tdnn_node **producers = *out = tdnn_zone_alloc(zone, graph->value_count, sizeof *producers);
    if (!producers) return TDNN_NO_MEMORY(err);
    for (size_t n = 0; n < graph->node_count; n++) {
        tdnn_node *node = graph->nodes[n];
        if (!node->op) continue;
        for (size_t i = 0; i < node->output_count; i++)
            if (node->outputs[i] != TDNN_ABSENT) producers[node->outputs[i]] = node;
    }
    return TDNN_OK;
}

bool tdnn_graph_is_output(const tdnn_graph *graph, tdnn_id value)
{
    for (size_t i = 0; i < graph->output_count; i++)
        if (graph->outputs[i] == value) return true;
    return false;
}

void tdnn_graph_sweep(tdnn_graph *graph)
{
    size_t kept = 0;
    for (size_t n = 0; n < graph->node_count; n++)
        if (graph->nodes[n]->op) graph->nodes[kept++] = graph->nodes[n];
    graph->node_count = kept;
}

tdnn_status tdnn_node_error(const tdnn_graph *graph, const tdnn_node *node, tdnn_status status,
                            tdnn_error *err)
{
    if (node->name[0])
        return tdnn_error_at(err, status, "node %s (%s)", node->name, node->op->name);
    for (size_t i = 0; i < node->output_count; i++)
        if (node->outputs[i] != TDNN_ABSENT)
            return tdnn_error_at(err, status, "node making %s (%s)",
                                 graph->values[node->outputs[i]].name, node->op->name);
    return tdnn_error_at(err, status, "node (%s)", node->op->name);
}

/* Cutting a graph at inner tensors: they become inputs, and what only fed them goes; or
 * outputs. */
#include "lib/runtime/net.h"

#include <string.h>

static tdnn_status find(const tdnn_graph *graph, const char *name, tdnn_id *out, tdnn_error *err)
{
    *out = tdnn_graph_find_value(graph, name);
    if (*out != TDNN_ABSENT) return TDNN_OK;
    for (size_t n = 0; n < graph->node_count;
         n++) { /* a node's name stands for its first output */
        const tdnn_node *node = graph->nodes[n];
        if (strcmp(node->name, name) == 0 && node->output_count &&
            node->outputs[0] != TDNN_ABSENT) {
            *out = node->outputs[0];
            return TDNN_OK;
        }
    }
    return TDNN_FAIL(err, TDNN_ERR_NOT_FOUND, "the model has no tensor \"%s\"", name);
}

static bool contains(const tdnn_id *ids, size_t count, tdnn_id id)
{
    for (size_t i = 0; i < count; i++)
        if (ids[i] == id) return true;
    return false;
}

/* Takes the value away from its producer. */
static void detach(tdnn_graph *graph, tdnn_id value)
{
    graph->values[value].constant = NULL;
    for (size_t n = 0; n < graph->node_count; n++) {
        tdnn_node *node = graph->nodes[n];
        for (size_t i = 0; i < node->output_count; i++)
            if (node->outputs[i] == value) node->outputs[i] = TDNN_ABSENT;
    }
}

/* Drops nodes that no output needs. */
static tdnn_status drop_unneeded(tdnn_graph *graph, tdnn_zone *zone, bool **needed,
                                 tdnn_error *err)
{
    *needed = tdnn_zone_alloc(zone, graph->value_count + 1, sizeof **needed);
    if (!*needed) return TDNN_NO_MEMORY(err);
    for (size_t i = 0; i < graph->output_count; i++) (*needed)[graph->outputs[i]] = true;
    for (size_t n = graph->node_count; n-- > 0;) {
        tdnn_node *node = graph->nodes[n];
        bool wanted = false;
        for (size_t i = 0; i < node->output_count; i++)
            wanted = wanted || (node->outputs[i] != TDNN_ABSENT && (*needed)[node->outputs[i]]);
        if (!wanted) {
            node->op = NULL;
            continue;
        }
        for (size_t i = 0; i < node->input_count + node->capture_count; i++)
            if (node->inputs[i] != TDNN_ABSENT) (*needed)[node->inputs[i]] = true;
    }
    tdnn_graph_sweep(graph);
    return TDNN_OK;
}

static tdnn_status cut_inputs(tdnn_graph *graph, const tdnn_load_options *options,
                              tdnn_zone *zone, tdnn_error *err)
{
    tdnn_id *before = graph->inputs;
    size_t before_count = graph->input_count;
    graph->inputs = NULL;
    graph->input_count = graph->input_capacity = 0;
    for (size_t i = 0; i < options->input_count; i++) {
        tdnn_id id;
        TDNN_TRY(find(graph, options->inputs[i], &id, err));
        if (contains(graph->inputs, graph->input_count, id)) continue;
        if (!contains(before, before_count, id)) detach(graph, id);
        TDNN_TRY(tdnn_graph_add_input(graph, id, err));
    }
    bool *needed;
    TDNN_TRY(drop_unneeded(graph, zone, &needed, err));
    for (size_t i = 0; i < before_count; i++)
        if (needed[before[i]] && !contains(graph->inputs, graph->input_count, before[i]))
            TDNN_TRY(tdnn_graph_add_input(graph, before[i], err));
    return TDNN_OK;
}

tdnn_status tdnn_graph_cut(tdnn_graph *graph, const tdnn_load_options *options, tdnn_error *err)
{
    if (options->output_count) {
        graph->outputs = NULL;
        graph->output_count = graph->output_capacity = 0;
        for (size_t i = 0; i < options->output_count; i++) {
            tdnn_id id;
            TDNN_TRY(find(graph, options->outputs[i], &id, err));
            TDNN_TRY(tdnn_graph_add_output(graph, id, err));
        }
    }
    if (!options->input_count && !options->output_count) return TDNN_OK;
    tdnn_zone *zone = tdnn_zone_create();
    if (!zone) return TDNN_NO_MEMORY(err);
    tdnn_status status = cut_inputs(graph, options, zone, err);
    tdnn_zone_free(zone);
    return status;
}

/* A copy of a graph that may be changed while the original stays as it is. */
#include "lib/graph/graph.h"

#include <string.h>

/* Deeper than tdnn_graph_check lets a graph be. */
enum { MOST_NESTING = 64 };

static tdnn_id *copy_ids(tdnn_zone *zone, const tdnn_id *ids, size_t count)
{
    tdnn_id *copy = tdnn_zone_alloc(zone, count, sizeof *copy);
    if (copy && count) memcpy(copy, ids, count * sizeof *copy);
    return copy;
}

static tdnn_status copy_values(const tdnn_graph *from, tdnn_graph *to, tdnn_error *err)
{
    for (size_t v = 0; v < from->value_count; v++) {
        const tdnn_value *value = &from->values[v];
        tdnn_id id;
        TDNN_TRY(tdnn_graph_add_value(to, value->name, &id, err));
        const char *name = to->values[id].name;
        to->values[id] = *value;
        to->values[id].name = name;
        if (value->constant)
            TDNN_TRY(tdnn_graph_hold(to, tdnn_tensor_retain(value->constant), err));
    }
    for (size_t i = 0; i < from->input_count; i++)
        TDNN_TRY(tdnn_graph_add_input(to, from->inputs[i], err));
    for (size_t i = 0; i < from->output_count; i++)
        TDNN_TRY(tdnn_graph_add_output(to, from->outputs[i], err));
    to->captures = tdnn_zone_alloc(to->zone, from->capture_count, sizeof *to->captures);
    if (!to->captures) return TDNN_NO_MEMORY(err);
    if (from->capture_count)
        memcpy(to->captures, from->captures, from->capture_count * sizeof *to->captures);
    to->capture_count = to->capture_capacity = from->capture_count;
    return TDNN_OK;
}

static tdnn_status copy_graph(const tdnn_graph *from, tdnn_graph *to, int depth,
                              tdnn_error *err);

static tdnn_status copy_node(const tdnn_node *from, tdnn_graph *graph, int depth,
                             tdnn_error *err)
{
    tdnn_node *to;
    size_t inputs = from->input_count + from->capture_count;
    TDNN_TRY(tdnn_graph_add_node(graph, from->op->kind, from->name, 0, 0, &to, err));
    to->inputs = copy_ids(graph->zone, from->inputs, inputs);
    to->outputs = copy_ids(graph->zone, from->outputs, from->output_count);
    to->subgraphs = tdnn_zone_alloc(graph->zone, from->subgraph_count, sizeof *to->subgraphs);
    if (!to->inputs || !to->outputs || !to->subgraphs) return TDNN_NO_MEMORY(err);
    to->input_count = from->input_count;
    to->capture_count = from->capture_count;
    to->output_count = from->output_count;
    to->subgraph_count = from->subgraph_count;
    if (from->params) memcpy(to->params, from->params, from->op->params_size);
    for (size_t s = 0; s < from->subgraph_count; s++) {
        TDNN_TRY(tdnn_graph_create_sub(graph, &to->subgraphs[s], err));
        TDNN_TRY(copy_graph(from->subgraphs[s], to->subgraphs[s], depth + 1, err));
    }
    return TDNN_OK;
}

static tdnn_status copy_graph(const tdnn_graph *from, tdnn_graph *to, int depth,
                              tdnn_error *err)
{
    if (depth > MOST_NESTING)
        return TDNN_FAIL(err, TDNN_ERR_LIMIT, "graphs are nested more than %d deep",
                         MOST_NESTING);
    to->name = tdnn_zone_strdup(to->zone, from->name);
    if (!to->name) return TDNN_NO_MEMORY(err);
    to->incomplete = from->incomplete;
    TDNN_TRY(copy_values(from, to, err));
    for (size_t n = 0; n < from->node_count; n++)
        TDNN_TRY(copy_node(from->nodes[n], to, depth, err));
    return TDNN_OK;
}

tdnn_status tdnn_graph_copy(const tdnn_graph *from, tdnn_graph **out, tdnn_error *err)
{
    TDNN_TRY(tdnn_graph_create(tdnn_graph_limits(from), out, err));
    tdnn_status status = copy_graph(from, *out, 0, err);
    if (!status) return TDNN_OK;
    tdnn_graph_free(*out);
    *out = NULL;
    return status;
}

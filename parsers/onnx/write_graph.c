/* GraphProto: names, nodes, the constants that they use, inputs and outputs. */
#include "parsers/onnx/write.h"

#include <stdio.h>
#include <string.h>

/* Fields of GraphProto. */
enum { NODE = 1, GRAPH_NAME = 2, INITIALIZER = 5, INPUT = 11, OUTPUT = 12 };

/* ---- Names ---- */

static bool is_taken(const onnx_level *level, const char *name)
{
    for (; level; level = level->outer)
        if (tdnn_map_get(&level->taken, name) >= 0) return true;
    return false;
}

const char *onnx_name_fresh(onnx_level *level, const char *like)
{
    tdnn_zone *zone = level->writer->zone;
    const char *name = like;
    for (size_t i = 2; name && is_taken(level, name); i++)
        name = tdnn_zone_printf(zone, "%s_%zu", like, i);
    return name && tdnn_map_put(&level->taken, zone, name, 0) ? name : NULL;
}

/* What an inner value is in the graph around: captured from it, or the same constant. */
static tdnn_id find_outside(const onnx_level *level, tdnn_id id)
{
    const tdnn_value *value = &level->graph->values[id];
    if (!level->outer) return TDNN_ABSENT;
    for (size_t i = 0; !value->constant && i < level->graph->capture_count; i++)
        if (level->graph->captures[i].inner == id)
            return level->owner
                ->inputs[level->owner->input_count + level->graph->captures[i].slot];
    if (!value->constant) return TDNN_ABSENT;
    const tdnn_graph *outer = level->outer->graph;
    tdnn_id same = tdnn_graph_find_value(outer, value->name);
    return same != TDNN_ABSENT && outer->values[same].constant == value->constant ? same
                                                                                  : TDNN_ABSENT;
}

static tdnn_status name_values(onnx_level *level, tdnn_error *err)
{
    const tdnn_graph *graph = level->graph;
    tdnn_zone *zone = level->writer->zone;
    level->names = tdnn_zone_alloc(zone, graph->value_count, sizeof *level->names);
    level->outside = tdnn_zone_alloc(zone, graph->value_count, sizeof *level->outside);
    level->used = tdnn_zone_alloc(zone, graph->value_count, sizeof *level->used);
    if (!level->names || !level->outside || !level->used) return TDNN_NO_MEMORY(err);
    for (size_t v = 0; v < graph->value_count; v++) {
        tdnn_id outside = level->outside[v] = find_outside(level, (tdnn_id)v);
        level->names[v] = outside == TDNN_ABSENT ? onnx_name_fresh(level, graph->values[v].name)
                                                 : level->outer->names[outside];
        if (!level->names[v]) return TDNN_NO_MEMORY(err);
    }
    return TDNN_OK;
}

const char *onnx_name_use(onnx_level *level, tdnn_id id)
{
    const char *name = level->names[id];
    while (level->outside[id] != TDNN_ABSENT) {
        id = level->outside[id];
        level = level->outer;
    }
    level->used[id] = true;
    return name;
}

/* ---- Outputs ---- */

static bool contains(const tdnn_id *ids, size_t count, tdnn_id id)
{
    for (size_t i = 0; i < count; i++)
        if (ids[i] == id) return true;
    return false;
}

/* An output of the file is made by a node of its graph, and once. */
static bool needs_identity(const onnx_level *level, size_t index)
{
    const tdnn_graph *graph = level->graph;
    tdnn_id id = graph->outputs[index];
    if (contains(graph->outputs, index, id)) return true;
    return level->outer && (level->outside[id] != TDNN_ABSENT || graph->values[id].constant ||
                            contains(graph->inputs, graph->input_count, id));
}

static tdnn_status put_outputs(onnx_level *level, tdnn_error *err)
{
    const tdnn_graph *graph = level->graph;
    onnx_out *out = &level->writer->out;
    for (size_t i = 0; i < graph->output_count; i++) {
        tdnn_id id = graph->outputs[i];
        const char *name = onnx_name_use(level, id);
        if (needs_identity(level, i)) {
            const char *copy = onnx_name_fresh(level, name);
            if (!copy) return TDNN_NO_MEMORY(err);
            onnx_mark mark = onnx_begin(out, NODE);
            onnx_put_text(out, 1, name);
            onnx_put_text(out, 2, copy);
            onnx_put_text(out, 4, "Identity");
            onnx_end(out, mark);
            name = copy;
        }
        onnx_value_write(out, OUTPUT, name, &graph->values[id]);
    }
    return TDNN_OK;
}

/* ---- All together ---- */

/* Behind the nodes, when it is known which of them are named: some became attributes. */
static tdnn_status put_constants(onnx_level *level, tdnn_error *err)
{
    const tdnn_graph *graph = level->graph;
    onnx_out *out = &level->writer->out;
    for (size_t v = 0; v < graph->value_count; v++)
        if (level->used[v] && graph->values[v].constant)
            TDNN_TRY(onnx_tensor_write(out, INITIALIZER, level->names[v],
                                       graph->values[v].constant, err));
    for (size_t i = 0; i < level->made_count; i++)
        TDNN_TRY(onnx_tensor_write(out, INITIALIZER, level->made[i].name, level->made[i].tensor,
                                   err));
    return TDNN_OK;
}

static tdnn_status put_graph(onnx_level *level, tdnn_error *err)
{
    const tdnn_graph *graph = level->graph;
    onnx_out *out = &level->writer->out;
    onnx_put_text(out, GRAPH_NAME, *graph->name ? graph->name : "net");
    TDNN_TRY(name_values(level, err));
    for (size_t i = 0; i < graph->input_count; i++) {
        tdnn_id id = graph->inputs[i];
        onnx_value_write(out, INPUT, level->names[id], &graph->values[id]);
    }
    for (size_t n = 0; n < graph->node_count; n++)
        TDNN_TRY(onnx_node_write(level, graph->nodes[n], err));
    TDNN_TRY(put_outputs(level, err));
    return put_constants(level, err);
}

tdnn_status onnx_graph_write(onnx_writer *w, onnx_level *outer, tdnn_graph *graph,
                             const tdnn_node *owner, uint32_t field, tdnn_error *err)
{
    onnx_level level = {.writer = w, .outer = outer, .graph = graph, .owner = owner};
    onnx_mark mark = onnx_begin(&w->out, field);
    TDNN_TRY(put_graph(&level, err));
    onnx_end(&w->out, mark);
    return TDNN_OK;
}

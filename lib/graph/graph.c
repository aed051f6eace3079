/* Building graphs. */
#include "lib/graph/graph.h"

#include <string.h>

/* What all graphs of one model share. */
struct tdnn_graph_root {
    tdnn_load_options limits;
    tdnn_tensor **held; /* references to drop with the graph: constants and attributes */
    size_t held_count, held_capacity;
    size_t node_count; /* of all graphs together */
    size_t fresh;      /* numbers made-up names  */
    const tdnn_origin *origin;
};

const char *const tdnn_auto_pad_names[] = {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID", NULL};

tdnn_status tdnn_graph_create(const tdnn_load_options *limits, tdnn_graph **out, tdnn_error *err)
{
    *out = NULL;
    tdnn_zone *zone = tdnn_zone_create();
    if (!zone) return TDNN_NO_MEMORY(err);
    tdnn_graph *graph = tdnn_zone_alloc(zone, 1, sizeof *graph);
    struct tdnn_graph_root *root = tdnn_zone_alloc(zone, 1, sizeof *root);
    if (!graph || !root) {
        tdnn_zone_free(zone);
        return TDNN_NO_MEMORY(err);
    }
    if (limits)
        root->limits = *limits;
    else
        tdnn_load_options_init(&root->limits);
    graph->zone = zone;
    graph->root = root;
    graph->name = "";
    *out = graph;
    return TDNN_OK;
}

tdnn_status tdnn_graph_create_sub(tdnn_graph *parent, tdnn_graph **out, tdnn_error *err)
{
    tdnn_graph *graph = *out = tdnn_zone_alloc(parent->zone, 1, sizeof *graph);
    if (!graph) return TDNN_NO_MEMORY(err);
    graph->zone = parent->zone;
    graph->root = parent->root;
    graph->parent = parent;
    graph->name = "";
    return TDNN_OK;
}

void tdnn_graph_free(tdnn_graph *graph)
{
    if (!graph) return;
    struct tdnn_graph_root *root = graph->root;
    for (size_t i = 0; i < root->held_count; i++) tdnn_tensor_release(root->held[i]);
    tdnn_zone_free(graph->zone);
}

const tdnn_load_options *tdnn_graph_limits(const tdnn_graph *graph)
{
    return &graph->root->limits;
}

tdnn_status tdnn_graph_set_origin(tdnn_graph *graph, const tdnn_origin *origin, tdnn_error *err)
{
    tdnn_zone *zone = graph->zone;
    graph->root->origin = NULL;
    if (!origin || !graph->root->limits.found) return TDNN_OK;
    tdnn_origin *copy = tdnn_zone_alloc(zone, 1, sizeof *copy);
    if (!copy) return TDNN_NO_MEMORY(err);
    *copy =
        (tdnn_origin){tdnn_zone_strdup(zone, origin->node), tdnn_zone_strdup(zone, origin->op),
                      tdnn_zone_strdup(zone, origin->where)};
    if (!copy->node || !copy->op || !copy->where) return TDNN_NO_MEMORY(err);
    graph->root->origin = copy;
    return TDNN_OK;
}

tdnn_status tdnn_graph_hold(tdnn_graph *graph, tdnn_tensor *tensor, tdnn_error *err)
{
    struct tdnn_graph_root *root = graph->root;
    if (!TDNN_ZONE_PUSH(graph->zone, root->held, root->held_count, root->held_capacity)) {
        tdnn_tensor_release(tensor);
        return TDNN_NO_MEMORY(err);
    }
    root->held[root->held_count++] = tensor;
    return TDNN_OK;
}

/* ---- values ---- */

static const char *fresh_name(tdnn_graph *graph)
{
    const char *name;
    do {
        name = tdnn_zone_printf(graph->zone, "_%zu", graph->root->fresh++);
    } while (name && tdnn_map_get(&graph->names, name) >= 0);
    return name;
}

/* A name that a value had before it was given another may be taken. */
static bool is_taken(const tdnn_graph *graph, const char *name)
{
    int32_t id = tdnn_map_get(&graph->names, name);
    return id >= 0 && strcmp(graph->values[id].name, name) == 0;
}

tdnn_status tdnn_graph_rename_value(tdnn_graph *graph, tdnn_id value, const char *name,
                                    tdnn_error *err)
{
    if (strcmp(graph->values[value].name, name) == 0) return TDNN_OK;
    if (is_taken(graph, name))
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "two values are named \"%s\"", name);
    const char *copy = tdnn_zone_strdup(graph->zone, name);
    if (!copy || !tdnn_map_put(&graph->names, graph->zone, copy, value))
        return TDNN_NO_MEMORY(err);
    graph->values[value].name = copy;
    return TDNN_OK;
}

tdnn_status tdnn_graph_add_value(tdnn_graph *graph, const char *name, tdnn_id *out,
                                 tdnn_error *err)
{
    *out = TDNN_ABSENT;
    bool given = name && *name;
    if (given && is_taken(graph, name))
        return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                         "two values are named \"%s\", expected one producer for each", name);
    if (graph->value_count >= INT32_MAX)
        return TDNN_FAIL(err, TDNN_ERR_LIMIT, "more than %d values in a graph", INT32_MAX);
    const char *copy = given ? tdnn_zone_strdup(graph->zone, name) : fresh_name(graph);
    if (!copy ||
        !TDNN_ZONE_PUSH(graph->zone, graph->values, graph->value_count,
                        graph->value_capacity) ||
        !tdnn_map_put(&graph->names, graph->zone, copy, (int32_t)graph->value_count))
        return TDNN_NO_MEMORY(err);
    tdnn_value *value = &graph->values[graph->value_count];
    *value = (tdnn_value){.name = copy, .kind = TDNN_KIND_TENSOR};
    value->shape.ndim = -1;
    *out = (tdnn_id)graph->value_count++;
    return TDNN_OK;
}

void tdnn_graph_set_constant(tdnn_graph *graph, tdnn_id id, tdnn_tensor *tensor)
{
    tdnn_value *value = &graph->values[id];
    value->constant = tensor;
    value->kind = tensor->kind;
    value->dtype = tensor->dtype;
    value->shape = tensor->shape;
}

tdnn_status tdnn_graph_add_constant(tdnn_graph *graph, const char *name, tdnn_tensor *tensor,
                                    tdnn_id *out, tdnn_error *err)
{
    *out = TDNN_ABSENT;
    TDNN_TRY(tdnn_graph_hold(graph, tensor, err));
    if (tensor->bytes > graph->root->limits.max_tensor_bytes)
        return TDNN_FAIL(err, TDNN_ERR_LIMIT, "constant \"%s\" has %zu bytes, the limit is %llu",
                         name ? name : "", tensor->bytes,
                         (unsigned long long)graph->root->limits.max_tensor_bytes);
    TDNN_TRY(tdnn_graph_add_value(graph, name, out, err));
    tdnn_graph_set_constant(graph, *out, tensor);
    return TDNN_OK;
}

tdnn_id tdnn_graph_find_value(const tdnn_graph *graph, const char *name)
{
    return tdnn_map_get(&graph->names, name);
}

tdnn_status tdnn_graph_add_input(tdnn_graph *graph, tdnn_id value, tdnn_error *err)
{
    if (!TDNN_ZONE_PUSH(graph->zone, graph->inputs, graph->input_count, graph->input_capacity))
        return TDNN_NO_MEMORY(err);
    graph->inputs[graph->input_count++] = value;
    return TDNN_OK;
}

tdnn_status tdnn_graph_add_output(tdnn_graph *graph, tdnn_id value, tdnn_error *err)
{
    if (!TDNN_ZONE_PUSH(graph->zone, graph->outputs, graph->output_count, graph->output_capacity))
        return TDNN_NO_MEMORY(err);
    graph->outputs[graph->output_count++] = value;
    return TDNN_OK;
}

tdnn_status tdnn_graph_ints(tdnn_graph *graph, const int64_t *values, size_t count,
                            tdnn_ints *out, tdnn_error *err)
{
    int64_t *copy = tdnn_zone_alloc(graph->zone, count, sizeof *copy);
    if (!copy) return TDNN_NO_MEMORY(err);
    if (count) memcpy(copy, values, count * sizeof *copy);
    *out = (tdnn_ints){copy, count, true};
    return TDNN_OK;
}

/* ---- nodes ---- */

static void set_defaults(const tdnn_schema *op, void *params)
{
    for (const tdnn_attr *a = op->attrs; a && a->type != TDNN_ATTR_END; a++) {
        unsigned char *at = (unsigned char *)params + a->offset;
        switch (a->type) {
        case TDNN_ATTR_INT:
        case TDNN_ATTR_ENUM:
        case TDNN_ATTR_GRAPH: memcpy(at, &a->i, sizeof a->i); break;
        case TDNN_ATTR_FLOAT: memcpy(at, &a->f, sizeof a->f); break;
        case TDNN_ATTR_STRING: memcpy(at, &a->s, sizeof a->s); break;
        default: break; /* lists and tensors: zero, not given */
        }
    }
}

static tdnn_id *absent_ids(tdnn_zone *zone, size_t count)
{
    tdnn_id *ids = tdnn_zone_alloc(zone, count, sizeof *ids);
    for (size_t i = 0; ids && i < count; i++) ids[i] = TDNN_ABSENT;
    return ids;
}

tdnn_status tdnn_graph_add_node(tdnn_graph *graph, tdnn_op_kind kind, const char *name,
                                size_t input_count, size_t output_count, tdnn_node **out,
                                tdnn_error *err)
{
    *out = NULL;
    if (++graph->root->node_count > graph->root->limits.max_nodes)
        return TDNN_FAIL(err, TDNN_ERR_LIMIT, "the model has more than %u nodes",
                         graph->root->limits.max_nodes);
    const tdnn_schema *op = tdnn_schema_of(kind);
    tdnn_zone *zone = graph->zone;
    tdnn_node *node = tdnn_zone_alloc(zone, 1, sizeof *node);
    if (!node || !TDNN_ZONE_PUSH(zone, graph->nodes, graph->node_count, graph->node_capacity))
        return TDNN_NO_MEMORY(err);
    node->op = op;
    node->name = name ? tdnn_zone_strdup(zone, name) : "";
    node->inputs = absent_ids(zone, input_count);
    node->outputs = absent_ids(zone, output_count);
    node->params = op->params_size ? tdnn_zone_alloc(zone, 1, op->params_size) : NULL;
    if (!node->name || !node->inputs || !node->outputs || (op->params_size && !node->params))
        return TDNN_NO_MEMORY(err);
    node->input_count = input_count;
    node->output_count = output_count;
    node->origin = graph->root->origin;
    if (node->params) set_defaults(op, node->params);
    graph->nodes[graph->node_count++] = node;
    *out = node;
    return TDNN_OK;
}

tdnn_status tdnn_graph_append(tdnn_graph *graph, tdnn_op_kind kind, const char *name,
                              const tdnn_id *inputs, size_t input_count, tdnn_node **node,
                              tdnn_id *out, tdnn_error *err)
{
    tdnn_node *made;
    if (node) *node = NULL;
    TDNN_TRY(tdnn_graph_add_node(graph, kind, name, input_count, 1, &made, err));
    if (input_count) memcpy(made->inputs, inputs, input_count * sizeof *inputs);
    *out = TDNN_ABSENT; /* only now: callers pass the same variable as input and output */
    bool taken = name && is_taken(graph, name);
    TDNN_TRY(tdnn_graph_add_value(graph, taken ? NULL : name, out, err));
    made->outputs[0] = *out;
    if (node) *node = made;
    return TDNN_OK;
}

/* ---- subgraphs ---- */

/* While a subgraph is built, a capture's slot holds the id in the parent; tdnn_node_own turns
 * it into the slot among the owning node's inputs. */
tdnn_status tdnn_graph_capture(tdnn_graph *graph, tdnn_id outer, tdnn_id *out, tdnn_error *err)
{
    *out = TDNN_ABSENT;
    for (size_t i = 0; i < graph->capture_count; i++)
        if (graph->captures[i].slot == (size_t)outer) {
            *out = graph->captures[i].inner;
            return TDNN_OK;
        }
    const tdnn_value *from = &graph->parent->values[outer];
    bool taken = tdnn_graph_find_value(graph, from->name) != TDNN_ABSENT;
    TDNN_TRY(tdnn_graph_add_value(graph, taken ? NULL : from->name, out, err));
    from = &graph->parent->values[outer];
    tdnn_value *inner = &graph->values[*out];
    inner->kind = from->kind;
    inner->item = from->item;
    inner->dtype = from->dtype;
    inner->shape = from->shape;
    inner->constant = from->constant;
    if (from->constant) return TDNN_OK;
    if (!TDNN_ZONE_PUSH(graph->zone, graph->captures, graph->capture_count,
                        graph->capture_capacity))
        return TDNN_NO_MEMORY(err);
    graph->captures[graph->capture_count++] = (tdnn_capture){*out, (size_t)outer};
    return TDNN_OK;
}

static bool add_captured_input(tdnn_graph *graph, tdnn_node *node, tdnn_id outer, size_t *slot)
{
    for (size_t i = 0; i < node->capture_count; i++)
        if (node->inputs[node->input_count + i] == outer) {
            *slot = i;
            return true;
        }
    size_t total = node->input_count + node->capture_count;
    tdnn_id *grown = tdnn_zone_alloc(graph->zone, total + 1, sizeof *grown);
    if (!grown) return false;
    if (total) memcpy(grown, node->inputs, total * sizeof *grown);
    grown[total] = outer;
    node->inputs = grown;
    *slot = node->capture_count++;
    return true;
}

tdnn_status tdnn_node_own(tdnn_graph *graph, tdnn_node *node, tdnn_graph *const *subgraphs,
                          size_t count, tdnn_error *err)
{
    node->subgraphs = tdnn_zone_alloc(graph->zone, count, sizeof *node->subgraphs);
    if (!node->subgraphs) return TDNN_NO_MEMORY(err);
    if (count) memcpy(node->subgraphs, subgraphs, count * sizeof *subgraphs);
    node->subgraph_count = count;
    for (size_t s = 0; s < count; s++)
        for (size_t i = 0; i < subgraphs[s]->capture_count; i++) {
            tdnn_capture *capture = &subgraphs[s]->captures[i];
            if (!add_captured_input(graph, node, (tdnn_id)capture->slot, &capture->slot))
                return TDNN_NO_MEMORY(err);
        }
    return TDNN_OK;
}

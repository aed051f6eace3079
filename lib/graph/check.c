/* The gate: what the rest of the library takes for granted of a graph is tested here, once, and
 * the nodes are put into topological order (Kahn, 1962; no recursion on the depth of the
 * graph). */
#include "lib/graph/graph.h"

#include <string.h>

/* How deep subgraphs may be nested. */
enum { MOST_NESTING = 64 };

typedef struct check {
    tdnn_graph *graph;
    tdnn_zone *zone;      /* scratch */
    int32_t *producer;    /* per value: node index, NONE, or GIVEN */
    tdnn_error *err;
} check;

enum { NONE = -1, GIVEN = -2 }; /* GIVEN: an input, a capture or a constant */

tdnn_status tdnn_node_check_arity(const tdnn_node *node, tdnn_error *err)
{
    const tdnn_schema *op = node->op;
    size_t in = node->input_count, out = node->output_count;
    if (in < (size_t)op->min_inputs || (op->max_inputs >= 0 && in > (size_t)op->max_inputs))
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%zu inputs, expected %d to %d", in,
                         op->min_inputs, op->max_inputs);
    if (out < (size_t)op->min_outputs || (op->max_outputs >= 0 && out > (size_t)op->max_outputs))
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%zu outputs, expected %d to %d", out,
                         op->min_outputs, op->max_outputs);
    for (size_t i = 0; i < (size_t)op->min_inputs; i++)
        if (node->inputs[i] == TDNN_ABSENT)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "input %zu is missing", i);
    return TDNN_OK;
}

static tdnn_status claim(const check *c, tdnn_id value, int32_t producer)
{
    if (value < 0 || (size_t)value >= c->graph->value_count)
        return TDNN_FAIL(c->err, TDNN_ERR_FORMAT, "value %d of %zu", value,
                         c->graph->value_count);
    if (c->producer[value] != NONE)
        return TDNN_FAIL(c->err, TDNN_ERR_FORMAT, "\"%s\" has two producers, expected one",
                         c->graph->values[value].name);
    c->producer[value] = producer;
    return TDNN_OK;
}

static tdnn_status check_constant(const check *c, const tdnn_value *value)
{
    const tdnn_tensor *t = value->constant;
    size_t bytes = 0;
    if (t->kind != TDNN_KIND_TENSOR) return TDNN_OK;
    if (!tdnn_tensor_size(t->dtype, &t->shape, &bytes) || bytes > t->bytes)
        return tdnn_error_at(c->err,
                             TDNN_FAIL(c->err, TDNN_ERR_FORMAT,
                                       "%zu bytes, expected %zu from its shape", t->bytes,
                                       bytes),
                             "constant %s", value->name);
    return TDNN_OK;
}

static tdnn_status claim_all(check *c)
{
    tdnn_graph *g = c->graph;
    for (size_t v = 0; v < g->value_count; v++) {
        c->producer[v] = g->values[v].constant ? GIVEN : NONE;
        if (g->values[v].constant) TDNN_TRY(check_constant(c, &g->values[v]));
    }
    for (size_t i = 0; i < g->input_count; i++) TDNN_TRY(claim(c, g->inputs[i], GIVEN));
    for (size_t i = 0; i < g->capture_count; i++) TDNN_TRY(claim(c, g->captures[i].inner, GIVEN));
    for (size_t n = 0; n < g->node_count; n++) {
        const tdnn_node *node = g->nodes[n];
        for (size_t i = 0; i < node->output_count; i++) {
            if (node->outputs[i] == TDNN_ABSENT) continue;
            tdnn_status status = claim(c, node->outputs[i], (int32_t)n);
            if (status) return tdnn_node_error(g, node, status, c->err);
        }
    }
    return TDNN_OK;
}

static tdnn_status check_use(const check *c, tdnn_id value)
{
    if (value < 0 || (size_t)value >= c->graph->value_count)
        return TDNN_FAIL(c->err, TDNN_ERR_FORMAT, "value %d of %zu", value,
                         c->graph->value_count);
    if (c->producer[value] == NONE)
        return TDNN_FAIL(c->err, TDNN_ERR_FORMAT,
                         "nothing makes \"%s\": no node, input or constant",
                         c->graph->values[value].name);
    return TDNN_OK;
}

static tdnn_status check_uses(const check *c)
{
    tdnn_graph *g = c->graph;
    for (size_t n = 0; n < g->node_count; n++) {
        const tdnn_node *node = g->nodes[n];
        tdnn_status status = tdnn_node_check_arity(node, c->err);
        for (size_t i = 0; !status && i < node->input_count + node->capture_count; i++)
            if (node->inputs[i] != TDNN_ABSENT) status = check_use(c, node->inputs[i]);
        if (status) return tdnn_node_error(g, node, status, c->err);
    }
    for (size_t i = 0; i < g->output_count; i++)
        TDNN_TRY(tdnn_error_at(c->err, check_use(c, g->outputs[i]), "output %zu", i));
    return TDNN_OK;
}

/* Among the nodes that are ready, the one that comes first in the file goes first; a heap of
 * indices keeps that order. */
typedef struct ready {
    uint32_t *heap;
    size_t count;
} ready;

static void ready_push(ready *r, uint32_t node)
{
    size_t i = r->count++;
    for (; i > 0 && r->heap[(i - 1) / 2] > node; i = (i - 1) / 2)
        r->heap[i] = r->heap[(i - 1) / 2];
    r->heap[i] = node;
}

static uint32_t ready_pop(ready *r)
{
    uint32_t first = r->heap[0], last = r->heap[--r->count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= r->count) break;
        if (child + 1 < r->count && r->heap[child + 1] < r->heap[child]) child++;
        if (last <= r->heap[child]) break;
        r->heap[i] = r->heap[child];
        i = child;
    }
    r->heap[i] = last;
    return first;
}

/* Edges from producers to users, as one array with the users of node n in
 * users[first[n]] .. users[first[n + 1]]. */
typedef struct edges {
    uint32_t *first, *users, *missing; /* missing: inputs of a node that are not made yet */
} edges;

static bool collect_edges(const check *c, edges *e)
{
    const tdnn_graph *g = c->graph;
    size_t n_nodes = g->node_count, n_edges = 0;
    e->first = tdnn_zone_alloc(c->zone, n_nodes + 2, sizeof *e->first);
    e->missing = tdnn_zone_alloc(c->zone, n_nodes, sizeof *e->missing);
    if (!e->first || !e->missing) return false;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t n = 0; n < n_nodes; n++) {
            const tdnn_node *node = g->nodes[n];
            for (size_t i = 0; i < node->input_count + node->capture_count; i++) {
                int32_t from =
                    node->inputs[i] == TDNN_ABSENT ? GIVEN : c->producer[node->inputs[i]];
                if (from < 0) continue;
                if (pass == 0) {
                    e->first[from + 2]++;
                    e->missing[n]++;
                    n_edges++;
                } else {
                    e->users[e->first[from + 1]++] = (uint32_t)n;
                }
            }
        }
        if (pass == 0) {
            for (size_t n = 1; n < n_nodes + 2; n++) e->first[n] += e->first[n - 1];
            e->users = tdnn_zone_alloc(c->zone, n_edges + 1, sizeof *e->users);
            if (!e->users) return false;
        }
    }
    return true;
}

static tdnn_status sort_nodes(const check *c)
{
    tdnn_graph *g = c->graph;
    edges e;
    ready r = {tdnn_zone_alloc(c->zone, g->node_count + 1, sizeof *r.heap), 0};
    tdnn_node **order = tdnn_zone_alloc(c->zone, g->node_count, sizeof *order);
    if (!r.heap || !order || !collect_edges(c, &e)) return TDNN_NO_MEMORY(c->err);
    for (size_t n = 0; n < g->node_count; n++)
        if (e.missing[n] == 0) ready_push(&r, (uint32_t)n);
    size_t count = 0;
    while (r.count) {
        uint32_t n = ready_pop(&r);
        order[count++] = g->nodes[n];
        for (uint32_t u = e.first[n]; u < e.first[n + 1]; u++)
            if (--e.missing[e.users[u]] == 0) ready_push(&r, e.users[u]);
    }
    if (count < g->node_count)
        for (size_t n = 0; n < g->node_count; n++)
            if (e.missing[n])
                return tdnn_node_error(g, g->nodes[n],
                                       TDNN_FAIL(c->err, TDNN_ERR_FORMAT,
                                                 "the graph has a cycle through this node"),
                                       c->err);
    if (count) memcpy(g->nodes, order, count * sizeof *order);
    return TDNN_OK;
}

static tdnn_status check_captures(const check *c, const tdnn_node *node)
{
    for (size_t s = 0; s < node->subgraph_count; s++) {
        const tdnn_graph *sub = node->subgraphs[s];
        for (size_t i = 0; i < sub->capture_count; i++)
            if (sub->captures[i].slot >= node->capture_count)
                return TDNN_FAIL(c->err, TDNN_ERR_INTERNAL, "capture %zu has no input", i);
    }
    return TDNN_OK;
}

static tdnn_status check_graph(tdnn_graph *graph, int depth, tdnn_error *err)
{
    if (depth > MOST_NESTING)
        return TDNN_FAIL(err, TDNN_ERR_LIMIT, "subgraphs are nested more than %d deep",
                         MOST_NESTING);
    check c = {.graph = graph, .zone = tdnn_zone_create(), .err = err};
    if (!c.zone) return TDNN_NO_MEMORY(err);
    tdnn_status status = TDNN_OK;
    c.producer = tdnn_zone_alloc(c.zone, graph->value_count, sizeof *c.producer);
    if (!c.producer) status = TDNN_NO_MEMORY(err);
    if (!status) status = claim_all(&c);
    if (!status) status = check_uses(&c);
    if (!status) status = sort_nodes(&c);
    tdnn_zone_free(c.zone);
    for (size_t n = 0; !status && n < graph->node_count; n++) {
        const tdnn_node *node = graph->nodes[n];
        status = check_captures(&c, node);
        for (size_t s = 0; !status && s < node->subgraph_count; s++)
            status = check_graph(node->subgraphs[s], depth + 1, err);
    }
    return status;
}

tdnn_status tdnn_graph_check(tdnn_graph *graph, tdnn_error *err)
{
    return check_graph(graph, 0, err);
}

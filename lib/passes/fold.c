/* Constant folding: what can be computed once is, through the ordinary operators. */
#include "lib/graph/params.h"
#include "lib/passes/pass.h"

#include <string.h>

static bool all_constant(const tdnn_graph *graph, const tdnn_node *node)
{
    for (size_t i = 0; i < node->input_count; i++)
        if (node->inputs[i] != TDNN_ABSENT && !graph->values[node->inputs[i]].constant)
            return false;
    return true;
}

static tdnn_status keep(tdnn_graph *graph, const tdnn_node *node, tdnn_tensor **made,
                        tdnn_error *err)
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

/* ---- transposed weights, which are made when they are needed ---- */

enum { LEAST_LATER = 16384 }; /* bytes: smaller ones are made at once */

typedef struct later {
    tdnn_pass_context context;
    const tdnn_graph *graph;
    tdnn_node node;
} later;

static tdnn_status fill_later(const tdnn_tensor *t, void *to, tdnn_error *err)
{
    const later *l = t->owner;
    tdnn_tensor *made = NULL;
    tdnn_status status = l->context.evaluate(l->context.user, l->graph, &l->node, &made, err);
    if (!status && made->bytes != t->bytes)
        status =
            TDNN_FAIL(err, TDNN_ERR_INTERNAL, "%zu bytes, expected %zu", made->bytes, t->bytes);
    if (!status) memcpy(to, made->data, made->bytes);
    tdnn_tensor_release(made);
    return status;
}

/* The shape of a large constant's transpose; false if the node is something else. */
static bool transposed_shape(const tdnn_graph *graph, const tdnn_node *node, tdnn_shape *out)
{
    if (node->op->kind != TDNN_OP_Transpose) return false;
    const tdnn_ints *perm = &((const tdnn_transpose_params *)node->params)->perm;
    const tdnn_tensor *t = graph->values[node->inputs[0]].constant;
    unsigned seen = 0;
    if (t->kind != TDNN_KIND_TENSOR || t->dtype != TDNN_F32 || t->bytes < LEAST_LATER)
        return false;
    if (!perm->given || perm->count != (size_t)t->shape.ndim) return false;
    out->ndim = t->shape.ndim;
    for (size_t d = 0; d < perm->count; d++) {
        if (perm->at[d] < 0 || perm->at[d] >= t->shape.ndim || seen >> perm->at[d] & 1)
            return false;
        seen |= 1u << perm->at[d];
        out->dim[d] = t->shape.dim[perm->at[d]];
    }
    return true;
}

static tdnn_status make_later(tdnn_graph *graph, const tdnn_pass_context *context,
                              const tdnn_node *node, const tdnn_shape *shape, tdnn_tensor **out,
                              tdnn_error *err)
{
    later *l = tdnn_zone_alloc(graph->zone, 1, sizeof *l);
    if (!l) return TDNN_NO_MEMORY(err);
    *l = (later){*context, graph, *node};
    return tdnn_tensor_defer(TDNN_F32, shape, fill_later, l, NULL, out, err);
}

tdnn_status tdnn_pass_fold(tdnn_graph *graph, const tdnn_pass_context *context, size_t *changes,
                           tdnn_error *err)
{
    tdnn_zone *zone = tdnn_zone_create();
    if (!zone) return TDNN_NO_MEMORY(err);
    tdnn_status status = TDNN_OK;
    for (size_t n = 0; !status && n < graph->node_count;
         n++) { /* in order: results feed what follows */
        tdnn_node *node = graph->nodes[n];
        if (!all_constant(graph, node)) continue;
        tdnn_tensor **made = tdnn_zone_alloc(zone, node->output_count + 1, sizeof *made);
        tdnn_shape shape;
        if (!made) status = TDNN_NO_MEMORY(err);
        else if (transposed_shape(graph, node, &shape))
            status = make_later(graph, context, node, &shape, made, err);
        else status = context->evaluate(context->user, graph, node, made, err);
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

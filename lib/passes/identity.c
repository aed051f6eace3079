/* Drops operators that give what they get: Identity, Dropout when not training, pairs of
 * transpositions. */
#include "lib/passes/match.h"

/* Everybody reads the input in place of the output. An output of the graph keeps its name: then
 * what made the input makes the output instead. */
static void drop(tdnn_match *m, tdnn_node *node)
{
    tdnn_graph *graph = m->graph;
    tdnn_id in = node->inputs[0], out = node->outputs[0];
    if (!tdnn_graph_is_output(graph, out)) {
        m->uses[in] += m->uses[out];
        m->uses[out] = 0;
        tdnn_graph_replace_uses(graph, out, in);
        tdnn_match_remove(m, node);
        return;
    }
    tdnn_node *maker = m->producer[in];
    if (!maker || !maker->op || tdnn_graph_is_output(graph, in)) return;
    for (size_t i = 0; i < maker->output_count; i++)
        if (maker->outputs[i] == in) maker->outputs[i] = out;
    tdnn_match_remove(m, node);
    m->uses[out] += m->uses[in];
    m->uses[in] = 0;
    tdnn_graph_replace_uses(graph, in, out);
    m->producer[out] = maker;
    m->producer[in] = NULL;
}

/* In inference Dropout does nothing, unless its third input says it is training, and not even
 * then if it drops none: exporters of models in training mode write a ratio of 0. */
static bool is_idle_dropout(const tdnn_match *m, const tdnn_node *node)
{
    if (node->op->kind != TDNN_OP_Dropout) return false;
    if (node->output_count > 1 && node->outputs[1] != TDNN_ABSENT && m->uses[node->outputs[1]])
        return false;
    if (node->input_count < 3 || node->inputs[2] == TDNN_ABSENT) return true;
    const tdnn_tensor *training = tdnn_match_constant(m, node, 2);
    if (training && training->dtype == TDNN_BOOL && !tdnn_tensor_get_i64(training, 0))
        return true;
    double ratio;
    return tdnn_match_scalar(m, node, 1, &ratio) && ratio == 0;
}

/* One transposition in place of two; none if they undo each other. */
static tdnn_status join_transposes(tdnn_match *m, tdnn_node *node)
{
    tdnn_node *first = tdnn_match_made_by(m, node, 0, TDNN_OP_Transpose);
    tdnn_transpose_params *p = node->params;
    if (!first) return TDNN_OK;
    const tdnn_ints *a = &((const tdnn_transpose_params *)first->params)->perm, *b = &p->perm;
    if (!a->count || a->count != b->count || a->count > TDNN_MAX_DIMS) return TDNN_OK;
    int64_t perm[TDNN_MAX_DIMS];
    bool same = true;
    for (size_t i = 0; i < a->count; i++) {
        if (b->at[i] < 0 || b->at[i] >= (int64_t)a->count) return TDNN_OK;
        perm[i] = a->at[b->at[i]];
        same = same && perm[i] == (int64_t)i;
    }
    TDNN_TRY(tdnn_graph_ints(m->graph, perm, a->count, &p->perm, m->err));
    m->uses[node->inputs[0]]--;
    node->inputs[0] = first->inputs[0];
    m->uses[node->inputs[0]]++;
    m->changes++;
    if (same) drop(m, node);
    return TDNN_OK;
}

static tdnn_status visit(tdnn_match *m, tdnn_node *node)
{
    if (node->op->kind == TDNN_OP_Transpose) return join_transposes(m, node);
    if (node->op->kind == TDNN_OP_Identity || is_idle_dropout(m, node)) drop(m, node);
    return TDNN_OK;
}

tdnn_status tdnn_pass_identity(tdnn_graph *graph, const tdnn_pass_context *context,
                               size_t *changes, tdnn_error *err)
{
    (void)context;
    return tdnn_match_run(graph, visit, changes, err);
}

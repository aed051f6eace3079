/* Surveying a graph and changing it, for passes. */
#include "lib/passes/match.h"

#include <math.h>
#include <string.h>

tdnn_status tdnn_match_run(tdnn_graph *graph, tdnn_visit_fn visit, size_t *changes,
                           tdnn_error *err)
{
    tdnn_match m = {.graph = graph,
                    .zone = tdnn_zone_create(),
                    .value_count = graph->value_count,
                    .err = err};
    if (!m.zone) return TDNN_NO_MEMORY(err);
    tdnn_status status = tdnn_graph_count_uses(graph, m.zone, &m.uses, err);
    if (!status) status = tdnn_graph_producers(graph, m.zone, &m.producer, err);
    for (size_t n = 0; !status && n < graph->node_count; n++) {
        tdnn_node *node = graph->nodes[n];
        if (node->op) status = visit(&m, node);
    }
    tdnn_zone_free(m.zone);
    tdnn_graph_sweep(graph);
    *changes += m.changes;
    return status;
}

static bool known(const tdnn_match *m, tdnn_id id)
{
    return id >= 0 && (size_t)id < m->value_count;
}

tdnn_node *tdnn_match_made_by(const tdnn_match *m, const tdnn_node *node, size_t index,
                              tdnn_op_kind kind)
{
    if (index >= node->input_count || !known(m, node->inputs[index])) return NULL;
    tdnn_node *made = m->producer[node->inputs[index]];
    if (!made || !made->op || made->op->kind != kind || made->outputs[0] != node->inputs[index])
        return NULL;
    return made;
}

tdnn_node *tdnn_match_lone(const tdnn_match *m, const tdnn_node *node, size_t index,
                           tdnn_op_kind kind)
{
    tdnn_node *made = tdnn_match_made_by(m, node, index, kind);
    if (!made || m->uses[made->outputs[0]] != 1) return NULL;
    for (size_t i = 1; i < made->output_count; i++)
        if (made->outputs[i] != TDNN_ABSENT) return NULL;
    return made;
}

tdnn_tensor *tdnn_match_constant(const tdnn_match *m, const tdnn_node *node, size_t index)
{
    if (index >= node->input_count || node->inputs[index] == TDNN_ABSENT) return NULL;
    tdnn_tensor *t = m->graph->values[node->inputs[index]].constant;
    return t && tdnn_tensor_ready(t, NULL) == TDNN_OK ? t : NULL;
}

const tdnn_tensor *tdnn_match_weights(const tdnn_match *m, const tdnn_node *node, size_t index)
{
    if (index >= node->input_count || node->inputs[index] == TDNN_ABSENT) return NULL;
    return m->graph->values[node->inputs[index]].constant;
}

bool tdnn_match_scalar(const tdnn_match *m, const tdnn_node *node, size_t index, double *out)
{
    const tdnn_tensor *t = tdnn_match_constant(m, node, index);
    if (!t || t->kind != TDNN_KIND_TENSOR || tdnn_shape_count(&t->shape) != 1 ||
        !tdnn_dtype_is_float(t->dtype))
        return false;
    *out = tdnn_tensor_get_f64(t, 0);
    return true;
}

bool tdnn_match_scalar_is(const tdnn_match *m, const tdnn_node *node, size_t index, double value)
{
    double found;
    return tdnn_match_scalar(m, node, index, &found) && fabs(found - value) <= 1e-3 * fabs(value);
}

int tdnn_match_other(const tdnn_node *node, tdnn_id value)
{
    if (node->input_count != 2) return -1;
    return node->inputs[0] == value ? 1 : node->inputs[1] == value ? 0 : -1;
}

/* ---- changing ---- */

void tdnn_match_remove(tdnn_match *m, tdnn_node *node)
{
    for (size_t i = 0; i < node->input_count + node->capture_count; i++)
        if (known(m, node->inputs[i])) m->uses[node->inputs[i]]--;
    node->op = NULL;
    m->changes++;
}

void tdnn_match_take_over(tdnn_match *m, tdnn_node *node, tdnn_node *last)
{
    tdnn_match_remove(m, last);
    node->outputs[0] = last->outputs[0];
    if (known(m, node->outputs[0])) m->producer[node->outputs[0]] = node;
}

tdnn_status tdnn_match_become(tdnn_match *m, tdnn_node *node, tdnn_op_kind kind,
                              const tdnn_id *inputs, size_t count)
{
    tdnn_node *made;
    tdnn_graph *graph = m->graph;
    TDNN_TRY(tdnn_graph_add_node(graph, kind, node->name, count, 1, &made, m->err));
    graph->node_count--; /* only its parameters and lists were wanted */
    made->name = node->name;
    made->outputs[0] = node->outputs[0];
    for (size_t i = 0; i < count; i++) {
        made->inputs[i] = inputs[i];
        if (known(m, inputs[i])) m->uses[inputs[i]]++;
    }
    for (size_t i = 0; i < node->input_count + node->capture_count; i++)
        if (known(m, node->inputs[i])) m->uses[node->inputs[i]]--;
    *node = *made;
    m->changes++;
    return TDNN_OK;
}

tdnn_status tdnn_match_add_constant(tdnn_match *m, tdnn_tensor *tensor, tdnn_id *out)
{
    return tdnn_graph_add_constant(m->graph, NULL, tensor, out, m->err);
}

/* ---- activations ---- */

static bool clip_bounds(const tdnn_match *m, const tdnn_node *node, tdnn_activation *out)
{
    double low = -INFINITY, high = INFINITY;
    if (node->input_count > 1 && node->inputs[1] != TDNN_ABSENT &&
        !tdnn_match_scalar(m, node, 1, &low))
        return false;
    if (node->input_count > 2 && node->inputs[2] != TDNN_ABSENT &&
        !tdnn_match_scalar(m, node, 2, &high))
        return false;
    *out = (tdnn_activation){TDNN_ACT_CLIP, (float)low, (float)high};
    return low <= high;
}

bool tdnn_match_activation(const tdnn_match *m, const tdnn_node *node, tdnn_activation *out)
{
    const tdnn_alpha_params *alpha = node->params;
    const tdnn_hard_sigmoid_params *hard = node->params;
    switch (node->op->kind) {
    case TDNN_OP_Relu: *out = (tdnn_activation){TDNN_ACT_RELU, 0, 0}; return true;
    case TDNN_OP_LeakyRelu:
        *out = (tdnn_activation){TDNN_ACT_LEAKY, alpha->alpha, 0};
        return true;
    case TDNN_OP_Elu: *out = (tdnn_activation){TDNN_ACT_ELU, alpha->alpha, 0}; return true;
    case TDNN_OP_Clip: return clip_bounds(m, node, out);
    case TDNN_OP_Sigmoid: *out = (tdnn_activation){TDNN_ACT_SIGMOID, 0, 0}; return true;
    case TDNN_OP_Tanh: *out = (tdnn_activation){TDNN_ACT_TANH, 0, 0}; return true;
    case TDNN_OP_HardSigmoid:
        *out = (tdnn_activation){TDNN_ACT_HARDSIGMOID, hard->alpha, hard->beta};
        return true;
    case TDNN_OP_HardSwish: *out = (tdnn_activation){TDNN_ACT_HARDSWISH, 0, 0}; return true;
    case TDNN_OP_Mish: *out = (tdnn_activation){TDNN_ACT_MISH, 0, 0}; return true;
    case TDNN_OP_Swish: *out = (tdnn_activation){TDNN_ACT_SILU, 0, 0}; return alpha->alpha == 1;
    case TDNN_OP_Gelu: {
        const tdnn_gelu_params *gelu = node->params;
        *out = (tdnn_activation){gelu->approximate ? TDNN_ACT_GELU_TANH : TDNN_ACT_GELU, 0, 0};
        return true;
    }
    default: return false;
    }
}

/* Fuses an activation into the convolution or matrix product whose result it alone uses. */
#include "lib/passes/match.h"

static tdnn_activation *slot_of(const tdnn_match *m, const tdnn_node *node, tdnn_node **front)
{
    if ((*front = tdnn_match_lone(m, node, 0, TDNN_OP_Conv)))
        return &((tdnn_conv_params *)(*front)->params)->activation;
    if ((*front = tdnn_match_lone(m, node, 0, TDNN_OP_ConvQuantized)))
        return &((tdnn_conv_params *)(*front)->params)->activation;
    if ((*front = tdnn_match_lone(m, node, 0, TDNN_OP_ConvTranspose)))
        return &((tdnn_conv_transpose_params *)(*front)->params)->activation;
    if ((*front = tdnn_match_lone(m, node, 0, TDNN_OP_Gemm)))
        return &((tdnn_gemm_params *)(*front)->params)->activation;
    return NULL;
}

static tdnn_status visit(tdnn_match *m, tdnn_node *node)
{
    tdnn_activation found;
    tdnn_node *front;
    if (!tdnn_match_activation(m, node, &found)) return TDNN_OK;
    tdnn_activation *slot = slot_of(m, node, &front);
    if (!slot || slot->kind != TDNN_ACT_NONE) return TDNN_OK;
    *slot = found;
    tdnn_match_take_over(m, front, node);
    return TDNN_OK;
}

tdnn_status tdnn_pass_activation(tdnn_graph *graph, const tdnn_pass_context *context,
                                 size_t *changes, tdnn_error *err)
{
    (void)context;
    return tdnn_match_run(graph, visit, changes, err);
}

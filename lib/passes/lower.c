/* Lowering: a graph for engines that know ONNX's own operators only. Which operators are
 * replaced, and up to which opset; node by node, in order, into the same graph. */
#include "lib/passes/lower.h"

#include <string.h>

/* `until`: replaced in opsets before it. */
static const struct row {
    tdnn_op_kind kind;
    int64_t until;
    tdnn_lower_fn lower;
} rows[] = {
    /* what passes fuse and recognise */
    {TDNN_OP_Conv, INT64_MAX, tdnn_lower_fused},
    {TDNN_OP_ConvTranspose, INT64_MAX, tdnn_lower_fused},
    {TDNN_OP_Gemm, INT64_MAX, tdnn_lower_fused},
    {TDNN_OP_ChannelShuffle, INT64_MAX, tdnn_lower_shuffle},
    {TDNN_OP_ConvQuantized, INT64_MAX, tdnn_lower_conv_quantized},
    /* ours */
    {TDNN_OP_DetectionOutput, INT64_MAX, tdnn_lower_detections},
    {TDNN_OP_DetectionRows, INT64_MAX, tdnn_lower_detections},
    {TDNN_OP_Correlation, INT64_MAX, tdnn_lower_correlation},
    {TDNN_OP_FlowWarp, INT64_MAX, tdnn_lower_flow_warp},
    {TDNN_OP_PSRoiPool, INT64_MAX, tdnn_lower_ps_roi_pool},
    {TDNN_OP_Proposal, INT64_MAX, tdnn_lower_proposal},
    {TDNN_OP_PriorBox, INT64_MAX, tdnn_lower_prior_box},
    {TDNN_OP_Yolo, INT64_MAX, tdnn_lower_yolo},
    /* newer than the opset may be */
    {TDNN_OP_Gelu, 20, tdnn_lower_gelu},
    {TDNN_OP_HardSwish, 14, tdnn_lower_hard_swish},
    {TDNN_OP_Hardmax, 13, tdnn_lower_softmax},
    {TDNN_OP_LayerNormalization, 17, tdnn_lower_layer_norm},
    {TDNN_OP_LogSoftmax, 13, tdnn_lower_softmax},
    {TDNN_OP_Mish, 18, tdnn_lower_mish},
    {TDNN_OP_Resize, INT64_MAX, tdnn_lower_resize},
    {TDNN_OP_BatchNormalization, INT64_MAX, tdnn_lower_batch_norm},
    {TDNN_OP_Shape, 15, tdnn_lower_shape},
    {TDNN_OP_Softmax, 13, tdnn_lower_softmax},
    {TDNN_OP_Swish, 24, tdnn_lower_swish},
};

static tdnn_lower_fn expansion_of(const tdnn_node *node, int64_t opset)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].kind == node->op->kind && opset < rows[i].until) return rows[i].lower;
    return NULL;
}

static tdnn_status lower_node(tdnn_graph *graph, tdnn_node *node, int64_t opset,
                              tdnn_error *err)
{
    tdnn_lowering l = {.graph = graph, .node = node, .opset = opset, .err = err};
    const tdnn_lower_fn expand = expansion_of(node, opset);
    l.begin = graph->node_count;
    for (size_t s = 0; s < node->subgraph_count; s++) /* nesting was bounded */
        TDNN_TRY(tdnn_lower(node->subgraphs[s], opset, err));
    if (expand)
        expand(&l);
    else if (node->op->domain && strcmp(node->op->domain, "tinydnn") == 0)
        lower_refuse(&l, "nobody has written how");
    else
        lower_keep(&l);
    return l.status ? tdnn_node_error(graph, node, l.status, err) : TDNN_OK;
}

tdnn_status tdnn_lower(tdnn_graph *graph, int64_t opset, tdnn_error *err)
{
    tdnn_node **nodes = graph->nodes;
    const size_t count = graph->node_count;
    graph->nodes = NULL;
    graph->node_count = graph->node_capacity = 0;
    for (size_t n = 0; n < count; n++) TDNN_TRY(lower_node(graph, nodes[n], opset, err));
    return TDNN_OK;
}

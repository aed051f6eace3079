/* The order of the passes. */
#include "lib/passes/pass.h"

static const tdnn_pass_fn passes[] = {
    tdnn_pass_quantized_pairs, /* before weights are folded to floats */
    tdnn_pass_fold,
    tdnn_pass_identity,
    tdnn_pass_dead,
    tdnn_pass_quantized,
    tdnn_pass_quantized_output,
    tdnn_pass_batch_norm, /* before activations, which end what can be folded into a convolution
                           */
    tdnn_pass_patterns,
    tdnn_pass_layer_norm,
    tdnn_pass_layer_scale,
    tdnn_pass_activation,
    tdnn_pass_dead,
    NULL,
};

/* Each round may open new chances for the next; a graph that keeps changing is cut off. */
enum { MOST_ROUNDS = 16 };

tdnn_status tdnn_passes_run(tdnn_graph *graph, const tdnn_pass_context *context, tdnn_error *err)
{
    for (size_t n = 0; n < graph->node_count; n++)
        for (size_t s = 0; s < graph->nodes[n]->subgraph_count; s++) /* nesting was bounded */
            TDNN_TRY(tdnn_passes_run(graph->nodes[n]->subgraphs[s], context, err));
    for (int round = 0; round < MOST_ROUNDS; round++) {
        size_t changes = 0;
        for (const tdnn_pass_fn *pass = passes; *pass; pass++)
            TDNN_TRY((*pass)(graph, context, &changes, err));
        if (!changes) break;
    }
    return TDNN_OK;
}

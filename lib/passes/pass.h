/* Passes: from a graph to a better one with the same meaning. */
#ifndef TDNN_PASSES_PASS_H
#define TDNN_PASSES_PASS_H

#include "lib/graph/graph.h"

/* Computes a node from constant inputs through the ordinary operators; `outputs` receives new
 * references. TDNN_ERR_UNSUPPORTED: this node cannot be computed ahead; not an error. */
typedef struct tdnn_pass_context {
    tdnn_status (*evaluate)(void *user, const tdnn_graph *graph, const tdnn_node *node,
                            tdnn_tensor **outputs, tdnn_error *err);
    void *user;
} tdnn_pass_context;

/* Runs all passes, on subgraphs first, until nothing changes any more. */
tdnn_status tdnn_passes_run(tdnn_graph *graph, const tdnn_pass_context *context, tdnn_error *err);

/* Each pass adds the number of its changes to *changes. */
typedef tdnn_status (*tdnn_pass_fn)(tdnn_graph *graph, const tdnn_pass_context *context,
                                    size_t *changes, tdnn_error *err);

tdnn_status tdnn_pass_fold(tdnn_graph *, const tdnn_pass_context *, size_t *, tdnn_error *);
tdnn_status tdnn_pass_dead(tdnn_graph *, const tdnn_pass_context *, size_t *, tdnn_error *);
tdnn_status tdnn_pass_identity(tdnn_graph *, const tdnn_pass_context *, size_t *, tdnn_error *);
tdnn_status tdnn_pass_batch_norm(tdnn_graph *, const tdnn_pass_context *, size_t *, tdnn_error *);
tdnn_status tdnn_pass_activation(tdnn_graph *, const tdnn_pass_context *, size_t *, tdnn_error *);
tdnn_status tdnn_pass_layer_norm(tdnn_graph *, const tdnn_pass_context *, size_t *, tdnn_error *);
tdnn_status tdnn_pass_layer_scale(tdnn_graph *, const tdnn_pass_context *, size_t *,
                                  tdnn_error *);
tdnn_status tdnn_pass_quantized(tdnn_graph *, const tdnn_pass_context *, size_t *, tdnn_error *);
tdnn_status tdnn_pass_quantized_pairs(tdnn_graph *, const tdnn_pass_context *, size_t *,
                                      tdnn_error *);
tdnn_status tdnn_pass_quantized_output(tdnn_graph *, const tdnn_pass_context *, size_t *,
                                       tdnn_error *);
tdnn_status tdnn_pass_patterns(tdnn_graph *, const tdnn_pass_context *, size_t *, tdnn_error *);

/* From any graph to one of ONNX's standard operators with their standard attributes, for the
 * writer: fused activations come apart, operators of our own become arithmetic, and those that
 * are newer than `opset` older ones where that can be. Changes the graph it gets, a copy, as
 * tdnn_graph_copy makes it; values that nobody uses any more may stay. TDNN_ERR_UNSUPPORTED
 * where there is no such form. */
tdnn_status tdnn_lower(tdnn_graph *graph, int64_t opset, tdnn_error *err);

#endif

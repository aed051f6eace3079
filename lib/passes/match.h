/* What passes ask of a graph while they look for patterns. */
#ifndef TDNN_PASSES_MATCH_H
#define TDNN_PASSES_MATCH_H

#include "lib/graph/params.h"
#include "lib/passes/pass.h"

/* Uses and producers, as they were when the pass began; kept up to date by the functions below.
 */
typedef struct tdnn_match {
    tdnn_graph *graph;
    tdnn_zone *zone;
    uint32_t *uses;       /* per value; outputs of the graph count */
    tdnn_node **producer; /* per value, NULL: none                 */
    size_t value_count;   /* that the arrays cover                 */
    size_t changes;
    tdnn_error *err;
} tdnn_match;

/* One node at a time, in order; nodes that another call removed are passed over. */
typedef tdnn_status (*tdnn_visit_fn)(tdnn_match *m, tdnn_node *node);
/* Surveys the graph, visits all nodes, and drops those that were removed. */
tdnn_status tdnn_match_run(tdnn_graph *graph, tdnn_visit_fn visit, size_t *changes,
                           tdnn_error *err);

/* The operator that makes input `index` of a node, if it is of this kind and nobody else uses
 * its only output; else NULL. */
tdnn_node *tdnn_match_lone(const tdnn_match *m, const tdnn_node *node, size_t index,
                           tdnn_op_kind kind);
/* The same, whoever else uses it. */
tdnn_node *tdnn_match_made_by(const tdnn_match *m, const tdnn_node *node, size_t index,
                              tdnn_op_kind kind);
/* The constant at input `index`; NULL if it is absent or none. */
tdnn_tensor *tdnn_match_constant(const tdnn_match *m, const tdnn_node *node, size_t index);
/* The same for its type and shape only: the data may be missing. */
const tdnn_tensor *tdnn_match_weights(const tdnn_match *m, const tdnn_node *node, size_t index);
/* Whether input `index` is a constant of one floating-point element, and which. */
bool tdnn_match_scalar(const tdnn_match *m, const tdnn_node *node, size_t index, double *out);
/* That scalar is `value`, within rounding to f16. */
bool tdnn_match_scalar_is(const tdnn_match *m, const tdnn_node *node, size_t index, double value);
/* For a node of two inputs: the index of the one that `other` is not; -1 if neither is. */
int tdnn_match_other(const tdnn_node *node, tdnn_id value);

/* `node` now makes what `last` made; `last` goes. Only for nodes with one output. */
void tdnn_match_take_over(tdnn_match *m, tdnn_node *node, tdnn_node *last);
void tdnn_match_remove(tdnn_match *m, tdnn_node *node);
/* Turns `node` into another operator on these inputs, with default parameters; its output
 * stays. */
tdnn_status tdnn_match_become(tdnn_match *m, tdnn_node *node, tdnn_op_kind kind,
                              const tdnn_id *inputs, size_t count);
/* Takes over the reference to the tensor. */
tdnn_status tdnn_match_add_constant(tdnn_match *m, tdnn_tensor *tensor, tdnn_id *out);

/* What a node is as an activation of its first input; false if it is none. */
bool tdnn_match_activation(const tdnn_match *m, const tdnn_node *node, tdnn_activation *out);

#endif

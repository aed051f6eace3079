/* What a model says: values, the nodes that make them, and subgraphs.
 *
 * Everything in a graph lives in one zone, shared with its subgraphs, and is freed with it.
 * Tensors are held by reference. A value has one producer at most: a node, the graph's inputs,
 * a capture, or none if it is a constant. After tdnn_graph_check() the nodes are in topological
 * order.
 */
#ifndef TDNN_GRAPH_GRAPH_H
#define TDNN_GRAPH_GRAPH_H

#include "lib/base/map.h"
#include "lib/graph/schema.h"

typedef int32_t tdnn_id; /* of a value: its index in graph->values */
#define TDNN_ABSENT ((tdnn_id)-1) /* in place of an optional input or output */

typedef struct tdnn_value {
    const char *name; /* unique in its graph; never NULL                              */
    tdnn_kind kind;
    tdnn_kind item; /* of an optional: what it may hold                               */
    tdnn_dtype dtype; /* TDNN_NONE: not declared                                      */
    tdnn_shape shape; /* ndim -1: not declared; dim -1: any                           */
    const tdnn_shape *usual; /* of an input: sizes where `shape` leaves them free; NULL: none */
    tdnn_tensor *constant; /* NULL: made at run time                                  */
} tdnn_value;

typedef struct tdnn_graph tdnn_graph;

/* What in the model a node comes from, for findings. */
typedef struct tdnn_origin {
    const char *node, *op, *where;
} tdnn_origin;

typedef struct tdnn_node {
    const tdnn_schema *op;
    const char *name; /* may be "", not unique */
    /* input_count inputs proper, then capture_count values that the subgraphs use. */
    tdnn_id *inputs;
    size_t input_count, capture_count;
    tdnn_id *outputs;
    size_t output_count;
    void *params; /* of the operator's type, op->params_size bytes; NULL if it has none */
    tdnn_graph **subgraphs;
    size_t subgraph_count;
    const tdnn_origin *origin; /* NULL: not known */
} tdnn_node;

/* A value of the enclosing graph, seen from inside: `inner` here is what stands in the owning
 * node's inputs[input_count + slot]. */
typedef struct tdnn_capture {
    tdnn_id inner;
    size_t slot;
} tdnn_capture;

struct tdnn_graph {
    tdnn_zone *zone;
    tdnn_graph *parent; /* NULL: the main graph */
    const char *name;
    tdnn_value *values;
    size_t value_count, value_capacity;
    tdnn_node **nodes;
    size_t node_count, node_capacity;
    tdnn_id *inputs;
    size_t input_count, input_capacity;
    tdnn_id *outputs;
    size_t output_count, output_capacity;
    tdnn_capture *captures;
    size_t capture_count, capture_capacity;
    tdnn_map names;               /* of the values                        */
    bool partial; /* what could not be imported is left out, and nothing makes its results */
    const char *incomplete; /* not NULL: what the model lacks; it can be planned, but not run */
    struct tdnn_graph_root *root; /* what all graphs of one model share   */
};

/* ---- Building. All of these fail with TDNN_ERR_MEMORY or TDNN_ERR_LIMIT only, unless said.
 * ---- */

tdnn_status tdnn_graph_create(const tdnn_load_options *limits, tdnn_graph **out, tdnn_error *err);
/* A subgraph in the same zone. Its owner is the node that is added to `parent` with it. */
tdnn_status tdnn_graph_create_sub(tdnn_graph *parent, tdnn_graph **out, tdnn_error *err);
void tdnn_graph_free(tdnn_graph *main_graph); /* takes NULL */
/* Of a main graph with its subgraphs, in a zone of its own; the same ids. Tensors are shared,
 * and so is what parameters point to: the original must outlive the copy. */
tdnn_status tdnn_graph_copy(const tdnn_graph *from, tdnn_graph **out, tdnn_error *err);

/* A value without a producer so far. An empty or NULL name: a fresh one is made. A name that the
 * graph has already: TDNN_ERR_FORMAT. */
tdnn_status tdnn_graph_add_value(tdnn_graph *graph, const char *name, tdnn_id *out,
                                 tdnn_error *err);
/* Gives a value another name; the old one still finds it until another value takes that. A name
 * that is another value's own: TDNN_ERR_FORMAT. */
tdnn_status tdnn_graph_rename_value(tdnn_graph *graph, tdnn_id value, const char *name,
                                    tdnn_error *err);
/* Takes over the caller's reference, also on failure. */
tdnn_status tdnn_graph_add_constant(tdnn_graph *graph, const char *name, tdnn_tensor *tensor,
                                    tdnn_id *out, tdnn_error *err);
/* TDNN_ABSENT if there is none. */
tdnn_id tdnn_graph_find_value(const tdnn_graph *graph, const char *name);
tdnn_status tdnn_graph_add_input(tdnn_graph *graph, tdnn_id value, tdnn_error *err);
tdnn_status tdnn_graph_add_output(tdnn_graph *graph, tdnn_id value, tdnn_error *err);

/* A node with room for its inputs and outputs (all TDNN_ABSENT) and its parameters set to the
 * schema's defaults. Names are copied. */
tdnn_status tdnn_graph_add_node(tdnn_graph *graph, tdnn_op_kind kind, const char *name,
                                size_t input_count, size_t output_count, tdnn_node **out,
                                tdnn_error *err);
/* The usual case: inputs given, one fresh output (named `name`, or made up if NULL or taken),
 * whose id comes back in *out, which may be one of `inputs`. *node, if not NULL, serves to set
 * parameters. */
tdnn_status tdnn_graph_append(tdnn_graph *graph, tdnn_op_kind kind, const char *name,
                              const tdnn_id *inputs, size_t input_count, tdnn_node **node,
                              tdnn_id *out, tdnn_error *err);
/* The value in subgraph `graph` that stands for `outer` of graph->parent. A constant is shared,
 * anything else becomes a capture, to be given to the owning node by tdnn_node_own. */
tdnn_status tdnn_graph_capture(tdnn_graph *graph, tdnn_id outer, tdnn_id *out, tdnn_error *err);
/* Gives subgraphs to a node of their parent and appends what they capture to its inputs. */
tdnn_status tdnn_node_own(tdnn_graph *graph, tdnn_node *node, tdnn_graph *const *subgraphs,
                          size_t count, tdnn_error *err);
/* Keeps a tensor alive as long as the graph (attributes); takes over the caller's reference,
 * also on failure. */
tdnn_status tdnn_graph_hold(tdnn_graph *graph, tdnn_tensor *tensor, tdnn_error *err);
/* Copies into the graph's zone. */
tdnn_status tdnn_graph_ints(tdnn_graph *graph, const int64_t *values, size_t count,
                            tdnn_ints *out, tdnn_error *err);

const tdnn_load_options *tdnn_graph_limits(const tdnn_graph *graph);
/* Of the nodes that are added from now on, to all graphs of the model; NULL: none. Copied.
 * Nothing is kept unless the load options ask for findings. */
tdnn_status tdnn_graph_set_origin(tdnn_graph *graph, const tdnn_origin *origin, tdnn_error *err);

/* ---- The gate ---- */

/* Everything that the rest of the library takes for granted, for this graph and its subgraphs:
 * ids in range, arity as the schemas have it, one producer a value, none missing, no cycle,
 * constants as long as their shapes; sorts the nodes topologically. After each parser. */
tdnn_status tdnn_graph_check(tdnn_graph *graph, tdnn_error *err);
/* The part of it that asks for a node's numbers of inputs and outputs, and for those it must
 * have. */
tdnn_status tdnn_node_check_arity(const tdnn_node *node, tdnn_error *err);

/* ---- Changing: for passes ---- */

/* All uses of `from` (inputs of nodes, outputs of the graph) become uses of `to`. */
void tdnn_graph_replace_uses(tdnn_graph *graph, tdnn_id from, tdnn_id to);
/* How many node inputs and graph outputs use each value: an array of value_count, in the given
 * zone. */
tdnn_status tdnn_graph_count_uses(const tdnn_graph *graph, tdnn_zone *zone, uint32_t **out,
                                  tdnn_error *err);
/* The node that makes each value, NULL if none: an array of value_count, in the given zone. */
tdnn_status tdnn_graph_producers(const tdnn_graph *graph, tdnn_zone *zone, tdnn_node ***out,
                                 tdnn_error *err);
/* Makes the value a constant; takes over the reference. Its producer, if any, must be removed. */
void tdnn_graph_set_constant(tdnn_graph *graph, tdnn_id value, tdnn_tensor *tensor);
bool tdnn_graph_is_output(const tdnn_graph *graph, tdnn_id value);
/* Drops nodes that are marked by op == NULL. */
void tdnn_graph_sweep(tdnn_graph *graph);

/* "node NAME (Op)" or, without a name, "node making VALUE (Op)". */
tdnn_status tdnn_node_error(const tdnn_graph *graph, const tdnn_node *node, tdnn_status status,
                            tdnn_error *err);

#endif

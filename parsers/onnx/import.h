/* Reading an ONNX model into a graph: what the files of this folder share.
 *
 * A scope is a graph that is being filled, with its names; a call is one NodeProto on its way
 * in. An operator that an older opset says differently has a row in rewrite.c, whose function
 * rewrites the call into the newest form, or builds the operator from others; everything else
 * goes straight to the operator's schema (onnx_emit).
 */
#ifndef TDNN_PARSERS_ONNX_IMPORT_H
#define TDNN_PARSERS_ONNX_IMPORT_H

#include "lib/base/map.h"
#include "parsers/findings.h"
#include "parsers/onnx/tensor.h"

typedef struct onnx_model {
    const tdnn_source *source;
    const Onnx__ModelProto *proto;
    tdnn_zone *zone;    /* of the messages and of all else that goes when parsing ends */
    tdnn_map functions; /* "domain name overload" to the index in proto->functions  */
    size_t calls;       /* nodes so far, with those of expanded functions           */
    tdnn_findings findings; /* what tinydnn does not have */
} onnx_model;

/* A function that is being expanded. */
typedef struct onnx_frame {
    const struct onnx_frame *caller; /* NULL: called from a graph */
    const Onnx__FunctionProto *function;
    const struct onnx_call *call; /* whose attributes the body may refer to */
    int depth;
} onnx_frame;

/* What the name of an optional input of a function stands for that its caller leaves out. */
#define ONNX_NOT_GIVEN ((tdnn_id)-2)

typedef struct onnx_scope {
    onnx_model *model;
    struct onnx_scope *outer; /* whose names are seen too; NULL: none */
    tdnn_graph *graph;
    tdnn_map names;          /* to ids of `graph`, or ONNX_NOT_GIVEN */
    const onnx_frame *frame; /* NULL: not in a function */
    const char *prefix;      /* of names of nodes and values of an expanded function, else "" */
    Onnx__OperatorSetIdProto **opsets;
    size_t opset_count;
} onnx_scope;

typedef struct onnx_call {
    onnx_scope *scope;
    const char *domain; /* "" for ONNX's own; what the model says    */
    const char *op;     /* what the model says; may be rewritten     */
    const char *name;   /* of the node, with the scope's prefix       */
    const char *overload;
    int64_t version; /* of the operator set                        */
    tdnn_id *inputs; /* TDNN_ABSENT: not given; none of them at the end */
    size_t input_count;
    tdnn_id *outputs;
    size_t output_count;
    /* References to a function's attributes are resolved. */
    const Onnx__AttributeProto **attrs;
    size_t attr_count;
    const char *where; /* for findings */
    bool unknown;      /* there is no such operator                            */
    bool told;         /* of its attributes: what fails besides may come of it */
} onnx_call;

/* ---- graph.c ---- */

tdnn_status onnx_graph_import(onnx_scope *scope, const Onnx__GraphProto *proto,
                              tdnn_error *err);
/* Declares what the nodes make, then imports them. */
tdnn_status onnx_nodes_import(onnx_scope *scope, Onnx__NodeProto *const *nodes, size_t count,
                              tdnn_error *err);
/* The id that `name` has here, captured from outer graphs where need be. */
tdnn_status onnx_scope_find(onnx_scope *scope, const char *name, tdnn_id *out, tdnn_error *err);
/* A new value of the scope's graph under the scope's prefix. */
tdnn_status onnx_scope_declare(onnx_scope *scope, const char *name, tdnn_id *out,
                               tdnn_error *err);

/* ---- node.c ---- */

tdnn_status onnx_node_import(onnx_scope *scope, const Onnx__NodeProto *proto, tdnn_error *err);

/* ---- call.c and attr.c: for rewriting and building ---- */

/* The node that the call asks for, as its schema has it, with its outputs and all its
 * attributes. */
tdnn_status onnx_emit(onnx_call *call, tdnn_error *err);
/* A node of its own in front of the call's; inputs that are absent at the end are left out. */
tdnn_status onnx_append(onnx_call *call, const char *op, const tdnn_id *inputs,
                        size_t input_count, tdnn_node **node, tdnn_id *out, tdnn_error *err);
/* The same, making output 0 of the call. */
tdnn_status onnx_finish(onnx_call *call, const char *op, const tdnn_id *inputs,
                        size_t input_count, tdnn_node **node, tdnn_error *err);

tdnn_attr_type onnx_attr_type(const Onnx__AttributeProto *attr); /* END: none that we know */
/* NULL: not given. _take also removes it from the call. */
const Onnx__AttributeProto *onnx_attr(const onnx_call *call, const char *name);
const Onnx__AttributeProto *onnx_take(onnx_call *call, const char *name);
/* Takes it; *out stays as it is if it is not given. */
tdnn_status onnx_take_int(onnx_call *call, const char *name, int64_t *out, tdnn_error *err);
tdnn_status onnx_take_float(onnx_call *call, const char *name, float *out, tdnn_error *err);
tdnn_status onnx_take_ints(onnx_call *call, const char *name, tdnn_ints *out, tdnn_error *err);
tdnn_status onnx_take_floats(onnx_call *call, const char *name, tdnn_floats *out,
                             tdnn_error *err);
/* Takes a string; NULL if it is not given. */
tdnn_status onnx_take_string(onnx_call *call, const char *name, const char **out,
                             tdnn_error *err);
/* Gives the call an attribute, in place of one of that name. */
tdnn_status onnx_give_int(onnx_call *call, const char *name, int64_t value, tdnn_error *err);
tdnn_status onnx_give_float(onnx_call *call, const char *name, float value, tdnn_error *err);
tdnn_status onnx_give_string(onnx_call *call, const char *name, const char *value,
                             tdnn_error *err);
/* Calls an attribute otherwise, if it is given. */
tdnn_status onnx_rename(onnx_call *call, const char *from, const char *to, tdnn_error *err);
/* Sets input `index`, making room for it. */
tdnn_status onnx_set_input(onnx_call *call, size_t index, tdnn_id id, tdnn_error *err);
tdnn_id onnx_input(const onnx_call *call, size_t index); /* TDNN_ABSENT if there is none */

tdnn_status onnx_constant_ints(onnx_call *call, const int64_t *values, size_t count,
                               tdnn_id *out, tdnn_error *err);
tdnn_status onnx_constant_int(onnx_call *call, int64_t value, tdnn_id *out,
                              tdnn_error *err); /* a scalar */
/* A vector, or a scalar if ndim is 0, of the element type that value `like` is known to have,
 * else of f32. */
tdnn_status onnx_constant_floats(onnx_call *call, const float *values, size_t count, int ndim,
                                 tdnn_id like, tdnn_id *out, tdnn_error *err);
/* The constant behind a value; NULL if it is none. */
const tdnn_tensor *onnx_known(const onnx_call *call, tdnn_id id);
/* An attribute on a node that onnx_append made. */
tdnn_status onnx_set_int(onnx_call *call, tdnn_node *node, const char *name, int64_t value,
                         tdnn_error *err);
tdnn_status onnx_set_float(onnx_call *call, tdnn_node *node, const char *name, float value,
                           tdnn_error *err);
tdnn_status onnx_set_string(onnx_call *call, tdnn_node *node, const char *name,
                            const char *value, tdnn_error *err);

/* ---- the others ---- */

typedef tdnn_status (*onnx_rewrite_fn)(onnx_call *call, tdnn_error *err);
/* rewrite.c. NULL: goes straight to its schema. */
onnx_rewrite_fn onnx_rewrite_find(const char *domain, const char *op, int64_t version);

/* function.c. -1: the model has no such function. */
int32_t onnx_function_find(const onnx_model *model, const onnx_call *call);
tdnn_status onnx_functions_collect(onnx_model *model, tdnn_error *err);
tdnn_status onnx_function_expand(onnx_call *call, int32_t function, tdnn_error *err);

/* constant.c: the Constant operator. */
tdnn_status onnx_constant_import(onnx_call *call, tdnn_error *err);

/* type.c: what a ValueInfoProto says. */
tdnn_status onnx_type_import(const Onnx__TypeProto *type, tdnn_value *value, tdnn_error *err);

#endif

/* Reading a TensorFlow graph: what the files of this folder share.
 *
 * A scope is an IR graph that is being filled, with what each of TensorFlow's outputs stands
 * for in it: the main graph, the body of a loop, a branch, a function. A call is one NodeDef on
 * its way in. Most of TensorFlow's graphs are NHWC, the IR is NCHW: a value knows in which of
 * the two orders it lies, spatial operators ask for channels first, element-wise ones keep what
 * they get, and whoever needs TensorFlow's own order asks for that. So a convolutional region
 * has no transposition but those at its border.
 */
#ifndef TDNN_PARSERS_TENSORFLOW_IMPORT_H
#define TDNN_PARSERS_TENSORFLOW_IMPORT_H

#include "lib/graph/params.h"
#include "parsers/findings.h"
#include "parsers/tensorflow/tensor.h"

#define TF_KNOWN_MOST 64 /* integers whose contents a value carries */

/* What an output of a node stands for. `shape` is always as TensorFlow sees it. */
typedef struct tf_value {
    tdnn_id id;
    tdnn_dtype dtype; /* NONE: not known                                             */
    tdnn_shape shape; /* ndim -1: not known                                          */
    bool first;       /* lies with its channels first, where TensorFlow has them last   */
    tdnn_id other;    /* the same the other way round; TDNN_ABSENT: not made yet      */
    /* Not 0: TensorFlow has it cut up by SpaceToBatchND into blocks of this height and width;
     * what lies in `id` is whole. */
    int64_t block[2];
    const int64_t *known; /* integer contents; NULL: not known */
    size_t known_count;
    bool dead;    /* on the side of a Switch that is never taken  */
    bool missing; /* tinydnn lacks what would make it             */
    bool flow;    /* a TensorArray or TensorList: its elements, stacked */
    bool sequence;    /* ... or as a sequence of the IR                 */
    tdnn_id reserved; /* of a list that nothing has filled (`id` is absent): how many elements */
    bool boxes;   /* of PriorBox: 1 x 2 x any                     */
    bool complex; /* pairs, along a last dimension that `shape` does not have */
} tf_value;

typedef struct tf_node {
    const Tensorflow__NodeDef *proto;
    tdnn_bytes file; /* that it was decoded from */
    const struct tf_op *op; /* NULL: unknown     */
} tf_node;

/* All Enter nodes of a while loop. */
typedef struct tf_frame {
    const char *name;
    const tf_node **enters;
    size_t count, capacity;
} tf_frame;

/* Nodes with names: a graph, or a function's body. */
typedef struct tf_nodes {
    tf_node *at;
    size_t count, capacity;
    size_t own; /* the first `own` are the graph's; what follows has only weights for it */
    tdnn_map names;
    tf_frame *frames;
    size_t frame_count, frame_capacity;
} tf_nodes;

/* Who uses a node: to[begin[n]] up to to[begin[n + 1]]. */
typedef struct tf_use {
    uint32_t node, input;
} tf_use;
typedef struct tf_uses {
    size_t *begin;
    tf_use *to;
} tf_uses;

typedef struct tf_model {
    const tdnn_source *source;
    tdnn_zone *zone; /* of all that goes when parsing ends */
    tf_nodes nodes;
    tf_uses uses; /* of nodes */
    tdnn_map ops;
    const Tensorflow__FunctionDefLibrary *library;
    tdnn_findings findings;
    tdnn_origin origin; /* the node that is being imported */
    bool told;          /* of one of its attributes: what fails besides may come of it */
    size_t calls;
} tf_model;

/* The values that belong to a name in a scope. */
typedef struct tf_outputs {
    tf_value **at;
    size_t count, capacity;
    tf_value *all; /* not NULL: what each of them is (dead, or missing) */
} tf_outputs;


typedef struct tf_scope {
    tf_model *model;
    struct tf_scope *outer; /* NULL: the main graph */
    tdnn_graph *graph;
    const tf_nodes *nodes;
    tdnn_map names; /* of nodes, to `outputs` */
    tf_outputs **outputs;
    size_t output_count, output_capacity;
    const char *prefix;    /* of names, in a function            */
    const tf_frame *frame; /* whose body this is; NULL: none      */
    int depth;
} tf_scope;

typedef struct tf_call {
    tf_scope *scope;
    const tf_node *node;
    const char *name;
    tf_value **inputs; /* data inputs only */
    size_t input_count;
} tf_call;

typedef tdnn_status (*tf_import_fn)(tf_call *call, tdnn_error *err);

enum {
    TF_POINTWISE = 1, /* does not care for the order of dimensions     */
    TF_SPATIAL = 2,   /* has channels, and height and width            */
    TF_VOLUME = 4,    /* ... and depth                                 */
    TF_QUIET = 8,     /* nobody wants its output if it is not used     */
    TF_COMPLEX = 16   /* takes complex numbers                         */
};

typedef struct tf_op {
    const char *name;
    tf_import_fn import;
    tdnn_op_kind kind; /* for importers that serve several operators */
    unsigned flags;
} tf_op;

/* ---- scope.c: names and order ---- */

/* "name:port" or "name". The text of the name lives in the model's zone. */
tdnn_status tf_split_name(tf_model *model, const char *text, const char **name, size_t *port,
                          tdnn_error *err);
tdnn_status tf_nodes_add(tf_model *model, tf_nodes *nodes, const Tensorflow__NodeDef *proto,
                         tdnn_bytes file, tdnn_error *err);
const tf_node *tf_find_node(const tf_scope *scope, const char *name);
/* How many of a node's inputs are data: control inputs follow them. */
size_t tf_data_inputs(const Tensorflow__NodeDef *proto);
/* The node behind input `index`; NULL if there is none. */
const tf_node *tf_input_node(const tf_scope *scope, const tf_node *node, size_t index);
/* NULL: there is no such loop. */
const tf_frame *tf_find_frame(const tf_nodes *nodes, const char *name);
/* The loop that an Exit leaves; NULL: none. */
const tf_frame *tf_frame_left(const tf_scope *scope, const tf_node *exit);
/* After all nodes were added. */
tdnn_status tf_nodes_find_frames(tf_model *model, tf_nodes *nodes, tdnn_error *err);
bool tf_is(const tf_node *node, const char *op);
tdnn_status tf_scope_set(tf_scope *scope, const char *name, size_t port, tf_value *value,
                         tdnn_error *err);
/* NULL: nothing has that name yet. */
tf_value *tf_scope_get(const tf_scope *scope, const char *name, size_t port);
/* What all outputs of the node are. */
tdnn_status tf_scope_set_all(tf_scope *scope, const char *name, tf_value *value, tdnn_error *err);
/* Imports the node and all that it needs. */
tdnn_status tf_scope_import(tf_scope *scope, const tf_node *node, tdnn_error *err);
/* What "name:port" stands for, imported before. */
tdnn_status tf_scope_find(tf_scope *scope, const char *text, tf_value **out, tdnn_error *err);

/* ---- op_function.c ---- */

/* NULL: the library has none of that name. */
const Tensorflow__FunctionDef *tf_find_function(const tf_model *model, const char *name);
/* In a function an output has a name and a number among those of that name, "node:output:0":
 * which it is of all. */
size_t tf_first_port(const tf_scope *scope, const tf_node *node, const char *text);
tdnn_status tf_import_call(tf_call *call, tdnn_error *err);

/* ---- value.c ---- */

tdnn_status tf_value_make(tf_scope *scope, tdnn_id id, tdnn_dtype dtype, const tdnn_shape *shape,
                          tf_value **out, tdnn_error *err);
/* A new value like `like`, over another id. */
tdnn_status tf_value_like(tf_scope *scope, const tf_value *like, tdnn_id id, tf_value **out,
                          tdnn_error *err);
/* The IR's value in TensorFlow's order of dimensions; and with channels first (of 4 or 5
 * dimensions, `ndim` if it is not known). */
tdnn_status tf_plain(tf_scope *scope, tf_value *v, tdnn_id *out, tdnn_error *err);
tdnn_status tf_first(tf_scope *scope, tf_value *v, int ndim, tdnn_id *out, tdnn_error *err);
/* Takes the value of an outer scope inwards. */
tdnn_status tf_capture(tf_scope *scope, tf_value *outer, tf_value **out, tdnn_error *err);
/* Where TensorFlow's dimension `axis` lies. */
int64_t tf_axis_place(const tf_value *v, int64_t axis);
tdnn_shape tf_unknown_shape(int ndim);
/* Broadcast; what is not known stays so. */
tdnn_shape tf_shape_broadcast(const tdnn_shape *a, const tdnn_shape *b);
/* The constant behind a value; NULL if it is none. */
const tdnn_tensor *tf_constant(const tf_scope *scope, const tf_value *v);
/* Constant nodes and integers that are known. */
tdnn_status tf_constant_value(tf_scope *scope, const char *name, tdnn_tensor *tensor,
                              tf_value **out, tdnn_error *err);
tdnn_status tf_set_known(tf_scope *scope, tf_value *v, const int64_t *at, size_t count,
                         tdnn_error *err);

/* ---- call.c: for importers ---- */

const Tensorflow__AttrValue *tf_attr(const tf_node *node, const char *name);
/* `otherwise` if it is not given. What is read in this way has a row in attrs.c. */
int64_t tf_attr_int(const tf_call *c, const char *name, int64_t otherwise);
float tf_attr_float(const tf_call *c, const char *name, float otherwise);
bool tf_attr_bool(const tf_call *c, const char *name, bool otherwise);
tdnn_dtype tf_attr_type(const tf_call *c, const char *name, tdnn_dtype otherwise);
/* NULL-terminated, in the model's zone; `otherwise` if it is not given or no text. */
const char *tf_attr_text(const tf_call *c, const char *name, const char *otherwise);
/* The list's integers; count 0 if it is not given. */
tdnn_status tf_attr_ints(const tf_call *c, const char *name, const int64_t **at, size_t *count,
                         tdnn_error *err);
/* Input `index`, or an error that says which is missing. */
tdnn_status tf_input(const tf_call *c, size_t index, tf_value **out, tdnn_error *err);
tdnn_status tf_input_plain(const tf_call *c, size_t index, tdnn_id *out, tdnn_error *err);
/* Integers that must be known while loading. */
tdnn_status tf_input_ints(const tf_call *c, size_t index, const char *what, const int64_t **at,
                          size_t *count, tdnn_error *err);
tdnn_status tf_input_int(const tf_call *c, size_t index, const char *what, int64_t *out,
                         tdnn_error *err);
/* 0 .. ndim-1, or an error. */
tdnn_status tf_axis(const tf_value *v, int64_t axis, int64_t *out, tdnn_error *err);

/* A node of the IR. tf_op makes an inner one, tf_last one that bears the call's name. */
tdnn_status tf_inner(const tf_call *c, tdnn_op_kind kind, const tdnn_id *inputs, size_t count,
                     tdnn_node **node, tdnn_id *out, tdnn_error *err);
tdnn_status tf_last(const tf_call *c, tdnn_op_kind kind, const tdnn_id *inputs, size_t count,
                    tdnn_node **node, tdnn_id *out, tdnn_error *err);
/* With several outputs, which get the names "name", "name:1" ... */
tdnn_status tf_many(const tf_call *c, tdnn_op_kind kind, const tdnn_id *inputs, size_t count,
                    size_t output_count, tdnn_node **node, tdnn_error *err);
tdnn_status tf_set_int(const tf_call *c, tdnn_node *node, const char *attr, int64_t value,
                       tdnn_error *err);
tdnn_status tf_set_float(const tf_call *c, tdnn_node *node, const char *attr, float value,
                         tdnn_error *err);
tdnn_status tf_set_text(const tf_call *c, tdnn_node *node, const char *attr, const char *value,
                        tdnn_error *err);
tdnn_status tf_set_ints(const tf_call *c, tdnn_node *node, const char *attr, const int64_t *at,
                        size_t count, tdnn_error *err);
tdnn_status tf_const_ints(const tf_call *c, const int64_t *at, size_t count, tdnn_id *out,
                          tdnn_error *err);
tdnn_status tf_const_int(const tf_call *c, int64_t value, tdnn_id *out, tdnn_error *err);
/* A scalar of the type, whose value is rounded to it. */
tdnn_status tf_const_scalar(const tf_call *c, tdnn_dtype type, double value, tdnn_id *out,
                            tdnn_error *err);
tdnn_status tf_transpose(const tf_call *c, tdnn_id in, const int64_t *perm, size_t count,
                         tdnn_id *out, tdnn_error *err);
tdnn_status tf_reshape(const tf_call *c, tdnn_id in, const int64_t *dims, size_t count,
                       tdnn_id *out, tdnn_error *err);
tdnn_status tf_cast(const tf_call *c, tdnn_id in, tdnn_dtype to, tdnn_id *out, tdnn_error *err);

/* Inner nodes of one, two and three inputs. */
tdnn_status tf_one(const tf_call *c, tdnn_op_kind kind, tdnn_id a, tdnn_id *out, tdnn_error *err);
tdnn_status tf_two(const tf_call *c, tdnn_op_kind kind, tdnn_id a, tdnn_id b, tdnn_id *out,
                   tdnn_error *err);
tdnn_status tf_three(const tf_call *c, tdnn_op_kind kind, tdnn_id a, tdnn_id b, tdnn_id d,
                     tdnn_id *out, tdnn_error *err);
/* With a scalar of the type, which stands second. */
tdnn_status tf_with(const tf_call *c, tdnn_op_kind kind, tdnn_id a, tdnn_dtype type,
                    double scalar, tdnn_id *out, tdnn_error *err);
tdnn_status tf_concat(const tf_call *c, const tdnn_id *parts, size_t count, int64_t axis,
                      tdnn_id *out, tdnn_error *err);
/* Column `index` of rows: [rows, 1]. */
tdnn_status tf_column(const tf_call *c, tdnn_id rows, int64_t index, tdnn_id *out,
                      tdnn_error *err);
/* Dimension `axis` of a value of the IR, as a vector of one i64; and some of them. */
tdnn_status tf_dims(const tf_call *c, tdnn_id in, const int64_t *axes, size_t count, tdnn_id *out,
                    tdnn_error *err);

/* Says what the call's output `port` is. */
tdnn_status tf_give(const tf_call *c, size_t port, tf_value *value, tdnn_error *err);
tdnn_status tf_give_new(const tf_call *c, size_t port, tdnn_id id, tdnn_dtype dtype,
                        const tdnn_shape *shape, tf_value **out, tdnn_error *err);
/* Tells of what is wrong with the node that is being imported, and lets it go on. */
tdnn_status tf_tell(tf_model *model, tdnn_finding_kind kind, tdnn_error *err,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* ---- attrs.c ---- */

/* Tells of attributes that are of another kind than importers read, or whose values or types
 * tinydnn does not have, whatever the node's inputs are. */
tdnn_status tf_check_attrs(tf_call *c, tdnn_error *err);

/* ---- layout.c ---- */

/* Where a spatial call's channels are: true for NHWC and NDHWC. */
bool tf_channels_last(const tf_call *c, bool *known);
/* A spatial input with channels first; *last says that TensorFlow has them last. */
tdnn_status tf_spatial(const tf_call *c, size_t index, int ndim, tdnn_id *id, bool *last,
                       tdnn_error *err);
/* The inputs for an element-wise operator: all in the same order, `like` says which. */
tdnn_status tf_unify(const tf_call *c, size_t from, size_t count, tdnn_id *ids, tf_value *like,
                     tdnn_error *err);
/* The value without pending blocks. */
tdnn_status tf_unblocked(const tf_call *c, size_t index, tf_value **out, tdnn_error *err);

/* ---- window.c ---- */

enum { TF_MOST_SPACE = 3 };

/* Height and width, and depth before them, out of an attribute's list over all dimensions. */
tdnn_status tf_spatial_list(const tf_call *c, const char *name, int space, bool last,
                            int64_t *out, tdnn_error *err);
/* Begins, then ends, out of the attribute "explicit_paddings". */
tdnn_status tf_explicit_pads(const tf_call *c, int space, bool last, int64_t *out,
                             tdnn_error *err);
/* From the attribute "padding". */
tdnn_status tf_set_padding(const tf_call *c, int space, bool last, tdnn_window *w,
                           tdnn_error *err);
tdnn_status tf_set_window(const tf_call *c, int space, bool last, tdnn_window *w,
                          tdnn_error *err);
/* The result of a spatial call: N, outer dimensions not known, `channels`. */
tdnn_status tf_give_spatial(const tf_call *c, tdnn_id id, int ndim, bool last, int64_t channels,
                            tf_value **out, tdnn_error *err);
/* -1: not known. */
int64_t tf_channels(const tf_value *v, bool last);

/* ---- delegate.c ---- */

/* An attribute that a delegate has besides those of the call, or in place of them. */
typedef struct tf_extra {
    const char *key;
    Tensorflow__AttrValue value;
} tf_extra;
tf_extra tf_extra_int(const char *key, int64_t value);
tf_extra tf_extra_float(const char *key, float value);
tf_extra tf_extra_bool(const char *key, bool value);
tf_extra tf_extra_text(const char *key, const char *value);
/* Imports operator `op` with the call's attributes and these inputs, as if it stood in the
 * graph. The last delegate of a call bears its name, others one of their own. */
tdnn_status tf_delegate(const tf_call *c, const char *op, bool last, tf_value *const *inputs,
                        size_t count, const tf_extra *extra, size_t extra_count, tf_value **out,
                        tdnn_error *err);
/* A constant of integers, as an input for a delegate. */
tdnn_status tf_value_ints(const tf_call *c, const int64_t *at, size_t count, int ndim,
                          tf_value **out, tdnn_error *err);

/* ---- table.c ---- */

extern const tf_op tf_ops[];

#endif

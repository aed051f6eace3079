/* What importers of layers use: the layer's parameters, its weights, and nodes to be made.
 *
 * A call remembers the first failure; from then on its functions do nothing, and return ABSENT,
 * zero or the default. So an importer reads like a formula, and its caller looks at the status
 * once.
 */
#ifndef TDNN_PARSERS_CAFFE_BUILD_H
#define TDNN_PARSERS_CAFFE_BUILD_H

#include "parsers/caffe/net.h"

typedef struct caffe_call {
    caffe_net *net;
    const caffe_layer *layer;
    const tdnn_text *param; /* its ..._param; NULL: none */
    caffe_value *in;
    size_t in_count;
    caffe_value *out; /* to fill; starts as ABSENT, with the shape of in[0] */
    size_t out_count;
    Caffe__BlobProto *const *blobs;
    size_t blob_count;
    tdnn_node *node; /* the one made last, for its attributes */
    /* A bottom comes from a layer that tinydnn does not have: stand-ins of no known shape take
     * its place, so that the parameters are looked at; what else fails says nothing. */
    bool doubtful;
    /* Of a parameter, and went on with a default: what fails later on may come of it. */
    bool told, failed_first;
    tdnn_status status;
    tdnn_error *err;
} caffe_call;

typedef void (*caffe_import_fn)(caffe_call *c);

/* layers.c */
typedef struct caffe_type {
    const char *name;
    const char *param; /* the field with its parameters; NULL: none */
    int min_bottoms, max_bottoms, min_tops, max_tops;
    caffe_import_fn import; /* NULL: of no meaning when testing */
} caffe_type;
const caffe_type *caffe_type_find(const char *name); /* NULL: no such type */
bool caffe_is_param(const char *field);              /* of any type */

/* ---- failures ---- */

#define caffe_fail(c, code, ...)                                                               \
    ((c)->status ? (c)->status : ((c)->status = TDNN_FAIL((c)->err, (code), __VA_ARGS__)))
static inline bool caffe_try(caffe_call *c, tdnn_status status)
{
    if (!c->status) c->status = status;
    return !c->status;
}

/* ---- param.c: parameters of the layer's ..._param message. They are read whatever has failed
 * before; a bad one is a finding, and its default stands in for it. ---- */

bool caffe_has(const caffe_call *c, const char *name);
int64_t caffe_int(caffe_call *c, const char *name, int64_t otherwise, int64_t least,
                  int64_t most);
float caffe_float(caffe_call *c, const char *name, float otherwise);
bool caffe_bool(caffe_call *c, const char *name, bool otherwise);
/* `words`: NULL-terminated, "" for a number without a word. A number counts as well as a word.
 */
int64_t caffe_enum(caffe_call *c, const char *name, const char *const *words,
                   int64_t otherwise);
/* Repeated fields. */
tdnn_ints caffe_ints(caffe_call *c, const char *name, int64_t least, int64_t most);
tdnn_floats caffe_floats(caffe_call *c, const char *name);
/* The dims of a message field of type BlobShape; count 0 if it is not there. */
tdnn_ints caffe_dims_of(caffe_call *c, const tdnn_text *shape, int64_t least);
/* An axis -ndim .. ndim-1 (ndim - 1 + extra) made positive. */
int caffe_axis(caffe_call *c, const char *name, int64_t otherwise, int ndim, int extra);
/* The message inside of the layer's; NULL if it is not there. Its fields are read by giving it
 * to caffe_within for a while. */
const tdnn_text *caffe_message(caffe_call *c, const char *name);
/* Marks a parameter as of no meaning here. */
void caffe_ignore(const caffe_call *c, const char *name);
/* Notes what the layer says and nobody has asked for. */
tdnn_status caffe_params_check(caffe_call *c);

/* ---- weights ---- */

/* Weight blob `index` as a constant of the given shape, one of whose dimensions may be -1.
 * Without a .caffemodel: zeros, and the net is marked as incomplete. */
tdnn_id caffe_weight(caffe_call *c, size_t index, const tdnn_shape *shape);
/* How many numbers the blob has; -1: it is not there. */
int64_t caffe_weight_count(caffe_call *c, size_t index);
/* Its shape as the file has it; ndim -1: it is not there, or the file does not say. */
tdnn_shape caffe_weight_shape(caffe_call *c, size_t index);
/* Blob `index` of one dimension, known to the importer. Borrowed; NULL after a failure. */
const float *caffe_weight_values(caffe_call *c, size_t index, int64_t count);

/* ---- build.c: nodes ---- */

/* A node with one output, which comes back; inputs as given, ABSENT ones at the end left out.
 */
tdnn_id caffe_append(caffe_call *c, const char *op, const tdnn_id *inputs, size_t input_count);
#define caffe_op(c, op, ...)                                                                   \
    caffe_append((c), (op), (const tdnn_id[]){__VA_ARGS__},                                    \
                 sizeof((const tdnn_id[]){__VA_ARGS__}) / sizeof(tdnn_id))
/* Another output of the node made last. */
tdnn_id caffe_more(caffe_call *c);
/* Attributes of the node made last. */
void caffe_set_int(caffe_call *c, const char *name, int64_t value);
void caffe_set_float(caffe_call *c, const char *name, float value);
void caffe_set_string(caffe_call *c, const char *name, const char *value);
void caffe_set_ints(caffe_call *c, const char *name, const int64_t *values, size_t count);
void caffe_set_floats(caffe_call *c, const char *name, const float *values, size_t count);

/* Constants. */
tdnn_id caffe_vector(caffe_call *c, const int64_t *values, size_t count);
#define caffe_ints_of(c, ...)                                                                  \
    caffe_vector((c), (const int64_t[]){__VA_ARGS__},                                          \
                 sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))
tdnn_id caffe_scalar(caffe_call *c, float value);
tdnn_id caffe_constant(caffe_call *c, tdnn_tensor *tensor); /* takes the reference over */

/* x itself if it is multiplied by 1, or 0 is added. */
tdnn_id caffe_times(caffe_call *c, tdnn_id x, float factor);
tdnn_id caffe_plus(caffe_call *c, tdnn_id x, float term);

/* Arithmetic on shapes: vectors of i64. */
tdnn_id caffe_dims(caffe_call *c, tdnn_id x, int begin, int end);
/* Pieces behind one another; ABSENT ones are left out. */
tdnn_id caffe_join(caffe_call *c, const tdnn_id *pieces, size_t count);
#define caffe_joined(c, ...)                                                                   \
    caffe_join((c), (const tdnn_id[]){__VA_ARGS__},                                            \
               sizeof((const tdnn_id[]){__VA_ARGS__}) / sizeof(tdnn_id))
tdnn_id caffe_reshape(caffe_call *c, tdnn_id x, tdnn_id shape);
tdnn_id caffe_transpose(caffe_call *c, tdnn_id x, const int64_t *perm, size_t count);
/* x [from, to) along one axis. */
tdnn_id caffe_slice(caffe_call *c, tdnn_id x, int64_t axis, int64_t from, int64_t to);

/* ---- usual shapes ---- */

/* The rank of in[index], of a stand-in one that fits; fails if it is not `least` .. `most`. */
int caffe_rank(caffe_call *c, size_t index, int least, int most);
/* Dimension `axis` of in[index] for the usual sizes; -1 if it is not known. */
int64_t caffe_dim(const caffe_call *c, size_t index, int axis);
/* Product of dimensions, -1 if one of them is -1 or it does not fit. */
int64_t caffe_dim_product(const tdnn_shape *shape, int begin, int end);
/* a op b, -1 if a is -1. */
static inline int64_t caffe_known(int64_t of, int64_t result) { return of < 0 ? -1 : result; }

#endif

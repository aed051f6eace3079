/* Building a graph from Darknet's layers: what the files of this folder share.
 *
 * A section's function reads its keys, takes its weights and adds nodes; what it leaves in
 * net->out is the layer's output. Batch sizes stay free: shapes here are those of one image.
 */
#ifndef TDNN_PARSERS_DARKNET_NET_H
#define TDNN_PARSERS_DARKNET_NET_H

#include "parsers/darknet/cfg.h"
#include "parsers/findings.h"

/* An image of c channels, or with h = w = 1 a vector. */
typedef struct tdnn_dark_value {
    tdnn_id id;
    int64_t c, h, w;
    bool flat;  /* [N, c]; else [N, c, h, w]             */
    bool boxes; /* rows of a detector: no input for others */
    bool doubtful; /* the sizes are a guess: it hangs on a layer that could not be built */
} tdnn_dark_value;

/* What a convolution has in the weights file. */
typedef struct tdnn_dark_weights {
    tdnn_id bias, scale, mean, variance,
        weights;     /* scale .. variance: TDNN_ABSENT without BN */
    bool transposed; /* of connected layers: [inputs, outputs]    */
} tdnn_dark_weights;

typedef struct tdnn_dark_layer {
    tdnn_dark_value out;
    bool used;
    tdnn_dark_weights conv; /* for share_index */
    int64_t conv_count;     /* numbers in conv.weights; 0: no convolution */
} tdnn_dark_layer;

typedef struct tdnn_dark_net {
    const tdnn_source *source;
    tdnn_graph *graph;
    tdnn_zone *zone;
    tdnn_error *err;
    tdnn_findings findings;
    bool as_opencv;
    float bn_epsilon;
    int64_t width, height, channels, time_steps;
    tdnn_dark_value input;
    bool fixed_size; /* some layer's nodes know the size of the image */
    tdnn_dark_layer *layers;
    size_t index; /* of the layer that is being built */
    tdnn_cfg_section *section;
    tdnn_dark_value out;    /* of that layer                                  */
    tdnn_dark_weights conv; /* and its convolution, to be kept with the layer */
    int64_t conv_count;
    /* Of that layer: its sizes are a guess, so that what is said of them is no finding; and one
     * of its sizes was none, and a default stands in for it. */
    bool unsure, told;
    /* The weights file, behind its header. */
    const unsigned char *at, *start, *end; /* NULL: there is none */
    bool transpose;                        /* connected layers are stored transposed */
    struct tdnn_dark_zeros *zeros;         /* stand in for weights that are not there */
} tdnn_dark_net;

typedef tdnn_status (*tdnn_dark_fn)(tdnn_dark_net *net);

#define TDNN_DARK_FAIL(net, status, ...) TDNN_FAIL((net)->err, (status), __VA_ARGS__)

/* ---- weights.c ---- */

tdnn_status tdnn_dark_weights_open(tdnn_dark_net *net, tdnn_bytes bytes);
/* The next numbers of the file, as a constant of the given shape. */
tdnn_status tdnn_dark_take(tdnn_dark_net *net, const char *what, int ndim, const int64_t *dims,
                           tdnn_id *out);
/* All must have been taken. */
tdnn_status tdnn_dark_weights_close(tdnn_dark_net *net);
void tdnn_dark_zeros_release(tdnn_dark_net *net);

/* ---- build.c ---- */

/* A node with one output. `name` NULL: a made-up one; else "NAME_INDEX". */
tdnn_status tdnn_dark_add(tdnn_dark_net *net, const char *op, const char *name,
                          const tdnn_id *inputs, size_t input_count, tdnn_node **node,
                          tdnn_id *out);
tdnn_status tdnn_dark_set_int(tdnn_dark_net *net, tdnn_node *node, const char *name,
                              int64_t value);
tdnn_status tdnn_dark_set_float(tdnn_dark_net *net, tdnn_node *node, const char *name,
                                float value);
tdnn_status tdnn_dark_set_text(tdnn_dark_net *net, tdnn_node *node, const char *name,
                               const char *value);
tdnn_status tdnn_dark_set_ints(tdnn_dark_net *net, tdnn_node *node, const char *name,
                               const int64_t *values, size_t count);
/* Constants. */
tdnn_status tdnn_dark_ints(tdnn_dark_net *net, const int64_t *values, size_t count,
                           tdnn_id *out);
tdnn_status tdnn_dark_scalar(tdnn_dark_net *net, float value, tdnn_id *out);
/* Zeroed numbers, to be filled through *data. */
tdnn_status tdnn_dark_floats(tdnn_dark_net *net, int ndim, const int64_t *dims, float **data,
                             tdnn_id *out);
/* op(a, b) of two values, and of a value and a number. */
tdnn_status tdnn_dark_op2(tdnn_dark_net *net, const char *op, tdnn_id a, tdnn_id b,
                          tdnn_id *out);
tdnn_status tdnn_dark_op1(tdnn_dark_net *net, const char *op, tdnn_id a, float b, tdnn_id *out);
/* [N, dims...] with the batch as it is. */
tdnn_status tdnn_dark_reshape(tdnn_dark_net *net, tdnn_id from, const int64_t *dims,
                              size_t count, const char *name, tdnn_id *out);
/* begin .. end-1 along an axis. */
tdnn_status tdnn_dark_slice(tdnn_dark_net *net, tdnn_id from, int64_t axis, int64_t begin,
                            int64_t end, const char *name, tdnn_id *out);
tdnn_status tdnn_dark_concat(tdnn_dark_net *net, const tdnn_id *from, size_t count,
                             int64_t axis, const char *name, tdnn_id *out);
/* A layer without a computation of its own: OpenCV calls it identity_INDEX. */
tdnn_status tdnn_dark_pass(tdnn_dark_net *net, const tdnn_dark_value *value);

/* What comes into the present layer: the output of the one before. */
tdnn_status tdnn_dark_input(tdnn_dark_net *net, tdnn_dark_value *out);
tdnn_status tdnn_dark_image(tdnn_dark_net *net, tdnn_dark_value *out);  /* as [N, c, h, w] */
tdnn_status tdnn_dark_vector(tdnn_dark_net *net, tdnn_dark_value *out); /* as [N, c]      */
/* The output of the layer that an index of the cfg means: from the start, or, negative,
 * backwards. */
tdnn_status tdnn_dark_layer_at(tdnn_dark_net *net, const char *key, int64_t index,
                               tdnn_dark_value *out);
tdnn_status tdnn_dark_to_image(tdnn_dark_net *net, tdnn_dark_value *value);
tdnn_status tdnn_dark_to_vector(tdnn_dark_net *net, tdnn_dark_value *value);

/* Keys of the present section. A bad one is a finding, and its default stands in for it. */
tdnn_status tdnn_dark_int(tdnn_dark_net *net, const char *key, int64_t missing, int64_t least,
                          int64_t most, int64_t *out);
tdnn_status tdnn_dark_flag(tdnn_dark_net *net, const char *key, bool *out);
tdnn_status tdnn_dark_float(tdnn_dark_net *net, const char *key, double missing, float *out);
/* A key that must be 0 or absent, since tinydnn does not have what it asks for. */
tdnn_status tdnn_dark_refuse(tdnn_dark_net *net, const char *key);
tdnn_status tdnn_dark_list(tdnn_dark_net *net, const char *key, int64_t **out, size_t *count);
tdnn_status tdnn_dark_float_list(tdnn_dark_net *net, const char *key, float **out, size_t *count);
/* The failure net->err, about a key, as a finding; the same failure if it is none. `doubt`: the
 * sizes of the layer hang on the key. */
tdnn_status tdnn_dark_take_key(tdnn_dark_net *net, tdnn_status status, bool doubt);
/* Tells of net->err, at its line of the present section. */
tdnn_status tdnn_dark_tell(tdnn_dark_net *net, tdnn_finding_kind kind);
/* An error unless 1 <= c, h, w and their product is one that memory can hold. */
tdnn_status tdnn_dark_check_size(tdnn_dark_net *net, const tdnn_dark_value *value);

/* ---- activation.c ---- */

/* What `activation` of the present section says. */
tdnn_status tdnn_dark_activation(tdnn_dark_net *net, const char *key, const char *missing,
                                 const char **out);
/* In place of *value; `named` gives the node OpenCV's name for it. */
tdnn_status tdnn_dark_activate(tdnn_dark_net *net, const char *activation, bool named,
                               tdnn_id *value);

/* ---- conv.c ---- */

typedef struct tdnn_dark_conv {
    int64_t filters, size, stride_x, stride_y, dilation, padding, groups;
    bool batch_normalize, flipped;
} tdnn_dark_conv;

tdnn_status tdnn_dark_conv_take(tdnn_dark_net *net, const tdnn_dark_conv *conv,
                                int64_t channels, tdnn_dark_weights *out);
/* Convolution and batch normalisation of *value. */
tdnn_status tdnn_dark_conv_add(tdnn_dark_net *net, const tdnn_dark_conv *conv,
                               const tdnn_dark_weights *weights, bool named,
                               tdnn_dark_value *value);
tdnn_status tdnn_dark_dense_take(tdnn_dark_net *net, int64_t inputs, int64_t outputs,
                                 bool batch_normalize, tdnn_dark_weights *out);
tdnn_status tdnn_dark_dense_add(tdnn_dark_net *net, const tdnn_dark_weights *weights,
                                bool named, int64_t outputs, tdnn_dark_value *value);
/* (x - mean) / sqrt(variance + epsilon) * scale + bias */
tdnn_status tdnn_dark_normalize(tdnn_dark_net *net, const tdnn_dark_weights *weights,
                                bool named, tdnn_id *value);

/* ---- the sections ---- */

tdnn_status tdnn_dark_convolutional(tdnn_dark_net *net); /* conv.c */
tdnn_status tdnn_dark_deconvolutional(tdnn_dark_net *net);
tdnn_status tdnn_dark_connected(tdnn_dark_net *net);
tdnn_status tdnn_dark_batchnorm(tdnn_dark_net *net);
tdnn_status tdnn_dark_local(tdnn_dark_net *net);   /* local.c */
tdnn_status tdnn_dark_maxpool(tdnn_dark_net *net); /* pool.c */
tdnn_status tdnn_dark_local_avgpool(tdnn_dark_net *net);
tdnn_status tdnn_dark_avgpool(tdnn_dark_net *net);
tdnn_status tdnn_dark_blur(tdnn_dark_net *net, int64_t kind, int64_t stride_x, int64_t stride_y,
                           tdnn_dark_value *value);
tdnn_status tdnn_dark_upsample(tdnn_dark_net *net); /* shape.c */
tdnn_status tdnn_dark_reorg(tdnn_dark_net *net);
tdnn_status tdnn_dark_reorg3d(tdnn_dark_net *net);
tdnn_status tdnn_dark_crop(tdnn_dark_net *net);
tdnn_status tdnn_dark_route(tdnn_dark_net *net);
tdnn_status tdnn_dark_shortcut(tdnn_dark_net *net); /* combine.c */
tdnn_status tdnn_dark_scale_channels(tdnn_dark_net *net);
tdnn_status tdnn_dark_sam(tdnn_dark_net *net);
tdnn_status tdnn_dark_implicit(tdnn_dark_net *net);
tdnn_status tdnn_dark_identity(tdnn_dark_net *net); /* simple.c */
tdnn_status tdnn_dark_activation_layer(tdnn_dark_net *net);
tdnn_status tdnn_dark_logistic(tdnn_dark_net *net);
tdnn_status tdnn_dark_softmax(tdnn_dark_net *net);
tdnn_status tdnn_dark_lrn(tdnn_dark_net *net);
tdnn_status tdnn_dark_l2norm(tdnn_dark_net *net);
tdnn_status tdnn_dark_rnn(tdnn_dark_net *net); /* recurrent.c */
tdnn_status tdnn_dark_crnn(tdnn_dark_net *net);
tdnn_status tdnn_dark_gru(tdnn_dark_net *net);
tdnn_status tdnn_dark_lstm(tdnn_dark_net *net);
tdnn_status tdnn_dark_conv_lstm(tdnn_dark_net *net); /* conv_lstm.c */
tdnn_status tdnn_dark_history(tdnn_dark_net *net);
tdnn_status tdnn_dark_yolo(tdnn_dark_net *net); /* detect.c */
tdnn_status tdnn_dark_gaussian_yolo(tdnn_dark_net *net);
tdnn_status tdnn_dark_region(tdnn_dark_net *net);
tdnn_status tdnn_dark_detection(tdnn_dark_net *net);

#endif

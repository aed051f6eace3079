/* Reading a Caffe model into a graph: what the files of this folder share.
 *
 * The .prototxt says what the layers are, the .caffemodel holds their weights, found by the
 * layers' names. A layer on its way in is a call; the importer of its type (layers.c) builds it
 * from operators with ONNX's meaning (build.h), whatever the sizes of its inputs are: what
 * depends on them becomes arithmetic on shapes, which planning works out. The rank alone is
 * settled here.
 *
 * Tops that overwrite their bottom ("in place") are values of their own: the last one gets the
 * top's name.
 */
#ifndef TDNN_PARSERS_CAFFE_NET_H
#define TDNN_PARSERS_CAFFE_NET_H

#include "parsers/findings.h"
#include "parsers/proto/caffe.pb-c.h"
#include "parsers/text.h"

typedef struct caffe_value {
    tdnn_id id;
    tdnn_shape shape; /* for the input sizes that the model names; -1: not known, ndim -1: rank
                         not known */
} caffe_value;

/* A layer of the .prototxt in Caffe's newest form. */
typedef struct caffe_layer {
    const char *name, *type;
    const char *node_name; /* the name, made unique */
    int line;
    tdnn_text *text; /* all its fields */
    const char **bottoms, **tops;
    size_t bottom_count, top_count;
} caffe_layer;

/* What stands under a top's name at present. */
typedef struct caffe_blob {
    const char *name;
    caffe_value now;
    size_t last_layer; /* the one that makes it for the last time; SIZE_MAX: none    */
    tdnn_id
        input; /* of the graph; ABSENT: it is none. It keeps the name, even if overwritten */
    bool made, consumed, skipped; /* skipped: by layers that are left out */
    bool optional;                /* an input that goes if nothing consumes it */
} caffe_blob;

typedef struct caffe_net {
    const tdnn_source *source;
    tdnn_graph *graph;
    tdnn_zone *zone;         /* of all that goes when parsing ends */
    tdnn_text *text;         /* the .prototxt */
    tdnn_bytes weights_file; /* the .caffemodel; size 0: none */
    const Caffe__NetParameter *weights;
    tdnn_map weight_layers; /* name to index: weights->layer, behind them weights->layers */
    caffe_layer *layers;
    size_t layer_count, layer_capacity;
    caffe_blob *blobs;
    size_t blob_count, blob_capacity;
    tdnn_map blob_names;
    tdnn_tensor *zeros; /* in place of weights that are not there; NULL: none so far */
    tdnn_findings findings;
} caffe_net;

/* upgrade.c: all layers of the .prototxt, older forms brought to the newest. */
tdnn_status caffe_layers_collect(caffe_net *net, tdnn_error *err);

/* phase.c: whether a layer's include and exclude rules let it be part of the net for testing.
 */
tdnn_status caffe_layer_included(const caffe_net *net, const caffe_layer *layer, bool *included,
                                 tdnn_error *err);

/* weights.c */
/* text_weights.c: makes net->weights_file of the blobs in the text, if there are any. */
tdnn_status caffe_text_weights(caffe_net *net, tdnn_error *err);
tdnn_status caffe_weights_decode(caffe_net *net, tdnn_error *err);
/* The blobs of a layer; none if the .caffemodel has no layer of that name. */
void caffe_weights_find(const caffe_net *net, const char *layer,
                        Caffe__BlobProto *const **blobs, size_t *count);
/* Dimensions as the file has them. */
tdnn_status caffe_blob_shape(const Caffe__BlobProto *blob, tdnn_shape *shape, tdnn_error *err);
/* How many numbers there are. */
tdnn_status caffe_blob_count(const caffe_net *net, const Caffe__BlobProto *blob, int64_t *count,
                             tdnn_error *err);
/* Whether the numbers are of a type that tinydnn has. */
tdnn_status caffe_blob_check_type(const caffe_net *net, const Caffe__BlobProto *blob,
                                  tdnn_error *err);
/* f32, of any shape with as many elements as the blob has; shared with the file where that can
 * be. */
tdnn_status caffe_blob_import(const caffe_net *net, const Caffe__BlobProto *blob,
                              const tdnn_shape *shape, tdnn_tensor **out, tdnn_error *err);

/* net.c */
tdnn_status caffe_net_import(caffe_net *net, tdnn_error *err);
/* Makes an input of the graph. `optional`: it goes if nothing uses it. */
tdnn_status caffe_net_add_input(caffe_net *net, const char *name, const tdnn_shape *usual,
                                bool optional, tdnn_error *err);
/* Names a value that is no top: TOP/what. */
tdnn_status caffe_net_name(caffe_net *net, tdnn_id id, const char *top, const char *what,
                           tdnn_error *err);
/* Adds `line N` to a failure that says no place. */
tdnn_status caffe_at_line(int line, tdnn_status status, tdnn_error *err);

#endif

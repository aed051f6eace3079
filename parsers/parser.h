/* What a parser is: a pure function from bytes to a graph. */
#ifndef TDNN_PARSERS_PARSER_H
#define TDNN_PARSERS_PARSER_H

#include "lib/graph/graph.h"

/* How a parser gets at the bytes of an external data file beside the model: a tensor over
 * bytes[offset, offset + length), or all behind offset if length is UINT64_MAX. */
typedef struct tdnn_external {
    tdnn_status (*open)(void *context, const char *name, uint64_t offset, uint64_t length,
                        tdnn_bytes *bytes, tdnn_error *err); /* valid while the parser runs */
    /* The file that bytes which `open` gave lie in; NULL: none. The function may be missing. */
    tdnn_file *(*file_of)(void *context, const void *data, size_t bytes);
    void *context;
} tdnn_external;

typedef struct tdnn_source {
    tdnn_bytes model;                     /* the file with the topology or, alone, everything */
    tdnn_bytes config;                    /* the second file; size 0: none                    */
    const char *model_name, *config_name; /* for messages                 */
    const tdnn_load_options *options;
    const tdnn_external *external; /* NULL: external data is refused       */
    /* The files that `model` and `config` are the bytes of, so that weights may point into
     * them; NULL: they are somebody's memory, of which weights are copied. */
    tdnn_file *model_file, *config_file;
    /* Told of each thing that tinydnn does not have, while the parser goes on looking for more;
     * the parse fails in the end. NULL: nobody is told. */
    void (*found)(void *context, const tdnn_finding *finding);
    void *found_context;
} tdnn_source;

/* Fills `graph`, which tdnn_graph_create made. Does not call tdnn_graph_check: the loader does.
 */
typedef tdnn_status (*tdnn_parse_fn)(const tdnn_source *source, tdnn_graph *graph,
                                     tdnn_error *err);

typedef struct tdnn_parser {
    tdnn_format format;
    const char *name; /* "ONNX" */
    /* How sure the bytes are of this format: 0 no .. 100. */
    int (*sniff_model)(tdnn_bytes bytes);
    int (*sniff_config)(tdnn_bytes bytes);
    tdnn_parse_fn parse;
} tdnn_parser;

/* NULL-terminated: every format that tinydnn reads; parsers/table.c. */
extern const tdnn_parser *const tdnn_parsers[];
extern const tdnn_parser tdnn_parser_caffe;
extern const tdnn_parser tdnn_parser_onnx;
extern const tdnn_parser tdnn_parser_darknet;
extern const tdnn_parser tdnn_parser_tensorflow;

/* A tensor over a part of source->model or source->config, or of external bytes: shares them if
 * they are a file's, else copies. Large ones may lie unaligned: who reads the data of a constant
 * that a file gave calls tdnn_tensor_ready first. */
tdnn_status tdnn_source_tensor(const tdnn_source *source, const void *data, size_t bytes,
                               tdnn_dtype dtype, const tdnn_shape *shape, tdnn_tensor **out,
                               tdnn_error *err);

/* parsers/import.c: the parts that all formats share. Sets one attribute by name, checked
 * against the schema; TDNN_ERR_UNSUPPORTED names an attribute that the operator does not have.
 */
typedef struct tdnn_attr_value {
    tdnn_attr_type type; /* INT FLOAT STRING TENSOR GRAPH INTS FLOATS STRINGS */
    int64_t i;
    float f;
    const char *s;
    size_t s_length;
    tdnn_tensor *tensor; /* reference taken over */
    const int64_t *ints;
    const float *floats;
    const char *const *strings;
    size_t count;
} tdnn_attr_value;
/* Whether the number that an attribute has is an element type. */
bool tdnn_attr_is_type(const char *name);
tdnn_status tdnn_node_set_attr(tdnn_graph *graph, tdnn_node *node, const char *name,
                               const tdnn_attr_value *value, tdnn_error *err);

/* parsers/onnx/write.c: writes a graph as an ONNX model. All operators must be ONNX's own.
 * `opset` 0: the one that everybody reads, or the first later one that has what the graph
 * needs; otherwise one that lacks something is TDNN_ERR_UNSUPPORTED with the node's name.
 * Constants are added to the graph. */
enum { TDNN_ONNX_USUAL_OPSET = 17 };
tdnn_status tdnn_onnx_write(tdnn_graph *graph, const tdnn_onnx_options *options,
                            const char *path, tdnn_error *err);

#endif

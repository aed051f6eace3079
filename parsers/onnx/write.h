/* Writing a graph as an ONNX model: what the files write*.c share.
 *
 * A level is a graph on its way out, with the names that its values have in the file; an item
 * is one node. What the newest opset says otherwise than the one that is written is rewritten
 * in the item (write_older.c); operators that it does not have were replaced before, by
 * tdnn_lower.
 */
#ifndef TDNN_PARSERS_ONNX_WRITE_H
#define TDNN_PARSERS_ONNX_WRITE_H

#include "lib/graph/graph.h"
#include "parsers/wire.h"

/* The opsets that are written. */
enum { ONNX_OLDEST = 7, ONNX_NEWEST = 28 };

/* ---- write_out.c: a message that is being written ---- */

/* The text holds everything but the elements of large tensors, which stay where they are: those
 * of a piece stand before text[at]. After a failure (memory is refused) nothing more happens.
 */
typedef struct onnx_piece {
    size_t at;
    const tdnn_tensor *tensor;
} onnx_piece;

typedef struct onnx_out {
    tdnn_zone *zone;
    tdnn_wire_buffer text;
    onnx_piece *pieces;
    size_t piece_count, piece_capacity;
    uint64_t piece_bytes;
    /* Not NULL: the name of a second file, beside this one, for the elements of large
     * constants. */
    const char *beside;
    onnx_piece *beside_pieces; /* `at`: their places in it */
    size_t beside_count, beside_capacity;
    uint64_t beside_bytes;
    bool failed;
} onnx_out;

typedef struct onnx_mark {
    size_t text, piece;
    uint64_t piece_bytes;
} onnx_mark;

void onnx_put_int(onnx_out *out, uint32_t field, int64_t value);
void onnx_put_float(onnx_out *out, uint32_t field, float value);
void onnx_put_text(onnx_out *out, uint32_t field, const char *text);
void onnx_put_bytes(onnx_out *out, uint32_t field, const void *data, size_t size);
void onnx_put_elements(onnx_out *out, uint32_t field, const tdnn_tensor *tensor);
/* Whether the tensor's elements go to the second file; and where they go. */
bool onnx_goes_beside(const onnx_out *out, const tdnn_tensor *tensor);
uint64_t onnx_put_beside(onnx_out *out, const tdnn_tensor *tensor);
/* A message within the message. */
onnx_mark onnx_begin(onnx_out *out, uint32_t field);
void onnx_end(onnx_out *out, onnx_mark mark);
uint64_t onnx_out_size(const onnx_out *out);
tdnn_status onnx_out_save(const onnx_out *out, const char *path, tdnn_error *err);
tdnn_status onnx_out_save_beside(const onnx_out *out, const char *path, tdnn_error *err);

/* ---- write.c ---- */

typedef struct onnx_writer {
    onnx_out out;
    tdnn_zone *zone;
    int opset;
    int needed; /* after TDNN_ERR_UNSUPPORTED: an opset that has what is missing; 0: none */
    int ml, training, preview; /* versions of other domains; 0: not used */
} onnx_writer;

/* ---- write_graph.c ---- */

typedef struct onnx_level {
    onnx_writer *writer;
    struct onnx_level *outer; /* NULL: the main graph */
    tdnn_graph *graph;
    const tdnn_node *owner;
    const char **names; /* per value: in the file                                     */
    tdnn_id *outside;   /* per value: what it is in the outer graph; TDNN_ABSENT: own */
    bool *used;         /* per value: a node or an output of the file names it        */
    tdnn_map taken;     /* names of values and nodes                                  */
    struct onnx_made {  /* constants that only the file has                           */
        const char *name;
        tdnn_tensor *tensor;
    } * made;
    size_t made_count, made_capacity;
} onnx_level;

tdnn_status onnx_graph_write(onnx_writer *w, onnx_level *outer, tdnn_graph *graph,
                             const tdnn_node *owner, uint32_t field, tdnn_error *err);
/* The name of a value, which is then used. */
const char *onnx_name_use(onnx_level *level, tdnn_id id);
/* A name that nothing has in this graph or in those around it; NULL: memory is refused. */
const char *onnx_name_fresh(onnx_level *level, const char *like);

/* ---- write_tensor.c ---- */

tdnn_status onnx_tensor_write(onnx_out *out, uint32_t field, const char *name,
                              const tdnn_tensor *tensor, tdnn_error *err);
/* A ValueInfoProto; without a type if none is known. */
void onnx_value_write(onnx_out *out, uint32_t field, const char *name, const tdnn_value *value);

/* ---- write_node.c ---- */

typedef struct onnx_item_attr {
    const char *name;
    tdnn_attr_type type; /* ENUM: a string is written */
    union {
        int64_t i;
        float f;
        const char *s;
        const tdnn_tensor *tensor;
        tdnn_graph *graph;
        tdnn_ints ints;
        tdnn_floats floats;
        tdnn_strings strings;
    } u;
} onnx_item_attr;

typedef struct onnx_item {
    onnx_level *level;
    const tdnn_node *node;
    const char *op;
    const tdnn_id *inputs;
    size_t input_count;
    const char **names; /* per input: set by onnx_item_constant in place of a value; NULL */
    onnx_item_attr *attrs;
    size_t attr_count;
} onnx_item;

tdnn_status onnx_node_write(onnx_level *level, const tdnn_node *node, tdnn_error *err);

/* For rewriting. NULL: it has the default value, or there is none. _drop also takes it away. */
const onnx_item_attr *onnx_item_attr_of(const onnx_item *item, const char *name);
void onnx_item_drop(onnx_item *item, const char *name);
tdnn_status onnx_item_give(onnx_item *item, onnx_item_attr attr, tdnn_error *err);
tdnn_status onnx_item_give_int(onnx_item *item, const char *name, int64_t value,
                               tdnn_error *err);
tdnn_status onnx_item_give_text(onnx_item *item, const char *name, const char *value,
                                tdnn_error *err);
/* The constant at an input; NULL: it is none, or absent. */
const tdnn_tensor *onnx_item_constant_at(const onnx_item *item, size_t index);
bool onnx_item_has_input(const onnx_item *item, size_t index);
/* Cuts off the inputs from `index` on. */
void onnx_item_cut(onnx_item *item, size_t index);
/* Puts a constant that only the file has at an input; takes over the reference. */
tdnn_status onnx_item_put_constant(onnx_item *item, size_t index, tdnn_tensor *tensor,
                                   tdnn_error *err);
/* What is asked for needs opset `needed` (0: no opset has it): the failure says so. */
tdnn_status onnx_item_refuse(const onnx_item *item, int needed, tdnn_error *err,
                             const char *format, ...) __attribute__((format(printf, 4, 5)));

/* ---- write_opset.c ---- */

/* The first opset that has the operator, or, with its value as it is, the attribute. */
int onnx_since_op(const tdnn_schema *op);
int onnx_since_attr(const tdnn_schema *op, const char *attr);
/* Whether the attribute must be there, whatever its value. */
bool onnx_attr_needed(const tdnn_schema *op, const tdnn_attr *attr);

/* ---- write_types.c ---- */

/* The first opset that has the operator for elements of these types. */
int onnx_since_types(const onnx_item *item);

/* ---- write_older.c ---- */

/* Into the form that the writer's opset has. */
tdnn_status onnx_older(onnx_item *item, tdnn_error *err);

/* ---- write_windows.c: rows of write_older.c's table ---- */

tdnn_status onnx_newer_resize(onnx_item *item, tdnn_error *err);
tdnn_status onnx_older_resize_18(onnx_item *item, tdnn_error *err);
tdnn_status onnx_older_resize_12(onnx_item *item, tdnn_error *err);
tdnn_status onnx_older_resize_10(onnx_item *item, tdnn_error *err);
tdnn_status onnx_write_pads(onnx_item *item, tdnn_error *err);

#endif

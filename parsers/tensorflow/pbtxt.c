/* GraphDef as text becomes the same bytes that TensorFlow would have written in binary, so that
 * one reader serves both. The table below is all that has to be known of the messages: a field
 * that it lacks is an error with its line, unless inference has no use for it. */
#include "parsers/tensorflow/pbtxt.h"

#include "parsers/tensorflow/tensor.h"
#include "parsers/text.h"
#include "parsers/wire.h"

#include <string.h>

typedef enum field_kind { SKIP, TEXT, INT, BOOL, FLOAT, DOUBLE, TYPE, MESSAGE } field_kind;
typedef enum message_kind {
    GRAPH,
    NODE,
    ENTRY,
    VALUE,
    LIST,
    TENSOR,
    SHAPE,
    DIM,
    FUNC,
    LIBRARY,
    FUNCTION,
    SIGNATURE,
    ARG,
    RET
} message_kind;

static const char *const message_names[] = {
    "GraphDef",         "NodeDef", "attr",         "AttrValue", "list",        "TensorProto",
    "TensorShapeProto", "dim",     "NameAttrList", "library",   "FunctionDef", "OpDef",
    "ArgDef",           "ret",
};

static const struct field {
    message_kind in;
    const char *name;
    uint32_t number;
    field_kind kind;
    message_kind message;
} fields[] = {
    {GRAPH, "node", 1, MESSAGE, NODE},
    {GRAPH, "library", 2, MESSAGE, LIBRARY},
    {GRAPH, "versions", 0, SKIP, 0},
    {GRAPH, "version", 0, SKIP, 0},
    {GRAPH, "debug_info", 0, SKIP, 0},
    {NODE, "name", 1, TEXT, 0},
    {NODE, "op", 2, TEXT, 0},
    {NODE, "input", 3, TEXT, 0},
    {NODE, "device", 0, SKIP, 0},
    {NODE, "attr", 5, MESSAGE, ENTRY},
    {NODE, "experimental_debug_info", 0, SKIP, 0},
    {NODE, "experimental_type", 0, SKIP, 0},
    {ENTRY, "key", 1, TEXT, 0},
    {ENTRY, "value", 2, MESSAGE, VALUE},
    {VALUE, "list", 1, MESSAGE, LIST},
    {VALUE, "s", 2, TEXT, 0},
    {VALUE, "i", 3, INT, 0},
    {VALUE, "f", 4, FLOAT, 0},
    {VALUE, "b", 5, BOOL, 0},
    {VALUE, "type", 6, TYPE, 0},
    {VALUE, "shape", 7, MESSAGE, SHAPE},
    {VALUE, "tensor", 8, MESSAGE, TENSOR},
    {VALUE, "placeholder", 0, SKIP, 0},
    {VALUE, "func", 10, MESSAGE, FUNC},
    {LIST, "s", 2, TEXT, 0},
    {LIST, "i", 3, INT, 0},
    {LIST, "f", 4, FLOAT, 0},
    {LIST, "b", 5, BOOL, 0},
    {LIST, "type", 6, TYPE, 0},
    {LIST, "shape", 7, MESSAGE, SHAPE},
    {LIST, "tensor", 0, SKIP, 0},
    {LIST, "func", 0, SKIP, 0},
    {TENSOR, "dtype", 1, TYPE, 0},
    {TENSOR, "tensor_shape", 2, MESSAGE, SHAPE},
    {TENSOR, "version_number", 0, SKIP, 0},
    {TENSOR, "tensor_content", 4, TEXT, 0},
    {TENSOR, "float_val", 5, FLOAT, 0},
    {TENSOR, "double_val", 6, DOUBLE, 0},
    {TENSOR, "int_val", 7, INT, 0},
    {TENSOR, "string_val", 8, TEXT, 0},
    {TENSOR, "int64_val", 10, INT, 0},
    {TENSOR, "bool_val", 11, BOOL, 0},
    {TENSOR, "half_val", 13, INT, 0},
    {TENSOR, "uint32_val", 16, INT, 0},
    {TENSOR, "uint64_val", 17, INT, 0},
    {SHAPE, "dim", 2, MESSAGE, DIM},
    {SHAPE, "unknown_rank", 3, BOOL, 0},
    {DIM, "size", 1, INT, 0},
    {DIM, "name", 0, SKIP, 0},
    {FUNC, "name", 1, TEXT, 0},
    {FUNC, "attr", 0, SKIP, 0},
    {LIBRARY, "function", 1, MESSAGE, FUNCTION},
    {LIBRARY, "gradient", 0, SKIP, 0},
    {FUNCTION, "signature", 1, MESSAGE, SIGNATURE},
    {FUNCTION, "attr", 0, SKIP, 0},
    {FUNCTION, "node_def", 3, MESSAGE, NODE},
    {FUNCTION, "ret", 4, MESSAGE, RET},
    {FUNCTION, "control_ret", 0, SKIP, 0},
    {FUNCTION, "arg_attr", 0, SKIP, 0},
    {FUNCTION, "resource_arg_unique_id", 0, SKIP, 0},
    {SIGNATURE, "name", 1, TEXT, 0},
    {SIGNATURE, "input_arg", 2, MESSAGE, ARG},
    {SIGNATURE, "output_arg", 3, MESSAGE, ARG},
    {SIGNATURE, "attr", 0, SKIP, 0},
    {SIGNATURE, "control_output", 0, SKIP, 0},
    {SIGNATURE, "is_stateful", 0, SKIP, 0},
    {SIGNATURE, "description", 0, SKIP, 0},
    {ARG, "name", 1, TEXT, 0},
    {ARG, "type", 3, TYPE, 0},
    {ARG, "description", 0, SKIP, 0},
    {ARG, "type_attr", 0, SKIP, 0},
    {ARG, "number_attr", 0, SKIP, 0},
    {ARG, "type_list_attr", 0, SKIP, 0},
    {ARG, "handle_data", 0, SKIP, 0},
    {RET, "key", 1, TEXT, 0},
    {RET, "value", 2, TEXT, 0},
};

static const struct field *find_field(message_kind in, const char *name)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (fields[i].in == in && !strcmp(fields[i].name, name)) return &fields[i];
    return NULL;
}

/* ---- Writing ---- */

static bool put_fixed(tdnn_wire_buffer *b, uint32_t number, tdnn_wire_type type,
                      const void *data, size_t size)
{
    return tdnn_wire_put_tag(b, number, type) && tdnn_wire_put(b, data, size);
}

static tdnn_status put_type(tdnn_wire_buffer *b, uint32_t number, const tdnn_text *t,
                            tdnn_error *err)
{
    int64_t type = t->kind == TDNN_TEXT_WORD ? tf_dtype_find(t->value) : -1;
    if (type < 0) TDNN_TRY(tdnn_text_int(t, &type, err));
    return tdnn_wire_put_int(b, number, type) ? TDNN_OK : TDNN_NO_MEMORY(err);
}

static tdnn_status put_scalar(tdnn_wire_buffer *b, const struct field *f, const tdnn_text *t,
                              tdnn_error *err)
{
    double number = 0;
    int64_t integer = 0;
    bool truth = false, ok = true;
    if (f->kind == TEXT && t->kind == TDNN_TEXT_MESSAGE)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "line %d: %s is a message, expected text",
                         t->line, t->name);
    switch (f->kind) {
    case TEXT: ok = tdnn_wire_put_bytes(b, f->number, t->value, t->length); break;
    case TYPE: return put_type(b, f->number, t, err);
    case INT:
        TDNN_TRY(tdnn_text_int(t, &integer, err));
        ok = tdnn_wire_put_int(b, f->number, integer);
        break;
    case BOOL:
        TDNN_TRY(tdnn_text_bool(t, &truth, err));
        ok = tdnn_wire_put_int(b, f->number, truth);
        break;
    case FLOAT: {
        TDNN_TRY(tdnn_text_double(t, &number, err));
        float narrow = (float)number;
        ok = put_fixed(b, f->number, TDNN_WIRE_32, &narrow, sizeof narrow);
        break;
    }
    case DOUBLE:
        TDNN_TRY(tdnn_text_double(t, &number, err));
        ok = put_fixed(b, f->number, TDNN_WIRE_64, &number, sizeof number);
        break;
    default: break;
    }
    return ok ? TDNN_OK : TDNN_NO_MEMORY(err);
}

typedef struct writer {
    tdnn_wire_buffer *b;
    bool lines; /* nodes get theirs */
} writer;

/* A message that is being written. */
typedef struct level {
    message_kind kind;
    const tdnn_text *next;
    size_t mark;
} level;

enum { MOST_LEVELS = 16 }; /* the schema's own depth is 9 */
enum { NODE_LINE = 14000 }; /* for findings; see tensorflow.proto */

static tdnn_status put_field(const writer *w, level *stack, size_t *depth, const tdnn_text *t,
                             tdnn_error *err)
{
    tdnn_wire_buffer *b = w->b;
    const message_kind in = stack[*depth - 1].kind;
    const struct field *f = find_field(in, t->name);
    if (!f)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "line %d: %s has no field \"%.60s\"", t->line,
                         message_names[in], t->name);
    if (f->kind == SKIP) return TDNN_OK;
    if (f->kind != MESSAGE) return put_scalar(b, f, t, err);
    if (t->kind != TDNN_TEXT_MESSAGE)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "line %d: %s is \"%.40s\", expected { ... }",
                         t->line, t->name, t->value);
    if (*depth == MOST_LEVELS) return TDNN_FAIL(err, TDNN_ERR_INTERNAL, "too deep");
    level *l = &stack[(*depth)++];
    *l = (level){f->message, t->first, 0};
    if (!tdnn_wire_begin(b, f->number, &l->mark) ||
        (w->lines && f->message == NODE && !tdnn_wire_put_int(b, NODE_LINE, t->line)))
        return TDNN_NO_MEMORY(err);
    return TDNN_OK;
}

static tdnn_status put_graph(const writer *w, const tdnn_text *graph, tdnn_error *err)
{
    level stack[MOST_LEVELS] = {{GRAPH, graph->first, 0}};
    size_t depth = 1;
    while (depth) {
        level *l = &stack[depth - 1];
        const tdnn_text *t = l->next;
        if (!t) {
            if (depth > 1 && !tdnn_wire_end(w->b, l->mark)) return TDNN_NO_MEMORY(err);
            depth--;
            continue;
        }
        l->next = t->next;
        TDNN_TRY(put_field(w, stack, &depth, t, err));
    }
    return TDNN_OK;
}

/* ---- What kind of text is it? ---- */

static const struct look {
    const char *field, *what, *remedy;
} looks[] = {
    {"layer", "a Caffe prototxt", "give it together with its .caffemodel"},
    {"layers", "a Caffe prototxt", "give it together with its .caffemodel"},
    {"item", "an object detection label map",
     "it has no graph; give the text graph of the model"},
    {"model", "a pipeline configuration of the Object Detection API",
     "make a text graph from it, or give the frozen .pb alone"},
    {"saved_model_schema_version", "a SavedModel", "freeze it to a GraphDef first"},
    {"meta_graphs", "a SavedModel", "freeze it to a GraphDef first"},
    {"graph_def", "a MetaGraphDef", "freeze it to a GraphDef first"},
    {"meta_info_def", "a MetaGraphDef", "freeze it to a GraphDef first"},
};

static tdnn_status check_look(const tdnn_text *graph, tdnn_error *err)
{
    if (tdnn_text_find(graph, "node")) return TDNN_OK;
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
        if (tdnn_text_find(graph, looks[i].field))
            return TDNN_FAIL(
                err, TDNN_ERR_FORMAT,
                "the text looks like %s, expected a GraphDef with node { ... }: %s",
                looks[i].what, looks[i].remedy);
    return TDNN_FAIL(err, TDNN_ERR_FORMAT, "the text has no node { ... }, expected a GraphDef");
}

tdnn_status tf_pbtxt_encode(tdnn_bytes bytes, bool lines, tdnn_bytes *out, tdnn_error *err)
{
    *out = (tdnn_bytes){0};
    tdnn_zone *zone = tdnn_zone_create();
    if (!zone) return TDNN_NO_MEMORY(err);
    tdnn_wire_buffer b = {0};
    const writer w = {&b, lines};
    tdnn_text *graph;
    tdnn_status status = tdnn_text_parse(bytes, zone, &graph, err);
    if (!status) status = check_look(graph, err);
    if (!status) status = put_graph(&w, graph, err);
    tdnn_zone_free(zone);
    if (status)
        tdnn_free(b.data);
    else
        *out = (tdnn_bytes){b.data, b.size};
    return status;
}

/* ---- Detection ---- */

static bool is_space(unsigned char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The first word outside of comments. */
static size_t first_word(tdnn_bytes bytes, char *word, size_t size)
{
    const unsigned char *p = bytes.data, *end = p + bytes.size;
    size_t length = 0;
    while (p < end && (is_space(*p) || *p == '#'))
        if (*p == '#')
            while (p < end && *p != '\n') p++;
        else
            p++;
    while (p < end && length + 1 < size &&
           ((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_'))
        word[length++] = (char)*p++;
    word[length] = '\0';
    while (p < end && is_space(*p)) p++;
    return p < end && (*p == '{' || *p == ':' || *p == '<') ? length : 0;
}

int tf_pbtxt_sniff(tdnn_bytes bytes)
{
    char word[40];
    if (!first_word(bytes, word, sizeof word)) return 0;
    if (!strcmp(word, "node") || !strcmp(word, "library") || !strcmp(word, "versions"))
        return 80;
    for (size_t i = 2; i < sizeof looks / sizeof *looks; i++)
        if (!strcmp(word, looks[i].field)) return 10;
    return 0;
}

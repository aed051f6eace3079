/* What a model may say of an operator: its name, how many inputs and outputs it has, and its
 * attributes, each with the place in the operator's parameter struct where its value goes.
 *
 * A schema is the head of every operator's descriptor (lib/ops/op.h). Parsers fill parameters
 * through it, `info` prints them and the ONNX writer writes them through it: no code beside the
 * operator's own knows the struct, except parsers of formats that say things differently, which
 * share the structs of lib/graph/params.h.
 */
#ifndef TDNN_GRAPH_SCHEMA_H
#define TDNN_GRAPH_SCHEMA_H

#include "lib/base/tensor.h"
#include "lib/graph/oplist.h"

/* One enumerator an operator: TDNN_OP_Conv, ... */
typedef enum tdnn_op_kind {
#define TDNN_OP_ENUM(name) TDNN_OP_##name,
    TDNN_OP_LIST(TDNN_OP_ENUM)
#undef TDNN_OP_ENUM
    TDNN_OP_COUNT
} tdnn_op_kind;

/* Attribute types, and what stands in the parameter struct for each. */
typedef enum tdnn_attr_type {
    TDNN_ATTR_END = 0, /* closes an attribute list                                              */
    TDNN_ATTR_INT,     /* int64_t                                                               */
    TDNN_ATTR_FLOAT,   /* float                                                                 */
    TDNN_ATTR_STRING,  /* const char *                                                          */
    TDNN_ATTR_ENUM,    /* int64_t: the index in `choices` of the string in the model            */
    TDNN_ATTR_TENSOR,  /* tdnn_tensor *, held by the graph                                      */
    TDNN_ATTR_GRAPH,   /* int64_t: index into the node's subgraphs, -1: absent                  */
    TDNN_ATTR_INTS,    /* tdnn_ints                                                             */
    TDNN_ATTR_FLOATS,  /* tdnn_floats                                                           */
    TDNN_ATTR_STRINGS, /* tdnn_strings                                                          */
    TDNN_ATTR_IGNORED  /* known, and of no meaning for inference; has no place                  */
} tdnn_attr_type;

typedef struct tdnn_ints {
    int64_t *at;
    size_t count;
    bool given; /* false: the model does not say */
} tdnn_ints;
typedef struct tdnn_floats {
    float *at;
    size_t count;
    bool given;
} tdnn_floats;
typedef struct tdnn_strings {
    const char **at;
    size_t count;
    bool given;
} tdnn_strings;

typedef struct tdnn_attr {
    const char *name;
    tdnn_attr_type type;
    bool required;
    size_t offset;              /* in the parameter struct                         */
    int64_t i;                  /* default of INT and ENUM                         */
    float f;                    /* default of FLOAT                                */
    const char *s;              /* default of STRING, may be NULL                  */
    const char *const *choices; /* ENUM: NULL-terminated                           */
    size_t given;               /* offset of a bool that says whether the model has it; 0: none */
} tdnn_attr;

/* Rows of an attribute list, for `static const tdnn_attr conv_attrs[] = { ..., {0} };` */
#define TDNN_INT(T, field, default_)                                                           \
    {                                                                                          \
        .name = #field, .type = TDNN_ATTR_INT, .offset = offsetof(T, field), .i = (default_)   \
    }
#define TDNN_FLOAT(T, field, default_)                                                         \
    {                                                                                          \
        .name = #field, .type = TDNN_ATTR_FLOAT, .offset = offsetof(T, field), .f = (default_) \
    }
#define TDNN_TEXT(T, field, default_)                                                          \
    {                                                                                          \
        .name = #field, .type = TDNN_ATTR_STRING, .offset = offsetof(T, field),                \
        .s = (default_)                                                                        \
    }
#define TDNN_ENUM(T, field, choices_, default_)                                                \
    {                                                                                          \
        .name = #field, .type = TDNN_ATTR_ENUM, .offset = offsetof(T, field),                  \
        .choices = (choices_), .i = (default_)                                                 \
    }
#define TDNN_INTS(T, field) {.name = #field, .type = TDNN_ATTR_INTS, .offset = offsetof(T, field)}
#define TDNN_FLOATS(T, field)                                                                  \
    {                                                                                          \
        .name = #field, .type = TDNN_ATTR_FLOATS, .offset = offsetof(T, field)                 \
    }
#define TDNN_STRINGS(T, field)                                                                 \
    {                                                                                          \
        .name = #field, .type = TDNN_ATTR_STRINGS, .offset = offsetof(T, field)                \
    }
#define TDNN_TENSOR(T, field)                                                                  \
    {                                                                                          \
        .name = #field, .type = TDNN_ATTR_TENSOR, .offset = offsetof(T, field)                 \
    }
#define TDNN_GRAPH(T, field)                                                                   \
    {                                                                                          \
        .name = #field, .type = TDNN_ATTR_GRAPH, .offset = offsetof(T, field), .i = -1         \
    }
#define TDNN_IGNORED(name_) {.name = (name_), .type = TDNN_ATTR_IGNORED}

typedef struct tdnn_schema {
    tdnn_op_kind kind;
    const char *name;   /* as ONNX spells it                                               */
    const char *domain; /* NULL: ONNX's own; "ai.onnx.ml", "com.microsoft"; "tinydnn": ours */
    int since;          /* first opset of its domain that has it; 0: any                   */
    int min_inputs, max_inputs;   /* max -1: any number                                     */
    int min_outputs, max_outputs;
    const tdnn_attr *attrs; /* NULL: none                                                  */
    size_t params_size;     /* 0: none                                                     */
} tdnn_schema;

/* In the order of tdnn_op_kind; lib/ops/table.c. */
const tdnn_schema *tdnn_schema_of(tdnn_op_kind kind);
/* NULL if there is no such operator. `domain` "" and "ai.onnx" are ONNX's own. */
const tdnn_schema *tdnn_schema_find(const char *domain, const char *name);

#endif

/* Small ONNX models, written field by field, for tests.
 *
 *     onnx_build m = onnx_begin(8, 13);
 *     onnx_node(&m, "Squeeze", "x", "y", "axes=[0]");
 *     onnx_input(&m, "x", TDNN_F32, 2, (int64_t[]){1, 3});
 *     onnx_output(&m, "y");
 *     tdnn_bytes model = onnx_end(&m); ... tdnn_free((void *)model.data);
 *
 * Attributes: name=3 (int), name=0.5 (float), name='text', name=[1, 2], name=[0.5, 2.0],
 * name=@ref (a function's attribute), between semicolons. Names of inputs and outputs are
 * between commas.
 */
#ifndef TDNN_TESTS_ONNX_BUILD_H
#define TDNN_TESTS_ONNX_BUILD_H

#include "tests/test.h"

#include "parsers/wire.h"

#include <stdlib.h>

typedef struct onnx_build {
    tdnn_wire_buffer out;
    size_t graph;
    uint32_t node_field; /* of what nodes are added to: 1 in a graph, 7 in a function */
    int64_t ir, opset;
} onnx_build;

#define ONNX_MUST(call) assert_true(call)

static inline void onnx_text(onnx_build *m, uint32_t field, const char *text)
{
    ONNX_MUST(tdnn_wire_put_bytes(&m->out, field, text, strlen(text)));
}

static inline size_t onnx_open(onnx_build *m, uint32_t field)
{
    size_t mark;
    ONNX_MUST(tdnn_wire_begin(&m->out, field, &mark));
    return mark;
}

static inline void onnx_close(onnx_build *m, size_t mark)
{
    ONNX_MUST(tdnn_wire_end(&m->out, mark));
}

static inline void onnx_opset(onnx_build *m, uint32_t field, const char *domain,
                              int64_t version)
{
    size_t mark = onnx_open(m, field);
    if (*domain) onnx_text(m, 1, domain);
    ONNX_MUST(tdnn_wire_put_int(&m->out, 2, version));
    onnx_close(m, mark);
}

static inline onnx_build onnx_begin(int64_t ir, int64_t opset)
{
    onnx_build m = {.node_field = 1, .ir = ir, .opset = opset};
    m.graph = onnx_open(&m, 7);
    return m;
}

static inline tdnn_bytes onnx_end(onnx_build *m)
{
    onnx_close(m, m->graph);
    ONNX_MUST(tdnn_wire_put_int(&m->out, 1, m->ir));
    if (m->opset) onnx_opset(m, 8, "", m->opset);
    onnx_opset(m, 8, "local", 1);
    return (tdnn_bytes){m->out.data, m->out.size};
}

/* Each of the names between commas; spaces around them go. */
static inline void onnx_names(onnx_build *m, uint32_t field, const char *names)
{
    for (bool more = *names != '\0'; more;) {
        size_t length = strcspn(names, ","), end = length;
        while (end && names[end - 1] == ' ') end--;
        ONNX_MUST(tdnn_wire_put_bytes(&m->out, field, names, end));
        more = names[length] == ',';
        names += length + more;
        names += strspn(names, " ");
    }
}

static inline void onnx_float(onnx_build *m, uint32_t field, const char *text)
{
    float value = strtof(text, NULL);
    ONNX_MUST(tdnn_wire_put_tag(&m->out, field, TDNN_WIRE_32) &&
              tdnn_wire_put(&m->out, &value, 4));
}

static inline void onnx_list(onnx_build *m, const char *text, size_t length)
{
    bool floats = memchr(text, '.', length) != NULL;
    ONNX_MUST(tdnn_wire_put_int(&m->out, 20, floats ? 6 : 7));
    for (const char *p = text + 1; p < text + length - 1; p += strcspn(p, ",]") + 1) {
        if (floats)
            onnx_float(m, 7, p);
        else
            ONNX_MUST(tdnn_wire_put_int(&m->out, 8, strtoll(p, NULL, 10)));
    }
}

static inline void onnx_attr(onnx_build *m, uint32_t field, const char *text, size_t length)
{
    const char *equals = memchr(text, '=', length), *value = equals + 1;
    size_t mark = onnx_open(m, field), rest = length - (size_t)(value - text);
    assert_non_null(equals);
    ONNX_MUST(tdnn_wire_put_bytes(&m->out, 1, text, (size_t)(equals - text)));
    if (*value == '[') {
        onnx_list(m, value, rest);
    } else if (*value == '@') {
        ONNX_MUST(tdnn_wire_put_bytes(&m->out, 21, value + 1, rest - 1));
    } else if (*value == '\'') {
        ONNX_MUST(tdnn_wire_put_int(&m->out, 20, 3) &&
                  tdnn_wire_put_bytes(&m->out, 4, value + 1, rest - 2));
    } else if (memchr(value, '.', rest)) {
        ONNX_MUST(tdnn_wire_put_int(&m->out, 20, 1));
        onnx_float(m, 2, value);
    } else {
        ONNX_MUST(tdnn_wire_put_int(&m->out, 20, 2) &&
                  tdnn_wire_put_int(&m->out, 3, strtoll(value, NULL, 10)));
    }
    onnx_close(m, mark);
}

static inline void onnx_attrs(onnx_build *m, uint32_t field, const char *attrs)
{
    while (*attrs) {
        size_t length = strcspn(attrs, ";");
        onnx_attr(m, field, attrs, length);
        attrs += length;
        attrs += strspn(attrs, "; ");
    }
}

/* The node stays open for more attributes (subgraphs); close with onnx_close. "domain.Op" is an
 * operator of another domain. */
static inline size_t onnx_node_open(onnx_build *m, const char *op, const char *inputs,
                                    const char *outputs, const char *attrs)
{
    size_t mark = onnx_open(m, m->node_field);
    const char *dot = strrchr(op, '.');
    onnx_names(m, 1, inputs);
    onnx_names(m, 2, outputs);
    onnx_text(m, 4, dot ? dot + 1 : op);
    if (dot) ONNX_MUST(tdnn_wire_put_bytes(&m->out, 7, op, (size_t)(dot - op)));
    onnx_attrs(m, 5, attrs);
    return mark;
}

static inline void onnx_node(onnx_build *m, const char *op, const char *inputs,
                             const char *outputs, const char *attrs)
{
    onnx_close(m, onnx_node_open(m, op, inputs, outputs, attrs));
}

static inline void onnx_value(onnx_build *m, uint32_t field, const char *name, tdnn_dtype dtype,
                              int ndim, const int64_t *dims)
{
    size_t info = onnx_open(m, field);
    onnx_text(m, 1, name);
    size_t type = onnx_open(m, 2), tensor = onnx_open(m, 1);
    ONNX_MUST(tdnn_wire_put_int(&m->out, 1, dtype));
    size_t shape = onnx_open(m, 2);
    for (int i = 0; i < ndim; i++) {
        size_t dim = onnx_open(m, 1);
        if (dims[i] >= 0) ONNX_MUST(tdnn_wire_put_int(&m->out, 1, dims[i]));
        onnx_close(m, dim);
    }
    onnx_close(m, shape);
    onnx_close(m, tensor);
    onnx_close(m, type);
    onnx_close(m, info);
}

static inline void onnx_input(onnx_build *m, const char *name, tdnn_dtype dtype, int ndim,
                              const int64_t *dims)
{
    onnx_value(m, 11, name, dtype, ndim, dims);
}

static inline void onnx_output(onnx_build *m, const char *name)
{
    size_t info = onnx_open(m, 12);
    onnx_text(m, 1, name);
    onnx_close(m, info);
}

static inline void onnx_constant(onnx_build *m, const char *name, tdnn_dtype dtype, int ndim,
                                 const int64_t *dims, const void *data, size_t bytes)
{
    size_t mark = onnx_open(m, 5);
    for (int i = 0; i < ndim; i++) ONNX_MUST(tdnn_wire_put_int(&m->out, 1, dims[i]));
    ONNX_MUST(tdnn_wire_put_int(&m->out, 2, dtype));
    onnx_text(m, 8, name);
    ONNX_MUST(tdnn_wire_put_bytes(&m->out, 9, data, bytes));
    onnx_close(m, mark);
}

static inline void onnx_ints(onnx_build *m, const char *name, int count, const int64_t *values)
{
    int64_t dim = count;
    onnx_constant(m, name, TDNN_I64, 1, &dim, values, (size_t)count * sizeof *values);
}

static inline void onnx_floats(onnx_build *m, const char *name, int ndim, const int64_t *dims,
                               const float *values)
{
    size_t count = 1;
    for (int i = 0; i < ndim; i++) count *= (size_t)dims[i];
    onnx_constant(m, name, TDNN_F32, ndim, dims, values, count * sizeof *values);
}

#endif

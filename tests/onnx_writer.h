/* A very small writer of ONNX models: one node, its inputs either constants or the graph's inputs. */
#ifndef TDNN_TEST_ONNX_WRITER_H
#define TDNN_TEST_ONNX_WRITER_H

#include "tinydnn.h"

#include <stdlib.h>
#include <string.h>

/* A protobuf message that grows. */
typedef struct message {
    unsigned char *bytes;
    size_t size;
} message;

static void put(message *m, const void *data, size_t size)
{
    m->bytes = realloc(m->bytes, m->size + size + 1);
    if (!m->bytes) abort();
    if (size) memcpy(m->bytes + m->size, data, size);
    m->size += size;
}

static void put_varint(message *m, uint64_t value)
{
    do {
        const unsigned char byte = (unsigned char)((value & 127) | (value > 127 ? 128 : 0));
        put(m, &byte, 1);
        value >>= 7;
    } while (value);
}

static void put_int(message *m, unsigned field, int64_t value)
{
    put_varint(m, field << 3);
    put_varint(m, (uint64_t)value);
}

static void put_bytes(message *m, unsigned field, const void *data, size_t size)
{
    put_varint(m, field << 3 | 2);
    put_varint(m, size);
    put(m, data, size);
}

static void put_text(message *m, unsigned field, const char *text) { put_bytes(m, field, text, strlen(text)); }

/* A message inside another; frees it. */
static void put_message(message *m, unsigned field, message *inner)
{
    put_bytes(m, field, inner->bytes, inner->size);
    free(inner->bytes);
    *inner = (message){0};
}

static void put_attr_ints(message *node, const char *name, const int64_t *values, size_t count)
{
    message a = {0};
    put_text(&a, 1, name);
    for (size_t i = 0; i < count; i++) put_int(&a, 8, values[i]);
    put_int(&a, 20, 7); /* INTS */
    put_message(node, 5, &a);
}

static void put_attr_int(message *node, const char *name, int64_t value)
{
    message a = {0};
    put_text(&a, 1, name);
    put_int(&a, 3, value);
    put_int(&a, 20, 2); /* INT */
    put_message(node, 5, &a);
}

static void put_value_info(message *graph, unsigned field, const char *name, const tdnn_tensor *like)
{
    message shape = {0}, tensor = {0}, type = {0}, info = {0};
    for (int i = 0; like && i < tdnn_tensor_shape(like)->ndim; i++) {
        message dim = {0};
        put_int(&dim, 1, tdnn_tensor_shape(like)->dim[i]);
        put_message(&shape, 1, &dim);
    }
    put_text(&info, 1, name);
    if (like) {
        put_int(&tensor, 1, tdnn_tensor_dtype(like));
        put_message(&tensor, 2, &shape);
        put_message(&type, 1, &tensor);
        put_message(&info, 2, &type);
    }
    put_message(graph, field, &info);
}

static void put_initializer(message *graph, const char *name, const tdnn_tensor *value)
{
    message t = {0};
    for (int i = 0; i < tdnn_tensor_shape(value)->ndim; i++) put_int(&t, 1, tdnn_tensor_shape(value)->dim[i]);
    put_int(&t, 2, tdnn_tensor_dtype(value));
    put_text(&t, 8, name);
    put_bytes(&t, 9, tdnn_tensor_const_data(value), tdnn_tensor_bytes(value));
    put_message(graph, 5, &t);
}

/* `node` holds the attributes so far; inputs are called i0, i1 ..., the output is y. Constants are those
 * whose bit is set in `constants`. Frees the node; the caller frees the result's bytes. */
static message write_model(message *node, const char *op, tdnn_tensor *const *inputs, size_t count,
                           unsigned constants)
{
    message graph = {0}, opset = {0}, model = {0};
    char name[8] = "i0";
    for (size_t i = 0; i < count; i++) {
        name[1] = (char)('0' + i);
        put_text(node, 1, inputs[i] ? name : "");
        if (!inputs[i]) continue;
        if (constants >> i & 1)
            put_initializer(&graph, name, inputs[i]);
        else
            put_value_info(&graph, 11, name, inputs[i]);
    }
    put_text(node, 2, "y");
    put_text(node, 4, op);
    put_message(&graph, 1, node);
    put_text(&graph, 2, "test");
    put_value_info(&graph, 12, "y", NULL);
    put_text(&opset, 1, "");
    put_int(&opset, 2, 17);
    put_int(&model, 1, 8);
    put_message(&model, 7, &graph);
    put_message(&model, 8, &opset);
    return model;
}

#endif

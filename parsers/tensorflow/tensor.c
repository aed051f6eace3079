/* TensorProto: elements as raw bytes, or as typed numbers, of which the last one stands for all
 * that follow: a constant of a million zeros has one number. */
#include "parsers/tensorflow/tensor.h"

#include "parsers/wire.h"

#include <inttypes.h>
#include <string.h>

/* Fields of TensorProto that hold elements. */
enum {
    TENSOR_CONTENT = 4,
    FLOAT_VAL = 5,
    DOUBLE_VAL = 6,
    INT_VAL = 7,
    STRING_VAL = 8,
    INT64_VAL = 10,
    BOOL_VAL = 11,
    HALF_VAL = 13,
    UINT32_VAL = 16,
    UINT64_VAL = 17
};

/* Without a file's bytes to justify more, repeated elements stop here. */
enum { MOST_REPEATED_BYTES = 1 << 28 };

typedef struct type_row {
    const char *name;
    tdnn_dtype dtype;
    uint32_t field;
} type_row;

static const type_row types[] = {
    [1] = {"DT_FLOAT", TDNN_F32, FLOAT_VAL},      [2] = {"DT_DOUBLE", TDNN_F64, DOUBLE_VAL},
    [3] = {"DT_INT32", TDNN_I32, INT_VAL},        [4] = {"DT_UINT8", TDNN_U8, INT_VAL},
    [5] = {"DT_INT16", TDNN_I16, INT_VAL},        [6] = {"DT_INT8", TDNN_I8, INT_VAL},
    [7] = {"DT_STRING", TDNN_STRING, STRING_VAL}, [8] = {"DT_COMPLEX64", TDNN_NONE, 0},
    [9] = {"DT_INT64", TDNN_I64, INT64_VAL},      [10] = {"DT_BOOL", TDNN_BOOL, BOOL_VAL},
    [11] = {"DT_QINT8", TDNN_I8, INT_VAL},        [12] = {"DT_QUINT8", TDNN_U8, INT_VAL},
    [13] = {"DT_QINT32", TDNN_I32, INT_VAL},      [14] = {"DT_BFLOAT16", TDNN_BF16, HALF_VAL},
    [15] = {"DT_QINT16", TDNN_I16, INT_VAL},      [16] = {"DT_QUINT16", TDNN_U16, INT_VAL},
    [17] = {"DT_UINT16", TDNN_U16, INT_VAL},      [18] = {"DT_COMPLEX128", TDNN_NONE, 0},
    [19] = {"DT_HALF", TDNN_F16, HALF_VAL},       [20] = {"DT_RESOURCE", TDNN_NONE, 0},
    [21] = {"DT_VARIANT", TDNN_NONE, 0},          [22] = {"DT_UINT32", TDNN_U32, UINT32_VAL},
    [23] = {"DT_UINT64", TDNN_U64, UINT64_VAL},
};
enum { TYPE_COUNT = sizeof types / sizeof *types, REFERENCES = 100 };

static const type_row *find_type(int64_t type)
{
    if (type > REFERENCES) type -= REFERENCES;
    return type > 0 && type < TYPE_COUNT ? &types[type] : &types[0];
}

tdnn_dtype tf_dtype(int64_t type) { return find_type(type)->dtype; }

const char *tf_dtype_text(int64_t type)
{
    const char *name = find_type(type)->name;
    return name ? name : "an unknown type";
}

int64_t tf_dtype_find(const char *text)
{
    for (int64_t i = 1; i < TYPE_COUNT; i++)
        if (!strcmp(types[i].name, text)) return i;
    size_t length = strlen(text);
    if (length < 5 || strcmp(text + length - 4, "_REF") != 0) return -1;
    for (int64_t i = 1; i < TYPE_COUNT; i++)
        if (strlen(types[i].name) == length - 4 && !strncmp(types[i].name, text, length - 4))
            return i + REFERENCES;
    return -1;
}

bool tf_shape(const Tensorflow__TensorShapeProto *proto, tdnn_shape *out)
{
    *out = (tdnn_shape){.ndim = -1};
    if (!proto || proto->unknown_rank || proto->n_dim > TDNN_MAX_DIMS) return false;
    out->ndim = (int)proto->n_dim;
    for (size_t i = 0; i < proto->n_dim; i++)
        out->dim[i] = proto->dim[i]->size < 0 ? -1 : proto->dim[i]->size;
    return true;
}

/* ---- Elements ---- */

static tdnn_status put_numbers(const tdnn_wire_elements *e, tdnn_tensor *t, size_t unit,
                               size_t *done, tdnn_error *err)
{
    size_t count = t->bytes / unit;
    const tdnn_wire_type single = e->field == FLOAT_VAL    ? TDNN_WIRE_32
                                  : e->field == DOUBLE_VAL ? TDNN_WIRE_64
                                                           : TDNN_WIRE_VARINT;
    unsigned char *to = t->data;
    tdnn_cursor body = e->body;
    for (*done = 0;;) {
        tdnn_wire_field f;
        bool more;
        TDNN_TRY(tdnn_wire_next(&body, &f, &more, err));
        if (!more) return TDNN_OK;
        if (f.number != e->field) continue;
        if (f.type != TDNN_WIRE_BYTES && f.type != single)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "elements have wire type %d, expected %d",
                             (int)f.type, (int)single);
        tdnn_cursor c = tdnn_wire_enter(&body, f.payload);
        while (tdnn_cursor_left(&c)) {
            uint64_t value = 0;
            if (*done == count)
                return TDNN_FAIL(err, TDNN_ERR_FORMAT, "more elements than its shape has, %zu",
                                 count);
            bool whole = single == TDNN_WIRE_VARINT ? tdnn_wire_varint(&c, &value)
                                                    : tdnn_cursor_read(&c, &value, unit);
            if (!whole) return TDNN_FAIL(err, TDNN_ERR_FORMAT, "an element is cut off");
            if (t->dtype == TDNN_BOOL) value = value != 0;
            memcpy(to + (*done)++ * unit, &value, unit); /* the low bytes */
        }
    }
}

static tdnn_status import_numbers(const tdnn_source *source, const tdnn_wire_elements *e,
                                  tdnn_dtype dtype, const tdnn_shape *shape, size_t bytes,
                                  tdnn_tensor **out, tdnn_error *err)
{
    const bool plain = e->field == FLOAT_VAL || e->field == DOUBLE_VAL;
    if (plain && bytes && e->occurrences == 1 && e->packed.size == bytes)
        return tdnn_source_tensor(source, e->packed.data, bytes, dtype, shape, out, err);
    size_t unit = (size_t)tdnn_dtype_bits(dtype) / 8, done = 0;
    if (bytes / unit > tdnn_cursor_left(&e->body) && bytes > MOST_REPEATED_BYTES)
        return TDNN_FAIL(err, TDNN_ERR_LIMIT,
                         "%zu bytes of one repeated element, expected at most %d", bytes,
                         MOST_REPEATED_BYTES);
    TDNN_TRY(tdnn_tensor_create(dtype, shape, out, err));
    TDNN_TRY(put_numbers(e, *out, unit, &done, err));
    unsigned char *data = (*out)->data;
    for (size_t i = done ? done * unit : unit; done && i < bytes; i++) data[i] = data[i - unit];
    if (!done && bytes) memset(data, 0, bytes); /* as TensorFlow has it */
    return TDNN_OK;
}

static tdnn_status import_strings(tdnn_wire_elements *e, const tdnn_shape *shape,
                                  tdnn_tensor **out, tdnn_error *err)
{
    size_t count = (size_t)tdnn_shape_count(shape), done = 0;
    if (count > tdnn_cursor_left(&e->body) + 1)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%zu strings, expected %zu from its shape",
                         e->occurrences, count);
    TDNN_TRY(tdnn_tensor_create(TDNN_STRING, shape, out, err));
    for (;;) {
        tdnn_wire_field f;
        bool more;
        TDNN_TRY(tdnn_wire_next(&e->body, &f, &more, err));
        if (!more) return TDNN_OK;
        if (f.number != STRING_VAL || f.type != TDNN_WIRE_BYTES || done == count) continue;
        char *copy = tdnn_alloc(f.payload.size + 1, 1);
        if (!copy) return TDNN_NO_MEMORY(err);
        if (f.payload.size) memcpy(copy, f.payload.data, f.payload.size);
        copy[f.payload.size] = '\0';
        tdnn_status status = tdnn_tensor_set_string(*out, done++, copy, err);
        tdnn_free(copy);
        if (status) return status;
    }
}

static tdnn_status import(const tdnn_source *source, tdnn_bytes file,
                          const Tensorflow__TensorProto *proto, tdnn_tensor **out,
                          tdnn_error *err)
{
    tdnn_shape shape;
    tdnn_wire_elements e;
    const type_row *type = find_type(proto->dtype);
    const tdnn_dtype dtype = type->dtype;
    TDNN_TRY(tdnn_wire_find_elements(file, proto->place, proto->place_size, TENSOR_CONTENT,
                                     type->field, &e, err));
    if (!dtype)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "element type %s (%d)",
                         tf_dtype_text(proto->dtype), proto->dtype);
    if (!proto->tensor_shape)
        shape = (tdnn_shape){.ndim = 0};
    else if (!tf_shape(proto->tensor_shape, &shape))
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "a tensor of unknown rank, or of more than %d dimensions",
                         TDNN_MAX_DIMS);
    if (!tdnn_shape_known(&shape))
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "a tensor with a negative dimension");
    size_t bytes;
    uint64_t limit = source->options ? source->options->max_tensor_bytes : UINT64_MAX;
    if (!tdnn_tensor_size(dtype, &shape, &bytes) || bytes > limit)
        return TDNN_FAIL(err, TDNN_ERR_LIMIT,
                         "a tensor has more than the limit of %" PRIu64 " bytes", limit);
    if (dtype == TDNN_STRING) return import_strings(&e, &shape, out, err);
    if (!e.raw.size) return import_numbers(source, &e, dtype, &shape, bytes, out, err);
    if (e.raw.size != bytes)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                         "%zu bytes of elements, expected %zu from its shape", e.raw.size,
                         bytes);
    if (dtype != TDNN_BOOL)
        return tdnn_source_tensor(source, e.raw.data, bytes, dtype, &shape, out, err);
    TDNN_TRY(tdnn_tensor_create(dtype, &shape, out, err));
    for (size_t i = 0; i < bytes; i++)
        ((unsigned char *)(*out)->data)[i] = ((const unsigned char *)e.raw.data)[i] != 0;
    return TDNN_OK;
}

tdnn_status tf_tensor_import(const tdnn_source *source, tdnn_bytes file,
                             const Tensorflow__TensorProto *proto, tdnn_tensor **out,
                             tdnn_error *err)
{
    *out = NULL;
    tdnn_status status = import(source, file, proto, out, err);
    if (status) {
        tdnn_tensor_release(*out);
        *out = NULL;
    }
    return status;
}

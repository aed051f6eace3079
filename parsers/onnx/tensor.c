/* TensorProto: elements as raw bytes, as typed numbers, or in another file.
 *
 * The typed fields serve several types: int32_data holds everything up to 32 bits, 16-bit and
 * smaller floating-point types as their bit patterns, and types below 8 bits packed, a byte of
 * them in each number. All are little-endian, as the machines that this library runs on.
 */
#include "parsers/onnx/tensor.h"

#include "parsers/wire.h"

#include <inttypes.h>
#include <string.h>

/* Fields of TensorProto that hold elements. */
enum {
    FLOAT_DATA = 4,
    INT32_DATA = 5,
    STRING_DATA = 6,
    INT64_DATA = 7,
    RAW_DATA = 9,
    DOUBLE_DATA = 10,
    UINT64_DATA = 11
};

tdnn_status tdnn_onnx_tensor_extent(const tdnn_source *source, int32_t data_type,
                                    const int64_t *dims, size_t ndim, tdnn_shape *shape,
                                    size_t *bytes, tdnn_error *err)
{
    if (data_type <= TDNN_NONE || data_type >= TDNN_DTYPE_COUNT)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "element type %d, expected 1 to %d",
                         data_type, TDNN_DTYPE_COUNT - 1);
    if (ndim > TDNN_MAX_DIMS)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "%zu dimensions, expected at most %d", ndim,
                         TDNN_MAX_DIMS);
    for (size_t i = 0; i < ndim; i++)
        if (dims[i] < 0)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                             "dimension %zu is %" PRId64 ", expected 0 or more", i, dims[i]);
    *shape = tdnn_shape_make((int)ndim, dims);
    uint64_t limit = source->options ? source->options->max_tensor_bytes : UINT64_MAX;
    if (!tdnn_tensor_size((tdnn_dtype)data_type, shape, bytes) || *bytes > limit) {
        char text[TDNN_SHAPE_TEXT];
        return TDNN_FAIL(
            err, TDNN_ERR_LIMIT, "%s %s has more than the limit of %" PRIu64 " bytes",
            tdnn_dtype_name((tdnn_dtype)data_type), tdnn_shape_text(shape, text), limit);
    }
    return TDNN_OK;
}

static uint32_t typed_field(tdnn_dtype dtype)
{
    switch (dtype) {
    case TDNN_F32:
    case TDNN_C64: return FLOAT_DATA;
    case TDNN_F64:
    case TDNN_C128: return DOUBLE_DATA;
    case TDNN_I64: return INT64_DATA;
    case TDNN_U32:
    case TDNN_U64: return UINT64_DATA;
    case TDNN_STRING: return STRING_DATA;
    default: return INT32_DATA;
    }
}

/* ---- Typed numbers ---- */

/* Numbers are put one behind the other into `at`; `unit` bytes each. */
typedef struct sink {
    unsigned char *at;
    size_t left, unit;
    uint32_t field;
    tdnn_dtype dtype;
} sink;

static tdnn_status fits(const sink *s, uint64_t value, tdnn_error *err)
{
    int64_t v = (int64_t)value;
    if (s->unit == 8) return TDNN_OK;
    int64_t most = INT64_C(1) << 8 * s->unit, least = -(most / 2);
    if (s->field == INT32_DATA) {
        v = (int32_t)(uint32_t)value; /* as protocol buffers read an int32 */
        if (s->unit == 4) return TDNN_OK;
    }
    if (v >= least && v < most) return TDNN_OK;
    return TDNN_FAIL(err, TDNN_ERR_FORMAT, "number %" PRId64 " does not fit %s", v,
                     tdnn_dtype_name(s->dtype));
}

static tdnn_status put_number(sink *s, tdnn_cursor *c, tdnn_error *err)
{
    if (s->left == 0)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "more elements than its shape has");
    if (s->field == FLOAT_DATA || s->field == DOUBLE_DATA) {
        if (!tdnn_cursor_read(c, s->at, s->unit))
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "an element is cut off");
    } else {
        uint64_t value;
        if (!tdnn_wire_varint(c, &value))
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "an element is cut off or too long");
        TDNN_TRY(fits(s, value, err));
        if (s->dtype == TDNN_BOOL) value = value != 0;
        memcpy(s->at, &value, s->unit); /* the low bytes */
    }
    s->at += s->unit;
    s->left--;
    return TDNN_OK;
}

static tdnn_status put_all(tdnn_wire_elements *e, sink *s, tdnn_error *err)
{
    tdnn_wire_type single = e->field == FLOAT_DATA    ? TDNN_WIRE_32
                            : e->field == DOUBLE_DATA ? TDNN_WIRE_64
                                                      : TDNN_WIRE_VARINT;
    for (;;) {
        tdnn_wire_field f;
        bool more;
        TDNN_TRY(tdnn_wire_next(&e->body, &f, &more, err));
        if (!more) break;
        if (f.number != e->field) continue;
        if (f.type != TDNN_WIRE_BYTES && f.type != single)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "elements have wire type %d, expected %d",
                             (int)f.type, (int)single);
        tdnn_cursor c = tdnn_wire_enter(&e->body, f.payload);
        while (tdnn_cursor_left(&c)) {
            tdnn_status status = put_number(s, &c, err);
            if (status) return tdnn_error_at(err, status, "byte %zu", tdnn_cursor_offset(&c));
        }
    }
    if (s->left)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%zu elements fewer than its shape has",
                         s->left);
    return TDNN_OK;
}

static size_t unit_bytes(tdnn_dtype dtype)
{
    size_t bits = (size_t)tdnn_dtype_bits(dtype);
    if (dtype == TDNN_C64 || dtype == TDNN_C128) bits /= 2;
    return bits < 8 ? 1 : bits / 8;
}

/* An allocation must be justified by the bytes that are there: a number has one at least. */
static tdnn_status check_enough(const tdnn_wire_elements *e, size_t numbers, tdnn_error *err)
{
    size_t there = tdnn_cursor_left(&e->body);
    if (numbers <= there) return TDNN_OK;
    return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                     "%zu bytes of elements, expected %zu elements from its shape", there,
                     numbers);
}

static tdnn_status import_numbers(const tdnn_source *source, tdnn_wire_elements *e,
                                  tdnn_dtype dtype, const tdnn_shape *shape, size_t bytes,
                                  tdnn_tensor **out, tdnn_error *err)
{
    bool plain = e->field == FLOAT_DATA || e->field == DOUBLE_DATA;
    if (plain && e->occurrences == 1 && e->packed.size == bytes)
        return tdnn_source_tensor(source, e->packed.data, bytes, dtype, shape, out, err);
    size_t unit = unit_bytes(dtype);
    TDNN_TRY(check_enough(e, bytes / unit, err));
    TDNN_TRY(tdnn_tensor_create(dtype, shape, out, err));
    sink s = {(*out)->data, bytes / unit, unit, e->field, dtype};
    return put_all(e, &s, err);
}

/* ---- Strings ---- */

static tdnn_status put_string(tdnn_tensor *tensor, size_t index, tdnn_bytes text,
                              tdnn_error *err)
{
    if (text.size && memchr(text.data, 0, text.size))
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "string %zu contains a zero byte", index);
    char *copy = tdnn_alloc(text.size + 1, 1);
    if (!copy) return TDNN_NO_MEMORY(err);
    if (text.size) memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    tdnn_status status = tdnn_tensor_set_string(tensor, index, copy, err);
    tdnn_free(copy);
    return status;
}

static tdnn_status import_strings(tdnn_wire_elements *e, const tdnn_shape *shape,
                                  tdnn_tensor **out, tdnn_error *err)
{
    size_t count = (size_t)tdnn_shape_count(shape), index = 0;
    if (e->occurrences != count)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%zu strings, expected %zu from its shape",
                         e->occurrences, count);
    TDNN_TRY(tdnn_tensor_create(TDNN_STRING, shape, out, err));
    for (;;) {
        tdnn_wire_field f;
        bool more;
        TDNN_TRY(tdnn_wire_next(&e->body, &f, &more, err));
        if (!more) return TDNN_OK;
        if (f.number != STRING_DATA) continue;
        if (f.type != TDNN_WIRE_BYTES)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "a string has wire type %d, expected 2",
                             (int)f.type);
        TDNN_TRY(put_string(*out, index++, f.payload, err));
    }
}

/* ---- Other files ---- */

static bool parse_uint64(const char *text, uint64_t *out)
{
    uint64_t value = 0;
    if (!*text) return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9') return false;
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
            return false;
    }
    *out = value;
    return true;
}

static tdnn_status find_external(const tdnn_source *source, const Onnx__TensorProto *proto,
                                 size_t bytes, tdnn_bytes *out, tdnn_error *err)
{
    const char *location = NULL;
    uint64_t offset = 0, length = bytes;
    for (size_t i = 0; i < proto->n_external_data; i++) {
        const char *key = proto->external_data[i]->key, *value = proto->external_data[i]->value;
        if (!key || !value) continue;
        if (!strcmp(key, "location")) location = value;
        bool number = !strcmp(key, "offset")   ? parse_uint64(value, &offset)
                      : !strcmp(key, "length") ? parse_uint64(value, &length)
                                               : true;
        if (!number)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "external %s \"%.40s\", expected a number",
                             key, value);
    }
    if (!location || !*location)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "external data without a location");
    if (length != bytes)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                         "%" PRIu64 " bytes of external data, expected %zu from its shape",
                         length, bytes);
    if (!source->external)
        return TDNN_FAIL(
            err, TDNN_ERR_UNSUPPORTED,
            "elements are in the file \"%.100s\", but the model is read from memory", location);
    TDNN_TRY(
        source->external->open(source->external->context, location, offset, length, out, err));
    if (out->size == bytes) return TDNN_OK;
    return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                     "%zu bytes of external data, expected %zu from its shape", out->size,
                     bytes);
}

/* ---- All together ---- */

/* A bool is 0 or 1 to the rest of the library; a file may say otherwise. */
static tdnn_status import_raw(const tdnn_source *source, tdnn_bytes raw, tdnn_dtype dtype,
                              const tdnn_shape *shape, size_t bytes, tdnn_tensor **out,
                              tdnn_error *err)
{
    if (raw.size != bytes)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                         "%zu bytes of elements, expected %zu from its shape", raw.size, bytes);
    if (dtype != TDNN_BOOL)
        return tdnn_source_tensor(source, raw.data, bytes, dtype, shape, out, err);
    TDNN_TRY(tdnn_tensor_create(dtype, shape, out, err));
    const unsigned char *from = raw.data;
    unsigned char *to = (*out)->data;
    for (size_t i = 0; i < bytes; i++) to[i] = from[i] != 0;
    return TDNN_OK;
}

static tdnn_status import_elements(const tdnn_source *source, const Onnx__TensorProto *proto,
                                   tdnn_tensor **out, tdnn_error *err)
{
    tdnn_shape shape;
    size_t bytes;
    tdnn_wire_elements e;
    tdnn_dtype dtype = (tdnn_dtype)proto->data_type;
    if (proto->segment) return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "a tensor in segments");
    TDNN_TRY(tdnn_onnx_tensor_extent(source, proto->data_type, proto->dims, proto->n_dims,
                                     &shape, &bytes, err));
    bool external = proto->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    if (external && dtype != TDNN_STRING) {
        tdnn_bytes raw;
        TDNN_TRY(find_external(source, proto, bytes, &raw, err));
        return import_raw(source, raw, dtype, &shape, bytes, out, err);
    }
    TDNN_TRY(tdnn_wire_find_elements(source->model, proto->place, proto->place_size, RAW_DATA,
                                     typed_field(dtype), &e, err));
    if (e.has_raw && dtype != TDNN_STRING && !(e.raw.size == 0 && e.occurrences))
        return import_raw(source, e.raw, dtype, &shape, bytes, out, err);
    if (dtype == TDNN_STRING) return import_strings(&e, &shape, out, err);
    return import_numbers(source, &e, dtype, &shape, bytes, out, err);
}

tdnn_status tdnn_onnx_tensor_import(const tdnn_source *source, const Onnx__TensorProto *proto,
                                    tdnn_tensor **out, tdnn_error *err)
{
    *out = NULL;
    tdnn_status status = import_elements(source, proto, out, err);
    if (!status) return TDNN_OK;
    tdnn_tensor_release(*out);
    *out = NULL;
    if (proto->name && *proto->name)
        return tdnn_error_at(err, status, "tensor %s", proto->name);
    return tdnn_error_at(err, status, "tensor at byte %" PRIu64, proto->place);
}

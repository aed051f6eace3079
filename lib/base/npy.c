/* numpy's .npy format: a magic number, a version, the length of a header, the header - a Python
 * dictionary in text, such as {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } - and
 * the elements. NEP 1 of numpy describes it. */
#include "lib/base/npy.h"

#include "lib/base/bytes.h"
#include "lib/base/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAGIC "\x93NUMPY"
enum { MAGIC_SIZE = 6, PREFIX_SIZE = 10, HEADER_ALIGN = 64, HEADER_ROOM = 512 };

static const struct {
    char code[4]; /* as numpy writes it behind the byte order */
    tdnn_dtype dtype;
    unsigned part; /* bytes that a change of byte order reverses */
} types[] = {
    {"b1", TDNN_BOOL, 1}, {"i1", TDNN_I8, 1},    {"u1", TDNN_U8, 1},  {"i2", TDNN_I16, 2},
    {"u2", TDNN_U16, 2},  {"i4", TDNN_I32, 4},   {"u4", TDNN_U32, 4}, {"i8", TDNN_I64, 8},
    {"u8", TDNN_U64, 8},  {"f2", TDNN_F16, 2},   {"f4", TDNN_F32, 4}, {"f8", TDNN_F64, 8},
    {"c8", TDNN_C64, 4},  {"c16", TDNN_C128, 8},
};
enum { TYPE_COUNT = sizeof types / sizeof *types };

typedef struct header {
    size_t type; /* index in `types` */
    bool big_endian;
    bool fortran_order;
    tdnn_shape shape;
} header;

bool tdnn_npy_looks_like(tdnn_bytes bytes)
{
    return bytes.size >= MAGIC_SIZE && memcmp(bytes.data, MAGIC, MAGIC_SIZE) == 0;
}

static void skip_blanks(tdnn_cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\t')) c->at++;
}

/* Takes `text`, with blanks before it, if it comes next. */
static bool take(tdnn_cursor *c, const char *text)
{
    skip_blanks(c);
    size_t length = strlen(text);
    if (tdnn_cursor_left(c) < length || memcmp(c->at, text, length) != 0) return false;
    c->at += length;
    return true;
}

static bool take_quoted(tdnn_cursor *c, char *text, size_t room)
{
    skip_blanks(c);
    if (c->at == c->end || (*c->at != '\'' && *c->at != '"')) return false;
    unsigned char quote = *c->at++;
    size_t length = 0;
    while (c->at < c->end && *c->at != quote && length + 1 < room)
        text[length++] = (char)*c->at++;
    text[length] = '\0';
    if (c->at == c->end || *c->at != quote) return false;
    c->at++;
    return true;
}

static bool take_number(tdnn_cursor *c, int64_t *out)
{
    skip_blanks(c);
    const unsigned char *first = c->at;
    int64_t value = 0;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *c->at - '0', &value))
            return false;
    if (c->at == first) return false;
    if (c->at < c->end && *c->at == 'L') c->at++; /* Python 2's long integers */
    *out = value;
    return true;
}

static tdnn_status parse_type(const char *text, header *h, tdnn_error *err)
{
    char order = text[0];
    for (size_t i = 0; order && i < TYPE_COUNT; i++) {
        if (strcmp(text + 1, types[i].code) != 0) continue;
        if (!strchr("<>|=", order)) break;
        h->type = i;
        h->big_endian = order == '>';
        return TDNN_OK;
    }
    return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED,
                     ".npy of type '%s', expected a bool, integer, float or complex one", text);
}

static tdnn_status parse_shape(tdnn_cursor *c, tdnn_shape *shape, tdnn_error *err)
{
    *shape = (tdnn_shape){.ndim = 0};
    if (!take(c, "(")) goto malformed;
    while (!take(c, ")")) {
        int64_t dim;
        if (!take_number(c, &dim)) goto malformed;
        if (shape->ndim == TDNN_MAX_DIMS)
            return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, ".npy with more than %d dimensions",
                             TDNN_MAX_DIMS);
        shape->dim[shape->ndim++] = dim;
        if (!take(c, ",")) {
            if (!take(c, ")")) goto malformed;
            break;
        }
    }
    return TDNN_OK;
malformed:
    return TDNN_FAIL(err, TDNN_ERR_FORMAT, ".npy header: the shape is no tuple of numbers");
}

static tdnn_status parse_header(tdnn_cursor *c, header *h, tdnn_error *err)
{
    bool has_type = false, has_order = false, has_shape = false;
    if (!take(c, "{")) return TDNN_FAIL(err, TDNN_ERR_FORMAT, ".npy header is no dictionary");
    while (!take(c, "}")) {
        char key[32], type[32];
        if (!take_quoted(c, key, sizeof key) || !take(c, ":"))
            return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                             ".npy header: expected 'key': value at byte %zu",
                             tdnn_cursor_offset(c));
        if (strcmp(key, "descr") == 0) {
            if (!take_quoted(c, type, sizeof type))
                return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED,
                                 ".npy of a structured type, expected a plain one");
            TDNN_TRY(parse_type(type, h, err));
            has_type = true;
        } else if (strcmp(key, "fortran_order") == 0) {
            h->fortran_order = take(c, "True");
            has_order = h->fortran_order || take(c, "False");
        } else if (strcmp(key, "shape") == 0) {
            TDNN_TRY(parse_shape(c, &h->shape, err));
            has_shape = true;
        } else {
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, ".npy header: unknown key '%s'", key);
        }
        if (!take(c, ",") && !(c->at < c->end && *c->at == '}'))
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, ".npy header: expected , or } at byte %zu",
                             tdnn_cursor_offset(c));
    }
    if (!has_type || !has_order || !has_shape)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                         ".npy header: expected descr, fortran_order and shape");
    return TDNN_OK;
}

/* Magic number, version, length of the header: leaves `c` at the elements. */
static tdnn_status read_header(tdnn_cursor *c, header *h, tdnn_error *err)
{
    unsigned char version[2], length[4] = {0};
    if (!tdnn_cursor_take(c, MAGIC_SIZE) || !tdnn_cursor_read(c, version, sizeof version))
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, ".npy file ends within its first 8 bytes");
    if (version[0] < 1 || version[0] > 3)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, ".npy version %d.%d, expected 1.0 to 3.0",
                         version[0], version[1]);
    bool fits = tdnn_cursor_read(c, length, version[0] == 1 ? 2 : 4);
    size_t size =
        length[0] | (size_t)length[1] << 8 | (size_t)length[2] << 16 | (size_t)length[3] << 24;
    const void *text = fits ? tdnn_cursor_take(c, size) : NULL;
    if (!text)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                         ".npy header of %zu bytes, the file has %zu left", size,
                         tdnn_cursor_left(c));
    tdnn_cursor inner = tdnn_cursor_make(text, size);
    return parse_header(&inner, h, err);
}

/* Element by element in the tensor's order; `stride` holds the file's, in elements. */
static void gather(unsigned char *to, const unsigned char *from, size_t size, const header *h)
{
    const tdnn_shape *shape = &h->shape;
    int64_t stride[TDNN_MAX_DIMS], at[TDNN_MAX_DIMS] = {0}, step = 1;
    for (int d = 0; d < shape->ndim; d++) {
        stride[d] = step;
        step *= shape->dim[d];
    }
    int64_t offset = 0;
    for (int64_t left = step; left > 0; left--) {
        memcpy(to, from + (size_t)offset * size, size);
        to += size;
        for (int d = shape->ndim - 1; d >= 0; d--) {
            offset += stride[d];
            if (++at[d] < shape->dim[d]) break;
            offset -= stride[d] * at[d];
            at[d] = 0;
        }
    }
}

static void reverse_parts(unsigned char *data, size_t bytes, size_t part)
{
    for (size_t start = 0; start + part <= bytes; start += part) {
        for (size_t i = 0; i < part / 2; i++) {
            unsigned char first = data[start + i];
            data[start + i] = data[start + part - 1 - i];
            data[start + part - 1 - i] = first;
        }
    }
}

tdnn_status tdnn_npy_decode(tdnn_bytes bytes, tdnn_tensor **out, tdnn_error *err)
{
    *out = NULL;
    if (!tdnn_npy_looks_like(bytes))
        return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                         "no .npy file: it does not begin with \\x93NUMPY");
    tdnn_cursor c = tdnn_cursor_make(bytes.data, bytes.size);
    header h = {0};
    TDNN_TRY(read_header(&c, &h, err));
    tdnn_dtype dtype = types[h.type].dtype;
    size_t size = 0;
    bool fits = tdnn_tensor_size(dtype, &h.shape, &size);
    if (!fits || size != tdnn_cursor_left(&c)) {
        char text[TDNN_SHAPE_TEXT];
        return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                         ".npy file has %zu bytes of elements, %s %s has %zu",
                         tdnn_cursor_left(&c), tdnn_dtype_name(dtype),
                         tdnn_shape_text(&h.shape, text), fits ? size : SIZE_MAX);
    }
    tdnn_tensor *t;
    TDNN_TRY(tdnn_tensor_create(dtype, &h.shape, &t, err));
    size_t element = (size_t)tdnn_dtype_bits(dtype) / 8;
    if (size && h.fortran_order && h.shape.ndim > 1)
        gather(t->data, c.at, element, &h);
    else if (size)
        memcpy(t->data, c.at, size);
    if (h.big_endian) reverse_parts(t->data, size, types[h.type].part);
    if (dtype == TDNN_BOOL)
        for (size_t i = 0; i < size; i++)
            ((bool *)t->data)[i] = ((unsigned char *)t->data)[i] != 0;
    *out = t;
    return TDNN_OK;
}

/* Writes the whole header, padded so that the elements are aligned; returns its length. */
static size_t write_header(char text[HEADER_ROOM], size_t type, const tdnn_shape *shape)
{
    size_t used = PREFIX_SIZE;
    used += (size_t)snprintf(text + used, HEADER_ROOM - used,
                             "{'descr': '%c%s', 'fortran_order': False, 'shape': (",
                             types[type].part == 1 ? '|' : '<', types[type].code);
    for (int i = 0; i < shape->ndim; i++)
        used +=
            (size_t)snprintf(text + used, HEADER_ROOM - used, "%s%" PRId64 "%s", i ? " " : "",
                             shape->dim[i], i + 1 < shape->ndim || shape->ndim == 1 ? "," : "");
    used += (size_t)snprintf(text + used, HEADER_ROOM - used, "), }");
    size_t total = tdnn_round_up(used + 1, HEADER_ALIGN);
    memset(text + used, ' ', total - used - 1);
    text[total - 1] = '\n';
    memcpy(text, MAGIC "\x01\x00", 8);
    text[8] = (char)((total - PREFIX_SIZE) & 0xff);
    text[9] = (char)((total - PREFIX_SIZE) >> 8);
    return total;
}

tdnn_status tdnn_npy_write(const tdnn_tensor *tensor, const char *path, tdnn_error *err)
{
    size_t type = 0;
    while (type < TYPE_COUNT && types[type].dtype != tensor->dtype) type++;
    if (tensor->kind != TDNN_KIND_TENSOR)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "a .npy file holds a tensor, no list");
    if (type == TYPE_COUNT)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "numpy has no type %s",
                         tdnn_dtype_name(tensor->dtype));
    char text[HEADER_ROOM];
    size_t length = write_header(text, type, &tensor->shape), total;
    char *whole = NULL;
    if (tdnn_size_add(length, tensor->bytes, &total)) whole = tdnn_alloc(total, 1);
    if (!whole) return TDNN_NO_MEMORY(err);
    memcpy(whole, text, length);
    if (tensor->bytes) memcpy(whole + length, tensor->data, tensor->bytes);
    tdnn_status status = tdnn_file_write(path, whole, total, err);
    tdnn_free(whole);
    return status;
}

/* The wire format, read and written field by field. */
#include "parsers/wire.h"

bool tdnn_wire_varint(tdnn_cursor *cursor, uint64_t *out)
{
    uint64_t value = 0;
    const unsigned char *p = cursor->at;
    for (unsigned shift = 0; p < cursor->end && shift < 70; shift += 7, p++) {
        uint64_t bits = *p & 0x7f;
        if (shift == 63 && bits > 1) return false;
        value |= bits << shift;
        if (*p & 0x80) continue;
        cursor->at = p + 1;
        *out = value;
        return true;
    }
    return false;
}

tdnn_cursor tdnn_wire_enter(const tdnn_cursor *file, tdnn_bytes payload)
{
    const unsigned char *p = payload.data;
    return (tdnn_cursor){p, p + payload.size, file->start};
}

static tdnn_status malformed(size_t offset, tdnn_status status, tdnn_error *err)
{
    return tdnn_error_at(err, status, "byte %zu", offset);
}

static tdnn_status read_tag(tdnn_cursor *cursor, tdnn_wire_field *field, tdnn_error *err)
{
    uint64_t tag;
    if (!tdnn_wire_varint(cursor, &tag))
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "a field's number is cut off or too long");
    unsigned type = (unsigned)(tag & 7);
    if (tag >> 3 == 0 || tag >> 32 != 0)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "field number %llu, expected 1 to 536870911",
                         (unsigned long long)(tag >> 3));
    if (type > 5 || type == 3 || type == 4)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "wire type %u, expected 0, 1, 2 or 5", type);
    field->number = (uint32_t)(tag >> 3);
    field->type = (tdnn_wire_type)type;
    return TDNN_OK;
}

static tdnn_status read_payload(tdnn_cursor *cursor, tdnn_wire_field *field, tdnn_error *err)
{
    const unsigned char *begin = cursor->at;
    uint64_t size = field->type == TDNN_WIRE_64 ? 8 : 4;
    if (field->type == TDNN_WIRE_VARINT) {
        uint64_t value;
        if (!tdnn_wire_varint(cursor, &value))
            return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                             "field %u is cut off, or longer than 10 bytes", field->number);
        field->payload = (tdnn_bytes){begin, (size_t)(cursor->at - begin)};
        return TDNN_OK;
    }
    if (field->type == TDNN_WIRE_BYTES && !tdnn_wire_varint(cursor, &size))
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "the length of field %u is cut off or too long",
                         field->number);
    if (size > tdnn_cursor_left(cursor))
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "field %u has %llu bytes, but only %zu follow",
                         field->number, (unsigned long long)size, tdnn_cursor_left(cursor));
    field->payload = (tdnn_bytes){cursor->at, (size_t)size};
    cursor->at += size;
    return TDNN_OK;
}

tdnn_status tdnn_wire_next(tdnn_cursor *cursor, tdnn_wire_field *field, bool *more,
                           tdnn_error *err)
{
    *more = cursor->at < cursor->end;
    if (!*more) return TDNN_OK;
    size_t offset = field->offset = tdnn_cursor_offset(cursor);
    tdnn_status status = read_tag(cursor, field, err);
    if (!status) status = read_payload(cursor, field, err);
    return status ? malformed(offset, status, err) : TDNN_OK;
}

tdnn_status tdnn_wire_find_elements(tdnn_bytes file, uint64_t place, uint64_t size,
                                    uint32_t raw_field, uint32_t field, tdnn_wire_elements *out,
                                    tdnn_error *err)
{
    *out = (tdnn_wire_elements){.field = field};
    if (place > file.size || size > file.size - place)
        return TDNN_FAIL(err, TDNN_ERR_INTERNAL, "a tensor lies outside of the file");
    const tdnn_cursor whole = tdnn_cursor_make(file.data, file.size);
    out->body = tdnn_wire_enter(&whole, (tdnn_bytes){whole.at + place, (size_t)size});
    tdnn_cursor c = out->body;
    for (;;) {
        tdnn_wire_field f;
        bool more;
        TDNN_TRY(tdnn_wire_next(&c, &f, &more, err));
        if (!more) return TDNN_OK;
        if (f.number == raw_field && f.type == TDNN_WIRE_BYTES) {
            out->has_raw = true;
            out->raw = f.payload;
        } else if (f.number == field) {
            out->occurrences++;
            out->packed = f.type == TDNN_WIRE_BYTES ? f.payload : (tdnn_bytes){0};
        }
    }
}

/* ---- Writing ---- */

bool tdnn_wire_put(tdnn_wire_buffer *b, const void *data, size_t size)
{
    if (b->capacity - b->size < size) {
        size_t wanted = b->capacity ? b->capacity : 1024;
        while (wanted - b->size < size)
            if (!tdnn_size_mul(wanted, 2, &wanted)) return false;
        unsigned char *grown = tdnn_realloc(b->data, b->size, wanted, 1);
        if (!grown) return false;
        b->data = grown;
        b->capacity = wanted;
    }
    if (size) memcpy(b->data + b->size, data, size);
    b->size += size;
    return true;
}

bool tdnn_wire_put_varint(tdnn_wire_buffer *b, uint64_t value)
{
    unsigned char bytes[10];
    size_t count = 0;
    for (; value > 0x7f; value >>= 7) bytes[count++] = (unsigned char)(value | 0x80);
    bytes[count++] = (unsigned char)value;
    return tdnn_wire_put(b, bytes, count);
}

bool tdnn_wire_put_tag(tdnn_wire_buffer *b, uint32_t number, tdnn_wire_type type)
{
    return tdnn_wire_put_varint(b, (uint64_t)number << 3 | (uint64_t)type);
}

bool tdnn_wire_put_int(tdnn_wire_buffer *b, uint32_t number, int64_t value)
{
    return tdnn_wire_put_tag(b, number, TDNN_WIRE_VARINT) &&
           tdnn_wire_put_varint(b, (uint64_t)value);
}

bool tdnn_wire_put_fixed64(tdnn_wire_buffer *b, uint32_t number, uint64_t value)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(value >> 8 * i);
    return tdnn_wire_put_tag(b, number, TDNN_WIRE_64) && tdnn_wire_put(b, bytes, sizeof bytes);
}

bool tdnn_wire_put_bytes(tdnn_wire_buffer *b, uint32_t number, const void *data, size_t size)
{
    return tdnn_wire_put_tag(b, number, TDNN_WIRE_BYTES) && tdnn_wire_put_varint(b, size) &&
           tdnn_wire_put(b, data, size);
}

enum { LENGTH_BYTES = 5 };

bool tdnn_wire_begin(tdnn_wire_buffer *b, uint32_t number, size_t *mark)
{
    static const unsigned char room[LENGTH_BYTES];
    if (!tdnn_wire_put_tag(b, number, TDNN_WIRE_BYTES) || !tdnn_wire_put(b, room, sizeof room))
        return false;
    *mark = b->size;
    return true;
}

bool tdnn_wire_end(tdnn_wire_buffer *b, size_t mark)
{
    size_t length = b->size - mark;
    if (length > INT32_MAX) return false;
    for (size_t i = 0; i < LENGTH_BYTES; i++, length >>= 7)
        b->data[mark - LENGTH_BYTES + i] =
            (unsigned char)((length & 0x7f) | (i < LENGTH_BYTES - 1 ? 0x80 : 0));
    return true;
}

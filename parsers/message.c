/* The outline of a message: what protobuf-c is given in place of the file. */
#include "parsers/message.h"

#include "parsers/wire.h"

typedef struct outline {
    tdnn_wire_buffer out;
    tdnn_cursor file;
    size_t messages, max_messages;
    tdnn_error *err;
} outline;

static tdnn_wire_type natural_wire_type(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32: return TDNN_WIRE_32;
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64: return TDNN_WIRE_64;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE: return TDNN_WIRE_BYTES;
    default: return TDNN_WIRE_VARINT;
    }
}

static tdnn_status check_packed(const outline *o, const tdnn_wire_field *f,
                                tdnn_wire_type element, const char *name)
{
    size_t unit = element == TDNN_WIRE_64 ? 8 : 4;
    if (element != TDNN_WIRE_VARINT) {
        if (f->payload.size % unit == 0) return TDNN_OK;
        return TDNN_FAIL(o->err, TDNN_ERR_FORMAT,
                         "%s has %zu bytes, expected a multiple of %zu", name, f->payload.size,
                         unit);
    }
    tdnn_cursor c = tdnn_wire_enter(&o->file, f->payload);
    for (uint64_t value; tdnn_cursor_left(&c);)
        if (!tdnn_wire_varint(&c, &value))
            return TDNN_FAIL(o->err, TDNN_ERR_FORMAT, "a number of %s is cut off or too long",
                             name);
    return TDNN_OK;
}

static tdnn_status check_field(const outline *o, const ProtobufCFieldDescriptor *known,
                               const tdnn_wire_field *f)
{
    tdnn_wire_type natural = natural_wire_type(known->type);
    bool packable = known->label == PROTOBUF_C_LABEL_REPEATED && natural != TDNN_WIRE_BYTES;
    if (f->type == TDNN_WIRE_BYTES && packable) return check_packed(o, f, natural, known->name);
    if (f->type != natural)
        return TDNN_FAIL(o->err, TDNN_ERR_FORMAT, "%s has wire type %d, expected %d",
                         known->name, (int)f->type, (int)natural);
    if (known->type == PROTOBUF_C_TYPE_STRING && f->payload.size &&
        memchr(f->payload.data, 0, f->payload.size))
        return TDNN_FAIL(o->err, TDNN_ERR_FORMAT, "%s contains a zero byte", known->name);
    return TDNN_OK;
}

static tdnn_status outline_message(outline *o, const ProtobufCMessageDescriptor *type,
                                   tdnn_bytes body, int depth);

static tdnn_status outline_child(outline *o, const ProtobufCFieldDescriptor *known,
                                 const tdnn_wire_field *f, int depth)
{
    size_t mark;
    if (!tdnn_wire_begin(&o->out, f->number, &mark)) return TDNN_NO_MEMORY(o->err);
    TDNN_TRY(outline_message(o, known->descriptor, f->payload, depth + 1));
    if (!tdnn_wire_end(&o->out, mark))
        return TDNN_FAIL(o->err, TDNN_ERR_LIMIT,
                         "%s has %zu bytes without tensors, the limit is %d", known->name,
                         o->out.size - mark, INT32_MAX);
    return TDNN_OK;
}

static tdnn_status outline_field(outline *o, const ProtobufCFieldDescriptor *known,
                                 const tdnn_wire_field *f, int depth)
{
    TDNN_TRY(check_field(o, known, f));
    if (known->type == PROTOBUF_C_TYPE_MESSAGE) return outline_child(o, known, f, depth);
    bool ok = f->type == TDNN_WIRE_BYTES
                  ? tdnn_wire_put_bytes(&o->out, f->number, f->payload.data, f->payload.size)
                  : tdnn_wire_put_tag(&o->out, f->number, f->type) &&
                        tdnn_wire_put(&o->out, f->payload.data, f->payload.size);
    return ok ? TDNN_OK : TDNN_NO_MEMORY(o->err);
}

static tdnn_status outline_message(outline *o, const ProtobufCMessageDescriptor *type,
                                   tdnn_bytes body, int depth)
{
    if (depth > TDNN_MESSAGE_NESTING)
        return TDNN_FAIL(o->err, TDNN_ERR_LIMIT, "messages are nested more than %d deep",
                         TDNN_MESSAGE_NESTING);
    if (++o->messages > o->max_messages)
        return TDNN_FAIL(o->err, TDNN_ERR_LIMIT, "more than %zu messages", o->max_messages);
    tdnn_cursor c = tdnn_wire_enter(&o->file, body);
    uint64_t place = (uint64_t)tdnn_cursor_offset(&c);
    if (protobuf_c_message_descriptor_get_field(type, TDNN_PLACE_FIELD) &&
        (!tdnn_wire_put_fixed64(&o->out, TDNN_PLACE_FIELD, place) ||
         !tdnn_wire_put_fixed64(&o->out, TDNN_PLACE_FIELD + 1, body.size)))
        return TDNN_NO_MEMORY(o->err);
    for (;;) {
        tdnn_wire_field f;
        bool more;
        TDNN_TRY(tdnn_wire_next(&c, &f, &more, o->err));
        if (!more) return TDNN_OK;
        if (f.number >= TDNN_PLACE_FIELD) continue;
        const ProtobufCFieldDescriptor *known =
            protobuf_c_message_descriptor_get_field(type, f.number);
        if (!known) continue;
        tdnn_status status = outline_field(o, known, &f, depth);
        if (status) return tdnn_error_at(o->err, status, "byte %zu", f.offset);
    }
}

/* protobuf-c's memory is a zone's: nothing of a message needs freeing by itself. */
static void *zone_alloc(void *zone, size_t size) { return tdnn_zone_alloc(zone, size, 1); }
static void zone_free(void *zone, void *block)
{
    (void)zone;
    (void)block;
}

tdnn_status tdnn_message_decode(tdnn_bytes bytes, const ProtobufCMessageDescriptor *type,
                                size_t max_messages, tdnn_zone *zone, ProtobufCMessage **out,
                                tdnn_error *err)
{
    *out = NULL;
    outline o = {.file = tdnn_cursor_make(bytes.data, bytes.size),
                 .max_messages = max_messages,
                 .err = err};
    tdnn_status status = outline_message(&o, type, bytes, 1);
    if (!status && o.out.size > INT32_MAX)
        status = TDNN_FAIL(err, TDNN_ERR_LIMIT,
                           "the model without tensors has %zu bytes, the limit is %d",
                           o.out.size, INT32_MAX);
    if (!status) {
        ProtobufCAllocator allocator = {zone_alloc, zone_free, zone};
        *out = protobuf_c_message_unpack(type, &allocator, o.out.size, o.out.data);
        /* The outline is well formed and nothing is required: what is left to fail is memory.
         */
        if (!*out) status = TDNN_NO_MEMORY(err);
    }
    tdnn_free(o.out.data);
    return status;
}

/* Test vectors: files that are one TensorProto, SequenceProto or OptionalProto, read and
 * written. */
#include "parsers/message.h"
#include "parsers/onnx/tensor.h"
#include "parsers/wire.h"

/* What `elem_type` of a sequence or an optional says. */
enum { HOLDS_NOTHING, HOLDS_TENSOR, HOLDS_SPARSE, HOLDS_SEQUENCE, HOLDS_MAP, HOLDS_OPTIONAL };

static tdnn_status import_sequence(const tdnn_source *source, const Onnx__SequenceProto *proto,
                                   tdnn_tensor **out, tdnn_error *err);
static tdnn_status import_optional(const tdnn_source *source, const Onnx__OptionalProto *proto,
                                   tdnn_tensor **out, tdnn_error *err);

static tdnn_dtype dtype_of(const tdnn_tensor *tensor)
{
    return tensor ? tensor->dtype : TDNN_NONE;
}

static tdnn_status import_item(const tdnn_source *source, const Onnx__SequenceProto *proto,
                               size_t index, tdnn_tensor **out, tdnn_error *err)
{
    switch (proto->elem_type) {
    case HOLDS_TENSOR:
        return tdnn_onnx_tensor_import(source, proto->tensor_values[index], out, err);
    case HOLDS_SPARSE:
        return tdnn_onnx_sparse_import(source, proto->sparse_tensor_values[index], out, err);
    case HOLDS_SEQUENCE:
        return import_sequence(source, proto->sequence_values[index], out, err);
    default: return import_optional(source, proto->optional_values[index], out, err);
    }
}

static tdnn_status import_sequence(const tdnn_source *source, const Onnx__SequenceProto *proto,
                                   tdnn_tensor **out, tdnn_error *err)
{
    size_t count;
    switch (proto->elem_type) {
    case HOLDS_NOTHING: count = 0; break;
    case HOLDS_TENSOR: count = proto->n_tensor_values; break;
    case HOLDS_SPARSE: count = proto->n_sparse_tensor_values; break;
    case HOLDS_SEQUENCE: count = proto->n_sequence_values; break;
    case HOLDS_OPTIONAL: count = proto->n_optional_values; break;
    default:
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "a sequence of element kind %d",
                         proto->elem_type);
    }
    tdnn_status status = TDNN_OK;
    tdnn_tensor **items = tdnn_calloc(count, sizeof *items);
    if (!items) return TDNN_NO_MEMORY(err);
    for (size_t i = 0; !status && i < count; i++)
        status = import_item(source, proto, i, &items[i], err);
    if (!status)
        status = tdnn_tensor_create_list(
            TDNN_KIND_SEQUENCE, count ? dtype_of(items[0]) : TDNN_NONE, items, count, out, err);
    for (size_t i = 0; i < count; i++) tdnn_tensor_release(items[i]);
    tdnn_free(items);
    return status;
}

static tdnn_status import_optional(const tdnn_source *source, const Onnx__OptionalProto *proto,
                                   tdnn_tensor **out, tdnn_error *err)
{
    tdnn_tensor *item = NULL;
    tdnn_status status = TDNN_OK;
    if (proto->tensor_value)
        status = tdnn_onnx_tensor_import(source, proto->tensor_value, &item, err);
    else if (proto->sparse_tensor_value)
        status = tdnn_onnx_sparse_import(source, proto->sparse_tensor_value, &item, err);
    else if (proto->sequence_value)
        status = import_sequence(source, proto->sequence_value, &item, err);
    else if (proto->optional_value)
        status = import_optional(source, proto->optional_value, &item, err);
    else if (proto->elem_type == HOLDS_SEQUENCE) /* an empty sequence has no bytes at all */
        status = tdnn_tensor_create_list(TDNN_KIND_SEQUENCE, TDNN_NONE, NULL, 0, &item, err);
    else if (proto->elem_type == HOLDS_MAP)
        status = TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "an optional map");
    if (!status)
        status = tdnn_tensor_create_list(TDNN_KIND_OPTIONAL, dtype_of(item), &item,
                                         item ? 1 : 0, out, err);
    tdnn_tensor_release(item);
    return status;
}

static const ProtobufCMessageDescriptor *descriptor_of(tdnn_kind kind)
{
    switch (kind) {
    case TDNN_KIND_SEQUENCE: return &onnx__sequence_proto__descriptor;
    case TDNN_KIND_OPTIONAL: return &onnx__optional_proto__descriptor;
    default: return &onnx__tensor_proto__descriptor;
    }
}

static tdnn_status import_kind(const tdnn_source *source, tdnn_kind kind,
                               const ProtobufCMessage *message, tdnn_tensor **out,
                               tdnn_error *err)
{
    switch (kind) {
    case TDNN_KIND_SEQUENCE:
        return import_sequence(source, (const Onnx__SequenceProto *)message, out, err);
    case TDNN_KIND_OPTIONAL:
        return import_optional(source, (const Onnx__OptionalProto *)message, out, err);
    default:
        return tdnn_onnx_tensor_import(source, (const Onnx__TensorProto *)message, out, err);
    }
}

tdnn_status tdnn_onnx_tensor_decode(tdnn_bytes bytes, tdnn_kind kind, tdnn_tensor **out,
                                    tdnn_error *err)
{
    *out = NULL;
    tdnn_zone *zone = tdnn_zone_create();
    if (!zone) return TDNN_NO_MEMORY(err);
    const tdnn_source source = {.model = bytes};
    ProtobufCMessage *message;
    tdnn_status status =
        tdnn_message_decode(bytes, descriptor_of(kind), SIZE_MAX, zone, &message, err);
    if (!status) status = import_kind(&source, kind, message, out, err);
    tdnn_zone_free(zone);
    return status;
}

/* ---- Writing ---- */

static bool encode_tensor(tdnn_wire_buffer *b, const tdnn_tensor *t)
{
    bool ok = true;
    for (int i = 0; ok && i < t->shape.ndim; i++) ok = tdnn_wire_put_int(b, 1, t->shape.dim[i]);
    ok = ok && tdnn_wire_put_int(b, 2, t->dtype);
    if (t->dtype != TDNN_STRING) return ok && tdnn_wire_put_bytes(b, 9, t->data, t->bytes);
    size_t count = (size_t)tdnn_shape_count(&t->shape);
    for (size_t i = 0; ok && i < count; i++) {
        const char *text = tdnn_tensor_string(t, i);
        ok = tdnn_wire_put_bytes(b, 6, text, strlen(text));
    }
    return ok;
}

/* Sequences and optionals have the same numbers for the same things. No deeper than tensors can
 * be nested. */
static bool encode(tdnn_wire_buffer *b, const tdnn_tensor *t)
{
    if (t->kind == TDNN_KIND_TENSOR) return encode_tensor(b, t);
    static const struct {
        int holds;
        uint32_t field;
    } forms[] = {
        [TDNN_KIND_TENSOR] = {HOLDS_TENSOR, 3},
        [TDNN_KIND_SEQUENCE] = {HOLDS_SEQUENCE, 5},
        [TDNN_KIND_OPTIONAL] = {HOLDS_OPTIONAL, 7},
    };
    size_t count = (size_t)t->shape.dim[0];
    const tdnn_tensor *first = tdnn_tensor_item(t, 0);
    int holds = first                           ? forms[first->kind].holds
                : t->kind == TDNN_KIND_SEQUENCE ? HOLDS_TENSOR
                                                : HOLDS_NOTHING;
    bool ok = tdnn_wire_put_int(b, 2, holds);
    for (size_t i = 0; ok && i < count; i++) {
        const tdnn_tensor *item = tdnn_tensor_item(t, i);
        size_t mark;
        ok = tdnn_wire_begin(b, forms[item->kind].field, &mark) && encode(b, item) &&
             tdnn_wire_end(b, mark);
    }
    return ok;
}

tdnn_status tdnn_onnx_tensor_encode(const tdnn_tensor *tensor, void **data, size_t *size,
                                    tdnn_error *err)
{
    tdnn_wire_buffer b = {0};
    *data = NULL;
    *size = 0;
    if (!encode(&b, tensor)) {
        tdnn_free(b.data);
        return TDNN_NO_MEMORY(err);
    }
    *data = b.data;
    *size = b.size;
    return TDNN_OK;
}

/* A message that is being written: lengths are put in front when a message ends, and the elements
 * of large tensors are not copied. */
#include "parsers/onnx/write.h"

#include "lib/base/file.h"

#include <string.h>

/* From here on, elements are a piece of their own. */
enum { PIECE_BYTES = 4096 };

void onnx_put_int(onnx_out *out, uint32_t field, int64_t value)
{
    out->failed = out->failed || !tdnn_wire_put_int(&out->text, field, value);
}

void onnx_put_float(onnx_out *out, uint32_t field, float value)
{
    out->failed = out->failed || !tdnn_wire_put_tag(&out->text, field, TDNN_WIRE_32) ||
                  !tdnn_wire_put(&out->text, &value, sizeof value);
}

void onnx_put_text(onnx_out *out, uint32_t field, const char *text)
{
    onnx_put_bytes(out, field, text, strlen(text));
}

static void put_piece(onnx_out *out, const void *data, size_t size)
{
    if (!TDNN_ZONE_PUSH(out->zone, out->pieces, out->piece_count, out->piece_capacity)) {
        out->failed = true;
        return;
    }
    out->pieces[out->piece_count++] = (onnx_piece){out->text.size, {data, size}};
    out->piece_bytes += size;
}

void onnx_put_bytes(onnx_out *out, uint32_t field, const void *data, size_t size)
{
    if (out->failed) return;
    if (size < PIECE_BYTES) {
        out->failed = !tdnn_wire_put_bytes(&out->text, field, data, size);
        return;
    }
    out->failed = !tdnn_wire_put_tag(&out->text, field, TDNN_WIRE_BYTES) ||
                  !tdnn_wire_put_varint(&out->text, size);
    if (!out->failed) put_piece(out, data, size);
}

onnx_mark onnx_begin(onnx_out *out, uint32_t field)
{
    out->failed = out->failed || !tdnn_wire_put_tag(&out->text, field, TDNN_WIRE_BYTES);
    return (onnx_mark){out->text.size, out->piece_count, out->piece_bytes};
}

/* Makes room for the length behind the tag. */
void onnx_end(onnx_out *out, onnx_mark mark)
{
    if (out->failed) return;
    size_t end = out->text.size;
    uint64_t length = (end - mark.text) + (out->piece_bytes - mark.piece_bytes);
    out->failed = !tdnn_wire_put_varint(&out->text, length);
    if (out->failed) return;
    size_t count = out->text.size - end;
    unsigned char varint[10], *at = out->text.data + mark.text;
    memcpy(varint, out->text.data + end, count);
    memmove(at + count, at, end - mark.text);
    memcpy(at, varint, count);
    for (size_t i = mark.piece; i < out->piece_count; i++) out->pieces[i].at += count;
}

uint64_t onnx_out_size(const onnx_out *out) { return out->text.size + out->piece_bytes; }

tdnn_status onnx_out_save(const onnx_out *out, const char *path, tdnn_error *err)
{
    size_t count = 0, at = 0;
    tdnn_bytes *parts = tdnn_zone_alloc(out->zone, 2 * out->piece_count + 1, sizeof *parts);
    if (!parts) return TDNN_NO_MEMORY(err);
    for (size_t i = 0; i < out->piece_count; i++) {
        const onnx_piece *piece = &out->pieces[i];
        parts[count++] = (tdnn_bytes){out->text.data + at, piece->at - at};
        parts[count++] = piece->bytes;
        at = piece->at;
    }
    parts[count++] = (tdnn_bytes){out->text.data + at, out->text.size - at};
    return tdnn_file_write_parts(path, parts, count, err);
}

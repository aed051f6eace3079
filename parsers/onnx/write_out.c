/* A message that is being written: lengths are put in front when a message ends, and the
 * elements of large tensors are not copied. */
#include "parsers/onnx/write.h"

#include "lib/base/file.h"

#include <string.h>

/* From here on, elements are written from where they are. */
enum { PIECE_BYTES = 4096 };

/* Of the elements in a second file, so that they can be mapped. */
enum { BESIDE_ALIGNMENT = 4096 };

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

void onnx_put_bytes(onnx_out *out, uint32_t field, const void *data, size_t size)
{
    out->failed = out->failed || !tdnn_wire_put_bytes(&out->text, field, data, size);
}

void onnx_put_elements(onnx_out *out, uint32_t field, const tdnn_tensor *tensor)
{
    if (tensor->bytes < PIECE_BYTES && !tensor->fill) {
        onnx_put_bytes(out, field, tensor->data, tensor->bytes);
        return;
    }
    out->failed =
        out->failed || !tdnn_wire_put_tag(&out->text, field, TDNN_WIRE_BYTES) ||
        !tdnn_wire_put_varint(&out->text, tensor->bytes) ||
        !TDNN_ZONE_PUSH(out->zone, out->pieces, out->piece_count, out->piece_capacity);
    if (out->failed) return;
    out->pieces[out->piece_count++] = (onnx_piece){out->text.size, tensor};
    out->piece_bytes += tensor->bytes;
}

bool onnx_goes_beside(const onnx_out *out, const tdnn_tensor *tensor)
{
    return out->beside && tensor->dtype != TDNN_STRING && tensor->bytes >= PIECE_BYTES;
}

uint64_t onnx_put_beside(onnx_out *out, const tdnn_tensor *tensor)
{
    const uint64_t at =
        (out->beside_bytes + BESIDE_ALIGNMENT - 1) & ~(uint64_t)(BESIDE_ALIGNMENT - 1);
    out->failed = out->failed || !TDNN_ZONE_PUSH(out->zone, out->beside_pieces,
                                                 out->beside_count, out->beside_capacity);
    if (out->failed) return at;
    out->beside_pieces[out->beside_count++] = (onnx_piece){(size_t)at, tensor};
    out->beside_bytes = at + tensor->bytes;
    return at;
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

/* Text and elements in turn. Elements that are not there yet are made for as long as they are
 * written; memory that only mirrors a file goes back when they are. */
typedef struct saving {
    const onnx_out *out;
    size_t piece, at; /* next of each */
    const tdnn_tensor *last;
    void *made;
} saving;

static void drop_last(saving *s)
{
    tdnn_free(s->made);
    s->made = NULL;
    if (s->last) tdnn_tensor_discard(s->last);
    s->last = NULL;
}

static tdnn_status give_elements(saving *s, const tdnn_tensor *t, tdnn_bytes *part,
                                 tdnn_error *err)
{
    *part = (tdnn_bytes){t->data, t->bytes};
    s->last = t;
    if (!t->fill) return TDNN_OK;
    s->made = tdnn_alloc(t->bytes, 1);
    part->data = s->made;
    return s->made ? tdnn_tensor_fill(t, s->made, err) : TDNN_NO_MEMORY(err);
}

static tdnn_status next_part(void *context, tdnn_bytes *part, tdnn_error *err)
{
    saving *s = context;
    const onnx_out *out = s->out;
    drop_last(s);
    while (s->piece < out->piece_count && out->pieces[s->piece].at == s->at) {
        const tdnn_tensor *t = out->pieces[s->piece++].tensor;
        if (t->bytes) return give_elements(s, t, part, err);
    }
    const size_t end = s->piece < out->piece_count ? out->pieces[s->piece].at : out->text.size;
    *part = (tdnn_bytes){out->text.data + s->at, end - s->at};
    s->at = end;
    return TDNN_OK;
}

tdnn_status onnx_out_save(const onnx_out *out, const char *path, tdnn_error *err)
{
    saving s = {.out = out};
    tdnn_status status = tdnn_file_write_parts(path, next_part, &s, err);
    drop_last(&s);
    return status;
}

/* Zeros up to the next piece's place, and the piece. */
static tdnn_status next_beside(void *context, tdnn_bytes *part, tdnn_error *err)
{
    static const unsigned char zeros[BESIDE_ALIGNMENT];
    saving *s = context;
    const onnx_out *out = s->out;
    drop_last(s);
    *part = (tdnn_bytes){0};
    if (s->piece == out->beside_count) return TDNN_OK;
    const onnx_piece *p = &out->beside_pieces[s->piece];
    if (s->at < p->at) {
        *part = (tdnn_bytes){zeros, p->at - s->at};
        s->at = p->at;
        return TDNN_OK;
    }
    s->piece++;
    s->at += p->tensor->bytes;
    return give_elements(s, p->tensor, part, err);
}

tdnn_status onnx_out_save_beside(const onnx_out *out, const char *path, tdnn_error *err)
{
    saving s = {.out = out};
    tdnn_status status = tdnn_file_write_parts(path, next_beside, &s, err);
    drop_last(&s);
    return status;
}

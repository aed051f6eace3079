/* Weights that stand in the .prototxt itself, as `blobs` of its layers: written as the
 * .caffemodel that they would be in, and read from there.
 */
#include "parsers/caffe/net.h"

#include "parsers/wire.h"

#include <string.h>

/* Fields of NetParameter, LayerParameter, BlobProto and BlobShape. */
enum { LAYER = 100, LAYER_NAME = 1, BLOBS = 7, BLOB_SHAPE = 7, DATA = 5, DIM = 1 };

static tdnn_status put_numbers(tdnn_wire_buffer *out, const tdnn_text *blob, const char *name,
                               uint32_t field, tdnn_error *err)
{
    size_t mark;
    const tdnn_text *f = tdnn_text_find(blob, name);
    if (!f) return TDNN_OK;
    if (!tdnn_wire_begin(out, field, &mark)) return TDNN_NO_MEMORY(err);
    for (; f; f = tdnn_text_again(f)) {
        double value;
        TDNN_TRY(tdnn_text_double(f, &value, err));
        const float number = (float)value;
        if (!tdnn_wire_put(out, &number, sizeof number)) return TDNN_NO_MEMORY(err);
    }
    return tdnn_wire_end(out, mark)
               ? TDNN_OK
               : TDNN_FAIL(err, TDNN_ERR_LIMIT, "too many numbers in blobs");
}

static tdnn_status put_ints(tdnn_wire_buffer *out, const tdnn_text *message, const char *name,
                            uint32_t field, tdnn_error *err)
{
    for (const tdnn_text *f = tdnn_text_find(message, name); f; f = tdnn_text_again(f)) {
        int64_t value;
        TDNN_TRY(tdnn_text_int(f, &value, err));
        if (!tdnn_wire_put_int(out, field, value)) return TDNN_NO_MEMORY(err);
    }
    return TDNN_OK;
}

static tdnn_status put_blob(tdnn_wire_buffer *out, const tdnn_text *blob, tdnn_error *err)
{
    static const char *const four[] = {"num", "channels", "height", "width"};
    size_t mark, inner;
    const tdnn_text *shape = tdnn_text_find(blob, "shape");
    if (blob->kind != TDNN_TEXT_MESSAGE)
        return caffe_at_line(blob->line, TDNN_FAIL(err, TDNN_ERR_FORMAT, "blobs is no message"),
                             err);
    if (!tdnn_wire_begin(out, BLOBS, &mark)) return TDNN_NO_MEMORY(err);
    for (uint32_t i = 0; i < 4; i++) TDNN_TRY(put_ints(out, blob, four[i], i + 1, err));
    if (shape) {
        if (!tdnn_wire_begin(out, BLOB_SHAPE, &inner)) return TDNN_NO_MEMORY(err);
        TDNN_TRY(put_ints(out, shape, "dim", DIM, err));
        if (!tdnn_wire_end(out, inner)) return TDNN_NO_MEMORY(err);
    }
    TDNN_TRY(put_numbers(out, blob, "data", DATA, err));
    if (!tdnn_text_find(blob, "data")) /* floats are enough for what tinydnn makes of them */
        TDNN_TRY(put_numbers(out, blob, "double_data", DATA, err));
    return tdnn_wire_end(out, mark) ? TDNN_OK : TDNN_NO_MEMORY(err);
}

static tdnn_status put_layer(tdnn_wire_buffer *out, const tdnn_text *layer, tdnn_error *err)
{
    size_t mark;
    const tdnn_text *name = tdnn_text_find(layer, "name"), *blob = tdnn_text_find(layer, "blobs");
    if (!blob || !name || name->kind == TDNN_TEXT_MESSAGE) return TDNN_OK;
    if (!tdnn_wire_begin(out, LAYER, &mark) ||
        !tdnn_wire_put_bytes(out, LAYER_NAME, name->value, name->length))
        return TDNN_NO_MEMORY(err);
    for (; blob; blob = tdnn_text_again(blob)) TDNN_TRY(put_blob(out, blob, err));
    return tdnn_wire_end(out, mark) ? TDNN_OK : TDNN_NO_MEMORY(err);
}

tdnn_status caffe_text_weights(caffe_net *net, tdnn_error *err)
{
    static const char *const fields[] = {"layer", "layers"};
    tdnn_wire_buffer out = {0};
    tdnn_status status = TDNN_OK;
    for (int i = 0; i < 2; i++)
        for (const tdnn_text *f = tdnn_text_find(net->text, fields[i]); f && !status;
             f = tdnn_text_again(f))
            status = put_layer(&out, f, err);
    if (!status && out.size) {
        void *copy = tdnn_zone_alloc(net->zone, out.size, 1);
        if (copy) memcpy(copy, out.data, out.size);
        net->weights_file = (tdnn_bytes){copy, copy ? out.size : 0};
        if (!copy) status = TDNN_NO_MEMORY(err);
    }
    tdnn_free(out.data);
    return status;
}

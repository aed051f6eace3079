/* The .caffemodel: layers with blobs of numbers. A blob has its numbers as floats, packed or,
 * in old files, one by one; as doubles; or, in NVIDIA's Caffe, as raw bytes of some type.
 * Floats that lie in one piece are used where they are.
 */
#include "parsers/caffe/net.h"

#include "lib/base/narrow.h"
#include "parsers/message.h"
#include "parsers/wire.h"

#include <inttypes.h>
#include <string.h>

/* A layer has as many blobs at most, and a shape for each. */
enum { MESSAGES_PER_LAYER = 32 };

/* Fields of BlobProto that hold numbers. */
enum { DATA = 5, DOUBLE_DATA = 8, RAW_DATA = 12 };

/* raw_data_type */
enum { RAW_DOUBLE, RAW_FLOAT, RAW_FLOAT16 };

/* ---- layers by name ---- */

static const char *name_at(const Caffe__NetParameter *net, size_t index)
{
    if (index < net->n_layer) return net->layer[index]->name;
    const Caffe__V1LayerParameter *v1 = net->layers[index - net->n_layer];
    return v1->layer ? v1->layer->name : v1->name;
}

static void blobs_at(const Caffe__NetParameter *net, size_t index,
                     Caffe__BlobProto *const **blobs, size_t *count)
{
    if (index < net->n_layer) {
        *blobs = net->layer[index]->blobs;
        *count = net->layer[index]->n_blobs;
        return;
    }
    const Caffe__V1LayerParameter *v1 = net->layers[index - net->n_layer];
    *blobs = v1->n_blobs || !v1->layer ? v1->blobs : v1->layer->blobs;
    *count = v1->n_blobs || !v1->layer ? v1->n_blobs : v1->layer->n_blobs;
}

/* Of layers with the same name the first with blobs counts. */
static tdnn_status collect(caffe_net *net, tdnn_error *err)
{
    size_t total = net->weights->n_layer + net->weights->n_layers;
    for (size_t i = 0; i < total; i++) {
        Caffe__BlobProto *const *blobs;
        size_t count;
        const char *name = name_at(net->weights, i);
        blobs_at(net->weights, i, &blobs, &count);
        if (!name || !count || tdnn_map_get(&net->weight_layers, name) >= 0) continue;
        if (i > INT32_MAX || !tdnn_map_put(&net->weight_layers, net->zone, name, (int32_t)i))
            return TDNN_NO_MEMORY(err);
    }
    return TDNN_OK;
}

tdnn_status caffe_weights_decode(caffe_net *net, tdnn_error *err)
{
    size_t most = (size_t)tdnn_graph_limits(net->graph)->max_nodes * MESSAGES_PER_LAYER;
    ProtobufCMessage *message;
    TDNN_TRY(tdnn_message_decode(net->weights_file, &caffe__net_parameter__descriptor, most,
                                 net->zone, &message, err));
    net->weights = (const Caffe__NetParameter *)message;
    return collect(net, err);
}

void caffe_weights_find(const caffe_net *net, const char *layer,
                        Caffe__BlobProto *const **blobs, size_t *count)
{
    int32_t index = net->weights ? tdnn_map_get(&net->weight_layers, layer) : -1;
    *blobs = NULL;
    *count = 0;
    if (index >= 0) blobs_at(net->weights, (size_t)index, blobs, count);
}

/* ---- shapes ---- */

tdnn_status caffe_blob_shape(const Caffe__BlobProto *blob, tdnn_shape *shape, tdnn_error *err)
{
    bool old = blob->has_num || blob->has_channels || blob->has_height || blob->has_width;
    int64_t four[] = {blob->num, blob->channels, blob->height, blob->width};
    const int64_t *dims = blob->shape ? blob->shape->dim : four;
    size_t count = blob->shape ? blob->shape->n_dim : old ? 4 : 0;
    *shape = (tdnn_shape){.ndim = -1};
    if (!blob->shape && !old) return TDNN_OK;
    if (count > TDNN_MAX_DIMS)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "%zu dimensions, expected at most %d",
                         count, TDNN_MAX_DIMS);
    for (size_t i = 0; i < count; i++)
        if (dims[i] < 0)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                             "dimension %zu is %" PRId64 ", expected 0 or more", i, dims[i]);
    *shape = tdnn_shape_make((int)count, dims);
    return TDNN_OK;
}

/* ---- numbers ---- */

typedef struct numbers {
    tdnn_cursor body; /* the blob's message */
    uint32_t field;   /* the one that holds them */
    size_t unit;      /* bytes of one number     */
    size_t bytes;     /* of all                  */
    tdnn_bytes piece; /* the last run of them; all, if it has `bytes` */
    tdnn_dtype dtype;
} numbers;

static tdnn_status next(tdnn_cursor *c, tdnn_wire_field *field, bool *more, tdnn_error *err)
{
    do TDNN_TRY(tdnn_wire_next(c, field, more, err));
    while (*more && field->number != DATA && field->number != DOUBLE_DATA &&
           field->number != RAW_DATA);
    return TDNN_OK;
}

static tdnn_status raw_type(const Caffe__BlobProto *blob, numbers *n, tdnn_error *err)
{
    switch (blob->raw_data_type) {
    case RAW_DOUBLE: n->dtype = TDNN_F64; break;
    case RAW_FLOAT: n->dtype = TDNN_F32; break;
    case RAW_FLOAT16: n->dtype = TDNN_F16; break;
    default:
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "raw_data_type is %d, expected 0, 1 or 2",
                         blob->raw_data_type);
    }
    n->unit = (size_t)tdnn_dtype_bits(n->dtype) / 8;
    return TDNN_OK;
}

/* Raw bytes count first, then doubles, then floats, as Caffe takes them. */
static tdnn_status find_numbers(const caffe_net *net, const Caffe__BlobProto *blob, numbers *n,
                                tdnn_error *err)
{
    tdnn_cursor file = tdnn_cursor_make(net->weights_file.data, net->weights_file.size);
    *n = (numbers){.field = DATA, .dtype = TDNN_F32, .unit = 4};
    if (blob->place > net->weights_file.size ||
        blob->place_size > net->weights_file.size - blob->place)
        return TDNN_FAIL(err, TDNN_ERR_INTERNAL, "a blob lies outside of the file");
    n->body =
        tdnn_wire_enter(&file, (tdnn_bytes){file.at + blob->place, (size_t)blob->place_size});
    tdnn_cursor c = n->body;
    tdnn_wire_field f;
    for (bool more;;) {
        TDNN_TRY(next(&c, &f, &more, err));
        if (!more) break;
        if (f.number < n->field || f.payload.size == 0) continue;
        if (f.number > n->field) n->bytes = 0;
        n->field = f.number;
        n->bytes += f.payload.size;
        n->piece = f.payload;
    }
    if (n->field == DOUBLE_DATA) n->dtype = TDNN_F64, n->unit = 8;
    return n->field == RAW_DATA ? raw_type(blob, n, err) : TDNN_OK;
}

/* Numbers of type n->dtype at `from`, not aligned, into floats. */
static void convert(const numbers *n, const unsigned char *from, size_t count, float *to)
{
    for (size_t i = 0; i < count; i++, from += n->unit) {
        double d;
        uint16_t h;
        if (n->dtype == TDNN_F64) {
            memcpy(&d, from, sizeof d);
            to[i] = (float)d;
        } else if (n->dtype == TDNN_F16) {
            memcpy(&h, from, sizeof h);
            to[i] = tdnn_f16_to_f32(h);
        } else {
            memcpy(&to[i], from, sizeof *to);
        }
    }
}

static tdnn_status gather(numbers *n, tdnn_tensor *tensor, tdnn_error *err)
{
    float *to = tensor->data;
    tdnn_wire_field f;
    for (bool more;;) {
        TDNN_TRY(next(&n->body, &f, &more, err));
        if (!more) return TDNN_OK;
        if (f.number != n->field) continue;
        if (f.payload.size % n->unit)
            return TDNN_FAIL(err, TDNN_ERR_FORMAT,
                             "%zu bytes of numbers, expected a multiple of %zu", f.payload.size,
                             n->unit);
        convert(n, f.payload.data, f.payload.size / n->unit, to);
        to += f.payload.size / n->unit;
    }
}

tdnn_status caffe_blob_check_type(const caffe_net *net, const Caffe__BlobProto *blob,
                                  tdnn_error *err)
{
    numbers n;
    if (!blob->has_raw_data_type || blob->raw_data_type <= RAW_FLOAT16) return TDNN_OK;
    return find_numbers(net, blob, &n, err);
}

tdnn_status caffe_blob_count(const caffe_net *net, const Caffe__BlobProto *blob, int64_t *count,
                             tdnn_error *err)
{
    numbers n;
    TDNN_TRY(find_numbers(net, blob, &n, err));
    *count = (int64_t)(n.bytes / n.unit);
    return TDNN_OK;
}

tdnn_status caffe_blob_import(const caffe_net *net, const Caffe__BlobProto *blob,
                              const tdnn_shape *shape, tdnn_tensor **out, tdnn_error *err)
{
    numbers n;
    char text[TDNN_SHAPE_TEXT];
    *out = NULL;
    TDNN_TRY(find_numbers(net, blob, &n, err));
    int64_t count = tdnn_shape_count(shape);
    if (count < 0 || n.bytes / n.unit != (uint64_t)count || n.bytes % n.unit)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%zu numbers, expected %" PRId64 " (%s)",
                         n.bytes / n.unit, count, tdnn_shape_text(shape, text));
    if (n.dtype == TDNN_F32 && n.piece.size == n.bytes)
        return tdnn_source_tensor(net->source, n.piece.data, n.bytes, TDNN_F32, shape, out,
                                  err);
    TDNN_TRY(tdnn_tensor_create(TDNN_F32, shape, out, err));
    tdnn_status status = gather(&n, *out, err);
    if (!status) return TDNN_OK;
    tdnn_tensor_release(*out);
    *out = NULL;
    return status;
}

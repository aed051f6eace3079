/* Darknet's .weights files: a header, then 32-bit floats, layer after layer, with nothing
 * between them that says whose they are: only the count tells whether a file belongs to a .cfg.
 */
#include "parsers/darknet/net.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

/* Without a weights file every constant is a part of one block of zeros, so that shapes, sizes
 * and costs can be told of models of any size. */
struct tdnn_dark_zeros {
    float *data;
    size_t count;
    atomic_int refs;
};

/* ---- Header ---- */

static int32_t read_i32(const unsigned char *p)
{
    int32_t value;
    memcpy(&value, p, sizeof value);
    return value;
}

/* int32 major, minor, revision; then how many images were seen, in 64 bits from version 0.2 on.
 */
tdnn_status tdnn_dark_weights_open(tdnn_dark_net *net, tdnn_bytes bytes)
{
    if (bytes.size < 16)
        return TDNN_DARK_FAIL(
            net, TDNN_ERR_FORMAT,
            "the weights file has %zu bytes, expected a header of 16 at least", bytes.size);
    const unsigned char *p = bytes.data;
    int64_t major = read_i32(p), minor = read_i32(p + 4);
    size_t header = major * 10 + minor >= 2 ? 20 : 16;
    if (bytes.size < header)
        return TDNN_DARK_FAIL(
            net, TDNN_ERR_FORMAT,
            "the weights file has %zu bytes, expected a header of %zu at least", bytes.size,
            header);
    net->transpose = major > 1000 || minor > 1000;
    net->start = p;
    net->at = p + header;
    net->end = p + bytes.size;
    return TDNN_OK;
}

tdnn_status tdnn_dark_weights_close(tdnn_dark_net *net)
{
    if (!net->at || net->at == net->end) return TDNN_OK;
    return tdnn_error_at(
        net->err,
        TDNN_DARK_FAIL(net, TDNN_ERR_FORMAT,
                       "%zu bytes of weights, expected %zu: %zu are left behind the "
                       "last layer",
                       (size_t)(net->end - net->start), (size_t)(net->at - net->start),
                       (size_t)(net->end - net->at)),
        "the weights file");
}

/* ---- Numbers ---- */

static void release_zeros(void *owner)
{
    struct tdnn_dark_zeros *zeros = owner;
    if (atomic_fetch_sub(&zeros->refs, 1) > 1) return;
    tdnn_free(zeros->data);
    tdnn_free(zeros);
}

void tdnn_dark_zeros_release(tdnn_dark_net *net)
{
    if (net->zeros) release_zeros(net->zeros);
    net->zeros = NULL;
}

static tdnn_status make_zeros(tdnn_dark_net *net, size_t count)
{
    if (net->zeros && net->zeros->count >= count) return TDNN_OK;
    struct tdnn_dark_zeros *zeros = tdnn_calloc(1, sizeof *zeros);
    float *data = tdnn_calloc(count, sizeof *data);
    if (!zeros || !data) {
        tdnn_free(zeros);
        tdnn_free(data);
        return TDNN_NO_MEMORY(net->err);
    }
    tdnn_dark_zeros_release(net);
    zeros->data = data;
    zeros->count = count;
    atomic_init(&zeros->refs, 1);
    net->zeros = zeros;
    return TDNN_OK;
}

static tdnn_status take_zeros(tdnn_dark_net *net, const tdnn_shape *shape, size_t bytes,
                              tdnn_tensor **out)
{
    TDNN_TRY(make_zeros(net, bytes / sizeof(float)));
    atomic_fetch_add(&net->zeros->refs, 1);
    tdnn_status status = tdnn_tensor_adopt(net->zeros->data, bytes, TDNN_F32, shape,
                                           release_zeros, net->zeros, out, net->err);
    if (status) release_zeros(net->zeros);
    return status;
}

tdnn_status tdnn_dark_take(tdnn_dark_net *net, const char *what, int ndim, const int64_t *dims,
                           tdnn_id *out)
{
    tdnn_shape shape = tdnn_shape_make(ndim, dims);
    tdnn_tensor *tensor;
    size_t bytes;
    if (!tdnn_tensor_size(TDNN_F32, &shape, &bytes) ||
        bytes > tdnn_graph_limits(net->graph)->max_tensor_bytes) {
        char text[TDNN_SHAPE_TEXT];
        return TDNN_DARK_FAIL(
            net, TDNN_ERR_LIMIT, "%s of %s exceed the limit of %" PRIu64 " bytes", what,
            tdnn_shape_text(&shape, text), tdnn_graph_limits(net->graph)->max_tensor_bytes);
    }
    if (!net->at) {
        TDNN_TRY(take_zeros(net, &shape, bytes, &tensor));
    } else {
        size_t left = (size_t)(net->end - net->at), offset = (size_t)(net->at - net->start);
        if (bytes > left)
            return TDNN_DARK_FAIL(
                net, TDNN_ERR_FORMAT,
                "the weights file ends: %s need %zu bytes from byte %zu on, but "
                "only %zu follow",
                what, bytes, offset, left);
        TDNN_TRY(tdnn_source_tensor(net->source, net->at, bytes, TDNN_F32, &shape, &tensor,
                                    net->err));
        net->at += bytes;
    }
    const char *layer = net->section ? net->section->name : "";
    char *name = tdnn_zone_printf(net->zone, "%s_%zu/%s", layer, net->index, what);
    if (!name) {
        tdnn_tensor_release(tensor);
        return TDNN_NO_MEMORY(net->err);
    }
    if (tdnn_graph_find_value(net->graph, name) != TDNN_ABSENT) name = NULL;
    return tdnn_graph_add_constant(net->graph, name, tensor, out, net->err);
}

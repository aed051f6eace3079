/* [local]: a convolution with weights of its own at every place. The patches come from a
 * convolution with one-hot weights, and meet theirs in one batched matrix product. */
#include "parsers/darknet/net.h"

#include <inttypes.h>
#include <string.h>

static tdnn_status patches(tdnn_dark_net *net, const tdnn_dark_value *in, int64_t size,
                           int64_t stride, int64_t pad, tdnn_id *out)
{
    const int64_t length = in->c * size * size, dims[] = {length, in->c, size, size};
    const int64_t strides[] = {stride, stride}, pads[] = {pad, pad, pad, pad};
    float *data;
    tdnn_id inputs[2] = {in->id};
    tdnn_node *node;
    if (length > 4096)
        return TDNN_DARK_FAIL(net, TDNN_ERR_LIMIT,
                              "[local] with patches of %" PRId64 " numbers, the limit is 4096",
                              length);
    TDNN_TRY(tdnn_dark_floats(net, 4, dims, &data, &inputs[1]));
    for (int64_t i = 0; i < length; i++) data[i * length + i] = 1;
    TDNN_TRY(tdnn_dark_add(net, "Conv", NULL, inputs, 2, &node, out));
    TDNN_TRY(tdnn_dark_set_ints(net, node, "strides", strides, 2));
    return tdnn_dark_set_ints(net, node, "pads", pads, 4);
}

static tdnn_status swap(tdnn_dark_net *net, const int64_t perm[3], tdnn_id *value)
{
    tdnn_node *node;
    TDNN_TRY(tdnn_dark_add(net, "Transpose", NULL, value, 1, &node, value));
    return tdnn_dark_set_ints(net, node, "perm", perm, 3);
}

static int64_t extent(int64_t in, int64_t size, int64_t stride, int64_t pad)
{
    int64_t room = in - (pad ? 1 : size);
    return room < 0 ? 0 : room / stride + 1;
}

/* Darknet counts the places as if one pixel of padding went with a size of 3; others do not
 * fit. */
static tdnn_status check_places(tdnn_dark_net *net, const tdnn_dark_value *in, int64_t size,
                                int64_t stride, int64_t pad, const tdnn_dark_value *out)
{
    int64_t h = in->h + 2 * pad - size, w = in->w + 2 * pad - size;
    if (h >= 0 && w >= 0 && h / stride + 1 == out->h && w / stride + 1 == out->w)
        return TDNN_OK;
    return TDNN_DARK_FAIL(net, TDNN_ERR_FORMAT,
                          "[local] with size=%" PRId64 " and pad=%" PRId64
                          ": padding goes with size=3 only",
                          size, pad);
}

tdnn_status tdnn_dark_local(tdnn_dark_net *net)
{
    int64_t filters, size, stride;
    bool pad;
    const char *activation;
    tdnn_dark_value in, out;
    tdnn_id weights, bias, value;
    TDNN_TRY(tdnn_dark_image(net, &in));
    TDNN_TRY(tdnn_dark_int(net, "filters", 1, 1, 1 << 24, &filters));
    TDNN_TRY(tdnn_dark_int(net, "size", 1, 1, 1 << 12, &size));
    TDNN_TRY(tdnn_dark_int(net, "stride", 1, 1, 1 << 12, &stride));
    TDNN_TRY(tdnn_dark_flag(net, "pad", &pad));
    TDNN_TRY(tdnn_dark_activation(net, "activation", "logistic", &activation));
    out = (tdnn_dark_value){.c = filters,
                            .h = extent(in.h, size, stride, pad),
                            .w = extent(in.w, size, stride, pad)};
    TDNN_TRY(tdnn_dark_check_size(net, &out));
    TDNN_TRY(check_places(net, &in, size, stride, pad, &out));
    net->fixed_size = true;
    const int64_t places = out.h * out.w, length = in.c * size * size;
    const int64_t bias_dims[] = {1, filters, out.h, out.w}, dims[] = {places, filters, length};
    TDNN_TRY(tdnn_dark_take(net, "biases", 4, bias_dims, &bias));
    TDNN_TRY(tdnn_dark_take(net, "weights", 3, dims, &weights));
    TDNN_TRY(patches(net, &in, size, stride, pad, &value));
    TDNN_TRY(tdnn_dark_reshape(net, value, (int64_t[]){length, places}, 2, NULL, &value));
    TDNN_TRY(swap(net, (int64_t[]){2, 1, 0}, &value)); /* [places, length, N] */
    TDNN_TRY(tdnn_dark_op2(net, "MatMul", weights, value, &value));
    TDNN_TRY(swap(net, (int64_t[]){2, 1, 0}, &value)); /* [N, filters, places] */
    TDNN_TRY(tdnn_dark_reshape(net, value, bias_dims + 1, 3, NULL, &value));
    TDNN_TRY(tdnn_dark_add(net, "Add", "local", (tdnn_id[]){value, bias}, 2, NULL, &out.id));
    net->out = out;
    return tdnn_dark_activate(net, activation, true, &net->out.id);
}

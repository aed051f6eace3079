/* Pooling. Darknet's window i starts at i * stride - padding / 2 and there are
 * (in + padding - size) / stride + 1 of them; what lies outside does not count. */
#include "parsers/darknet/net.h"

#include <inttypes.h>

typedef struct pool {
    int64_t size, stride_x, stride_y, padding;
} pool;

static tdnn_status read_pool(tdnn_dark_net *net, pool *p)
{
    enum { MOST = 1 << 12 };
    int64_t stride, missing = net->as_opencv ? 2 : 1;
    TDNN_TRY(tdnn_dark_int(net, "stride", missing, 1, MOST, &stride));
    TDNN_TRY(tdnn_dark_int(net, "stride_x", stride, 1, MOST, &p->stride_x));
    TDNN_TRY(tdnn_dark_int(net, "stride_y", stride, 1, MOST, &p->stride_y));
    TDNN_TRY(tdnn_dark_int(net, "size", net->as_opencv ? 2 : stride, 1, MOST, &p->size));
    return tdnn_dark_int(net, "padding", p->size - 1, 0, MOST, &p->padding);
}

static int64_t count_windows(int64_t in, int64_t size, int64_t stride, int64_t padding)
{
    int64_t room = in + padding - size;
    return room < 0 ? 0 : room / stride + 1;
}

static tdnn_status add_pool(tdnn_dark_net *net, const char *op, const pool *p,
                            tdnn_dark_value *x)
{
    const int64_t begin = p->padding / 2, end = p->padding - begin;
    const int64_t pads[] = {begin, begin, end, end};
    const int64_t kernel[] = {p->size, p->size}, strides[] = {p->stride_y, p->stride_x};
    if (end >= p->size)
        return tdnn_cfg_error(net->section, "padding",
                              TDNN_DARK_FAIL(net, TDNN_ERR_FORMAT,
                                             "padding=%" PRId64
                                             " leaves windows of size %" PRId64
                                             " without a pixel",
                                             p->padding, p->size),
                              net->err);
    tdnn_node *node;
    TDNN_TRY(tdnn_dark_add(net, op, "pool", &x->id, 1, &node, &x->id));
    TDNN_TRY(tdnn_dark_set_ints(net, node, "kernel_shape", kernel, 2));
    TDNN_TRY(tdnn_dark_set_ints(net, node, "strides", strides, 2));
    TDNN_TRY(tdnn_dark_set_ints(net, node, "pads", pads, 4));
    x->h = count_windows(x->h, p->size, p->stride_y, p->padding);
    x->w = count_windows(x->w, p->size, p->stride_x, p->padding);
    return tdnn_dark_check_size(net, x);
}

/* The greatest of channels g, g + out_channels, g + 2 out_channels ... */
static tdnn_status pool_depth(tdnn_dark_net *net, tdnn_dark_value *x)
{
    int64_t out_c;
    tdnn_node *node;
    tdnn_id axes;
    TDNN_TRY(tdnn_dark_int(net, "out_channels", 1, 1, INT32_MAX, &out_c));
    if (x->c % out_c)
        return tdnn_cfg_error(net->section, "out_channels",
                              TDNN_DARK_FAIL(net, TDNN_ERR_SHAPE,
                                             "out_channels=%" PRId64 " of %" PRId64
                                             " channels, expected a divisor",
                                             out_c, x->c),
                              net->err);
    net->fixed_size = true;
    const int64_t dims[] = {x->c / out_c, out_c, x->h, x->w};
    x->c = out_c;
    TDNN_TRY(tdnn_dark_reshape(net, x->id, dims, 4, NULL, &x->id));
    TDNN_TRY(tdnn_dark_ints(net, (int64_t[]){1}, 1, &axes));
    TDNN_TRY(
        tdnn_dark_add(net, "ReduceMax", "pool", (tdnn_id[]){x->id, axes}, 2, &node, &x->id));
    return tdnn_dark_set_int(net, node, "keepdims", 0);
}

tdnn_status tdnn_dark_maxpool(tdnn_dark_net *net)
{
    pool p;
    bool depth;
    int64_t blur;
    TDNN_TRY(tdnn_dark_image(net, &net->out));
    TDNN_TRY(read_pool(net, &p));
    TDNN_TRY(tdnn_dark_flag(net, "maxpool_depth", &depth));
    TDNN_TRY(tdnn_dark_int(net, "antialiasing", 0, 0, 2, &blur));
    if (depth) return pool_depth(net, &net->out);
    int64_t stride_x = p.stride_x, stride_y = p.stride_y;
    if (blur) p.stride_x = p.stride_y = 1;
    TDNN_TRY(add_pool(net, "MaxPool", &p, &net->out));
    return blur ? tdnn_dark_blur(net, blur, stride_x, stride_y, &net->out) : TDNN_OK;
}

tdnn_status tdnn_dark_local_avgpool(tdnn_dark_net *net)
{
    pool p;
    TDNN_TRY(tdnn_dark_image(net, &net->out));
    TDNN_TRY(read_pool(net, &p));
    return add_pool(net, "AveragePool", &p, &net->out);
}

tdnn_status tdnn_dark_avgpool(tdnn_dark_net *net)
{
    TDNN_TRY(tdnn_dark_image(net, &net->out));
    net->out.h = net->out.w = 1;
    return tdnn_dark_add(net, "GlobalAveragePool", "avgpool", &net->out.id, 1, NULL,
                         &net->out.id);
}

/* Each channel blurred by 1 2 1 both ways (kind 1), or averaged over 2 x 2 (kind 2), with a
 * stride. */
tdnn_status tdnn_dark_blur(tdnn_dark_net *net, int64_t kind, int64_t stride_x, int64_t stride_y,
                           tdnn_dark_value *x)
{
    static const float smooth[] = {1, 2, 1, 2, 4, 2, 1, 2, 1};
    const int64_t size = kind == 2 ? 2 : 3, area = size * size, pad = size / 2 * (kind != 2);
    const int64_t dims[] = {x->c, 1, size, size}, pads[] = {pad, pad, pad, pad};
    const int64_t strides[] = {stride_y, stride_x};
    float *data;
    tdnn_id inputs[2] = {x->id};
    tdnn_node *node;
    TDNN_TRY(tdnn_dark_floats(net, 4, dims, &data, &inputs[1]));
    for (int64_t i = 0; i < x->c * area; i++)
        data[i] = kind == 2 ? 0.25f : smooth[i % area] / 16;
    TDNN_TRY(tdnn_dark_add(net, "Conv", "blur", inputs, 2, &node, &x->id));
    TDNN_TRY(tdnn_dark_set_ints(net, node, "strides", strides, 2));
    TDNN_TRY(tdnn_dark_set_ints(net, node, "pads", pads, 4));
    TDNN_TRY(tdnn_dark_set_int(net, node, "group", x->c));
    x->h = (x->h + 2 * pad - size) / stride_y + 1;
    x->w = (x->w + 2 * pad - size) / stride_x + 1;
    return tdnn_dark_check_size(net, x);
}

/* Layers with weights: convolutional, deconvolutional, connected, batchnorm.
 *
 * In the file a convolution has biases, then, with batch normalisation, scales, means and
 * variances, then weights; a connected layer has its weights right behind the biases (which
 * OpenCV reads as it reads a convolution).
 */
#include "parsers/darknet/net.h"

#include <inttypes.h>
#include <string.h>

enum { MOST_FILTERS = 1 << 24, MOST_SIZE = 1 << 12 };

/* ---- Batch normalisation ---- */

static tdnn_status take_statistics(tdnn_dark_net *net, int64_t count, tdnn_dark_weights *out)
{
    TDNN_TRY(tdnn_dark_take(net, "scales", 1, &count, &out->scale));
    TDNN_TRY(tdnn_dark_take(net, "mean", 1, &count, &out->mean));
    return tdnn_dark_take(net, "variance", 1, &count, &out->variance);
}

tdnn_status tdnn_dark_normalize(tdnn_dark_net *net, const tdnn_dark_weights *w, bool named,
                                tdnn_id *value)
{
    const tdnn_id inputs[] = {*value, w->scale, w->bias, w->mean, w->variance};
    tdnn_node *node;
    TDNN_TRY(
        tdnn_dark_add(net, "BatchNormalization", named ? "bn" : NULL, inputs, 5, &node, value));
    return tdnn_dark_set_float(net, node, "epsilon", net->bn_epsilon);
}

tdnn_status tdnn_dark_batchnorm(tdnn_dark_net *net)
{
    tdnn_dark_value in;
    tdnn_dark_weights w;
    TDNN_TRY(tdnn_dark_input(net, &in));
    TDNN_TRY(tdnn_dark_take(net, "biases", 1, &in.c, &w.bias));
    TDNN_TRY(take_statistics(net, in.c, &w));
    net->out = in;
    return tdnn_dark_normalize(net, &w, true, &net->out.id);
}

/* ---- Convolution ---- */

/* The file has [channels/groups * size * size, filters] in place of the transpose. */
static tdnn_status transpose(tdnn_dark_net *net, const int64_t dims[4], tdnn_id *weights)
{
    tdnn_tensor *from = net->graph->values[*weights].constant;
    TDNN_TRY(tdnn_tensor_ready(from, net->err));
    size_t columns = (size_t)dims[0], rows = (size_t)(dims[1] * dims[2] * dims[3]);
    const float *source = from->data;
    float *target;
    TDNN_TRY(tdnn_dark_floats(net, 4, dims, &target, weights));
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++) target[c * rows + r] = source[r * columns + c];
    return TDNN_OK;
}

tdnn_status tdnn_dark_conv_take(tdnn_dark_net *net, const tdnn_dark_conv *conv,
                                int64_t channels, tdnn_dark_weights *out)
{
    int64_t dims[] = {conv->filters, channels / conv->groups, conv->size, conv->size};
    *out =
        (tdnn_dark_weights){.scale = TDNN_ABSENT, .mean = TDNN_ABSENT, .variance = TDNN_ABSENT};
    TDNN_TRY(tdnn_dark_take(net, "biases", 1, &conv->filters, &out->bias));
    if (conv->batch_normalize) TDNN_TRY(take_statistics(net, conv->filters, out));
    TDNN_TRY(tdnn_dark_take(net, "weights", 4, dims, &out->weights));
    return conv->flipped ? transpose(net, dims, &out->weights) : TDNN_OK;
}

static int64_t conv_extent(int64_t in, int64_t size, int64_t stride, int64_t dilation,
                           int64_t pad)
{
    int64_t room = in + 2 * pad - (dilation * (size - 1) + 1);
    return room < 0 ? 0 : room / stride + 1;
}

/* Padding counts in steps of the dilation. */
tdnn_status tdnn_dark_conv_add(tdnn_dark_net *net, const tdnn_dark_conv *conv,
                               const tdnn_dark_weights *w, bool named, tdnn_dark_value *value)
{
    const int64_t d = conv->dilation, pad = conv->padding * d;
    const int64_t kernel[] = {conv->size, conv->size},
                  strides[] = {conv->stride_y, conv->stride_x};
    const int64_t dilations[] = {d, d}, pads[] = {pad, pad, pad, pad};
    bool normalize = w->scale != TDNN_ABSENT;
    const tdnn_id inputs[] = {value->id, w->weights, w->bias};
    tdnn_node *node;
    TDNN_TRY(tdnn_dark_add(net, "Conv", named ? "conv" : NULL, inputs, normalize ? 2 : 3, &node,
                           &value->id));
    TDNN_TRY(tdnn_dark_set_ints(net, node, "kernel_shape", kernel, 2));
    TDNN_TRY(tdnn_dark_set_ints(net, node, "strides", strides, 2));
    TDNN_TRY(tdnn_dark_set_ints(net, node, "dilations", dilations, 2));
    TDNN_TRY(tdnn_dark_set_ints(net, node, "pads", pads, 4));
    TDNN_TRY(tdnn_dark_set_int(net, node, "group", conv->groups));
    value->c = conv->filters;
    value->h = conv_extent(value->h, conv->size, conv->stride_y, d, pad);
    value->w = conv_extent(value->w, conv->size, conv->stride_x, d, pad);
    TDNN_TRY(tdnn_dark_check_size(net, value));
    return normalize ? tdnn_dark_normalize(net, w, named, &value->id) : TDNN_OK;
}

static tdnn_status read_conv(tdnn_dark_net *net, int64_t channels, tdnn_dark_conv *conv)
{
    int64_t stride;
    bool pad, cbn;
    TDNN_TRY(tdnn_dark_int(net, "filters", 1, 1, MOST_FILTERS, &conv->filters));
    TDNN_TRY(tdnn_dark_int(net, "groups", 1, 1, MOST_FILTERS, &conv->groups));
    TDNN_TRY(tdnn_dark_int(net, "size", 1, 1, MOST_SIZE, &conv->size));
    TDNN_TRY(tdnn_dark_int(net, "stride", 1, 1, MOST_SIZE, &stride));
    TDNN_TRY(tdnn_dark_int(net, "stride_x", stride, 1, MOST_SIZE, &conv->stride_x));
    TDNN_TRY(tdnn_dark_int(net, "stride_y", stride, 1, MOST_SIZE, &conv->stride_y));
    TDNN_TRY(tdnn_dark_int(net, "dilation", 1, 1, MOST_SIZE, &conv->dilation));
    TDNN_TRY(tdnn_dark_int(net, "padding", 0, 0, MOST_SIZE, &conv->padding));
    TDNN_TRY(tdnn_dark_flag(net, "pad", &pad));
    TDNN_TRY(tdnn_dark_flag(net, "batch_normalize", &conv->batch_normalize));
    TDNN_TRY(tdnn_dark_flag(net, "cbn", &cbn));
    TDNN_TRY(tdnn_dark_flag(net, "flipped", &conv->flipped));
    conv->batch_normalize |= cbn;
    if (pad) conv->padding = conv->size / 2;
    if (conv->size == 1) conv->dilation = 1;
    if (channels % conv->groups == 0 && conv->filters % conv->groups == 0) return TDNN_OK;
    return tdnn_cfg_error(net->section, "groups",
                          TDNN_DARK_FAIL(net, TDNN_ERR_SHAPE,
                                         "groups=%" PRId64 " divide neither %" PRId64
                                         " channels nor %" PRId64 " filters, expected both",
                                         conv->groups, channels, conv->filters),
                          net->err);
}

/* What only Darknet's GPU code, or training, gives a meaning to. */
static tdnn_status refuse_variants(tdnn_dark_net *net)
{
    static const char *const keys[] = {"binary",   "xnor",      "sway",
                                       "rotate",   "stretch",   "stretch_sway",
                                       "dontload", "coordconv", "dontloadscales"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        TDNN_TRY(tdnn_dark_refuse(net, keys[i]));
    return TDNN_OK;
}

/* Its own weights, or those of the layer that share_index names. */
static tdnn_status find_weights(tdnn_dark_net *net, const tdnn_dark_conv *conv,
                                int64_t channels)
{
    net->conv_count = conv->filters * (channels / conv->groups) * conv->size * conv->size;
    if (!tdnn_cfg_has(net->section, "share_index"))
        return tdnn_dark_conv_take(net, conv, channels, &net->conv);
    int64_t index, present = (int64_t)net->index;
    TDNN_TRY(tdnn_dark_int(net, "share_index", 0, -present, present - 1, &index));
    const tdnn_dark_layer *from = &net->layers[index < 0 ? present + index : index];
    net->conv = from->conv;
    net->unsure |= from->out.doubtful;
    const tdnn_tensor *there =
        from->conv_count ? net->graph->values[from->conv.weights].constant : NULL;
    if (there && there->shape.dim[0] == conv->filters && from->conv_count == net->conv_count &&
        there->shape.dim[2] == conv->size &&
        (from->conv.scale != TDNN_ABSENT) == conv->batch_normalize)
        return TDNN_OK;
    return tdnn_cfg_error(net->section, "share_index",
                          TDNN_DARK_FAIL(net, TDNN_ERR_SHAPE,
                                         "share_index=%" PRId64
                                         ", expected a convolution of the same size",
                                         index),
                          net->err);
}

/* A blur follows in place of the stride where antialiasing is asked for. */
tdnn_status tdnn_dark_convolutional(tdnn_dark_net *net)
{
    tdnn_dark_conv conv;
    const char *activation;
    int64_t blur;
    TDNN_TRY(tdnn_dark_image(net, &net->out));
    TDNN_TRY(read_conv(net, net->out.c, &conv));
    TDNN_TRY(tdnn_dark_activation(net, "activation", net->as_opencv ? "linear" : "logistic",
                                  &activation));
    TDNN_TRY(tdnn_dark_int(net, "antialiasing", 0, 0, 2, &blur));
    TDNN_TRY(refuse_variants(net));
    TDNN_TRY(find_weights(net, &conv, net->out.c));
    int64_t stride_x = conv.stride_x, stride_y = conv.stride_y;
    if (blur) conv.stride_x = conv.stride_y = 1;
    TDNN_TRY(tdnn_dark_conv_add(net, &conv, &net->conv, true, &net->out));
    TDNN_TRY(tdnn_dark_activate(net, activation, true, &net->out.id));
    return blur ? tdnn_dark_blur(net, blur, stride_x, stride_y, &net->out) : TDNN_OK;
}

/* pjreddie's; the file has [channels, filters, size, size]. */
tdnn_status tdnn_dark_deconvolutional(tdnn_dark_net *net)
{
    tdnn_dark_conv conv;
    tdnn_dark_weights w = {.scale = TDNN_ABSENT};
    tdnn_dark_value *x = &net->out;
    const char *activation;
    tdnn_node *node;
    TDNN_TRY(tdnn_dark_image(net, x));
    TDNN_TRY(read_conv(net, x->c, &conv));
    TDNN_TRY(tdnn_dark_activation(net, "activation", "logistic", &activation));
    const int64_t dims[] = {x->c, conv.filters, conv.size, conv.size};
    const int64_t strides[] = {conv.stride_y, conv.stride_x};
    const int64_t pads[] = {conv.padding, conv.padding, conv.padding, conv.padding};
    TDNN_TRY(tdnn_dark_take(net, "biases", 1, &conv.filters, &w.bias));
    if (conv.batch_normalize) TDNN_TRY(take_statistics(net, conv.filters, &w));
    TDNN_TRY(tdnn_dark_take(net, "weights", 4, dims, &w.weights));
    const tdnn_id inputs[] = {x->id, w.weights, w.bias};
    TDNN_TRY(tdnn_dark_add(net, "ConvTranspose", "deconv", inputs, conv.batch_normalize ? 2 : 3,
                           &node, &x->id));
    TDNN_TRY(tdnn_dark_set_ints(net, node, "kernel_shape", dims + 2, 2));
    TDNN_TRY(tdnn_dark_set_ints(net, node, "strides", strides, 2));
    TDNN_TRY(tdnn_dark_set_ints(net, node, "pads", pads, 4));
    x->c = conv.filters;
    x->h = (x->h - 1) * conv.stride_y + conv.size - 2 * conv.padding;
    x->w = (x->w - 1) * conv.stride_x + conv.size - 2 * conv.padding;
    TDNN_TRY(tdnn_dark_check_size(net, x));
    if (conv.batch_normalize) TDNN_TRY(tdnn_dark_normalize(net, &w, true, &x->id));
    return tdnn_dark_activate(net, activation, true, &x->id);
}

/* ---- Connected ---- */

tdnn_status tdnn_dark_dense_take(tdnn_dark_net *net, int64_t inputs, int64_t outputs,
                                 bool batch_normalize, tdnn_dark_weights *out)
{
    const int64_t plain[] = {outputs, inputs}, transposed[] = {inputs, outputs};
    *out = (tdnn_dark_weights){.scale = TDNN_ABSENT, .transposed = net->transpose};
    TDNN_TRY(tdnn_dark_take(net, "biases", 1, &outputs, &out->bias));
    if (batch_normalize && net->as_opencv) TDNN_TRY(take_statistics(net, outputs, out));
    TDNN_TRY(
        tdnn_dark_take(net, "weights", 2, net->transpose ? transposed : plain, &out->weights));
    if (batch_normalize && !net->as_opencv) TDNN_TRY(take_statistics(net, outputs, out));
    return TDNN_OK;
}

tdnn_status tdnn_dark_dense_add(tdnn_dark_net *net, const tdnn_dark_weights *w, bool named,
                                int64_t outputs, tdnn_dark_value *value)
{
    bool normalize = w->scale != TDNN_ABSENT;
    const tdnn_id inputs[] = {value->id, w->weights, w->bias};
    tdnn_node *node;
    TDNN_TRY(tdnn_dark_add(net, "Gemm", named ? "fc" : NULL, inputs, normalize ? 2 : 3, &node,
                           &value->id));
    TDNN_TRY(tdnn_dark_set_int(net, node, "transB", !w->transposed));
    value->c = outputs;
    return normalize ? tdnn_dark_normalize(net, w, named, &value->id) : TDNN_OK;
}

tdnn_status tdnn_dark_connected(tdnn_dark_net *net)
{
    int64_t outputs;
    bool batch_normalize;
    const char *activation;
    tdnn_dark_weights w;
    TDNN_TRY(tdnn_dark_vector(net, &net->out));
    TDNN_TRY(tdnn_dark_int(net, "output", 1, 1, MOST_FILTERS, &outputs));
    TDNN_TRY(tdnn_dark_flag(net, "batch_normalize", &batch_normalize));
    TDNN_TRY(tdnn_dark_activation(net, "activation", net->as_opencv ? "linear" : "logistic",
                                  &activation));
    TDNN_TRY(tdnn_dark_refuse(net, "dontload"));
    TDNN_TRY(tdnn_dark_refuse(net, "dontloadscales"));
    TDNN_TRY(tdnn_dark_dense_take(net, net->out.c, outputs, batch_normalize, &w));
    TDNN_TRY(tdnn_dark_dense_add(net, &w, true, outputs, &net->out));
    return tdnn_dark_activate(net, activation, true, &net->out.id);
}

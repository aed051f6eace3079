/* Layers with a matrix or filters of weights: Convolution, Deconvolution, InnerProduct, Embed.
 *
 * Convolution takes kernel_size, pad, stride and dilation once for all axes, or once for each,
 * or, in two dimensions, as _h and _w. Weights are shaped by what the layer says, since old
 * files have four dimensions for everything.
 */
#include "parsers/caffe/layers.h"

#include <inttypes.h>
#include <string.h>

/* ---- windows ---- */

typedef struct window {
    int spatial;
    int64_t kernel[CAFFE_MOST_SPATIAL], stride[CAFFE_MOST_SPATIAL], pad[2 * CAFFE_MOST_SPATIAL],
        dilation[CAFFE_MOST_SPATIAL];
} window;

static window read_window(caffe_call *c, int rank)
{
    window w = {.spatial = rank - 2};
    if (caffe_axis(c, "axis", 1, rank, 0) != 1)
        caffe_fail(c, TDNN_ERR_UNSUPPORTED, "axis other than 1");
    caffe_sizes(c, "kernel_size", "kernel", w.spatial, 0, 1, w.kernel);
    caffe_sizes(c, "stride", "stride", w.spatial, 1, 1, w.stride);
    caffe_sizes(c, "pad", "pad", w.spatial, 0, 0, w.pad);
    caffe_sizes(c, "dilation", "dilation", w.spatial, 1, 1, w.dilation);
    for (int i = 0; i < w.spatial; i++) w.pad[w.spatial + i] = w.pad[i];
    return w;
}

static void set_window(caffe_call *c, const window *w, int64_t group)
{
    size_t n = (size_t)w->spatial;
    caffe_set_ints(c, "kernel_shape", w->kernel, n);
    caffe_set_ints(c, "strides", w->stride, n);
    caffe_set_ints(c, "pads", w->pad, 2 * n);
    caffe_set_ints(c, "dilations", w->dilation, n);
    caffe_set_int(c, "group", group);
}

static tdnn_id bias(caffe_call *c, int64_t outputs)
{
    const tdnn_shape shape = tdnn_shape_make(1, &outputs);
    return caffe_bool(c, "bias_term", true) ? caffe_weight(c, 1, &shape) : TDNN_ABSENT;
}

/* ---- Convolution ---- */

static int64_t num_output(caffe_call *c)
{
    const int64_t outputs = caffe_int(c, "num_output", 0, 1, INT32_MAX);
    if (!outputs) caffe_fail(c, TDNN_ERR_FORMAT, "num_output is missing");
    return outputs;
}

static void check_group(caffe_call *c, const char *what, int64_t channels, int64_t group)
{
    if (channels >= 0 && channels % group)
        caffe_fail(c, TDNN_ERR_FORMAT, "%" PRId64 " %s in %" PRId64 " groups", channels, what,
                   group);
}

static void convolution(caffe_call *c, int64_t outputs, int64_t group)
{
    const int rank = caffe_rank(c, 0, 3, TDNN_MAX_DIMS);
    const window w = read_window(c, rank);
    const int64_t channels = caffe_dim(c, 0, 1);
    check_group(c, "outputs", outputs, group);
    check_group(c, "channels", channels, group);
    tdnn_shape shape = {.ndim = rank,
                        .dim = {outputs, caffe_known(channels, channels / group)}};
    memcpy(shape.dim + 2, w.kernel, (size_t)w.spatial * sizeof *w.kernel);
    c->out[0].id =
        caffe_op(c, "Conv", c->in[0].id, caffe_weight(c, 0, &shape), bias(c, outputs));
    set_window(c, &w, group);
    c->out[0].shape.dim[1] = outputs;
    for (int i = 0; i < w.spatial; i++) {
        const int64_t in = caffe_dim(c, 0, 2 + i),
                      extent = w.dilation[i] * (w.kernel[i] - 1) + 1;
        c->out[0].shape.dim[2 + i] =
            caffe_known(in, (in + 2 * w.pad[i] - extent) / w.stride[i] + 1);
    }
}

/* The same filters for each bottom, whose result is the top beside it. */
static void each_pair(caffe_call *c, void (*import)(caffe_call *c))
{
    caffe_value *in = c->in, *out = c->out;
    if (c->in_count != c->out_count)
        caffe_fail(c, TDNN_ERR_FORMAT, "%zu bottoms and %zu tops, expected as many", c->in_count,
                   c->out_count);
    for (size_t i = 0; i < c->in_count && !c->status; i++) {
        c->in = in + i;
        c->out = out + i;
        c->out[0].shape = c->in[0].shape;
        import(c);
    }
    c->in = in;
    c->out = out;
}

static void one_convolution(caffe_call *c)
{
    convolution(c, num_output(c), caffe_int(c, "group", 1, 1, INT32_MAX));
}

void caffe_import_convolution(caffe_call *c) { each_pair(c, one_convolution); }

/* A group for each output unless the layer says otherwise: forks differ. */
void caffe_import_depthwise(caffe_call *c)
{
    const int64_t outputs = num_output(c);
    const int64_t channels = caffe_dim(c, 0, 1);
    convolution(c, outputs,
                caffe_int(c, "group", channels > 0 ? channels : outputs, 1, INT32_MAX));
}

/* ---- Deconvolution ---- */

static void one_deconvolution(caffe_call *c)
{
    const int rank = caffe_rank(c, 0, 3, TDNN_MAX_DIMS);
    const int64_t outputs = num_output(c), group = caffe_int(c, "group", 1, 1, INT32_MAX);
    const window w = read_window(c, rank);
    check_group(c, "outputs", outputs, group);
    check_group(c, "channels", caffe_dim(c, 0, 1), group);
    tdnn_shape shape = {.ndim = rank,
                        .dim = {caffe_dim(c, 0, 1), c->status ? 1 : outputs / group}};
    memcpy(shape.dim + 2, w.kernel, (size_t)w.spatial * sizeof *w.kernel);
    c->out[0].id =
        caffe_op(c, "ConvTranspose", c->in[0].id, caffe_weight(c, 0, &shape), bias(c, outputs));
    set_window(c, &w, group);
    c->out[0].shape.dim[1] = outputs;
    for (int i = 0; i < w.spatial; i++) {
        const int64_t in = caffe_dim(c, 0, 2 + i),
                      extent = w.dilation[i] * (w.kernel[i] - 1) + 1;
        c->out[0].shape.dim[2 + i] =
            caffe_known(in, w.stride[i] * (in - 1) + extent - 2 * w.pad[i]);
    }
}

void caffe_import_deconvolution(caffe_call *c) { each_pair(c, one_deconvolution); }

/* ---- InnerProduct ---- */

/* All axes from `axis` on are one. The common case, [N, K], is a Gemm. */
void caffe_import_inner_product(caffe_call *c)
{
    const int rank = caffe_rank(c, 0, 1, TDNN_MAX_DIMS);
    const int axis = caffe_axis(c, "axis", 1, rank, 0);
    const int64_t outputs = num_output(c),
                  inputs = caffe_dim_product(&c->in[0].shape, axis, rank);
    const bool transposed = caffe_bool(c, "transpose", false);
    const tdnn_shape shape = {2,
                              {transposed ? inputs : outputs, transposed ? outputs : inputs}};
    tdnn_id x = c->in[0].id, weights = caffe_weight(c, 0, &shape), b = bias(c, outputs), y;
    if (axis == 1) {
        if (rank > 2) x = caffe_op(c, "Flatten", x);
        y = caffe_op(c, "Gemm", x, weights, b);
        if (!transposed) caffe_set_int(c, "transB", 1);
    } else {
        int64_t kept[TDNN_MAX_DIMS + 1] = {0}; /* 0: as it is */
        kept[axis] = -1;
        x = caffe_reshape(c, x, caffe_vector(c, kept, (size_t)axis + 1));
        if (!transposed) weights = caffe_transpose(c, weights, (const int64_t[]){1, 0}, 2);
        y = caffe_op(c, "MatMul", x, weights);
        if (b != TDNN_ABSENT) y = caffe_op(c, "Add", y, b);
    }
    c->out[0].id = y;
    c->out[0].shape.ndim = axis + 1;
    c->out[0].shape.dim[axis] = outputs;
}

/* ---- Embed ---- */

void caffe_import_embed(caffe_call *c)
{
    const int rank = caffe_rank(c, 0, 0, TDNN_MAX_DIMS - 1);
    const int64_t outputs = num_output(c), words = caffe_int(c, "input_dim", 0, 1, INT32_MAX);
    if (!words) caffe_fail(c, TDNN_ERR_FORMAT, "input_dim is missing");
    tdnn_id index = caffe_op(c, "Cast", c->in[0].id);
    caffe_set_int(c, "to", TDNN_I64);
    tdnn_id y =
        caffe_op(c, "Gather", caffe_weight(c, 0, &(tdnn_shape){2, {words, outputs}}), index);
    tdnn_id b = bias(c, outputs);
    c->out[0].id = b == TDNN_ABSENT ? y : caffe_op(c, "Add", y, b);
    c->out[0].shape.ndim = rank + 1;
    c->out[0].shape.dim[rank] = outputs;
}

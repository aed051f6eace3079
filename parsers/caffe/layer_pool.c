/* Pooling and its inverse.
 *
 * Caffe rounds the number of windows up, and, if there is any padding, drops the last one where
 * it would start behind the input and its leading padding; without any it keeps an empty one,
 * whose maximum is the least number and whose average is none. Averages count the padding, but
 * not what a last window has beyond it.
 */
#include "parsers/caffe/layers.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* ---- windows ---- */

void caffe_sizes(caffe_call *c, const char *name, const char *stem, int spatial,
                 int64_t otherwise, int64_t least, int64_t *out)
{
    char h[24], w[24];
    snprintf(h, sizeof h, "%s_h", stem);
    snprintf(w, sizeof w, "%s_w", stem);
    const tdnn_ints given = caffe_ints(c, name, least, INT32_MAX);
    const bool pair = caffe_has(c, h) || caffe_has(c, w);
    if (pair && (spatial != 2 || given.count))
        caffe_fail(c, TDNN_ERR_FORMAT,
                   "%s and %s, expected them in two dimensions only, and without %s", h, w,
                   name);
    if (given.count > 1 && given.count != (size_t)spatial)
        caffe_fail(c, TDNN_ERR_SHAPE,
                   "%s is given %zu times, expected once, or once for each of %d axes", name,
                   given.count, spatial);
    if (otherwise < least && !pair && !given.count)
        caffe_fail(c, TDNN_ERR_FORMAT, "%s is missing", name);
    for (int i = 0; i < spatial; i++)
        out[i] = c->status || !given.count ? otherwise : given.at[given.count > 1 ? i : 0];
    if (!pair) return;
    out[0] = caffe_int(c, h, otherwise, least, INT32_MAX);
    out[1] = caffe_int(c, w, otherwise, least, INT32_MAX);
    if (!c->status && (out[0] < least || out[1] < least))
        caffe_fail(c, TDNN_ERR_FORMAT, "%s without %s", out[0] < least ? w : h,
                   out[0] < least ? h : w);
}

/* ---- Pooling ---- */

static const char *const methods[] = {"MAX", "AVE", "STOCHASTIC", NULL};
enum { MAX, AVE, STOCHASTIC };

/* The position of each maximum in its plane, as a number of f32, for layers that undo the
 * pooling. */
static tdnn_id mask(caffe_call *c, tdnn_id indices, int rank)
{
    tdnn_id plane = caffe_op(c, "ReduceProd", caffe_dims(c, c->in[0].id, 2, rank));
    caffe_set_int(c, "keepdims", 0);
    tdnn_id position = caffe_op(c, "Cast", caffe_op(c, "Mod", indices, plane));
    caffe_set_int(c, "to", TDNN_F32);
    return position;
}

static void finish(caffe_call *c, int64_t method, int rank)
{
    if (c->layer->top_count < 2) return;
    if (method != MAX)
        caffe_fail(c, TDNN_ERR_FORMAT, "two tops, expected one unless it takes the maximum");
    c->out[1].shape = c->out[0].shape;
    c->out[1].id = mask(c, caffe_more(c), rank);
}

static void pool_all(caffe_call *c, int64_t method, int rank)
{
    if (method == STOCHASTIC) caffe_fail(c, TDNN_ERR_UNSUPPORTED, "global STOCHASTIC pooling");
    if (c->layer->top_count > 1)
        caffe_fail(c, TDNN_ERR_UNSUPPORTED, "positions of global maxima");
    c->out[0].id =
        caffe_op(c, method == MAX ? "GlobalMaxPool" : "GlobalAveragePool", c->in[0].id);
    for (int i = 2; i < rank; i++) c->out[0].shape.dim[i] = 1;
}

/* But for an empty window, which *empty counts. */
static int64_t pooled_size(int64_t in, int64_t kernel, int64_t stride, int64_t pad, bool up,
                           int64_t *empty)
{
    const int64_t room = in + 2 * pad - kernel;
    int64_t out = (room + (up ? stride - 1 : 0)) / stride + 1;
    *empty = 0;
    if (in < 0) return -1;
    if (up && (out - 1) * stride >= in + pad) out--, *empty = 1;
    return out;
}

/* The empty windows at the ends, of a net that pads nothing. */
static void keep_empty(caffe_call *c, int64_t method, int spatial, const int64_t *pad,
                       const int64_t *empty)
{
    int64_t ends[2 * TDNN_MAX_DIMS] = {0};
    bool any = false;
    for (int i = 0; i < spatial; i++) {
        if (pad[i]) return;
        any = any || empty[i];
        ends[spatial + 4 + i] = empty[i];
    }
    if (!any || c->status) return;
    if (c->layer->top_count > 1)
        caffe_fail(c, TDNN_ERR_UNSUPPORTED, "positions of windows that begin behind the input");
    const float value = method == MAX ? -FLT_MAX : method == AVE ? NAN : 0;
    c->out[0].id =
        caffe_op(c, "Pad", c->out[0].id, caffe_vector(c, ends, 2 * (size_t)spatial + 4),
                 caffe_scalar(c, value));
    for (int i = 0; i < spatial; i++)
        if (c->out[0].shape.dim[2 + i] >= 0) c->out[0].shape.dim[2 + i] += empty[i];
}

/* round_mode is Caffe's own way to ask for floor, ceil_mode that of forks. */
static bool rounds_up(caffe_call *c)
{
    static const char *const modes[] = {"CEIL", "FLOOR", NULL};
    const bool up = caffe_enum(c, "round_mode", modes, 0) == 0;
    return caffe_bool(c, "ceil_mode", up);
}

typedef struct windows {
    int spatial;
    const int64_t *kernel, *stride, *pad;
    bool up;
} windows;

static tdnn_id pool(caffe_call *c, const char *op, tdnn_id x, const windows *w)
{
    tdnn_id y = caffe_op(c, op, x);
    caffe_set_ints(c, "kernel_shape", w->kernel, (size_t)w->spatial);
    caffe_set_ints(c, "strides", w->stride, (size_t)w->spatial);
    caffe_set_ints(c, "pads", w->pad, 2 * (size_t)w->spatial);
    caffe_set_int(c, "ceil_mode", w->up);
    if (op[0] == 'A') caffe_set_int(c, "count_include_pad", 1);
    return y;
}

/* When testing, STOCHASTIC gives what drawing a number with itself as its weight gives on
 * average: sum(x x) / sum(x), or 0. */
static tdnn_id expected_value(caffe_call *c, const windows *w)
{
    tdnn_id x = c->in[0].id, zero = caffe_scalar(c, 0);
    for (int i = 0; i < w->spatial; i++)
        if (w->pad[i]) caffe_fail(c, TDNN_ERR_UNSUPPORTED, "STOCHASTIC with pad");
    tdnn_id sum = pool(c, "AveragePool", x, w);
    tdnn_id squares = pool(c, "AveragePool", caffe_op(c, "Mul", x, x), w);
    tdnn_id mean = caffe_op(c, "Div", squares, sum);
    return caffe_op(c, "Where", caffe_op(c, "Greater", sum, zero), mean, zero);
}

void caffe_import_pooling(caffe_call *c)
{
    int64_t kernel[CAFFE_MOST_SPATIAL], stride[CAFFE_MOST_SPATIAL], pad[2 * CAFFE_MOST_SPATIAL],
        empty[CAFFE_MOST_SPATIAL];
    const int rank = caffe_rank(c, 0, 3, TDNN_MAX_DIMS), spatial = rank - 2;
    const int64_t method = caffe_enum(c, "pool", methods, MAX);
    const bool up = rounds_up(c), all = caffe_bool(c, "global_pooling", false);
    caffe_sizes(c, "kernel_size", "kernel", spatial, all ? 1 : 0, 1, kernel);
    caffe_sizes(c, "stride", "stride", spatial, 1, 1, stride);
    caffe_sizes(c, "pad", "pad", spatial, 0, 0, pad);
    for (int i = 0; i < spatial && !c->status; i++) {
        pad[spatial + i] = pad[i];
        if (!all && pad[i] >= kernel[i])
            caffe_fail(c, TDNN_ERR_FORMAT,
                       "pad is %" PRId64 ", expected less than the kernel's %" PRId64, pad[i],
                       kernel[i]);
        c->out[0].shape.dim[2 + i] =
            pooled_size(caffe_dim(c, 0, 2 + i), kernel[i], stride[i], pad[i], up, &empty[i]);
    }
    if (all) {
        pool_all(c, method, rank);
        return;
    }
    const windows w = {spatial, kernel, stride, pad, up};
    if (method == STOCHASTIC)
        c->out[0].id = expected_value(c, &w);
    else
        c->out[0].id = pool(c, method == MAX ? "MaxPool" : "AveragePool", c->in[0].id, &w);
    keep_empty(c, method, spatial, pad, empty);
    finish(c, method, rank);
}

/* ---- SPP ---- */

/* Level i divides the picture into 2^i x 2^i windows, which may overlap it at both ends. */
static tdnn_id pyramid_level(caffe_call *c, int64_t method, int64_t bins)
{
    int64_t kernel[2], pad[4];
    for (int i = 0; i < 2; i++) {
        const int64_t in = caffe_dim(c, 0, 2 + i);
        kernel[i] = (in + bins - 1) / bins;
        pad[i] = pad[2 + i] = (kernel[i] * bins - in + 1) / 2;
        if (pad[i] >= kernel[i])
            caffe_fail(c, TDNN_ERR_SHAPE,
                       "%" PRId64 " windows beside one another over %" PRId64 " pixels", bins,
                       in);
    }
    tdnn_id y = caffe_op(c, method == MAX ? "MaxPool" : "AveragePool", c->in[0].id);
    caffe_set_ints(c, "kernel_shape", kernel, 2);
    caffe_set_ints(c, "strides", kernel, 2);
    caffe_set_ints(c, "pads", pad, 4);
    caffe_set_int(c, "ceil_mode", 1);
    if (method != MAX) caffe_set_int(c, "count_include_pad", 1);
    return caffe_op(c, "Flatten", y);
}

/* The windows' sizes depend on the picture's: it is that which the model is made for. */
void caffe_import_spp(caffe_call *c)
{
    const int64_t method = caffe_enum(c, "pool", methods, MAX);
    const int64_t height = caffe_int(c, "pyramid_height", 0, 1, 10);
    tdnn_id levels[10];
    caffe_rank(c, 0, 4, 4);
    if (!height) caffe_fail(c, TDNN_ERR_FORMAT, "pyramid_height is missing");
    if (caffe_dim(c, 0, 2) < 1 || caffe_dim(c, 0, 3) < 1)
        caffe_fail(c, TDNN_ERR_SHAPE, "a pyramid over an input of open size");
    int64_t count = 0;
    for (int64_t i = 0; i < height && !c->status; i++) {
        levels[i] = pyramid_level(c, method, (int64_t)1 << i);
        count += (int64_t)1 << 2 * i;
    }
    if (c->status) return;
    c->out[0].id = caffe_append(c, "Concat", levels, (size_t)height);
    caffe_set_int(c, "axis", 1);
    const int64_t channels = caffe_dim(c, 0, 1);
    c->out[0].shape =
        (tdnn_shape){2, {caffe_dim(c, 0, 0), caffe_known(channels, channels * count)}};
}

/* ---- its inverse ---- */

/* Each number goes to its position in a plane of zeros; size: height and width of the planes.
 */
static tdnn_id scatter(caffe_call *c, tdnn_id size)
{
    tdnn_id both = caffe_dims(c, c->in[0].id, 0, 2), open = caffe_ints_of(c, -1);
    tdnn_id area = caffe_op(c, "ReduceProd", size);
    tdnn_id planes = caffe_joined(c, both, open);
    tdnn_id zeros = caffe_op(c, "ConstantOfShape", caffe_joined(c, both, area));
    tdnn_id where = caffe_op(c, "Cast", caffe_reshape(c, c->in[1].id, planes));
    caffe_set_int(c, "to", TDNN_I64);
    tdnn_id y =
        caffe_op(c, "ScatterElements", zeros, where, caffe_reshape(c, c->in[0].id, planes));
    caffe_set_int(c, "axis", 2);
    return caffe_reshape(c, y, caffe_joined(c, both, size));
}

static void unpool(caffe_call *c, const int64_t *factor, const int64_t *add,
                   const int64_t *fixed)
{
    tdnn_id size;
    for (int i = 0; i < 2; i++) {
        const int64_t in = caffe_dim(c, 0, 2 + i);
        c->out[0].shape.dim[2 + i] =
            fixed[i] ? fixed[i] : caffe_known(in, in * factor[i] + add[i]);
    }
    if (fixed[0])
        size = caffe_vector(c, fixed, 2);
    else {
        size = caffe_op(c, "Mul", caffe_dims(c, c->in[0].id, 2, 4), caffe_vector(c, factor, 2));
        size = caffe_op(c, "Add", size, caffe_vector(c, add, 2));
    }
    c->out[0].id = scatter(c, size);
}

void caffe_import_max_unpool(caffe_call *c)
{
    int64_t kernel[2], stride[2], pad[2], add[2];
    caffe_rank(c, 0, 4, 4);
    caffe_sizes(c, "kernel_size", "kernel", 2, 0, 1, kernel);
    caffe_sizes(c, "stride", "stride", 2, 1, 1, stride);
    caffe_sizes(c, "pad", "pad", 2, 0, 0, pad);
    if (c->status) return;
    for (int i = 0; i < 2; i++) add[i] = kernel[i] - stride[i] - 2 * pad[i];
    unpool(c, stride, add, (const int64_t[]){0, 0});
}

/* With positions (SegNet) it undoes a pooling; without them it repeats each number. */
void caffe_import_upsample(caffe_call *c)
{
    int64_t scale[2], add[2], fixed[2];
    caffe_rank(c, 0, 4, 4);
    caffe_sizes(c, "scale", "scale", 2, 2, 1, scale);
    fixed[0] = caffe_int(c, "upsample_h", 0, 1, INT32_MAX);
    fixed[1] = caffe_int(c, "upsample_w", 0, 1, INT32_MAX);
    add[0] = -(int64_t)caffe_bool(c, "pad_out_h", false);
    add[1] = -(int64_t)caffe_bool(c, "pad_out_w", false);
    if (!fixed[0] != !fixed[1])
        caffe_fail(c, TDNN_ERR_FORMAT, "one of upsample_h and upsample_w");
    if (c->status) return;
    if (c->in_count == 2) {
        unpool(c, scale, add, fixed);
        return;
    }
    if (fixed[0] || add[0] || add[1])
        caffe_fail(c, TDNN_ERR_UNSUPPORTED, "a fixed size without positions");
    const tdnn_shape four = {1, {4}};
    tdnn_tensor *factors;
    if (c->status || !caffe_try(c, tdnn_tensor_create(TDNN_F32, &four, &factors, c->err)))
        return;
    float *f = tdnn_tensor_data(factors);
    f[0] = f[1] = 1;
    for (int i = 0; i < 2; i++) {
        f[2 + i] = (float)scale[i];
        c->out[0].shape.dim[2 + i] =
            caffe_known(caffe_dim(c, 0, 2 + i), caffe_dim(c, 0, 2 + i) * scale[i]);
    }
    c->out[0].id = caffe_op(c, "Resize", c->in[0].id, TDNN_ABSENT, caffe_constant(c, factors));
    caffe_set_string(c, "mode", "nearest");
    caffe_set_string(c, "coordinate_transformation_mode", "asymmetric");
    caffe_set_string(c, "nearest_mode", "floor");
}

/* Layers that normalise: LRN, BatchNorm, MVN, Normalize. */
#include "parsers/caffe/layers.h"

#include <inttypes.h>

static tdnn_id reduce(caffe_call *c, const char *op, tdnn_id x, const int64_t *axes,
                      size_t count)
{
    return caffe_op(c, op, x, caffe_vector(c, axes, count));
}

/* `first` .. rank - 1, and 0 in front if asked for. */
static size_t axes_from(int first, int rank, bool with_batch, int64_t *out)
{
    size_t count = 0;
    if (with_batch) out[count++] = 0;
    for (int i = first; i < rank; i++) out[count++] = i;
    return count;
}

/* ---- LRN ---- */

/* x / (1 + alpha times the mean of squares around) ^ beta; k is not used then, as in Caffe. */
static void within_channel(caffe_call *c, int64_t size, float alpha, float beta)
{
    const int64_t kernel[] = {size, size}, half = (size - 1) / 2,
                  pads[] = {half, half, half, half};
    tdnn_id x = c->in[0].id;
    tdnn_id mean = caffe_op(c, "AveragePool", caffe_op(c, "Mul", x, x));
    caffe_rank(c, 0, 4, 4);
    caffe_set_ints(c, "kernel_shape", kernel, 2);
    caffe_set_ints(c, "pads", pads, 4);
    caffe_set_int(c, "count_include_pad", 1);
    tdnn_id base = caffe_plus(c, caffe_times(c, mean, alpha), 1);
    c->out[0].id = caffe_op(c, "Mul", x, caffe_op(c, "Pow", base, caffe_scalar(c, -beta)));
}

void caffe_import_lrn(caffe_call *c)
{
    static const char *const regions[] = {"ACROSS_CHANNELS", "WITHIN_CHANNEL", NULL};
    const int64_t size = caffe_int(c, "local_size", 5, 1, 1 << 20);
    const float alpha = caffe_float(c, "alpha", 1), beta = caffe_float(c, "beta", 0.75F),
                k = caffe_float(c, "k", 1);
    if (size % 2 == 0)
        caffe_fail(c, TDNN_ERR_FORMAT, "local_size is %" PRId64 ", expected an odd number",
                   size);
    if (caffe_enum(c, "norm_region", regions, 0) == 1) {
        within_channel(c, size, alpha, beta);
        return;
    }
    c->out[0].id = caffe_op(c, "LRN", c->in[0].id);
    caffe_set_int(c, "size", size);
    caffe_set_float(c, "alpha", alpha);
    caffe_set_float(c, "beta", beta);
    caffe_set_float(c, "bias", k);
}

/* ---- BatchNorm ---- */

/* (x - mean) / sqrt(variance + eps) with the statistics of this very batch. */
static void batch_statistics(caffe_call *c, int rank, float eps)
{
    int64_t axes[TDNN_MAX_DIMS];
    const size_t count = axes_from(2, rank, true, axes);
    tdnn_id centred =
        caffe_op(c, "Sub", c->in[0].id, reduce(c, "ReduceMean", c->in[0].id, axes, count));
    tdnn_id variance =
        reduce(c, "ReduceMean", caffe_op(c, "Mul", centred, centred), axes, count);
    c->out[0].id =
        caffe_op(c, "Div", centred, caffe_op(c, "Sqrt", caffe_plus(c, variance, eps)));
}

/* `channels` numbers: `value`, times those at `from` if that is not NULL. */
static tdnn_id vector(caffe_call *c, int64_t channels, const float *from, float value)
{
    const tdnn_shape shape = {1, {channels}};
    tdnn_tensor *tensor;
    if (c->status || !caffe_try(c, tdnn_tensor_create(TDNN_F32, &shape, &tensor, c->err)))
        return TDNN_ABSENT;
    float *to = tdnn_tensor_data(tensor);
    for (int64_t i = 0; i < channels; i++) to[i] = from ? from[i] * value : value;
    return caffe_constant(c, tensor);
}

static tdnn_id scaled_blob(caffe_call *c, size_t index, int64_t channels, float factor)
{
    const tdnn_shape shape = {1, {channels}};
    if (factor == 1) return caffe_weight(c, index, &shape);
    return vector(c, channels, caffe_weight_values(c, index, channels), factor);
}

/* What mean and variance are to be multiplied by. */
static float moment_factor(caffe_call *c)
{
    if (c->blob_count == 2) return 1; /* of forks that leave the divisor out */
    const float *divisor = caffe_weight_values(c, 2, 1);
    return !divisor || *divisor == 0 ? 0 : 1 / *divisor;
}

/* Blobs: mean, variance, and what both have to be divided by (0: both are 0). NVIDIA's Caffe
 * adds scale and bias. */
void caffe_import_batch_norm(caffe_call *c)
{
    const int rank = caffe_rank(c, 0, 2, TDNN_MAX_DIMS);
    const float eps = caffe_float(c, "eps", 1e-5F);
    const bool scale_bias = caffe_bool(c, "scale_bias", false);
    if (!caffe_bool(c, "use_global_stats", true)) {
        if (scale_bias)
            caffe_fail(c, TDNN_ERR_UNSUPPORTED, "scale_bias with statistics of the batch");
        batch_statistics(c, rank, eps);
        return;
    }
    int64_t channels = caffe_dim(c, 0, 1);
    if (c->net->weights && c->blob_count) channels = caffe_weight_count(c, 0);
    if (channels < 0) channels = -1;
    const float factor = moment_factor(c);
    tdnn_id mean = scaled_blob(c, 0, channels, factor),
            variance = scaled_blob(c, 1, channels, factor);
    tdnn_id scale = scale_bias ? scaled_blob(c, 3, channels, 1) : vector(c, channels, NULL, 1);
    tdnn_id bias = scale_bias ? scaled_blob(c, 4, channels, 1) : vector(c, channels, NULL, 0);
    c->out[0].id = caffe_op(c, "BatchNormalization", c->in[0].id, scale, bias, mean, variance);
    caffe_set_float(c, "epsilon", eps);
}

/* ---- BN ---- */

/* Of SegNet, with scale and shift that hold the statistics already, or of PSPNet and ICNet, with
 * scale, shift, mean and variance. */
void caffe_import_bn(caffe_call *c)
{
    static const char *const modes[] = {"LEARN", "INFERENCE", NULL};
    const int rank = caffe_rank(c, 0, 2, TDNN_MAX_DIMS);
    const float eps = caffe_float(c, "eps", 1e-5F);
    const bool moments = c->blob_count >= 4;
    caffe_ignore(c, "frozen");
    caffe_ignore(c, "momentum");
    const int64_t mode = caffe_enum(c, "bn_mode", modes, moments || !c->net->weights);
    int64_t channels = caffe_dim(c, 0, 1);
    if (c->net->weights && c->blob_count) channels = caffe_weight_count(c, 0);
    if (!moments && mode == 0)
        caffe_fail(c, TDNN_ERR_UNSUPPORTED,
                   "statistics of the batch (bn_mode LEARN): expected INFERENCE");
    const tdnn_shape flat = {1, {channels}};
    if (moments) {
        const tdnn_id parts[] = {c->in[0].id, caffe_weight(c, 0, &flat),
                                 caffe_weight(c, 1, &flat), caffe_weight(c, 2, &flat),
                                 caffe_weight(c, 3, &flat)};
        c->out[0].id = caffe_append(c, "BatchNormalization", parts, 5);
        caffe_set_float(c, "epsilon", eps);
        return;
    }
    tdnn_shape shape = {.ndim = rank - 1, .dim = {channels}};
    for (int i = 1; i < shape.ndim; i++) shape.dim[i] = 1;
    tdnn_id y = caffe_op(c, "Mul", c->in[0].id, caffe_weight(c, 0, &shape));
    c->out[0].id = caffe_op(c, "Add", y, caffe_weight(c, 1, &shape));
}

/* ---- MVN ---- */

/* (x - mean) / (standard deviation + eps), of each picture's channels, or of whole pictures. */
void caffe_import_mvn(caffe_call *c)
{
    int64_t axes[TDNN_MAX_DIMS];
    const int rank = caffe_rank(c, 0, 2, TDNN_MAX_DIMS);
    const bool across = caffe_bool(c, "across_channels", false),
               scale = caffe_bool(c, "normalize_variance", true);
    const float eps = caffe_float(c, "eps", 1e-9F);
    const size_t count = axes_from(across ? 1 : 2, rank, false, axes);
    if (!count)
        caffe_fail(c, TDNN_ERR_SHAPE, "an input of %d dimensions, expected 3 or more", rank);
    tdnn_id y =
        caffe_op(c, "Sub", c->in[0].id, reduce(c, "ReduceMean", c->in[0].id, axes, count));
    if (scale) {
        tdnn_id variance = reduce(c, "ReduceMean", caffe_op(c, "Mul", y, y), axes, count);
        y = caffe_op(c, "Div", y, caffe_plus(c, caffe_op(c, "Sqrt", variance), eps));
    }
    c->out[0].id = y;
}

/* ---- Normalize, of SSD ---- */

/* x / sqrt(eps + sum of squares), over channels or all of a picture, times a scale. */
void caffe_import_normalize(caffe_call *c)
{
    int64_t axes[TDNN_MAX_DIMS];
    const int rank = caffe_rank(c, 0, 2, TDNN_MAX_DIMS);
    const bool all = caffe_bool(c, "across_spatial", true),
               shared = caffe_bool(c, "channel_shared", true);
    const float eps = caffe_float(c, "eps", 1e-10F);
    const size_t count = axes_from(1, all ? rank : 2, false, axes);
    tdnn_shape shape = {.ndim = rank - 1};
    for (int i = 0; i < shape.ndim; i++) shape.dim[i] = 1;
    if (!shared) shape.dim[0] = c->net->weights ? -1 : caffe_dim(c, 0, 1);
    tdnn_id sum = reduce(c, "ReduceSumSquare", c->in[0].id, axes, count);
    tdnn_id y = caffe_op(c, "Div", c->in[0].id, caffe_op(c, "Sqrt", caffe_plus(c, sum, eps)));
    if (c->blob_count || !c->net->weights)
        y = caffe_op(c, "Mul", y, caffe_weight(c, 0, &shape));
    c->out[0].id = y;
}

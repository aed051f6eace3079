/* Layers of FlowNet: Correlation, FlowWarp, Accum, DataAugmentation. */
#include "parsers/caffe/layers.h"

#include <math.h>
#include <string.h>

void caffe_import_correlation(caffe_call *c)
{
    static const char *const types[] = {"MULTIPLY", "SUBTRACT", NULL};
    enum { MOST = 1 << 12 };
    const int64_t kernel = caffe_int(c, "kernel_size", 0, 1, MOST),
                  reach = caffe_int(c, "max_displacement", -1, 0, MOST);
    const int64_t pad = caffe_int(c, "pad", 0, 0, MOST),
                  stride = caffe_int(c, "stride_1", 1, 1, MOST);
    const int64_t step = caffe_int(c, "stride_2", 1, 1, MOST), side = 2 * (reach / step) + 1;
    if (!kernel || reach < 0)
        caffe_fail(c, TDNN_ERR_FORMAT, "kernel_size or max_displacement is missing");
    if (kernel % 2 == 0) caffe_fail(c, TDNN_ERR_UNSUPPORTED, "an even kernel_size");
    if (caffe_enum(c, "correlation_type", types, 0) || caffe_bool(c, "do_abs", false) ||
        caffe_int(c, "single_direction", 0, -1, 1))
        caffe_fail(c, TDNN_ERR_UNSUPPORTED,
                   "a correlation other than of products in all directions");
    caffe_rank(c, 0, 4, 4);
    c->out[0].id = caffe_op(c, "Correlation", c->in[0].id, c->in[1].id);
    caffe_set_int(c, "kernel_size", kernel);
    caffe_set_int(c, "max_displacement", reach);
    caffe_set_int(c, "pad", pad);
    caffe_set_int(c, "stride_1", stride);
    caffe_set_int(c, "stride_2", step);
    c->out[0].shape.dim[1] = side * side;
    for (int i = 2; i < 4; i++) {
        const int64_t in = caffe_dim(c, 0, i);
        c->out[0].shape.dim[i] =
            caffe_known(in, (in - 2 * (reach + kernel / 2 - pad) - 1) / stride + 1);
    }
}

void caffe_import_flow_warp(caffe_call *c)
{
    static const char *const values[] = {"", "ZERO", "NOT_A_NUMBER", NULL};
    caffe_rank(c, 0, 4, 4);
    const bool nan = caffe_enum(c, "fill_value", values, 1) == 2;
    c->out[0].id = caffe_op(c, "FlowWarp", c->in[0].id, c->in[1].id);
    caffe_set_float(c, "fill", nan ? NAN : 0);
}

/* ---- Accum ---- */

/* Height and width that all bottoms are resized to: of the last one, or of the largest, rounded
 * up. */
static tdnn_id common_size(caffe_call *c, bool reference, int64_t *usual)
{
    const int64_t height = caffe_int(c, "top_height", 0, 0, 1 << 24),
                  width = caffe_int(c, "top_width", 0, 0, 1 << 24);
    const int64_t divisor = caffe_int(c, "size_divisible_by", 0, 0, 1 << 20),
                  last = (int64_t)c->in_count - 1;
    const size_t first = reference ? (size_t)last : 0;
    tdnn_id size = caffe_dims(c, c->in[first].id, 2, 4);
    for (int i = 0; i < 2; i++) usual[i] = caffe_dim(c, first, 2 + i);
    for (size_t k = 1; k < c->in_count && !reference; k++) {
        size = caffe_op(c, "Max", size, caffe_dims(c, c->in[k].id, 2, 4));
        for (int i = 0; i < 2; i++) {
            const int64_t other = caffe_dim(c, k, 2 + i);
            usual[i] = usual[i] < 0 || other < 0 ? -1 : usual[i] > other ? usual[i] : other;
        }
    }
    if (reference) return size;
    if (height && width && !divisor) {
        size = caffe_op(c, "Max", size, caffe_ints_of(c, height, width));
        usual[0] = caffe_known(usual[0], usual[0] > height ? usual[0] : height);
        usual[1] = caffe_known(usual[1], usual[1] > width ? usual[1] : width);
    }
    if (divisor < 2) return size;
    tdnn_id by = caffe_ints_of(c, divisor);
    size = caffe_op(c, "Div", caffe_op(c, "Add", size, caffe_ints_of(c, divisor - 1)), by);
    for (int i = 0; i < 2; i++)
        usual[i] = caffe_known(usual[i], (usual[i] + divisor - 1) / divisor * divisor);
    return caffe_op(c, "Mul", size, by);
}

/* The length of each pixel's vector. */
void caffe_import_channel_norm(caffe_call *c)
{
    caffe_rank(c, 0, 4, 4);
    c->out[0].id = caffe_op(c, "ReduceL2", c->in[0].id, caffe_ints_of(c, 1));
    c->out[0].shape.dim[1] = 1;
}

/* Channels behind one another, everything resized to a common size, corners on corners. */
void caffe_import_accum(caffe_call *c)
{
    const bool reference = caffe_bool(c, "have_reference", false);
    const size_t count = c->in_count - reference;
    int64_t usual[2], channels = 0;
    for (size_t i = 0; i < c->in_count; i++) caffe_rank(c, i, 4, 4);
    tdnn_id size = common_size(c, reference, usual);
    tdnn_id *pieces = tdnn_zone_alloc(c->net->zone, c->in_count, sizeof *pieces);
    if (!pieces) caffe_fail(c, TDNN_ERR_MEMORY, "out of memory");
    if (!count) caffe_fail(c, TDNN_ERR_FORMAT, "a reference and nothing else");
    for (size_t i = 0; i < count && !c->status; i++) {
        tdnn_id all = caffe_joined(c, caffe_dims(c, c->in[i].id, 0, 2), size);
        pieces[i] = caffe_op(c, "Resize", c->in[i].id, TDNN_ABSENT, TDNN_ABSENT, all);
        caffe_set_string(c, "mode", "linear");
        caffe_set_string(c, "coordinate_transformation_mode", "align_corners");
        channels = channels < 0 || caffe_dim(c, i, 1) < 0 ? -1 : channels + caffe_dim(c, i, 1);
    }
    if (c->status) return;
    c->out[0].id = caffe_append(c, "Concat", pieces, count);
    caffe_set_int(c, "axis", 1);
    c->out[0].shape = (tdnn_shape){4, {caffe_dim(c, 0, 0), channels, usual[0], usual[1]}};
}

/* ---- DataAugmentation ---- */

/* When testing it only takes the mean off: blobs 1 of each pixel, 2 of each channel. */
void caffe_import_data_augmentation(caffe_call *c)
{
    caffe_rank(c, 0, 4, 4);
    const bool pixels = caffe_bool(c, "mean_per_pixel", false);
    const int64_t batches = caffe_int(c, "recompute_mean", 1, 0, INT32_MAX);
    tdnn_shape shape = {3, {caffe_dim(c, 0, 1), 1, 1}};
    if (pixels) shape.dim[1] = caffe_dim(c, 0, 2), shape.dim[2] = caffe_dim(c, 0, 3);
    for (tdnn_text *f = c->param ? c->param->first : NULL; f; f = f->next) f->used = true;
    c->out[0].id =
        batches ? caffe_op(c, "Sub", c->in[0].id, caffe_weight(c, pixels ? 1 : 2, &shape))
                : c->in[0].id;
}

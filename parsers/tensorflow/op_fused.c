/* What TensorFlow's optimizers fuse: a product with its bias and activation, and padding before
 * it. */
#include "parsers/tensorflow/ops.h"

#include <string.h>

enum { MOST_FUSED = 8 };

/* Names of the operators behind the first one. */
static tdnn_status fused_ops(const tf_call *c, const char **names, size_t *count,
                             tdnn_error *err)
{
    const Tensorflow__AttrValue *a = tf_attr(c->node, "fused_ops");
    *count = a && a->list ? a->list->n_s : 0;
    if (*count > MOST_FUSED)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "%zu fused operators", *count);
    for (size_t i = 0; i < *count; i++) {
        names[i] = tdnn_zone_strndup(c->scope->model->zone, (const char *)a->list->s[i].data,
                                     a->list->s[i].len);
        if (!names[i]) return TDNN_NO_MEMORY(err);
    }
    return TDNN_OK;
}

/* How many further inputs an operator takes; -1: it is none that is fused. */
static int inputs_of(const char *op)
{
    static const struct {
        const char *op;
        int inputs;
    } rows[] = {
        {"BiasAdd", 1},   {"FusedBatchNorm", 4}, {"Add", 1},     {"Relu", 0},  {"Relu6", 0},
        {"Elu", 0},       {"Tanh", 0},           {"Sigmoid", 0}, {"Prelu", 1}, {"Mish", 0},
        {"LeakyRelu", 0}, {"Selu", 0},           {"Softplus", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!strcmp(rows[i].op, op)) return rows[i].inputs;
    return -1;
}

static tdnn_status behind(const tf_call *c, const char *op, bool last, size_t *next,
                          tf_value **v, tdnn_error *err)
{
    const int inputs = inputs_of(op);
    tf_value *in[5] = {*v};
    const tf_extra extra[2] = {
        tf_extra_float("alpha", tf_attr_float(c, "leakyrelu_alpha", 0.2F)),
        tf_extra_bool("is_training", false)};
    if (inputs < 0) return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "fused operator %s", op);
    for (int i = 0; i < inputs; i++) TDNN_TRY(tf_input(c, (*next)++, &in[i + 1], err));
    return tf_delegate(c, op, last, in, (size_t)inputs + 1, extra, 2, v, err);
}

/* _FusedConv2D, _FusedMatMul, _FusedDepthwiseConv2dNative: their first two inputs are the
 * product's. */
tdnn_status tf_import_fused(tf_call *c, tdnn_error *err)
{
    const char *names[MOST_FUSED], *op = c->node->proto->op + strlen("_Fused");
    size_t count, next = 2;
    tf_value *in[2], *v;
    if (*c->node->proto->op != '_') op--; /* FusedDepthwiseConv2dNative */
    TDNN_TRY(fused_ops(c, names, &count, err));
    for (size_t i = 0; i < 2; i++) TDNN_TRY(tf_input(c, i, &in[i], err));
    TDNN_TRY(tf_delegate(c, op, !count, in, 2, NULL, 0, &v, err));
    for (size_t i = 0; i < count; i++)
        TDNN_TRY(behind(c, names[i], i + 1 == count, &next, &v, err));
    return tf_give(c, 0, v, err);
}

/* Batch normalisation, maybe the addition of another image, and an activation. */
tdnn_status tf_import_fused_batch_norm(tf_call *c, tdnn_error *err)
{
    const char *activation = tf_attr_text(c, "activation_mode", "Identity");
    const bool side = tf_attr_int(c, "num_side_inputs", 0) > 0,
               plain = !strcmp(activation, "Identity");
    tf_value *in[5], *pair[2];
    for (size_t i = 0; i < 5; i++) TDNN_TRY(tf_input(c, i, &in[i], err));
    TDNN_TRY(tf_delegate(c, "FusedBatchNormV3", plain && !side, in, 5, NULL, 0, &pair[0], err));
    if (side) {
        TDNN_TRY(tf_input(c, 5, &pair[1], err));
        TDNN_TRY(tf_delegate(c, "Add", plain, pair, 2, NULL, 0, &pair[0], err));
    }
    if (!plain) TDNN_TRY(tf_delegate(c, activation, true, pair, 1, NULL, 0, &pair[0], err));
    return tf_give(c, 0, pair[0], err);
}

/* FusedPadConv2D: image, paddings, filter. FusedResizeAndPadConv2D: image, size, paddings,
 * filter. */
tdnn_status tf_import_pad_conv(tf_call *c, tdnn_error *err)
{
    const bool resizes = tf_is(c->node, "FusedResizeAndPadConv2D");
    tf_value *in[4], *pair[2];
    for (size_t i = 0; i < (resizes ? 4 : 3); i++) TDNN_TRY(tf_input(c, i, &in[i], err));
    pair[0] = in[0];
    if (resizes) {
        const tf_extra extra[2] = {
            tf_extra_bool("align_corners", tf_attr_bool(c, "resize_align_corners", false)),
            tf_extra_bool("half_pixel_centers", false)};
        TDNN_TRY(tf_delegate(c, "ResizeBilinear", false, in, 2, extra, 2, &pair[0], err));
    }
    pair[1] = in[resizes ? 2 : 1];
    TDNN_TRY(tf_delegate(c, "MirrorPad", false, pair, 2, NULL, 0, &pair[0], err));
    pair[1] = in[resizes ? 3 : 2];
    TDNN_TRY(tf_delegate(c, "Conv2D", true, pair, 2, NULL, 0, &pair[0], err));
    return tf_give(c, 0, pair[0], err);
}

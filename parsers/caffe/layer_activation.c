/* Layers that work on each number by itself, and Softmax. */
#include "parsers/caffe/layers.h"

#include <math.h>
#include <string.h>

/* Types without parameters whose operator has another name. */
static const char *const unary[][2] = {
    {"AbsVal", "Abs"},
    {"BNLL", "Softplus"},
    {"TanH", "Tanh"},
};

void caffe_import_unary(caffe_call *c)
{
    const char *op = c->layer->type;
    for (size_t i = 0; i < sizeof unary / sizeof *unary; i++)
        if (!strcmp(op, unary[i][0])) op = unary[i][1];
    c->out[0].id = caffe_op(c, op, c->in[0].id);
}

void caffe_import_relu(caffe_call *c)
{
    const float slope = caffe_float(c, "negative_slope", 0);
    c->out[0].id = caffe_op(c, slope != 0 ? "LeakyRelu" : "Relu", c->in[0].id);
    if (slope != 0) caffe_set_float(c, "alpha", slope);
}

static tdnn_id clip(caffe_call *c, float least, float most)
{
    return caffe_op(c, "Clip", c->in[0].id, caffe_scalar(c, least), caffe_scalar(c, most));
}

void caffe_import_relu6(caffe_call *c) { c->out[0].id = clip(c, 0, 6); }

void caffe_import_clip(caffe_call *c)
{
    if (!caffe_has(c, "min") || !caffe_has(c, "max"))
        caffe_fail(c, TDNN_ERR_FORMAT, "min and max are required");
    c->out[0].id = clip(c, caffe_float(c, "min", 0), caffe_float(c, "max", 0));
}

/* A slope for each channel, or one for all. */
void caffe_import_prelu(caffe_call *c)
{
    const int rank = caffe_rank(c, 0, 2, TDNN_MAX_DIMS);
    tdnn_shape shape = {.ndim = rank - 1};
    for (int i = 0; i < shape.ndim; i++) shape.dim[i] = 1;
    if (!caffe_bool(c, "channel_shared", false))
        shape.dim[0] = c->net->weights ? -1 : caffe_dim(c, 0, 1);
    c->out[0].id = caffe_op(c, "PRelu", c->in[0].id, caffe_weight(c, 0, &shape));
}

void caffe_import_elu(caffe_call *c)
{
    const float alpha = caffe_float(c, "alpha", 1);
    c->out[0].id = caffe_op(c, "Elu", c->in[0].id);
    caffe_set_float(c, "alpha", alpha);
}

/* ln(base); -1 stands for e. */
static float log_base(caffe_call *c)
{
    const float base = caffe_float(c, "base", -1);
    if (base != -1 && !(base > 0 && base != 1))
        caffe_fail(c, TDNN_ERR_FORMAT, "base is %g, expected more than 0, or -1 for e",
                   (double)base);
    return base == -1 ? 1 : (float)log((double)base);
}

/* base ^ (shift + scale x), as Caffe computes it: base^shift exp(ln(base) scale x) */
void caffe_import_exp(caffe_call *c)
{
    const float ln = log_base(c), scale = caffe_float(c, "scale", 1),
                shift = caffe_float(c, "shift", 0);
    tdnn_id y = caffe_op(c, "Exp", caffe_times(c, c->in[0].id, ln * scale));
    c->out[0].id = caffe_times(c, y, shift == 0 ? 1 : (float)exp((double)ln * (double)shift));
}

void caffe_import_log(caffe_call *c)
{
    const float ln = log_base(c), scale = caffe_float(c, "scale", 1),
                shift = caffe_float(c, "shift", 0);
    tdnn_id y = caffe_op(c, "Log", caffe_plus(c, caffe_times(c, c->in[0].id, scale), shift));
    c->out[0].id = caffe_times(c, y, 1 / ln);
}

void caffe_import_power(caffe_call *c)
{
    const float power = caffe_float(c, "power", 1), scale = caffe_float(c, "scale", 1),
                shift = caffe_float(c, "shift", 0);
    tdnn_id y = caffe_plus(c, caffe_times(c, c->in[0].id, scale), shift);
    c->out[0].id = power == 1 ? y : caffe_op(c, "Pow", y, caffe_scalar(c, power));
}

void caffe_import_softmax(caffe_call *c)
{
    const int axis = caffe_axis(c, "axis", 1, caffe_rank(c, 0, 1, TDNN_MAX_DIMS), 0);
    c->out[0].id = caffe_op(c, "Softmax", c->in[0].id);
    caffe_set_int(c, "axis", axis);
}

/* x sigmoid(beta x) */
void caffe_import_swish(caffe_call *c)
{
    tdnn_id gate =
        caffe_op(c, "Sigmoid", caffe_times(c, c->in[0].id, caffe_float(c, "beta", 1)));
    c->out[0].id = caffe_op(c, "Mul", c->in[0].id, gate);
}

void caffe_import_threshold(caffe_call *c)
{
    tdnn_id above =
        caffe_op(c, "Greater", c->in[0].id, caffe_scalar(c, caffe_float(c, "threshold", 0)));
    c->out[0].id = caffe_op(c, "Cast", above);
    caffe_set_int(c, "to", TDNN_F32);
}

/* Nothing when testing; a fork of Caffe scales then, and not while training. */
void caffe_import_dropout(caffe_call *c)
{
    const float ratio = caffe_float(c, "dropout_ratio", 0.5F);
    const bool while_training = caffe_bool(c, "scale_train", true);
    c->out[0].id = while_training ? c->in[0].id : caffe_times(c, c->in[0].id, 1 - ratio);
}

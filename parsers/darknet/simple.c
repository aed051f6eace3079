/* Layers of one step: those that do nothing at inference, activation, softmax, normalisation.
 */
#include "parsers/darknet/net.h"

#include <inttypes.h>

/* dropout, cost, empty */
tdnn_status tdnn_dark_identity(tdnn_dark_net *net)
{
    tdnn_dark_value in;
    TDNN_TRY(tdnn_dark_input(net, &in));
    return tdnn_dark_pass(net, &in);
}

tdnn_status tdnn_dark_activation_layer(tdnn_dark_net *net)
{
    const char *activation;
    tdnn_dark_value in;
    TDNN_TRY(tdnn_dark_input(net, &in));
    TDNN_TRY(tdnn_dark_activation(net, "activation", "linear", &activation));
    net->out = in;
    TDNN_TRY(tdnn_dark_activate(net, activation, true, &net->out.id));
    return net->out.id == in.id ? tdnn_dark_pass(net, &in) : TDNN_OK;
}

tdnn_status tdnn_dark_logistic(tdnn_dark_net *net)
{
    TDNN_TRY(tdnn_dark_input(net, &net->out));
    return tdnn_dark_add(net, "Sigmoid", "logistic", &net->out.id, 1, NULL, &net->out.id);
}

/* ---- softmax ---- */

static tdnn_status add_softmax(tdnn_dark_net *net, int64_t axis, const char *name,
                               tdnn_id *value)
{
    tdnn_node *node;
    TDNN_TRY(tdnn_dark_add(net, "Softmax", name, value, 1, &node, value));
    return tdnn_dark_set_int(net, node, "axis", axis);
}

/* Over all numbers of an image together, or of each of `groups` equal parts; with spatial set,
 * over the channels of each pixel. */
tdnn_status tdnn_dark_softmax(tdnn_dark_net *net)
{
    tdnn_dark_value *x = &net->out;
    int64_t groups;
    float temperature;
    bool spatial;
    TDNN_TRY(tdnn_dark_input(net, x));
    TDNN_TRY(tdnn_dark_refuse(net, "tree"));
    TDNN_TRY(tdnn_dark_flag(net, "spatial", &spatial));
    TDNN_TRY(tdnn_dark_float(net, "temperature", 1, &temperature));
    int64_t all = x->c * x->h * x->w, whole[] = {x->c, x->h, x->w};
    TDNN_TRY(tdnn_dark_int(net, "groups", 1, 1, INT32_MAX, &groups));
    if (!(temperature > 0))
        return tdnn_cfg_error(net->section, "temperature",
                              TDNN_DARK_FAIL(net, TDNN_ERR_FORMAT,
                                             "temperature=%g, expected more than 0",
                                             (double)temperature),
                              net->err);
    if (temperature != 1) TDNN_TRY(tdnn_dark_op1(net, "Div", x->id, temperature, &x->id));
    if (spatial || (groups == 1 && x->h * x->w == 1))
        return add_softmax(net, 1, "softmax", &x->id);
    if (all % groups)
        return tdnn_cfg_error(
            net->section, "groups",
            TDNN_DARK_FAIL(net, TDNN_ERR_SHAPE,
                           "groups=%" PRId64 " do not divide %" PRId64 " numbers", groups, all),
            net->err);
    net->fixed_size = true;
    TDNN_TRY(tdnn_dark_reshape(net, x->id, (int64_t[]){groups, all / groups}, 2, NULL, &x->id));
    TDNN_TRY(add_softmax(net, 2, NULL, &x->id));
    return tdnn_dark_reshape(net, x->id, whole, x->flat ? 1 : 3, "softmax", &x->id);
}

/* ---- normalisation across channels ---- */

/* Row k: which squares the sum around channel k has. Darknet keeps a running sum that never
 * adds the square in the middle of its first window, but takes it away once the window has
 * passed. */
static void running_sums(float *rows, int64_t channels, int64_t size, float alpha)
{
    for (int64_t k = 0; k < size / 2 && k < channels; k++) rows[k] += alpha;
    for (int64_t k = 1; k < channels; k++) {
        float *row = rows + k * channels;
        int64_t last = k - (size - 1) / 2 - 1, next = k + size / 2;
        for (int64_t i = 0; i < channels; i++) row[i] = row[i - channels];
        if (last >= 0) row[last] -= alpha;
        if (next < channels) row[next] += alpha;
    }
}

/* x * (kappa + alpha * sum of squares)^-beta; the sums are a 1 x 1 convolution. */
tdnn_status tdnn_dark_lrn(tdnn_dark_net *net)
{
    enum { MOST_CHANNELS = 4096 };
    tdnn_dark_value *x = &net->out;
    float alpha, beta, kappa, *data;
    int64_t size;
    tdnn_id inputs[3], power;
    TDNN_TRY(tdnn_dark_image(net, x));
    TDNN_TRY(tdnn_dark_float(net, "alpha", .0001, &alpha));
    TDNN_TRY(tdnn_dark_float(net, "beta", .75, &beta));
    TDNN_TRY(tdnn_dark_float(net, "kappa", 1, &kappa));
    TDNN_TRY(tdnn_dark_int(net, "size", 5, 1, 1 << 12, &size));
    if (x->c > MOST_CHANNELS)
        return TDNN_DARK_FAIL(net, TDNN_ERR_LIMIT,
                              "[normalization] of %" PRId64 " channels, the limit is %d", x->c,
                              MOST_CHANNELS);
    TDNN_TRY(tdnn_dark_op2(net, "Mul", x->id, x->id, &inputs[0]));
    TDNN_TRY(tdnn_dark_floats(net, 4, (int64_t[]){x->c, x->c, 1, 1}, &data, &inputs[1]));
    running_sums(data, x->c, size, alpha);
    TDNN_TRY(tdnn_dark_floats(net, 1, &x->c, &data, &inputs[2]));
    for (int64_t k = 0; k < x->c; k++) data[k] = kappa;
    TDNN_TRY(tdnn_dark_add(net, "Conv", NULL, inputs, 3, NULL, &power));
    TDNN_TRY(tdnn_dark_op1(net, "Pow", power, -beta, &power));
    return tdnn_dark_add(net, "Mul", "lrn", (tdnn_id[]){x->id, power}, 2, NULL, &x->id);
}

/* pjreddie's: each pixel's channels divided by their length. */
tdnn_status tdnn_dark_l2norm(tdnn_dark_net *net)
{
    tdnn_dark_value *x = &net->out;
    tdnn_id inputs[2];
    TDNN_TRY(tdnn_dark_input(net, x));
    inputs[0] = x->id;
    TDNN_TRY(tdnn_dark_ints(net, (int64_t[]){1}, 1, &inputs[1]));
    TDNN_TRY(tdnn_dark_add(net, "ReduceL2", NULL, inputs, 2, NULL, &inputs[1]));
    return tdnn_dark_add(net, "Div", "l2norm", inputs, 2, NULL, &x->id);
}

/* Darknet's activations, in ONNX's operators. */
#include "parsers/darknet/net.h"

#include <string.h>

/* x becomes f(x). `name`: for the last node; NULL: none. */
typedef tdnn_status (*build_fn)(tdnn_dark_net *net, const char *name, tdnn_id *x);

static tdnn_status unary(tdnn_dark_net *net, const char *op, const char *name, tdnn_id *x)
{
    return tdnn_dark_add(net, op, name, x, 1, NULL, x);
}

static tdnn_status clip(tdnn_dark_net *net, float least, float most, const char *name,
                        tdnn_id *x)
{
    tdnn_id all[3] = {*x};
    TDNN_TRY(tdnn_dark_scalar(net, least, &all[1]));
    TDNN_TRY(tdnn_dark_scalar(net, most, &all[2]));
    return tdnn_dark_add(net, "Clip", name, all, 3, NULL, x);
}

static tdnn_status leaky(tdnn_dark_net *net, float slope, const char *name, tdnn_id *x)
{
    tdnn_node *node;
    TDNN_TRY(tdnn_dark_add(net, "LeakyRelu", name, x, 1, &node, x));
    return tdnn_dark_set_float(net, node, "alpha", slope);
}

/* a x + b y, the last node named */
static tdnn_status weighted(tdnn_dark_net *net, float a, tdnn_id x, float b, tdnn_id y,
                            const char *name, tdnn_id *out)
{
    tdnn_id terms[2] = {x, y};
    if (a != 1) TDNN_TRY(tdnn_dark_op1(net, "Mul", x, a, &terms[0]));
    if (b != 1) TDNN_TRY(tdnn_dark_op1(net, "Mul", y, b, &terms[1]));
    return tdnn_dark_add(net, "Add", name, terms, 2, NULL, out);
}

static tdnn_status build_relu(tdnn_dark_net *net, const char *name, tdnn_id *x)
{
    return unary(net, "Relu", name, x);
}
static tdnn_status build_logistic(tdnn_dark_net *net, const char *name, tdnn_id *x)
{
    return unary(net, "Sigmoid", name, x);
}
static tdnn_status build_tanh(tdnn_dark_net *net, const char *name, tdnn_id *x)
{
    return unary(net, "Tanh", name, x);
}
static tdnn_status build_mish(tdnn_dark_net *net, const char *name, tdnn_id *x)
{
    return unary(net, "Mish", name, x);
}
static tdnn_status build_leaky(tdnn_dark_net *net, const char *name, tdnn_id *x)
{
    return leaky(net, 0.1f, name, x);
}
static tdnn_status build_relie(tdnn_dark_net *net, const char *name, tdnn_id *x)
{
    return leaky(net, 0.01f, name, x);
}
static tdnn_status build_relu6(tdnn_dark_net *net, const char *name, tdnn_id *x)
{
    return clip(net, 0, 6, name, x);
}
static tdnn_status build_hardtan(tdnn_dark_net *net, const char *name, tdnn_id *x)
{
    return clip(net, -1, 1, name, x);
}
static tdnn_status build_elu(tdnn_dark_net *net, const char *name, tdnn_id *x)
{
    return unary(net, "Elu", name, x);
}

static tdnn_status build_swish(tdnn_dark_net *net, const char *name, tdnn_id *x)
{
    tdnn_id gate = *x;
    TDNN_TRY(unary(net, "Sigmoid", NULL, &gate));
    return tdnn_dark_add(net, "Mul", name, (tdnn_id[]){*x, gate}, 2, NULL, x);
}

static tdnn_status build_selu(tdnn_dark_net *net, const char *name, tdnn_id *x)
{
    tdnn_node *node;
    TDNN_TRY(tdnn_dark_add(net, "Selu", name, x, 1, &node, x));
    TDNN_TRY(tdnn_dark_set_float(net, node, "alpha", 1.6732f));
    return tdnn_dark_set_float(net, node, "gamma", 1.0507f);
}

static tdnn_status build_gelu(tdnn_dark_net *net, const char *name, tdnn_id *x)
{
    tdnn_node *node;
    TDNN_TRY(tdnn_dark_add(net, "Gelu", name, x, 1, &node, x));
    return tdnn_dark_set_text(net, node, "approximate", "tanh");
}

/* 2 sigmoid(x) - 1 */
static tdnn_status build_loggy(tdnn_dark_net *net, const char *name, tdnn_id *x)
{
    tdnn_id minus_one;
    TDNN_TRY(unary(net, "Sigmoid", NULL, x));
    TDNN_TRY(tdnn_dark_scalar(net, -1, &minus_one));
    return weighted(net, 2, *x, 1, minus_one, name, x);
}

/* x < 0: 0.1 x; else 1.1 x */
static tdnn_status build_ramp(tdnn_dark_net *net, const char *name, tdnn_id *x)
{
    tdnn_id positive = *x;
    TDNN_TRY(unary(net, "Relu", NULL, &positive));
    return weighted(net, 0.1f, *x, 1, positive, name, x);
}

/* slope x + offset between two bounds, outside of them with a slope of `outer`: with c =
 * clip(x), (slope - outer) c + offset + outer x */
static tdnn_status broken_line(tdnn_dark_net *net, float least, float most, float slope,
                               float offset, float outer, const char *name, tdnn_id *x)
{
    tdnn_id inner = *x;
    TDNN_TRY(clip(net, least, most, NULL, &inner));
    if (slope - outer != 1) TDNN_TRY(tdnn_dark_op1(net, "Mul", inner, slope - outer, &inner));
    if (offset != 0) TDNN_TRY(tdnn_dark_op1(net, "Add", inner, offset, &inner));
    return weighted(net, outer, *x, 1, inner, name, x);
}

/* x between 0 and 1, flat outside */
static tdnn_status build_lhtan(tdnn_dark_net *net, const char *name, tdnn_id *x)
{
    return broken_line(net, 0, 1, 1, 0, 0.001f, name, x);
}
/* x/8 + 1/2 between -4 and 4, flat outside */
static tdnn_status build_plse(tdnn_dark_net *net, const char *name, tdnn_id *x)
{
    return broken_line(net, -4, 4, 0.125f, 0.5f, 0.01f, name, x);
}

/* x clip(x/2 + 1, 0, 1) */
static tdnn_status build_hard_mish(tdnn_dark_net *net, const char *name, tdnn_id *x)
{
    tdnn_id gate;
    TDNN_TRY(tdnn_dark_op1(net, "Mul", *x, 0.5f, &gate));
    TDNN_TRY(tdnn_dark_op1(net, "Add", gate, 1, &gate));
    TDNN_TRY(clip(net, 0, 1, NULL, &gate));
    return tdnn_dark_add(net, "Mul", name, (tdnn_id[]){*x, gate}, 2, NULL, x);
}

/* Steps for even floor(x), slopes for odd: with n = floor(x), h = floor(x / 2): h + (n - 2h)(x
 * - n) */
static tdnn_status build_stair(tdnn_dark_net *net, const char *name, tdnn_id *x)
{
    tdnn_id n = *x, half, odd, rest;
    TDNN_TRY(unary(net, "Floor", NULL, &n));
    TDNN_TRY(tdnn_dark_op1(net, "Mul", *x, 0.5f, &half));
    TDNN_TRY(unary(net, "Floor", NULL, &half));
    TDNN_TRY(weighted(net, -2, half, 1, n, NULL, &odd));
    TDNN_TRY(tdnn_dark_op2(net, "Sub", *x, n, &rest));
    TDNN_TRY(tdnn_dark_op2(net, "Mul", odd, rest, &rest));
    return weighted(net, 1, half, 1, rest, name, x);
}

/* ---- Across channels ---- */

static tdnn_status reduce(tdnn_dark_net *net, const char *op, tdnn_id x, tdnn_id *out)
{
    tdnn_id axes;
    TDNN_TRY(tdnn_dark_ints(net, (int64_t[]){1}, 1, &axes));
    return tdnn_dark_add(net, op, NULL, (tdnn_id[]){x, axes}, 2, NULL, out);
}

static tdnn_status by_sum(tdnn_dark_net *net, const char *name, tdnn_id *x)
{
    tdnn_id sum;
    TDNN_TRY(reduce(net, "ReduceSum", *x, &sum));
    TDNN_TRY(tdnn_dark_op1(net, "Add", sum, 0.0001f, &sum));
    return tdnn_dark_add(net, "Div", name, (tdnn_id[]){*x, sum}, 2, NULL, x);
}

static tdnn_status build_norm_chan(tdnn_dark_net *net, const char *name, tdnn_id *x)
{
    TDNN_TRY(unary(net, "Relu", NULL, x));
    return by_sum(net, name, x);
}

static tdnn_status build_norm_chan_softmax(tdnn_dark_net *net, const char *name, tdnn_id *x)
{
    TDNN_TRY(unary(net, "Exp", NULL, x));
    return by_sum(net, name, x);
}

static tdnn_status build_norm_chan_softmax_maxval(tdnn_dark_net *net, const char *name,
                                                  tdnn_id *x)
{
    tdnn_id most;
    TDNN_TRY(reduce(net, "ReduceMax", *x, &most));
    TDNN_TRY(tdnn_dark_op2(net, "Sub", *x, most, x));
    return build_norm_chan_softmax(net, name, x);
}

static const struct activation {
    const char *name;
    build_fn build; /* NULL: x as it is */
} activations[] = {
    {"elu", build_elu},
    {"gelu", build_gelu},
    {"hard_mish", build_hard_mish},
    {"hardtan", build_hardtan},
    {"leaky", build_leaky},
    {"lhtan", build_lhtan},
    {"linear", NULL},
    {"loggy", build_loggy},
    {"logistic", build_logistic},
    {"mish", build_mish},
    {"normalize_channels", build_norm_chan},
    {"normalize_channels_softmax", build_norm_chan_softmax},
    {"normalize_channels_softmax_maxval", build_norm_chan_softmax_maxval},
    {"plse", build_plse},
    {"ramp", build_ramp},
    {"relie", build_relie},
    {"relu", build_relu},
    {"relu6", build_relu6},
    {"revleaky", build_leaky},
    {"selu", build_selu},
    {"silu", build_swish}, /* not Darknet's word, but that of many files */
    {"stair", build_stair},
    {"swish", build_swish},
    {"tanh", build_tanh},
};

static const struct activation *find(const char *name)
{
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
        if (!strcmp(activations[i].name, name)) return &activations[i];
    return NULL;
}

tdnn_status tdnn_dark_activation(tdnn_dark_net *net, const char *key, const char *missing,
                                 const char **out)
{
    const char *name = tdnn_cfg_text(net->section, key);
    const struct activation *found = find(name ? name : missing);
    *out = found ? found->name : "linear";
    if (found) return TDNN_OK;
    tdnn_status status = tdnn_cfg_error(
        net->section, key, TDNN_DARK_FAIL(net, TDNN_ERR_UNSUPPORTED, "%s=%.40s", key, name),
        net->err);
    return tdnn_dark_take_key(net, status, false);
}

/* OpenCV counts the activation as a layer of the next index. */
tdnn_status tdnn_dark_activate(tdnn_dark_net *net, const char *activation, bool named,
                               tdnn_id *value)
{
    const struct activation *found = find(activation);
    if (!found || !found->build) return TDNN_OK;
    net->index++;
    tdnn_status status = found->build(net, named ? found->name : NULL, value);
    net->index--;
    return status;
}

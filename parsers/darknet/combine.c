/* Layers that put others together: shortcut, scale_channels, sam; and implicit, which is only
 * weights. */
#include "parsers/darknet/net.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static tdnn_status size_error(tdnn_dark_net *net, const char *key, const tdnn_dark_value *a,
                              const tdnn_dark_value *b)
{
    return tdnn_cfg_error(
        net->section, key,
        TDNN_DARK_FAIL(net, TDNN_ERR_SHAPE,
                       "[%s] of %" PRId64 " x %" PRId64 " x %" PRId64 " and %" PRId64
                       " x %" PRId64 " x %" PRId64 ", expected sizes that fit",
                       net->section->name, a->w, a->h, a->c, b->w, b->h, b->c),
        net->err);
}

static tdnn_status finish(tdnn_dark_net *net)
{
    const char *activation;
    TDNN_TRY(tdnn_dark_activation(net, "activation", "linear", &activation));
    return tdnn_dark_activate(net, activation, true, &net->out.id);
}

/* ---- shortcut ---- */

typedef enum norm { NORM_NONE, NORM_RELU, NORM_SOFTMAX } norm;

typedef struct shortcut {
    int64_t *from;
    size_t count;
    int64_t channels; /* of one weight each; 1: one for all; 0: no weights */
    norm normalization;
    float alpha, beta; /* of the layer itself, of the one added: pjreddie's, for one only */
} shortcut;

static tdnn_status one_of(tdnn_dark_net *net, const char *key, const char *const *words,
                          size_t *out)
{
    const char *text = tdnn_cfg_text(net->section, key);
    for (*out = 0; words[*out]; ++*out)
        if (!strcmp(text ? text : "none", words[*out])) return TDNN_OK;
    *out = 0;
    tdnn_status status =
        tdnn_cfg_error(net->section, key,
                       TDNN_DARK_FAIL(net, TDNN_ERR_FORMAT, "%s=%.40s, expected %s, %s or %s",
                                      key, text, words[0], words[1], words[2]),
                       net->err);
    return tdnn_dark_take_key(net, status, true);
}

static tdnn_status read_shortcut(tdnn_dark_net *net, int64_t channels, shortcut *s)
{
    static const char *const types[] = {"none", "per_layer", "per_channel", "per_feature",
                                        NULL};
    static const char *const norms[] = {"none", "relu", "softmax", "avg_relu", NULL};
    size_t type, normalization;
    TDNN_TRY(tdnn_dark_list(net, "from", &s->from, &s->count));
    if (!s->count) return TDNN_DARK_FAIL(net, TDNN_ERR_FORMAT, "[shortcut] without from=");
    TDNN_TRY(one_of(net, "weights_type", types, &type));
    TDNN_TRY(one_of(net, "weights_normalization", norms, &normalization));
    TDNN_TRY(tdnn_dark_float(net, "alpha", 1, &s->alpha));
    TDNN_TRY(tdnn_dark_float(net, "beta", 1, &s->beta));
    s->channels = type == 0 ? 0 : type == 2 ? channels : 1;
    s->normalization = normalization == 3 ? NORM_RELU : (norm)normalization;
    return TDNN_OK;
}

/* What training left, made what is multiplied: each weight through relu or exp, divided by the
 * sum of those of all layers. */
static void normalize_weights(float *w, size_t layers, size_t channels, norm how)
{
    for (size_t c = 0; c < channels; c++) {
        float most = -INFINITY, sum = 0.0001f;
        for (size_t i = 0; i < layers; i++) most = fmaxf(most, w[i * channels + c]);
        for (size_t i = 0; i < layers; i++) {
            float *at = &w[i * channels + c];
            *at = how == NORM_RELU ? fmaxf(*at, 0) : expf(*at - most);
            sum += *at;
        }
        for (size_t i = 0; i < layers; i++) w[i * channels + c] /= sum;
    }
}

/* [layers + 1, channels] of the file, as one constant for each layer: the present one first. */
static tdnn_status take_weights(tdnn_dark_net *net, const shortcut *s, tdnn_id *out)
{
    const size_t layers = s->count + 1, channels = (size_t)s->channels;
    const int64_t dims[] = {(int64_t)layers, s->channels};
    const int64_t each[] = {1, s->channels, 1, 1};
    tdnn_id all, copy;
    float *values, *target;
    TDNN_TRY(tdnn_dark_take(net, "weights", 2, dims, &all));
    TDNN_TRY(tdnn_dark_floats(net, 2, dims, &values, &copy));
    memcpy(values, net->graph->values[all].constant->data, layers * channels * sizeof *values);
    if (s->normalization != NORM_NONE)
        normalize_weights(values, layers, channels, s->normalization);
    for (size_t i = 0; i < layers; i++) {
        TDNN_TRY(tdnn_dark_floats(net, 4, each, &target, &out[i]));
        memcpy(target, values + i * channels, channels * sizeof *target);
    }
    return TDNN_OK;
}

/* Only as many channels are added as both have. */
static tdnn_status fit_channels(tdnn_dark_net *net, int64_t channels, tdnn_dark_value *x)
{
    if (x->c == channels) return TDNN_OK;
    if (x->c > channels) {
        x->c = channels;
        return tdnn_dark_slice(net, x->id, 1, 0, channels, NULL, &x->id);
    }
    const int64_t pads[] = {0, 0, 0, 0, 0, channels - x->c, 0, 0};
    tdnn_id inputs[2] = {x->id};
    x->c = channels;
    TDNN_TRY(tdnn_dark_ints(net, pads, 8, &inputs[1]));
    return tdnn_dark_add(net, "Pad", NULL, inputs, 2, NULL, &x->id);
}

/* Every stride-th pixel. */
static tdnn_status sample_pixels(tdnn_dark_net *net, int64_t stride, tdnn_dark_value *x)
{
    const int64_t zeros[] = {0, 0}, ends[] = {x->h, x->w}, axes[] = {2, 3},
                  steps[] = {stride, stride};
    tdnn_id inputs[5] = {x->id};
    TDNN_TRY(tdnn_dark_ints(net, zeros, 2, &inputs[1]));
    TDNN_TRY(tdnn_dark_ints(net, ends, 2, &inputs[2]));
    TDNN_TRY(tdnn_dark_ints(net, axes, 2, &inputs[3]));
    TDNN_TRY(tdnn_dark_ints(net, steps, 2, &inputs[4]));
    x->h = (x->h + stride - 1) / stride;
    x->w = (x->w + stride - 1) / stride;
    return tdnn_dark_add(net, "Slice", NULL, inputs, 5, NULL, &x->id);
}

/* Each pixel with zeros behind it, in both directions. */
static tdnn_status spread_pixels(tdnn_dark_net *net, int64_t stride, tdnn_dark_value *x)
{
    const int64_t apart[] = {x->c, x->h, 1, x->w, 1};
    const int64_t pads[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, stride - 1, 0, stride - 1};
    tdnn_id inputs[2];
    TDNN_TRY(tdnn_dark_reshape(net, x->id, apart, 5, NULL, &inputs[0]));
    TDNN_TRY(tdnn_dark_ints(net, pads, 12, &inputs[1]));
    TDNN_TRY(tdnn_dark_add(net, "Pad", NULL, inputs, 2, NULL, &x->id));
    x->h *= stride;
    x->w *= stride;
    return tdnn_dark_reshape(net, x->id, (int64_t[]){x->c, x->h, x->w}, 3, NULL, &x->id);
}

/* Between images of different sizes the pixels that lie over each other are added, as in the
 * first Darknet, which its ResNet-50 was trained with. (In AlexeyAB's an assertion fails.) */
static tdnn_status fit_pixels(tdnn_dark_net *net, tdnn_dark_value *x)
{
    const tdnn_dark_value *to = &net->out;
    int64_t down = x->w / to->w, up = to->w / x->w;
    if (x->h == to->h && x->w == to->w) return TDNN_OK;
    net->fixed_size = true;
    if (down > 1 && x->h / to->h == down)
        TDNN_TRY(sample_pixels(net, down, x));
    else if (up > 1 && to->h / x->h == up)
        TDNN_TRY(spread_pixels(net, up, x));
    if (x->h == to->h && x->w == to->w) return TDNN_OK;
    return size_error(net, "from", to, x);
}

static tdnn_status add_layer(tdnn_dark_net *net, const shortcut *s, size_t i, tdnn_id weight)
{
    tdnn_dark_value x;
    TDNN_TRY(tdnn_dark_layer_at(net, "from", s->from[i], &x));
    TDNN_TRY(tdnn_dark_to_image(net, &x));
    TDNN_TRY(fit_pixels(net, &x));
    TDNN_TRY(fit_channels(net, net->out.c, &x));
    if (weight != TDNN_ABSENT) TDNN_TRY(tdnn_dark_op2(net, "Mul", x.id, weight, &x.id));
    if (s->beta != 1) TDNN_TRY(tdnn_dark_op1(net, "Mul", x.id, s->beta, &x.id));
    const char *name = i + 1 == s->count ? "shortcut" : NULL;
    return tdnn_dark_add(net, "Add", name, (tdnn_id[]){net->out.id, x.id}, 2, NULL,
                         &net->out.id);
}

tdnn_status tdnn_dark_shortcut(tdnn_dark_net *net)
{
    shortcut s;
    TDNN_TRY(tdnn_dark_image(net, &net->out));
    TDNN_TRY(read_shortcut(net, net->out.c, &s));
    tdnn_id *weights = tdnn_zone_alloc(net->zone, s.count + 1, sizeof *weights);
    if (!weights) return TDNN_NO_MEMORY(net->err);
    for (size_t i = 0; i <= s.count; i++) weights[i] = TDNN_ABSENT;
    if (s.channels) {
        TDNN_TRY(take_weights(net, &s, weights));
        TDNN_TRY(tdnn_dark_op2(net, "Mul", net->out.id, weights[0], &net->out.id));
    }
    if (s.alpha != 1) TDNN_TRY(tdnn_dark_op1(net, "Mul", net->out.id, s.alpha, &net->out.id));
    for (size_t i = 0; i < s.count; i++) TDNN_TRY(add_layer(net, &s, i, weights[i + 1]));
    return finish(net);
}

/* ---- products ---- */

static tdnn_status read_from(tdnn_dark_net *net, tdnn_dark_value *out)
{
    int64_t index;
    if (!tdnn_cfg_has(net->section, "from"))
        return TDNN_DARK_FAIL(net, TDNN_ERR_FORMAT, "[%s] without from=", net->section->name);
    TDNN_TRY(tdnn_dark_int(net, "from", 0, -INT32_MAX, INT32_MAX, &index));
    TDNN_TRY(tdnn_dark_layer_at(net, "from", index, out));
    return tdnn_dark_to_image(net, out);
}

/* The present layer has one number for each channel of the other, or, with scale_wh, one for
 * each pixel. */
tdnn_status tdnn_dark_scale_channels(tdnn_dark_net *net)
{
    tdnn_dark_value scale, from;
    bool pixels;
    TDNN_TRY(tdnn_dark_image(net, &scale));
    TDNN_TRY(read_from(net, &from));
    TDNN_TRY(tdnn_dark_flag(net, "scale_wh", &pixels));
    bool fits = pixels ? scale.c == 1 && scale.h == from.h && scale.w == from.w
                       : scale.c == from.c && scale.h == 1 && scale.w == 1;
    if (!fits) return size_error(net, "from", &scale, &from);
    net->out = from;
    TDNN_TRY(tdnn_dark_add(net, "Mul", "scale_channels", (tdnn_id[]){from.id, scale.id}, 2,
                           NULL, &net->out.id));
    return finish(net);
}

tdnn_status tdnn_dark_sam(tdnn_dark_net *net)
{
    tdnn_dark_value in, from;
    TDNN_TRY(tdnn_dark_image(net, &in));
    TDNN_TRY(read_from(net, &from));
    if (in.c != from.c || in.h != from.h || in.w != from.w)
        return size_error(net, "from", &in, &from);
    net->out = in;
    TDNN_TRY(
        tdnn_dark_add(net, "Mul", "sam", (tdnn_id[]){in.id, from.id}, 2, NULL, &net->out.id));
    return finish(net);
}

/* ---- implicit ---- */

/* YOLOR's learned constants, once for each image of the batch. */
tdnn_status tdnn_dark_implicit(tdnn_dark_net *net)
{
    int64_t filters, atoms, dims[4] = {1, 0, 0, 1}, one = 1;
    tdnn_id weights, shape, parts[2];
    TDNN_TRY(tdnn_dark_int(net, "filters", 128, 1, 1 << 24, &filters));
    TDNN_TRY(tdnn_dark_int(net, "atoms", 1, 1, 1 << 24, &atoms));
    dims[1] = filters;
    dims[2] = atoms;
    net->out = (tdnn_dark_value){.c = filters, .h = atoms, .w = 1};
    TDNN_TRY(tdnn_dark_check_size(net, &net->out));
    TDNN_TRY(tdnn_dark_take(net, "weights", 4, dims, &weights));
    TDNN_TRY(tdnn_dark_add(net, "Shape", NULL, &net->input.id, 1, NULL, &shape));
    TDNN_TRY(tdnn_dark_slice(net, shape, 0, 0, one, NULL, &parts[0]));
    TDNN_TRY(tdnn_dark_ints(net, dims + 1, 3, &parts[1]));
    TDNN_TRY(tdnn_dark_concat(net, parts, 2, 0, NULL, &shape));
    return tdnn_dark_add(net, "Expand", "implicit", (tdnn_id[]){weights, shape}, 2, NULL,
                         &net->out.id);
}

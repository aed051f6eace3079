/* How the weights of a blocked convolution are packed. */
#include "kernels/kernels.h"

#include <string.h>

size_t tdnn_conv_packed_count(const tdnn_conv *c)
{
    const size_t bias = tdnn_conv_bias_count(c);
    if (c->method == TDNN_CONV_DEPTHWISE) return bias + bias * c->kh * c->kw;
    if (c->method == TDNN_CONV_WINOGRAD) return bias + bias * c->ic * TDNN_WINOGRAD_POINTS;
    if (tdnn_conv_is_bf16(c->method)) return bias + tdnn_conv_bf16_count(c) / 2;
    return bias + bias * tdnn_conv_depth(c);
}

static void pack_depthwise(const tdnn_conv *c, const float *weights, float *out)
{
    const size_t taps = c->kh * c->kw, b = c->block;
    for (size_t channel = 0; channel < c->oc; channel++)
        for (size_t k = 0; k < taps; k++)
            out[(channel / b * taps + k) * b + channel % b] = weights[channel * taps + k];
}

/* Output channel of a group whose pair is `width` lanes wide: for each input plane, row and column of
 * the kernel and input lane, one weight in a lane of `width`. The weights are for the `count` input
 * channels from `first` on; those of merged groups stay 0. */
static void pack_channel(const tdnn_conv *c, const float *weights, float *out, size_t width,
                         size_t first, size_t count)
{
    const size_t area = c->kh * c->kw;
    for (size_t plane = 0; plane < c->planes; plane++) {
        const size_t lanes = plane + 1 < c->planes ? c->unit : c->last_lanes;
        for (size_t k = 0; k < area; k++)
            for (size_t lane = 0; lane < lanes; lane++, out += width) {
                const size_t i = plane * c->unit + lane - first;
                if (i < count) *out = weights[i * area + k];
            }
    }
}

/* What three weights become along one axis at the six points: G g. */
static void transform_weights(const double g[3], double out[6])
{
    const double odd = TDNN_WINOGRAD_A * g[1];
    out[0] = g[0];
    out[1] = (g[0] + odd + g[2] / 2) / -1.5;
    out[2] = (g[0] - odd + g[2] / 2) / -1.5;
    out[3] = (g[0] + 2 * odd + 2 * g[2]) / 6;
    out[4] = (g[0] - 2 * odd + 2 * g[2]) / 6;
    out[5] = g[2];
}

/* Output channel `o` of a pair: for each point, then each input channel, a lane of `width`. */
static void pack_winograd(const tdnn_conv *c, const float *weights, float *out, size_t width)
{
    for (size_t channel = 0; channel < c->ic; channel++, weights += 9) {
        double rows[3][6], all[6];
        for (int r = 0; r < 3; r++)
            transform_weights((double[3]){weights[3 * r], weights[3 * r + 1], weights[3 * r + 2]}, rows[r]);
        for (size_t x = 0; x < 6; x++) {
            transform_weights((double[3]){rows[0][x], rows[1][x], rows[2][x]}, all);
            for (size_t y = 0; y < 6; y++)
                out[((y * 6 + x) * c->ic + channel) * width] = (float)all[y];
        }
    }
}

void tdnn_conv_pack(const tdnn_conv *c, const float *weights, const float *bias, float *packed)
{
    const bool winograd = c->method == TDNN_CONV_WINOGRAD;
    const size_t depth = tdnn_conv_depth(c), b = c->block;
    const size_t packed_depth = winograd ? c->ic * TDNN_WINOGRAD_POINTS : depth;
    memset(packed, 0, tdnn_conv_packed_count(c) * sizeof *packed);
    if (bias) memcpy(packed, bias, c->asked_oc * sizeof *bias);
    packed += tdnn_conv_bias_count(c);
    if (c->method == TDNN_CONV_DEPTHWISE) {
        pack_depthwise(c, weights, packed);
        return;
    }
    if (tdnn_conv_is_bf16(c->method)) {
        tdnn_conv_bf16_pack(c, weights, packed);
        return;
    }
    const size_t group_oc = c->oc / c->groups, blocks = tdnn_conv_blocks(group_oc, b);
    const size_t asked_ic = c->ic / c->groups / c->merge, asked_group_oc = group_oc / c->merge;
    for (size_t channel = 0; channel < c->asked_oc; channel++) {
        const size_t group = channel / group_oc, o = channel % group_oc;
        const size_t pair = o / (2 * b), width = 2 * pair + 1 < blocks ? 2 * b : b;
        const float *from = weights + channel * asked_ic * c->kh * c->kw;
        float *out = packed + (group * blocks + 2 * pair) * b * packed_depth + o % (2 * b);
        if (winograd)
            pack_winograd(c, from, out, width);
        else
            pack_channel(c, from, out, width, o / asked_group_oc * asked_ic, asked_ic);
    }
}

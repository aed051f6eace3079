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

/* Columns of the matrix of weights that are transposed at once: with a pair of 32 lanes, 8 KiB.
 */
enum { PIECE = 64, WIDEST = 32 };

/* The weights of one pair of output blocks, as a matrix: a row for each of its output channels.
 */
typedef struct pair_weights {
    const float *from; /* at any address */
    size_t rows, width; /* channels that there are; lanes */
    size_t channels, area; /* columns: input channels x kernel positions */
} pair_weights;

/* Columns begin .. begin+count-1 become rows of `width` lanes; those of no channel are 0. */
static void transpose_piece(const pair_weights *p, size_t begin, size_t count, float *to,
                            const tdnn_kernels *table)
{
    const size_t row = p->channels * p->area * sizeof(float);
    table->transpose_x32(to, p->width * sizeof(float),
                         (const char *)p->from + begin * sizeof(float), row, p->rows, count);
    for (size_t i = 0; p->rows < p->width && i < count; i++)
        memset(to + i * p->width + p->rows, 0, (p->width - p->rows) * sizeof(float));
}

static inline void copy_lanes(float *to, const float *from, size_t width)
{
    for (size_t i = 0; i < width; i += 8) memcpy(to + i, from + i, 8 * sizeof *to);
}

/* For each input plane, row and column of the kernel and input lane, the weights of the pair's
 * lanes. By tap: for each row and column and then each input channel. */
static void pack_block(const tdnn_conv *c, const pair_weights *p, float *out,
                       const tdnn_kernels *table)
{
    float piece[PIECE * WIDEST];
    if (p->area == 1) {
        transpose_piece(p, 0, p->channels, out, table);
        return;
    }
    size_t plane = 0, lane = 0, k = 0, lanes = c->planes > 1 ? c->unit : c->last_lanes;
    for (size_t begin = 0, all = p->channels * p->area; begin < all; begin += PIECE) {
        const size_t count = all - begin < PIECE ? all - begin : PIECE;
        transpose_piece(p, begin, count, piece, table);
        for (size_t i = 0; i < count; i++) {
            const size_t at = c->method == TDNN_CONV_BY_TAP
                                  ? k * p->channels + plane * c->unit + lane
                                  : plane * c->unit * p->area + k * lanes + lane;
            copy_lanes(out + at * p->width, piece + i * p->width, p->width);
            if (++k < p->area) continue;
            k = 0;
            if (++lane < lanes) continue;
            lane = 0;
            if (++plane + 1 == c->planes) lanes = c->last_lanes;
        }
    }
}

/* The weights for the `count` input channels from `first` on of one output channel, lane `o` of
 * a pair: of merged groups, whose others stay 0. */
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

/* For each point and input channel, the weights of the pair's lanes. */
static void pack_winograd(const tdnn_conv *c, const pair_weights *p, size_t pair, float *packed,
                          const tdnn_kernels *table)
{
    enum { CHANNELS = PIECE / 9 };
    float piece[CHANNELS * 9 * WIDEST];
    const size_t width = p->width / c->block, at = tdnn_winograd_weights(c, pair, 0, width);
    const size_t step = tdnn_winograd_weights(c, pair, 1, width) - at;
    for (size_t channel = 0; channel < c->ic; channel += CHANNELS) {
        const size_t count = c->ic - channel < CHANNELS ? c->ic - channel : CHANNELS;
        transpose_piece(p, channel * 9, count * 9, piece, table);
        for (size_t i = 0; i < count; i++)
            table->winograd_weights_f32(packed + at + (channel + i) * p->width, step,
                                        piece + i * 9 * p->width, p->width);
    }
}

/* Groups that were merged: each output channel has weights for its own group's input alone. */
static void pack_merged(const tdnn_conv *c, const float *weights, float *packed)
{
    const size_t depth = tdnn_conv_depth(c), b = c->block;
    const size_t group_oc = c->oc / c->groups, blocks = tdnn_conv_blocks(group_oc, b);
    const size_t asked_ic = c->ic / c->groups / c->merge, asked_group_oc = group_oc / c->merge;
    memset(packed, 0, tdnn_conv_bias_count(c) * depth * sizeof *packed);
    for (size_t channel = 0; channel < c->asked_oc; channel++) {
        const size_t group = channel / group_oc, o = channel % group_oc;
        const size_t pair = o / (2 * b), width = 2 * pair + 1 < blocks ? 2 * b : b;
        const float *from = weights + channel * asked_ic * c->kh * c->kw;
        float *out = packed + (group * blocks + 2 * pair) * b * depth + o % (2 * b);
        pack_channel(c, from, out, width, o / asked_group_oc * asked_ic, asked_ic);
    }
}

static void pack_pairs(const tdnn_conv *c, const float *weights, float *packed,
                       const tdnn_kernels *table)
{
    const size_t depth = tdnn_conv_depth(c), b = c->block;
    const size_t group_oc = c->oc / c->groups, blocks = tdnn_conv_blocks(group_oc, b);
    for (size_t i = 0; i < c->groups * c->pairs; i++) {
        const size_t pair = i % c->pairs, left = group_oc - pair * 2 * b;
        const size_t width = 2 * pair + 1 < blocks ? 2 * b : b;
        const pair_weights p = {.from =
                                    weights + (i / c->pairs * group_oc + pair * 2 * b) * depth,
                                .rows = left < width ? left : width,
                                .width = width,
                                .channels = c->ic / c->groups,
                                .area = c->kh * c->kw};
        if (c->method == TDNN_CONV_WINOGRAD) {
            pack_winograd(c, &p, pair, packed, table);
            continue;
        }
        pack_block(c, &p, packed, table);
        packed += width * depth;
    }
}

bool tdnn_conv_packs_anywhere(const tdnn_conv *c)
{
    return c->method == TDNN_CONV_WINOGRAD || c->method == TDNN_CONV_FIRST ||
           c->method == TDNN_CONV_BY_TAP || (c->method == TDNN_CONV_BLOCK && c->merge == 1);
}

void tdnn_conv_pack(const tdnn_conv *c, const float *weights, const float *bias, float *packed,
                    const tdnn_kernels *table)
{
    const size_t bias_count = tdnn_conv_bias_count(c), has = bias ? c->asked_oc : 0;
    if (has) memcpy(packed, bias, has * sizeof *bias);
    memset(packed + has, 0, (bias_count - has) * sizeof *packed);
    packed += bias_count;
    if (c->method == TDNN_CONV_DEPTHWISE) {
        memset(packed, 0, bias_count * c->kh * c->kw * sizeof *packed);
        pack_depthwise(c, weights, packed);
    } else if (tdnn_conv_is_bf16(c->method)) {
        memset(packed, 0, tdnn_conv_bf16_count(c) / 2 * sizeof *packed);
        tdnn_conv_bf16_pack(c, weights, packed);
    } else if (c->merge > 1) {
        pack_merged(c, weights, packed);
    } else {
        pack_pairs(c, weights, packed, table);
    }
}

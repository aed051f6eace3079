/* Blocked convolution by products of bf16: how its weights are packed, and its meaning in
 * portable C: inputs and weights rounded to bf16, products and sums in f32. */
#include "kernels/generic/bf16.h"
#include "kernels/kernels.h"

#include <string.h>

void tdnn_fill_conv_bf16_generic(tdnn_kernels *t);

enum { BLOCK = TDNN_BF16_PLANE / 2 };

/* What rounding to `narrowed` has left over; nothing of what is infinite. */
static float rest(float x, uint16_t narrowed)
{
    const float left = x - tdnn_bf16_widen(narrowed);
    return left - left == 0 ? left : 0;
}

/* bf16 weights of one output block. */
static size_t block_count(const tdnn_conv *c)
{
    return tdnn_conv_bf16_steps(c) * TDNN_BF16_STEP;
}

size_t tdnn_conv_bf16_count(const tdnn_conv *c)
{
    return c->groups * tdnn_conv_blocks(c->oc / c->groups, BLOCK) * block_count(c);
}

/* The weight of input channel `i`, kernel position `k`, output channel `o` of a group, seen
 * from the group's first; the two blocks of a pair alternate step by step. `term`: of BF16X3, 0
 * .. 2. */
static size_t place(const tdnn_conv *c, size_t o, size_t i, size_t k, size_t term)
{
    const size_t blocks = tdnn_conv_blocks(c->oc / c->groups, BLOCK), pair = o / (2 * BLOCK);
    const size_t width = 2 * pair + 1 < blocks ? 2 : 1;
    const bool first = c->method == TDNN_CONV_BF16_FIRST;
    const size_t lane =
        first ? k % c->kw * c->dilation_w * TDNN_BF16_FIRST_CHANNELS + i : i % TDNN_BF16_PLANE;
    const size_t step =
        first ? k / c->kw : (term * c->planes + i / TDNN_BF16_PLANE) * c->kh * c->kw + k;
    return 2 * pair * block_count(c) + (step * width + o / BLOCK % 2) * TDNN_BF16_STEP +
           (lane / 2 * BLOCK + o % BLOCK) * 2 + lane % 2;
}

/* Weights of one plane of `lanes` input channels and one output channel, `area` for each lane;
 * steps of the inner loop are `step` apart. The other terms of BF16X3 follow `term` further on
 * each; 0: there are none. */
static inline void pack_plane(uint16_t *to, const float *weights, size_t lanes, size_t area,
                              size_t step, size_t term)
{
    for (size_t lane = 0; lane < lanes; lane++) {
        uint16_t *at = to + lane / 2 * BLOCK * 2 + lane % 2;
        for (size_t k = 0; k < area; k++, weights++, at += step) {
            *at = tdnn_bf16_narrow(*weights);
            if (!term) continue;
            at[term] = *at;
            at[2 * term] = tdnn_bf16_narrow(rest(*weights, *at));
        }
    }
}

/* Block by block and plane by plane: what is written stays in the first-level cache until it is
 * full. */
static void pack_blocks(const tdnn_conv *c, const float *weights, uint16_t *packed)
{
    const size_t group_oc = c->oc / c->groups, blocks = tdnn_conv_blocks(group_oc, BLOCK);
    const size_t ic = c->ic / c->groups, area = c->kh * c->kw;
    for (size_t block = 0; block < c->groups * blocks; block++) {
        const size_t first = block % blocks * BLOCK, left = group_oc - first;
        const size_t width = first / (2 * BLOCK) * 2 + 1 < blocks ? 2 : 1,
                     step = width * TDNN_BF16_STEP;
        const float *from = weights + (block / blocks * group_oc + first) * ic * area;
        uint16_t *to =
            packed + block / blocks * blocks * block_count(c) + place(c, first, 0, 0, 0);
        for (size_t plane = 0; plane < c->planes; plane++, to += area * step) {
            const size_t channel = plane * TDNN_BF16_PLANE, more = ic - channel;
            for (size_t o = 0; o < BLOCK && o < left; o++)
                pack_plane(to + o * 2, from + (o * ic + channel) * area,
                           more < TDNN_BF16_PLANE ? more : TDNN_BF16_PLANE, area, step,
                           c->method == TDNN_CONV_BF16X3 ? c->planes * area * step : 0);
        }
    }
}

void tdnn_conv_bf16_pack(const tdnn_conv *c, const float *weights, void *packed)
{
    if (c->method != TDNN_CONV_BF16_FIRST && c->merge == 1) {
        pack_blocks(c, weights, packed);
        return;
    }
    const size_t group_oc = c->oc / c->groups, blocks = tdnn_conv_blocks(group_oc, BLOCK);
    const size_t ic = c->ic / c->groups / c->merge, oc = group_oc / c->merge,
                 area = c->kh * c->kw;
    for (size_t channel = 0; channel < c->asked_oc; channel++) {
        const size_t o = channel % group_oc, first = o / oc * ic;
        uint16_t *to = (uint16_t *)packed + channel / group_oc * blocks * block_count(c);
        for (size_t i = 0; i < ic; i++)
            for (size_t k = 0; k < area; k++, weights++) {
                const uint16_t w = to[place(c, o, first + i, k, 0)] = tdnn_bf16_narrow(*weights);
                if (c->method != TDNN_CONV_BF16X3) continue;
                to[place(c, o, first + i, k, 1)] = w;
                to[place(c, o, first + i, k, 2)] = tdnn_bf16_narrow(rest(*weights, w));
            }
    }
}

typedef struct window {
    const float *x; /* of the group */
    size_t row, column;
} window;

static float sum_window(const tdnn_conv *c, const window *at, const uint16_t *w, size_t o)
{
    float sum = 0;
    for (size_t i = 0; i < c->ic / c->groups; i++)
        for (size_t k = 0; k < c->kh * c->kw; k++) {
            const size_t y = at->row * c->stride_h + k / c->kw * c->dilation_h;
            const size_t x = at->column * c->stride_w + k % c->kw * c->dilation_w;
            if (y < c->pad_top || y - c->pad_top >= c->ih) continue;
            if (x < c->pad_left || x - c->pad_left >= c->iw) continue;
            const size_t pixel = (i / BLOCK * c->ih + y - c->pad_top) * c->iw + x - c->pad_left;
            const float a = c->unit > 1 ? at->x[pixel * BLOCK + i % BLOCK]
                                        : at->x[pixel + i % BLOCK * c->ih * c->iw];
            sum +=
                tdnn_bf16_widen(tdnn_bf16_narrow(a)) * tdnn_bf16_widen(w[place(c, o, i, k, 0)]);
            if (c->method != TDNN_CONV_BF16X3) continue;
            sum += tdnn_bf16_widen(tdnn_bf16_narrow(rest(a, tdnn_bf16_narrow(a)))) *
                   tdnn_bf16_widen(w[place(c, o, i, k, 1)]);
            sum +=
                tdnn_bf16_widen(tdnn_bf16_narrow(a)) * tdnn_bf16_widen(w[place(c, o, i, k, 2)]);
        }
    return sum;
}

/* A pixel of output channel `o` of a group. */
static void convolve_pixel(const tdnn_conv *c, const tdnn_conv_io *io, size_t image,
                           size_t group, size_t o, size_t pixel)
{
    const size_t blocks = tdnn_conv_blocks(c->oc / c->groups, BLOCK), all = blocks * c->groups;
    const size_t planes = tdnn_conv_blocks(c->ic / c->groups, BLOCK),
                 block = group * blocks + o / BLOCK;
    const size_t lanes = c->unit > 1 ? planes * BLOCK : c->ic;
    const window at = {io->x + (image * c->groups + group) * c->ih * c->iw * lanes,
                       pixel / c->ow, pixel % c->ow};
    const uint16_t *w = (const uint16_t *)(const void *)(io->weights + tdnn_conv_bias_count(c)) +
                        group * blocks * block_count(c);
    float sum = io->weights[block * BLOCK + o % BLOCK] + sum_window(c, &at, w, o);
    const size_t to = ((image * all + block) * c->oh * c->ow + pixel) * BLOCK + o % BLOCK;
    if (c->residual == TDNN_RESIDUAL_BEFORE) sum += io->residual[to];
    c->activate(&sum, &sum, 1, &c->act);
    if (c->residual == TDNN_RESIDUAL_AFTER) sum += io->residual[to];
    io->y[to] = sum;
}

static void convolve(const tdnn_conv *c, const tdnn_conv_io *io, size_t task, void *scratch)
{
    (void)scratch;
    const tdnn_conv_part part = tdnn_conv_part_of(c, task);
    const size_t lanes = tdnn_conv_blocks(c->oc / c->groups, BLOCK) * BLOCK;
    const size_t columns = c->direct ? 1 : c->ow;
    for (size_t pair = part.pair_begin; pair < part.pair_end; pair++) {
        const size_t first = pair % c->pairs * 2 * BLOCK, end = first + 2 * BLOCK;
        for (size_t o = first; o < end && o < lanes; o++)
            for (size_t pixel = part.row_begin * columns; pixel < part.row_end * columns; pixel++)
                convolve_pixel(c, io, part.image, pair / c->pairs, o, pixel);
    }
}

void tdnn_fill_conv_bf16_generic(tdnn_kernels *t) { t->conv_bf16 = convolve; }

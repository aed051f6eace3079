/* Winograd convolution F(4x4, 3x3) in portable C, tile by tile. */
#include "kernels/generic/winograd_weights.h"

void tdnn_fill_winograd_generic(tdnn_kernels *t);

enum { IN = TDNN_WINOGRAD_IN, OUT = TDNN_WINOGRAD_OUT, POINTS = TDNN_WINOGRAD_POINTS };

static const float A = (float)TDNN_WINOGRAD_A, B = (float)(2 * TDNN_WINOGRAD_A);

/* Bt d along one axis; elements `step` apart. */
static void transform_input(float *d, size_t step)
{
    const float d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step];
    const float d5 = d[5 * step];
    const float even1 = d4 - 2 * d2, odd1 = A * (d3 - 2 * d1);
    const float even2 = d4 - 0.5f * d2, odd2 = B * (d3 - 0.5f * d1);
    d[0] = d0 - 2.5f * d2 + d4;
    d[step] = even1 + odd1;
    d[2 * step] = even1 - odd1;
    d[3 * step] = even2 + odd2;
    d[4 * step] = even2 - odd2;
    d[5 * step] = d1 - 2.5f * d3 + d5;
}

/* At m along one axis. */
static void transform_output(float *m, size_t step)
{
    const float m0 = m[0], m5 = m[5 * step];
    const float even1 = m[step] + m[2 * step], odd1 = A * (m[step] - m[2 * step]);
    const float even2 = m[3 * step] + m[4 * step], odd2 = B * (m[3 * step] - m[4 * step]);
    m[0] = m0 + even1 + even2;
    m[step] = odd1 + odd2;
    m[2 * step] = 0.5f * even1 + 2 * even2;
    m[3 * step] = 0.5f * odd1 + 2 * odd2 + m5;
}

/* Channel `lane` of an input plane under one tile. */
static void load_tile(const tdnn_conv *c, const float *plane, const tdnn_winograd_tile *at,
                      size_t lane, float d[POINTS])
{
    for (size_t i = 0; i < POINTS; i++) {
        const size_t y = at->row + i / IN * c->dilation_h,
                     x = at->column + i % IN * c->dilation_w;
        const bool inside = y >= c->pad_top && y - c->pad_top < c->ih && x >= c->pad_left &&
                            x - c->pad_left < c->iw;
        d[i] = inside ? plane[((y - c->pad_top) * c->iw + x - c->pad_left) * c->block + lane] : 0;
    }
    for (size_t i = 0; i < IN; i++) transform_input(d + i, IN);
    for (size_t i = 0; i < IN; i++) transform_input(d + i * IN, 1);
}

static void store_pixel(const tdnn_conv *c, const tdnn_conv_io *io, size_t at, float sum)
{
    if (c->residual == TDNN_RESIDUAL_BEFORE) sum += io->residual[at];
    c->activate(&sum, &sum, 1, &c->act);
    if (c->residual == TDNN_RESIDUAL_AFTER) sum += io->residual[at];
    io->y[at] = sum;
}

/* One tile of output channel `lane` of `width` in a pair. */
static void convolve_tile(const tdnn_conv *c, const tdnn_conv_io *io, size_t image, size_t block,
                          size_t lane, size_t width, const tdnn_winograd_tile *at)
{
    const size_t b = c->block, blocks = tdnn_conv_blocks(c->oc, b);
    const float *w = io->weights + tdnn_conv_bias_count(c) + lane;
    const float *x = io->x + image * c->planes * c->ih * c->iw * b;
    float sum[POINTS] = {0};
    for (size_t channel = 0; channel < c->ic; channel++) {
        float d[POINTS];
        load_tile(c, x + channel / b * c->ih * c->iw * b, at, channel % b, d);
        for (size_t i = 0; i < POINTS; i++)
            sum[i] +=
                d[i] * w[tdnn_winograd_weights(c, block / 2, i, width / b) + channel * width];
    }
    for (size_t i = 0; i < IN; i++) transform_output(sum + i, IN);
    for (size_t i = 0; i < OUT; i++) transform_output(sum + i * IN, 1);
    const size_t plane = image * blocks + block + lane / b;
    for (size_t i = 0; i < OUT * OUT; i++) {
        if (i / OUT >= at->rows || i % OUT >= at->columns) continue;
        const size_t y = at->row + i / OUT * c->dilation_h,
                     z = at->column + i % OUT * c->dilation_w;
        store_pixel(c, io, ((plane * c->oh + y) * c->ow + z) * b + lane % b,
                    sum[i / OUT * IN + i % OUT] + io->weights[block * b + lane]);
    }
}

static void convolve(const tdnn_conv *c, const tdnn_conv_io *io, size_t task, void *scratch)
{
    (void)scratch;
    const tdnn_conv_part part = tdnn_conv_part_of(c, task);
    const size_t blocks = tdnn_conv_blocks(c->oc, c->block);
    for (size_t pair = part.pair_begin; pair < part.pair_end; pair++) {
        const size_t width = 2 * pair + 1 < blocks ? 2 * c->block : c->block;
        for (size_t tile = part.row_begin; tile < part.row_end; tile++) {
            const tdnn_winograd_tile at = tdnn_winograd_tile_at(c, tile);
            for (size_t lane = 0; lane < width; lane++)
                convolve_tile(c, io, part.image, 2 * pair, lane, width, &at);
        }
    }
}

void tdnn_fill_winograd_generic(tdnn_kernels *t) 
{
    t->conv_winograd_f32 = convolve;
    t->winograd_weights_f32 = winograd_weights;
}

/* Blocked convolution in portable C: the meaning of the faster ones, from the same packed
 * weights. */
#include "kernels/kernels.h"

void tdnn_fill_conv_generic(tdnn_kernels *t);

typedef struct window {
    const float *x;        /* first plane of the group, or the plane of the block */
    size_t row, column;    /* of the output                                       */
} window;

/* Index of the input pixel under kernel position (kh, kw), or SIZE_MAX in the padding. */
static size_t pixel_at(const tdnn_conv *c, const window *at, size_t kh, size_t kw)
{
    const size_t y = at->row * c->stride_h + kh * c->dilation_h;
    const size_t x = at->column * c->stride_w + kw * c->dilation_w;
    if (y < c->pad_top || y - c->pad_top >= c->ih) return SIZE_MAX;
    if (x < c->pad_left || x - c->pad_left >= c->iw) return SIZE_MAX;
    return (y - c->pad_top) * c->iw + x - c->pad_left;
}

/* acc += the window times the weights of one pair, `width` lanes. */
static void sum_pair(const tdnn_conv *c, const window *at, const float *w, size_t width,
                     float *acc)
{
    const float *all = w;
    for (size_t plane = 0; plane < c->planes; plane++) {
        const size_t lanes = plane + 1 < c->planes ? c->unit : c->last_lanes;
        const float *x = at->x + plane * c->x_plane;
        for (size_t k = 0; k < c->kh * c->kw; k++, w += lanes * width) {
            const size_t pixel = pixel_at(c, at, k / c->kw, k % c->kw);
            if (pixel == SIZE_MAX) continue;
            if (c->method == TDNN_CONV_BY_TAP) w = all + (k * c->ic + plane * c->unit) * width;
            for (size_t i = 0; i < lanes; i++)
                for (size_t o = 0; o < width; o++)
                    acc[o] += x[pixel * c->unit + i] * w[i * width + o];
        }
    }
}

static void sum_depthwise(const tdnn_conv *c, const window *at, const float *w, float *acc)
{
    for (size_t k = 0; k < c->kh * c->kw; k++) {
        const size_t pixel = pixel_at(c, at, k / c->kw, k % c->kw);
        if (pixel == SIZE_MAX) continue;
        for (size_t o = 0; o < c->block; o++)
            acc[o] += at->x[pixel * c->block + o] * w[k * c->block + o];
    }
}

static void store(const tdnn_conv *c, const float *acc, const float *residual, float *y)
{
    for (size_t o = 0; o < c->block; o++) {
        float sum = acc[o];
        if (c->residual == TDNN_RESIDUAL_BEFORE) sum += residual[o];
        c->activate(&sum, &sum, 1, &c->act);
        if (c->residual == TDNN_RESIDUAL_AFTER) sum += residual[o];
        y[o] = sum;
    }
}

/* One output pixel of `width / block` blocks, the first of which is `block` of the image. */
static void convolve_pixel(const tdnn_conv *c, const tdnn_conv_io *io, const window *at,
                           size_t image, size_t block, size_t width, const float *w)
{
    float acc[32];
    const size_t b = c->block, blocks = tdnn_conv_blocks(c->oc, b);
    for (size_t o = 0; o < width; o++) acc[o] = io->weights[block * b + o];
    if (c->method == TDNN_CONV_DEPTHWISE)
        sum_depthwise(c, at, w, acc);
    else
        sum_pair(c, at, w, width, acc);
    for (size_t v = 0; v < width / b; v++) {
        const size_t plane = image * blocks + block + v;
        const size_t to = (plane - io->y_block) * c->y_plane + (at->row * c->ow + at->column) * b;
        store(c, acc + v * b, io->residual ? io->residual + to : NULL, io->y + to);
    }
}

static void convolve(const tdnn_conv *c, const tdnn_conv_io *io, size_t task, void *scratch)
{
    (void)scratch;
    const tdnn_conv_part part = tdnn_conv_part_of(c, task);
    const bool depthwise = c->method == TDNN_CONV_DEPTHWISE;
    const size_t b = c->block;
    const size_t depth = depthwise ? c->kh * c->kw : tdnn_conv_depth(c);
    const size_t group_blocks = depthwise ? 1 : tdnn_conv_blocks(c->oc / c->groups, b);
    const size_t in_planes = depthwise ? c->pair_count : c->planes * c->groups;
    const size_t columns = c->ow, begin = c->direct ? part.row_begin : part.row_begin * columns;
    const size_t end = c->direct ? part.row_end : part.row_end * columns;
    for (size_t pair = part.pair_begin; pair < part.pair_end; pair++) {
        const size_t group = pair / c->pairs, first = pair % c->pairs * 2;
        const size_t width = first + 1 < group_blocks ? 2 * b : b;
        const size_t block = group * group_blocks + first;
        const float *w = io->weights + tdnn_conv_bias_count(c) + block * b * depth;
        const float *x =
            io->x + (part.image * in_planes + group * c->planes - io->x_block) * c->x_plane;
        for (size_t pixel = begin; pixel < end; pixel++) {
            const window at = {x, pixel / columns, pixel % columns};
            convolve_pixel(c, io, &at, part.image, block, width, w);
        }
    }
}

void tdnn_fill_conv_generic(tdnn_kernels *t)
{
    t->conv_block_f32 = convolve;
    t->conv_first_f32 = convolve;
    t->conv_depthwise_f32 = convolve;
    t->conv_by_tap_f32 = convolve;
}

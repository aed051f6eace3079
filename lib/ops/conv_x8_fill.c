/* The input of a convolution of bytes: pixel by pixel, channels side by side, padding in place.
 */
#include "lib/ops/conv_x8.h"

#include <string.h>

static void take_ints(const tdnn_step *s, const tdnn_x8_source *from, uint8_t *to,
                      const int32_t *x, size_t n)
{
    float part[64];
    for (size_t i = 0, count; i < n; i += count) {
        count = n - i < 64 ? n - i : 64;
        for (size_t k = 0; k < count; k++) part[k] = (float)x[i + k];
        s->kernels->quantize_x8(to + i, part, count, from->scale, from->zero, 0, 255);
    }
}

/* Bytes of one channel's line, 0 .. 255. */
static void take_bytes(const tdnn_step *s, const tdnn_x8_source *from, uint8_t *to, size_t at,
                       size_t n)
{
    const tdnn_tensor *x = from->x;
    if (x->dtype == TDNN_F32) {
        s->kernels->quantize_x8(to, (const float *)x->data + at, n, from->scale, from->zero, 0,
                                255);
        return;
    }
    if (x->dtype == TDNN_I32) {
        take_ints(s, from, to, (const int32_t *)x->data + at, n);
        return;
    }
    memcpy(to, (const uint8_t *)x->data + at, n);
    for (size_t i = 0; x->dtype == TDNN_I8 && i < n; i++) to[i] ^= 128;
}

/* Four lines side by side; of those that are missing, zeros. */
static void interleave(uint8_t *to, size_t pixel, const uint8_t *lines, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const uint32_t quad = (uint32_t)lines[i] | (uint32_t)lines[n + i] << 8 |
                              (uint32_t)lines[2 * n + i] << 16 | (uint32_t)lines[3 * n + i] << 24;
        memcpy(to + i * pixel, &quad, sizeof quad);
    }
}

typedef struct line {
    size_t image, at; /* `at`: the line's first pixel in a plane */
    uint8_t *to;      /* its first pixel behind the padding      */
} line;

static void fill_plain(const tdnn_step *s, const tdnn_conv_x8 *d, const tdnn_x8_source *from,
                       const line *l, uint8_t *lines)
{
    const size_t groups = d->depthwise ? 1 : d->groups, ic = d->depthwise ? d->oc : d->ic;
    const size_t n = (size_t)d->axis[2].in;
    for (size_t g = 0; g < groups; g++)
        for (size_t c = 0; c < ic; c += 4) {
            const size_t count = ic - c < 4 ? ic - c : 4,
                         plane = (l->image * groups + g) * ic + c;
            for (size_t i = 0; i < count; i++)
                take_bytes(s, from, lines + i * n, (plane + i) * d->in_pixels + l->at, n);
            memset(lines + count * n, 0, (4 - count) * n);
            interleave(l->to + g * tdnn_round_up(d->ic, 4) + c, d->pixel, lines, n);
        }
}

static void fill_blocked(const tdnn_step *s, const tdnn_conv_x8 *d, const tdnn_x8_source *from,
                         const line *l)
{
    const size_t block = (size_t)from->x->layout, channels = (size_t)from->x->shape.dim[1];
    const size_t blocks = (channels + block - 1) / block;
    for (size_t b = 0; b < blocks; b++) {
        const float *x = (const float *)from->x->data +
                         ((l->image * blocks + b) * d->in_pixels + l->at) * block;
        const size_t left = channels - b * block;
        s->kernels->quantize_lanes(l->to + b * block, d->pixel, x, block, (size_t)d->axis[2].in,
                                   left < block ? left : block, from->scale, from->zero);
    }
}

void tdnn_conv_x8_fill(const tdnn_step *s, const tdnn_conv_x8 *d, const tdnn_x8_source *from,
                       size_t task, size_t worker)
{
    uint8_t *lines = s->scratch + worker * s->scratch_stride;
    const tdnn_window_axis *z = &d->axis[0], *y = &d->axis[1], *x = &d->axis[2];
    const size_t planes = d->extent[0] * d->extent[1];
    size_t i, end;
    tdnn_task_range(d->batch * planes, d->fill_tasks, task, &i, &end);
    for (; i < end; i++) {
        uint8_t *to = s->shared + i / planes * d->image + i % planes * d->line;
        const int64_t iz = (int64_t)(i % planes / d->extent[1]) - z->pad;
        const int64_t iy = (int64_t)(i % d->extent[1]) - y->pad;
        if (iz < 0 || iz >= z->in || iy < 0 || iy >= y->in) {
            memset(to, from->zero, d->line);
            continue;
        }
        const size_t left = (size_t)x->pad * d->pixel, middle = (size_t)x->in * d->pixel;
        const line l = {i / planes, (size_t)((iz * y->in + iy) * x->in), to + left};
        memset(to, from->zero, left);
        memset(to + left + middle, from->zero, d->line - left - middle);
        if (from->x->layout == TDNN_LAYOUT_PLAIN)
            fill_plain(s, d, from, &l, lines);
        else
            fill_blocked(s, d, from, &l);
    }
}

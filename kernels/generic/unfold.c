/* Convolution as a matrix product: windows become columns (im2col), and columns are added up
 * where their windows overlap (col2im). Plain memory traffic, so one portable form serves all
 * levels. */
#include "kernels/kernels.h"

#include <string.h>

void tdnn_fill_unfold_generic(tdnn_kernels *t);

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* `count` values of an input row, from output column `column` on, under kernel column k. */
static void unfold_run(const tdnn_unfold *u, const float *row, size_t k, size_t column,
                       size_t count, float *to)
{
    const size_t stride = u->stride[2], pad = u->pad[2], shift = k * u->dilation[2];
    for (size_t i = 0; i < count; i++) {
        const size_t x = (column + i) * stride + shift;
        if (x >= pad && stride == 1 && x - pad < u->in[2]) {
            const size_t n = least(count - i, u->in[2] - (x - pad));
            memcpy(to + i, row + (x - pad), n * sizeof *to);
            i += n - 1;
        } else {
            to[i] = x >= pad && x - pad < u->in[2] ? row[x - pad] : 0;
        }
    }
}

/* The input row under kernel position (kd, kh) of output row `row`, NULL in the padding. */
static const float *input_row(const tdnn_unfold *u, const float *x, size_t k, size_t row)
{
    const size_t z = row / u->out[1] * u->stride[0] + k / u->kernel[1] * u->dilation[0];
    const size_t y = row % u->out[1] * u->stride[1] + k % u->kernel[1] * u->dilation[1];
    if (z < u->pad[0] || z - u->pad[0] >= u->in[0]) return NULL;
    if (y < u->pad[1] || y - u->pad[1] >= u->in[1]) return NULL;
    return x + ((z - u->pad[0]) * u->in[1] + y - u->pad[1]) * u->in[2];
}

/* One row of a panel: pixels begin .. begin + count - 1 under one kernel position. */
static void unfold_row(const tdnn_unfold *u, const float *x, size_t k, size_t begin, size_t count,
                       float *to)
{
    const size_t width = u->out[2];
    for (size_t done = 0; done < count;) {
        const size_t column = (begin + done) % width, run = least(width - column, count - done);
        const float *row = input_row(u, x, k / u->kernel[2], (begin + done) / width);
        if (row)
            unfold_run(u, row, k % u->kernel[2], column, run, to + done);
        else
            memset(to + done, 0, run * sizeof *to);
        done += run;
    }
}

static void unfold(float *to, const float *x, const tdnn_unfold *u, size_t begin, size_t end,
                   size_t panel)
{
    const size_t area = u->kernel[0] * u->kernel[1] * u->kernel[2];
    const size_t volume = u->in[0] * u->in[1] * u->in[2];
    for (; begin < end; begin += panel) {
        const size_t count = least(end - begin, panel);
        for (size_t channel = 0; channel < u->channels; channel++)
            for (size_t k = 0; k < area; k++, to += panel) {
                unfold_row(u, x + channel * volume, k, begin, count, to);
                memset(to + count, 0, (panel - count) * sizeof *to);
            }
    }
}

/* Adds one row of columns, one value per output position of the convolution, to the input
 * plane. */
static void fold_row(const tdnn_unfold *u, const float *from, size_t k, float *plane)
{
    const size_t pad = u->pad[2], shift = k % u->kernel[2] * u->dilation[2];
    for (size_t row = 0; row < u->out[0] * u->out[1]; row++, from += u->out[2]) {
        /* the row to add to is the one that a convolution would read */
        float *to = (float *)(uintptr_t)input_row(u, plane, k / u->kernel[2], row);
        if (!to) continue;
        for (size_t i = 0; i < u->out[2]; i++) {
            const size_t x = i * u->stride[2] + shift;
            if (x >= pad && x - pad < u->in[2]) to[x - pad] += from[i];
        }
    }
}

static void fold(float *to, const float *from, const tdnn_unfold *u)
{
    const size_t area = u->kernel[0] * u->kernel[1] * u->kernel[2];
    const size_t volume = u->in[0] * u->in[1] * u->in[2],
                 columns = u->out[0] * u->out[1] * u->out[2];
    for (size_t channel = 0; channel < u->channels; channel++, to += volume)
        for (size_t k = 0; k < area; k++, from += columns) fold_row(u, from, k, to);
}

void tdnn_fill_unfold_generic(tdnn_kernels *t)
{
    t->unfold_f32 = unfold;
    t->fold_f32 = fold;
}

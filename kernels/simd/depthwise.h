/* Depthwise convolution in blocked layout: lanes are channels, each pixel is a sum of products
 * of vectors, and the input is read in place.
 *
 * Near the border a pixel sees only some positions of the kernel. The output is cut into
 * rectangles of pixels that see the same ones: the interior, and rows and columns along the
 * border; where the window is one of depthwise_window.h's, into such rows only.
 */
#ifndef TDNN_KERNELS_SIMD_DEPTHWISE_H
#define TDNN_KERNELS_SIMD_DEPTHWISE_H

#include "kernels/simd/depthwise_window.h"

/* Kernel positions begin .. end-1 of one axis are inside for output indices first .. last-1. */
typedef struct stretch {
    size_t first, last, begin, end;
} stretch;

typedef struct tile_work {
    tile_out out;
    const float *w;              /* at the first kernel position that is seen              */
    size_t rows, columns;        /* kernel positions that are seen                         */
    size_t w_row;                /* floats from a kernel row to the next                   */
    size_t x_row, x_column;      /* floats between input pixels under kernel positions     */
    size_t x_step, y_step;       /* floats between pixels of the tile                      */
} tile_work;

typedef void tile_fn(const tile_work *t, const float *x, size_t at);

INLINE void tile(const int P, const size_t step, const tile_work *t, const float *x, size_t at)
{
    v_f32 a[TILE][2];
    tile_begin(a, P, 1, &t->out, at, t->y_step);
    const float *w_row = t->w;
    for (size_t row = 0; row < t->rows; row++, x += t->x_row, w_row += t->w_row) {
        const float *from = x, *w = w_row;
        for (size_t column = 0; column < t->columns;
             column++, from += t->x_column, w += V_LANES) {
            const v_f32 wv = v_load(w);
            V_UNROLL for (int p = 0; p < P; p++)
                a[p][0] = v_fma(v_load(from + (size_t)p * step), wv, a[p][0]);
        }
    }
    tile_end(a, P, 1, &t->out, at, t->y_step);
}

/* Stride 1 has its own code: addresses become constants. */
#define DEPTHWISE_TILE(P, name, step)                                                          \
    static void name##_##P(const tile_work *t, const float *x, size_t at)                      \
    {                                                                                          \
        tile(P, step, t, x, at);                                                               \
    }
#define DEPTHWISE_NAME(P, name) name##_##P,
TILES(DEPTHWISE_TILE, near, V_LANES)
TILES(DEPTHWISE_TILE, any, t->x_step)
static tile_fn *const tiles[2][TILE + 1] = {{NULL, TILES(DEPTHWISE_NAME, near)},
                                            {NULL, TILES(DEPTHWISE_NAME, any)}};

static void run_line(const tile_work *t, const float *x, size_t at, size_t count)
{
    const size_t which = t->x_step == V_LANES ? 0 : 1;
    for (size_t left = (count + TILE - 1) / TILE; left > 0; left--) {
        const size_t size = count / left;
        tiles[which][size](t, x, at);
        x += size * t->x_step;
        at += size * t->y_step;
        count -= size;
    }
}

/* The stretch that output index `i` begins, within `limit`. */
static stretch stretch_at(size_t i, size_t limit, size_t in, size_t kernel, size_t stride,
                          size_t dilation, size_t pad)
{
    stretch s = {.first = i, .begin = kernel, .end = 0};
    for (size_t k = 0; k < kernel; k++) {
        const size_t x = i * stride + k * dilation;
        if (x < pad || x - pad >= in) continue;
        if (s.begin == kernel) s.begin = k;
        s.end = k + 1;
    }
    if (s.begin == kernel) s.begin = 0;
    s.last = i + 1;
    if (s.end - s.begin == kernel) { /* the interior: as long as the last position is inside */
        const size_t most = (in - 1 + pad - (kernel - 1) * dilation) / stride + 1;
        s.last = most < limit ? most : limit;
    }
    return s;
}

/* Pixels of rows x columns, along the longer side. */
static void run_rectangle(const tdnn_conv *c, tile_work *t, const float *x, const stretch *row,
                          const stretch *column, size_t first_row)
{
    const size_t height = row->last - row->first, width = column->last - column->first;
    const size_t x_down = c->stride_h * c->iw * V_LANES, x_right = c->stride_w * V_LANES;
    const size_t y_down = c->ow * V_LANES, y_right = V_LANES;
    const size_t at = ((row->first - first_row) * c->ow + column->first) * V_LANES;
    t->rows = row->end - row->begin;
    t->columns = column->end - column->begin;
    const float *w = t->w;
    t->w += (row->begin * c->kw + column->begin) * V_LANES;
    if (t->rows && t->columns) {
        const size_t y0 = row->first * c->stride_h + row->begin * c->dilation_h - c->pad_top;
        const size_t x0 =
            column->first * c->stride_w + column->begin * c->dilation_w - c->pad_left;
        x += (y0 * c->iw + x0) * V_LANES;
    }
    const bool down = height > width;
    t->x_step = down ? x_down : x_right;
    t->y_step = down ? y_down : y_right;
    for (size_t line = 0; line < (down ? width : height); line++)
        run_line(t, x + line * (down ? x_right : x_down), at + line * (down ? y_right : y_down),
                 down ? height : width);
    t->w = w;
}

/* Output rows that see the same kernel rows, by the tiles for their windows. */
static void run_known(const tdnn_conv *c, window_fn *const *known, const tile_work *t,
                      const float *x, const stretch *row, size_t first_row)
{
    window_work w = {.out = t->out,
                     .w = t->w + row->begin * t->w_row,
                     .rows = row->end - row->begin,
                     .x_row = t->x_row,
                     .x_down = c->stride_h * c->iw * V_LANES,
                     .y_down = c->ow * V_LANES};
    if (w.rows)
        x += (row->first * c->stride_h + row->begin * c->dilation_h - c->pad_top) * c->iw *
             V_LANES;
    run_windows(c, known, &w, x, (row->first - first_row) * w.y_down, row->last - row->first);
}

static void run_rows(const tdnn_conv *c, tile_work *t, const float *x, size_t begin, size_t end)
{
    window_fn *const *const known = window_tiles_of(c);
    for (size_t i = begin; i < end;) {
        const stretch row =
            stretch_at(i, end, c->ih, c->kh, c->stride_h, c->dilation_h, c->pad_top);
        if (known) run_known(c, known, t, x, &row, begin);
        for (size_t j = known ? c->ow : 0; j < c->ow;) {
            const stretch column =
                stretch_at(j, c->ow, c->iw, c->kw, c->stride_w, c->dilation_w, c->pad_left);
            run_rectangle(c, t, x, &row, &column, begin);
            j = column.last;
        }
        i = row.last;
    }
}

static void convolve(const tdnn_conv *c, const tdnn_conv_io *io, size_t task, void *scratch)
{
    (void)scratch;
    const tdnn_conv_part part = tdnn_conv_part_of(c, task);
    const size_t blocks = c->pair_count, rows = part.row_end - part.row_begin;
    const bool late = finish_late(c);
    tile_work t = {.w_row = c->kw * V_LANES, .x_row = c->dilation_h * c->iw * V_LANES,
                   .x_column = c->dilation_w * V_LANES};
    if (!late) t.out.act = c->act;
    for (size_t block = part.pair_begin; block < part.pair_end; block++) {
        const size_t plane = part.image * blocks + block;
        const size_t at = (plane - io->y_block) * c->y_plane + part.row_begin * c->ow * V_LANES;
        const float *residual = io->residual ? io->residual + at : NULL;
        t.w = io->weights + tdnn_conv_bias_count(c) + block * c->kh * c->kw * V_LANES;
        t.out.bias = io->weights + block * V_LANES;
        t.out.residual = c->residual == TDNN_RESIDUAL_BEFORE ? residual : NULL;
        t.out.y = io->y + at;
        run_rows(c, &t, io->x + (plane - io->x_block) * c->x_plane, part.row_begin, part.row_end);
        if (late) finish(c, t.out.y, residual, rows * c->ow * V_LANES);
    }
}

#endif

/* What the two ways of convolving by products of bf16 share: the copy of the input as bf16, and
 * what is done to sums. Rows of the copy are as long as find_taps has it, and joined: tiles of
 * 16 pixels run over all of a task's rows, and the pixels that lie between two rows of outputs
 * are dropped at the end.
 */
#ifndef TDNN_KERNELS_X86_CONV_BF16_H
#define TDNN_KERNELS_X86_CONV_BF16_H

#include "kernels/simd/conv_tile.h"

#include <math.h>
#include <string.h>

enum { PIXELS = 32 }; /* of a tile pair */

typedef struct bf16_work {
    const ptrdiff_t
        *taps; /* where each step reads, in floats from the pixel's place in the copy */
    size_t steps;
    size_t pixel;          /* bytes from an input pixel to the next */
    const char *w;         /* of one or two output blocks       */
    const char *ahead;     /* of the next pair's weights, fetched meanwhile */
    size_t ahead_lines;    /* with each step                    */
    float *sums;           /* [block][PIXELS][16]               */
    size_t line, columns;  /* of the copy: pixels of a row; those that are outputs */
    float *y;              /* the task's first row              */
    const float *residual; /* laid out as y; NULL: none         */
    const float *bias;
} bf16_work;

/* Adds up `count` pixels (at most PIXELS) from x on into t->sums, for V output blocks. */
typedef void bf16_tile_fn(const bf16_work *t, const float *x, size_t count);

/* What rounding `x` to `narrow` has left over; nothing of what is infinite. */
INLINE __m512 rest(__m512 x, __m256i narrow)
{
    const __m512i wide = _mm512_slli_epi32(_mm512_cvtepu16_epi32(narrow), 16);
    const __m512 left = _mm512_sub_ps(x, _mm512_castsi512_ps(wide));
    const __mmask16 finite =
        _mm512_cmp_ps_mask(_mm512_abs_ps(left), _mm512_set1_ps(INFINITY), _CMP_LT_OQ);
    return _mm512_maskz_mov_ps(finite, left);
}

/* Two blocks of channels of one pixel; with `apart` also what is left over, that many floats
 * behind. */
INLINE void narrow_pixel(float *to, const float *low, const float *high, __mmask16 l, __mmask16 h,
                         size_t apart)
{
    const __m512 a = _mm512_maskz_loadu_ps(l, low), b = _mm512_maskz_loadu_ps(h, high);
    const __m512i both = (__m512i)_mm512_cvtne2ps_pbh(b, a);
    _mm512_storeu_si512(to, both);
    if (!apart) return;
    const __m512 a2 = rest(a, _mm512_castsi512_si256(both));
    const __m512 b2 = rest(b, _mm512_extracti64x4_epi64(both, 1));
    _mm512_storeu_si512(to + apart, (__m512i)_mm512_cvtne2ps_pbh(b2, a2));
}

/* Channels of plane `plane` in its two blocks; lanes without meaning could hold a NaN. */
static void plane_masks(const tdnn_conv *c, size_t plane, __mmask16 *low, __mmask16 *high)
{
    const size_t lanes = plane + 1 < c->planes ? TDNN_BF16_PLANE : c->last_lanes;
    *low = (__mmask16)(lanes < 16 ? (1u << lanes) - 1 : 0xffff);
    *high = (__mmask16)(lanes > 16 ? (1u << (lanes - 16)) - 1 : 0);
}

/* `count` pixels that lie side by side, as [plane][pixel][32]. */
static void narrow_pixels(const tdnn_conv *c, const float *x, size_t count, float *to,
                          size_t rests)
{
    const size_t size = c->ih * c->iw * V_LANES;
    for (size_t plane = 0; plane < c->planes; plane++, x += 2 * size) {
        __mmask16 l, h;
        plane_masks(c, plane, &l, &h);
        const float *high = h ? x + size : x;
        for (size_t i = 0; i < count; i++, to += V_LANES)
            narrow_pixel(to, x + i * V_LANES, high + i * V_LANES, l, h, rests);
    }
}

/* One row of a view: pixels at input columns first, first + stride ...; zeros where there is
 * none. The block of the other channels lies `apart` floats behind `row`. */
static void narrow_row(const tdnn_conv *c, const float *row, size_t apart, size_t first,
                       float *to, __mmask16 l, __mmask16 h, size_t rests)
{
    const size_t stride = c->stride_w, columns = c->copy_columns, limit = c->iw + c->pad_left;
    size_t begin = first < c->pad_left ? (c->pad_left - first + stride - 1) / stride : 0;
    size_t end = first < limit ? (limit - first + stride - 1) / stride : 0;
    if (end > columns) end = columns;
    if (begin >= end || !row) begin = end = columns;
    const size_t tail = (columns - end) * V_LANES * sizeof *to;
    memset(to, 0, begin * V_LANES * sizeof *to);
    memset(to + rests, 0, begin * V_LANES * sizeof *to);
    if (begin < end) {
        const float *from = row + (first + begin * stride - c->pad_left) * V_LANES;
        for (size_t i = begin; i < end; i++, from += stride * V_LANES)
            narrow_pixel(to + i * V_LANES, from, from + apart, l, h, rests);
    }
    memset(to + end * V_LANES, 0, tail);
    memset(to + end * V_LANES + rests, 0, tail);
}

/* What output rows begin .. begin + rows - 1 read: [plane][phase][view][row][column][32];
 * `rests` floats behind it the same of what is left over, or 0. */
static void narrow_planes(const tdnn_conv *c, const float *x, size_t begin, size_t rows,
                          float *to, size_t rests)
{
    const size_t line = c->copy_columns * V_LANES, size = c->ih * c->iw * V_LANES;
    for (size_t plane = 0; plane < c->planes; plane++, x += 2 * size) {
        __mmask16 l, h;
        plane_masks(c, plane, &l, &h);
        for (size_t phase = 0; phase < c->phases; phase++)
            for (size_t view = 0; view < c->views; view++)
                for (size_t r = 0; r < rows + c->extra_rows; r++, to += line) {
                    const size_t y = (begin + r) * c->stride_h + phase;
                    const bool inside = y >= c->pad_top && y - c->pad_top < c->ih;
                    const float *row = inside ? x + (y - c->pad_top) * c->iw * V_LANES : NULL;
                    narrow_row(c, row, h ? size : 0, view, to, l, h, rests);
                }
    }
}

/* 16 pixels of up to four planes, side by side. */
INLINE void narrow_first(float *to, const float *x, size_t channels, size_t plane, size_t count)
{
    const __mmask16 mask = v_first(count);
    __m512i v[4];
    V_UNROLL for (size_t i = 0; i < 4; i++)
        v[i] = i < channels ? _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(
                                  _mm512_maskz_loadu_ps(mask, x + i * plane)))
                            : _mm512_setzero_si512();
    const __m512i low = _mm512_or_si512(v[0], _mm512_slli_epi32(v[1], 16));
    const __m512i high = _mm512_or_si512(v[2], _mm512_slli_epi32(v[3], 16));
    const __m512i index =
        _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const __m512i behind = _mm512_add_epi32(index, _mm512_set1_epi32(8));
    _mm512_mask_storeu_epi64(to, (__mmask8)mask, _mm512_permutex2var_epi32(low, index, high));
    _mm512_mask_storeu_epi64(to + 16, (__mmask8)(mask >> 8),
                             _mm512_permutex2var_epi32(low, behind, high));
}

/* The copy for BF16_FIRST: [phase][row][column][4], zeros behind it. */
static void narrow_image(const tdnn_conv *c, const float *x, size_t begin, size_t rows, float *to)
{
    const size_t columns = c->copy_columns * c->stride_w, size = c->ih * c->iw;
    const size_t left = c->pad_left < columns ? c->pad_left : columns;
    const size_t count = c->iw < columns - left ? c->iw : columns - left;
    for (size_t phase = 0; phase < c->phases; phase++)
        for (size_t r = 0; r < rows + c->extra_rows; r++, to += columns * 2) {
            const size_t y = (begin + r) * c->stride_h + phase;
            const bool inside = y >= c->pad_top && y - c->pad_top < c->ih;
            const size_t n = inside ? count : 0, end = left + n;
            memset(to, 0, left * TDNN_BF16_FIRST_BYTES);
            memset(to + end * 2, 0, (columns - end) * TDNN_BF16_FIRST_BYTES);
            const float *row = inside ? x + (y - c->pad_top) * c->iw : NULL;
            for (size_t i = 0; i < n; i += 16)
                narrow_first(to + (left + i) * 2, row + i, c->ic, size, n - i < 16 ? n - i : 16);
        }
    memset(to, 0, TDNN_BF16_PLANE * 2);
}

/* A run of outputs of one block. */
static void finish_run(const tdnn_conv *c, const float *sums, const float *bias,
                       const float *residual, float *y, size_t count)
{
    const v_f32 b = v_load(bias), low = v_set1(c->act.alpha), high = v_set1(c->act.beta);
    const bool late = finish_late(c), clip = c->act.kind == TDNN_ACTIVATE_CLIP;
    const float *before = c->residual == TDNN_RESIDUAL_BEFORE ? residual : NULL;
    for (size_t i = 0; i < count * V_LANES; i += V_LANES) {
        v_f32 a = v_add(v_load(sums + i), b);
        if (before) a = v_add(a, v_load(before + i));
        if (clip)
            a = v_clip(a, low, high);
        else if (!late && c->act.kind == TDNN_ACTIVATE_LEAKY)
            a = v_activate(a, TDNN_ACTIVATE_LEAKY, low, high);
        v_store(y + i, a);
    }
    if (late) finish(c, y, residual, count * V_LANES);
}

/* The sums of `count` pixels from `pixel` of the copy on go to the outputs among them. */
static void finish_tile(const tdnn_conv *c, const bf16_work *t, size_t pixel, size_t count, int V)
{
    const size_t plane = c->oh * c->ow * V_LANES;
    size_t row = pixel / t->line, column = pixel % t->line;
    for (size_t i = 0; i < count; row++, column = 0) {
        const size_t run = t->line - column < count - i ? t->line - column : count - i;
        const size_t end = column + run < t->columns ? column + run : t->columns;
        const size_t at = (row * t->columns + column) * V_LANES;
        for (int v = 0; v < V && column < end; v++)
            finish_run(c, t->sums + ((size_t)v * PIXELS + i) * V_LANES, t->bias + v * V_LANES,
                       t->residual ? t->residual + (size_t)v * plane + at : NULL,
                       t->y + (size_t)v * plane + at, end - column);
        i += run;
    }
}

/* Where each step reads. Returns how many floats behind the copy the copy of what is left over
 * starts; 0: there is none. */
static size_t plan_taps(const tdnn_conv *c, size_t rows, ptrdiff_t *taps)
{
    const size_t count = c->planes * c->kh * c->kw;
    const size_t lines = c->phases * c->views * (rows + c->extra_rows) * c->copy_columns;
    const size_t rests = c->planes * (c->direct ? rows : lines) * V_LANES;
    if (c->method == TDNN_CONV_BF16_FIRST) {
        for (size_t kh = 0; kh < c->kh; kh++) {
            const size_t y = kh * c->dilation_h,
                         row = y % c->stride_h * (rows + c->extra_rows) + y / c->stride_h;
            taps[kh] = (ptrdiff_t)(row * c->copy_columns * c->stride_w * 2);
        }
        return 0;
    }
    if (c->direct)
        for (size_t i = 0; i < count; i++) taps[i] = (ptrdiff_t)(i * rows * V_LANES);
    else
        find_taps(c, rows, taps);
    if (c->method == TDNN_CONV_BF16) return 0;
    for (size_t i = 0; i < count; i++) {
        taps[count + i] = taps[i] + (ptrdiff_t)rests;
        taps[2 * count + i] = taps[i];
    }
    return rests;
}

INLINE void convolve_bf16(const tdnn_conv *c, const tdnn_conv_io *io, size_t task, void *scratch,
                          bf16_tile_fn *one, bf16_tile_fn *two)
{
    const tdnn_conv_part part = tdnn_conv_part_of(c, task);
    const size_t steps = tdnn_conv_bf16_steps(c), rows = part.row_end - part.row_begin;
    const size_t group_blocks = tdnn_conv_blocks(c->oc / c->groups, V_LANES);
    const size_t in_planes = tdnn_conv_blocks(c->ic / c->groups, V_LANES);
    const size_t pixels = c->direct ? rows : (rows - 1) * c->copy_columns + c->ow;
    ptrdiff_t *taps = scratch;
    float *sums = (float *)((char *)scratch + (steps * sizeof *taps + 63) / 64 * 64);
    float *copy = sums + TDNN_BF16_SUMS / sizeof *sums;
    bf16_work t = {.taps = taps,
                   .steps = steps,
                   .sums = sums,
                   .line = c->copy_columns,
                   .columns = c->ow,
                   .pixel = c->unit > 1 ? 64 : c->stride_w * TDNN_BF16_FIRST_BYTES};
    const size_t rests = plan_taps(c, rows, taps);
    size_t copied = SIZE_MAX;
    for (size_t pair = part.pair_begin; pair < part.pair_end; pair++) {
        const size_t group = pair / c->pairs, first = pair % c->pairs * 2;
        const size_t block = group * group_blocks + first;
        const int V = first + 1 < group_blocks ? 2 : 1;
        const size_t lanes = c->unit > 1 ? in_planes * V_LANES : c->ic;
        const float *x = io->x + (part.image * c->groups + group) * c->ih * c->iw * lanes;
        if (copied != group && c->unit == 1)
            narrow_image(c, x, part.row_begin, rows, copy);
        else if (copied != group && c->direct)
            narrow_pixels(c, x + part.row_begin * V_LANES, rows, copy, rests);
        else if (copied != group)
            narrow_planes(c, x, part.row_begin, rows, copy, rests);
        copied = group;
        const size_t out = ((part.image * group_blocks * c->groups + block) * c->oh * c->ow +
                            part.row_begin * (c->direct ? 1 : c->ow)) * V_LANES;
        t.bias = io->weights + block * V_LANES;
        t.w = (const char *)(io->weights + tdnn_conv_bias_count(c)) +
              block * steps * TDNN_BF16_STEP * 2;
        t.y = io->y + out;
        t.residual = io->residual ? io->residual + out : NULL;
        const size_t tiles = (pixels + PIXELS - 1) / PIXELS,
                     lines = (size_t)V * TDNN_BF16_STEP / 32;
        t.ahead = t.w + (size_t)V * steps * TDNN_BF16_STEP * 2;
        t.ahead_lines = pair + 1 < part.pair_end ? (lines + tiles - 1) / tiles : 0;
        for (size_t pixel = 0; pixel < pixels;
             pixel += PIXELS, t.ahead += steps * t.ahead_lines * 64) {
            const size_t count = pixels - pixel < PIXELS ? pixels - pixel : PIXELS;
            (V == 2 ? two : one)(&t, copy + pixel * t.pixel / sizeof *copy, count);
            finish_tile(c, &t, pixel, count, V);
        }
    }
}

#endif

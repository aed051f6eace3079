/* Strided copies of elements of any size: what Transpose, Slice, Concat, Pad, Tile ... come
 * down to.
 *
 * The innermost dimension runs in one loop for its element size; a pair of dimensions that
 * change places (one contiguous where it is read, the other where it is written) goes by square
 * tiles, so that every cache line is used whole on both sides.
 */
#include "kernels/generic/copy.h"

#include <string.h>

enum { TILE = 32 };

#define ROW(bytes)                                                                             \
    static void row_##bytes(char *to, ptrdiff_t to_step, const char *from,                     \
                            ptrdiff_t from_step, size_t n)                                     \
    {                                                                                          \
        for (size_t i = 0; i < n; i++, to += to_step, from += from_step)                       \
            memcpy(to, from, bytes);                                                           \
    }
ROW(1)
ROW(2)
ROW(4)
ROW(8)
ROW(16)
ROW(32)
ROW(64)

static void row_any(char *to, ptrdiff_t to_step, const char *from, ptrdiff_t from_step,
                    size_t n, size_t size)
{
    for (size_t i = 0; i < n; i++, to += to_step, from += from_step) memcpy(to, from, size);
}

/* One element over and over: what is done already is copied on. */
static void row_fill(char *to, const char *from, size_t n, size_t size)
{
    enum { NEAR = 4096 };
    const size_t bytes = n * size;
    memcpy(to, from, size);
    for (size_t done = size; done < bytes;) {
        size_t part = done < NEAR ? done : NEAR / size * size;
        if (part == 0) part = size;
        if (part > bytes - done) part = bytes - done;
        memcpy(to + done, to, part);
        done += part;
    }
}

static void row(char *to, ptrdiff_t to_step, const char *from, ptrdiff_t from_step, size_t n,
                size_t size)
{
    if (from_step == 0 && to_step == (ptrdiff_t)size && n > 8) {
        row_fill(to, from, n, size);
        return;
    }
    switch (size) {
    case 1: row_1(to, to_step, from, from_step, n); break;
    case 2: row_2(to, to_step, from, from_step, n); break;
    case 4: row_4(to, to_step, from, from_step, n); break;
    case 8: row_8(to, to_step, from, from_step, n); break;
    case 16: row_16(to, to_step, from, from_step, n); break;
    case 32: row_32(to, to_step, from, from_step, n); break;
    case 64: row_64(to, to_step, from, from_step, n); break;
    default: row_any(to, to_step, from, from_step, n, size); break;
    }
}

#define TILED(bytes)                                                                           \
    static void tiled_##bytes(char *to, size_t to_stride, const char *from,                    \
                              size_t from_stride, size_t rows, size_t columns)                 \
    {                                                                                          \
        for (size_t r = 0; r < rows; r++)                                                      \
            for (size_t c = 0; c < columns; c++)                                               \
                memcpy(to + c * to_stride + r * (bytes), from + r * from_stride + c * (bytes), \
                       bytes);                                                                 \
    }
TILED(1)
TILED(2)
TILED(4)
TILED(8)
TILED(16)

void tdnn_transpose_x32_generic(void *to, size_t to_stride, const void *from,
                                size_t from_stride, size_t rows, size_t columns)
{
    for (size_t r = 0; r < rows; r += TILE)
        for (size_t c = 0; c < columns; c += TILE)
            tiled_4((char *)to + c * to_stride + r * 4, to_stride,
                    (const char *)from + r * from_stride + c * 4, from_stride,
                    rows - r < TILE ? rows - r : TILE, columns - c < TILE ? columns - c : TILE);
}

static void transpose(char *to, size_t to_stride, const char *from, size_t from_stride,
                      size_t rows, size_t columns, size_t size, tdnn_transpose_fn *x32)
{
    if (size == 4) {
        x32(to, to_stride, from, from_stride, rows, columns);
        return;
    }
    for (size_t r = 0; r < rows; r += TILE) {
        for (size_t c = 0; c < columns; c += TILE) {
            char *t = to + c * to_stride + r * size;
            const char *f = from + r * from_stride + c * size;
            const size_t high = rows - r < TILE ? rows - r : TILE;
            const size_t wide = columns - c < TILE ? columns - c : TILE;
            switch (size) {
            case 1: tiled_1(t, to_stride, f, from_stride, high, wide); break;
            case 2: tiled_2(t, to_stride, f, from_stride, high, wide); break;
            case 8: tiled_8(t, to_stride, f, from_stride, high, wide); break;
            default: tiled_16(t, to_stride, f, from_stride, high, wide); break;
            }
        }
    }
}

/* The dimension that is contiguous where it is read, if the innermost one is so only where it
 * is written; -1: no such pair. */
static int crossing(const tdnn_copy *c)
{
    const ptrdiff_t size = (ptrdiff_t)c->size;
    const int last = c->ndim - 1;
    if (size > 16 || (size & (size - 1)) != 0) return -1;
    if (c->to[last] != size || c->from[last] <= size) return -1;
    for (int d = last - 1; d >= 0; d--)
        if (c->from[d] == size && c->to[d] > 0 && c->count[d] > 1) return d;
    return -1;
}

void tdnn_copy_strided(void *to_, const void *from_, const tdnn_copy *c, tdnn_transpose_fn *x32)
{
    char *to = to_;
    const char *from = from_;
    if (c->ndim == 0) {
        memcpy(to, from, c->size);
        return;
    }
    const int last = c->ndim - 1, cross = crossing(c);
    size_t at[TDNN_COPY_DIMS] = {0};
    for (int d = 0; d <= last; d++)
        if (c->count[d] == 0) return;
    for (;;) {
        if (cross >= 0)
            transpose(to, (size_t)c->to[cross], from, (size_t)c->from[last], c->count[last],
                      c->count[cross], c->size, x32);
        else
            row(to, c->to[last], from, c->from[last], c->count[last], c->size);
        int d = last - 1;
        for (; d >= 0; d--) {
            if (d == cross) continue;
            to += c->to[d];
            from += c->from[d];
            if (++at[d] < c->count[d]) break;
            to -= c->to[d] * (ptrdiff_t)c->count[d];
            from -= c->from[d] * (ptrdiff_t)c->count[d];
            at[d] = 0;
        }
        if (d < 0) return;
    }
}

static void copy_generic(void *to, const void *from, const tdnn_copy *copy)
{
    tdnn_copy_strided(to, from, copy, tdnn_transpose_x32_generic);
}

/* Per axis a table of where each output index is read from: Resize (nearest) and Pad by
 * reflection. */
static void lookup_row(char *to, const char *from, const ptrdiff_t *table, size_t n,
                       size_t size)
{
    switch (size) {
    case 1:
        for (size_t i = 0; i < n; i++) memcpy(to + i, from + table[i], 1);
        break;
    case 2:
        for (size_t i = 0; i < n; i++) memcpy(to + i * 2, from + table[i], 2);
        break;
    case 4:
        for (size_t i = 0; i < n; i++) memcpy(to + i * 4, from + table[i], 4);
        break;
    case 8:
        for (size_t i = 0; i < n; i++) memcpy(to + i * 8, from + table[i], 8);
        break;
    case 32:
        for (size_t i = 0; i < n; i++) memcpy(to + i * 32, from + table[i], 32);
        break;
    case 64:
        for (size_t i = 0; i < n; i++) memcpy(to + i * 64, from + table[i], 64);
        break;
    default:
        for (size_t i = 0; i < n; i++) memcpy(to + i * size, from + table[i], size);
        break;
    }
}

/* Rows begin .. end-1 of the output, counted over all dimensions but the last. */
static void lookup_generic(void *to_, const void *from, const tdnn_lookup *l, size_t begin,
                           size_t end)
{
    const int last = l->ndim - 1;
    const size_t bytes = l->count[last] * l->size;
    char *to = (char *)to_ + begin * bytes;
    const char *before = NULL;
    for (size_t r = begin; r < end; r++, to += bytes) {
        const char *source = from;
        size_t rest = r;
        for (int d = last - 1; d >= 0; d--) {
            source += l->table[d][rest % l->count[d]];
            rest /= l->count[d];
        }
        if (source == before)
            memcpy(to, to - bytes, bytes); /* the same row again: Resize's usual case */
        else
            lookup_row(to, source, l->table[last], l->count[last], l->size);
        before = source;
    }
}

/* Blocks of channels from other blocks: every lane by itself. */
static void lanes_generic(float *to, const float *const *from, const tdnn_lanes *lanes,
                          size_t pixels)
{
    for (size_t l = 0; l < lanes->block; l++) {
        const float *source = NULL;
        for (size_t s = 0; s < lanes->sources && !source; s++)
            if (lanes->mask[s] >> l & 1) source = from[s] + lanes->index[l];
        for (size_t p = 0; p < pixels; p++)
            to[p * lanes->block + l] = source ? source[p * lanes->block] : 0;
    }
}

void tdnn_fill_copy_generic(tdnn_kernels *t);
void tdnn_fill_copy_generic(tdnn_kernels *t)
{
    t->copy = copy_generic;
    t->lookup = lookup_generic;
    t->transpose_x32 = tdnn_transpose_x32_generic;
    t->lanes_f32 = lanes_generic;
}

/* Strided copies, copies through tables and transpositions against loops over single bytes. */
#include "tests/kernels/check.h"

#include <string.h>

enum { MAX_BYTES = 1 << 18 };

static const size_t sizes[] = {1, 2, 4, 8, 16, 3, 12, 32, 64};

static void fill_random(tdnn_check *c, unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) p[i] = (unsigned char)check_random(c);
}

/* Dense on one side, the other with its dimensions in another order and, at times, reversed,
 * spaced or repeated. Returns the bytes that are read; *first is where element 0 lies in them.
 */
static size_t random_copy(tdnn_check *c, tdnn_copy *copy, size_t *first, size_t *written)
{
    int order[TDNN_COPY_DIMS];
    *copy = (tdnn_copy){.size = sizes[check_below(c, sizeof sizes / sizeof *sizes)],
                        .ndim = (int)check_below(c, 5)};
    for (int d = 0; d < copy->ndim; d++) {
        const size_t most = copy->ndim < 3 ? 70 : 12;
        copy->count[d] = 1 + check_below(c, most);
        order[d] = d;
    }
    for (int d = copy->ndim - 1; d > 0; d--) {
        const size_t k = check_below(c, (size_t)d + 1);
        const int t = order[d];
        order[d] = order[k], order[k] = t;
    }
    size_t dense = copy->size, read = copy->size;
    *first = 0;
    for (int d = copy->ndim - 1; d >= 0; d--) {
        copy->to[d] = (ptrdiff_t)dense;
        dense *= copy->count[d];
    }
    for (int k = copy->ndim - 1; k >= 0; k--) {
        const int d = order[k];
        const size_t kind = check_below(c, 6), gap = kind == 0 ? check_below(c, 3) : 0;
        if (kind == 1) continue; /* repeated: stride 0 */
        const size_t step = read + gap * copy->size;
        copy->from[d] = kind == 2 ? -(ptrdiff_t)step : (ptrdiff_t)step;
        if (kind == 2) *first += step * (copy->count[d] - 1);
        read = step * copy->count[d];
    }
    *written = dense;
    return read;
}

static void copy_bytes(unsigned char *to, const unsigned char *from, const tdnn_copy *copy)
{
    size_t total = 1;
    for (int d = 0; d < copy->ndim; d++) total *= copy->count[d];
    for (size_t i = 0; i < total; i++) {
        ptrdiff_t t = 0, f = 0;
        size_t rest = i;
        for (int d = copy->ndim - 1; d >= 0; d--) {
            const ptrdiff_t at = (ptrdiff_t)(rest % copy->count[d]);
            rest /= copy->count[d];
            t += at * copy->to[d];
            f += at * copy->from[d];
        }
        for (size_t b = 0; b < copy->size; b++) to[t + (ptrdiff_t)b] = from[f + (ptrdiff_t)b];
    }
}

void check_copy(tdnn_check *c, tdnn_copy_fn *variant, tdnn_copy_fn *generic,
                const tdnn_kernels *table)
{
    (void)generic, (void)table;
    for (int k = 0; k < 1500; k++) {
        tdnn_copy copy;
        size_t first, written;
        const size_t read = random_copy(c, &copy, &first, &written);
        if (read > MAX_BYTES || written > MAX_BYTES) continue;
        unsigned char *from = check_input(c, read);
        unsigned char *to = check_output(c, written), *want = check_output(c, written);
        fill_random(c, from, read);
        copy_bytes(want, from + first, &copy);
        variant(to, from + first, &copy);
        const bool ok = check_bytes(c, to, want, written, "%d dimensions of %zu bytes, case %d",
                                    copy.ndim, copy.size, k);
        check_reset(c);
        if (!ok) return;
    }
}

void bench_copy(tdnn_bench *b, tdnn_copy_fn *variant, const tdnn_kernels *table)
{
    (void)table;
    enum { C = 64, HW = 56 * 56 };
    float *from = bench_floats(b, (size_t)C * HW), *to = bench_floats(b, (size_t)C * HW);
    const struct {
        const char *name;
        tdnn_copy copy;
    } rows[] = {
        {"whole", {.size = C * HW * 4}},
        {"nchw to nhwc", {4, 2, {HW, C}, {C * 4, 4}, {4, HW * 4}}},
        {"nhwc to nchw", {4, 2, {C, HW}, {HW * 4, 4}, {4, C * 4}}},
        {"columns of 28 of 56", {112, 1, {C * 56}, {112}, {224}}},
        {"every other", {4, 2, {C, HW / 2}, {HW * 2, 4}, {HW * 4, 8}}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double bytes = 2.0 * (double)rows[i].copy.size;
        for (int d = 0; d < rows[i].copy.ndim; d++) bytes *= (double)rows[i].copy.count[d];
        while (bench_go(b, 0, bytes, "%s", rows[i].name)) variant(to, from, &rows[i].copy);
    }
}

void check_lookup(tdnn_check *c, tdnn_lookup_fn *variant, tdnn_lookup_fn *generic,
                  const tdnn_kernels *table)
{
    (void)generic, (void)table;
    for (int k = 0; k < 300; k++) {
        enum { WIDE = 20 };
        static ptrdiff_t offsets[4][WIDE];
        tdnn_lookup l = {.size = sizes[check_below(c, sizeof sizes / sizeof *sizes)],
                         .ndim = 1 + (int)check_below(c, 4)};
        size_t read = l.size, rows = 1;
        for (int d = l.ndim - 1; d >= 0; d--) {
            const size_t in = 1 + check_below(c, 8);
            l.count[d] = 1 + check_below(c, l.ndim < 3 ? WIDE : 8);
            for (size_t i = 0; i < l.count[d]; i++)
                offsets[d][i] = (ptrdiff_t)(check_below(c, in) * read);
            l.table[d] = offsets[d];
            read *= in;
            if (d < l.ndim - 1) rows *= l.count[d];
        }
        const size_t wide = l.count[l.ndim - 1], bytes = rows * wide * l.size;
        unsigned char *from = check_input(c, read);
        unsigned char *to = check_output(c, bytes), *want = check_output(c, bytes);
        fill_random(c, from, read);
        for (size_t i = 0; i < rows * wide; i++) {
            size_t rest = i;
            ptrdiff_t at = 0;
            for (int d = l.ndim - 1; d >= 0; d--) {
                at += l.table[d][rest % l.count[d]];
                rest /= l.count[d];
            }
            memcpy(want + i * l.size, from + at, l.size);
        }
        const size_t cut = check_below(c, rows + 1);
        variant(to, from, &l, 0, cut);
        variant(to, from, &l, cut, rows);
        const bool ok = check_bytes(c, to, want, bytes, "%d dimensions of %zu bytes, case %d",
                                    l.ndim, l.size, k);
        check_reset(c);
        if (!ok) return;
    }
}

void bench_lookup(tdnn_bench *b, tdnn_lookup_fn *variant, const tdnn_kernels *table)
{
    (void)table;
    enum { C = 64, SIDE = 52 };
    static ptrdiff_t planes[C], rows[SIDE * 2], columns[SIDE * 2];
    for (int i = 0; i < C; i++) planes[i] = (ptrdiff_t)i * SIDE * SIDE * 4;
    for (int i = 0; i < SIDE * 2; i++) rows[i] = (ptrdiff_t)(i / 2) * SIDE * 4;
    for (int i = 0; i < SIDE * 2; i++) columns[i] = (ptrdiff_t)(i / 2) * 4;
    const tdnn_lookup l = {4, 3, {C, SIDE * 2, SIDE * 2}, {planes, rows, columns}};
    const float *from = bench_floats(b, (size_t)C * SIDE * SIDE);
    float *to = bench_floats(b, (size_t)C * SIDE * SIDE * 4);
    while (bench_go(b, 0, 5.0 * C * SIDE * SIDE * 4, "64 x 52 x 52, twice as large"))
        variant(to, from, &l, 0, (size_t)C * SIDE * 2);
}

void check_transpose(tdnn_check *c, tdnn_transpose_fn *variant, tdnn_transpose_fn *generic,
                     const tdnn_kernels *table)
{
    (void)generic, (void)table;
    for (int k = 0; k < 500; k++) {
        const size_t rows = check_below(c, 70), columns = check_below(c, 70);
        const size_t from_stride = columns + check_below(c, 3),
                     to_stride = rows + check_below(c, 3);
        uint32_t *from = check_input(c, rows * from_stride * 4);
        uint32_t *to = check_output(c, columns * to_stride * 4);
        uint32_t *want = check_output(c, columns * to_stride * 4);
        fill_random(c, (unsigned char *)from, rows * from_stride * 4);
        for (size_t y = 0; y < rows; y++)
            for (size_t x = 0; x < columns; x++)
                want[x * to_stride + y] = from[y * from_stride + x];
        variant(to, to_stride * 4, from, from_stride * 4, rows, columns);
        const bool ok =
            check_bytes(c, to, want, columns * to_stride * 4, "%zu x %zu", rows, columns);
        check_reset(c);
        if (!ok) return;
    }
}

void bench_transpose(tdnn_bench *b, tdnn_transpose_fn *variant, const tdnn_kernels *table)
{
    (void)table;
    static const size_t shapes[][2] = {
        {16, 3136}, {64, 3136}, {3136, 64}, {1024, 1024}, {3, 40000}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const size_t rows = shapes[i][0], columns = shapes[i][1];
        const float *from = bench_floats(b, rows * columns);
        float *to = bench_floats(b, rows * columns);
        while (bench_go(b, 0, 8.0 * (double)(rows * columns), "%zu x %zu", rows, columns))
            variant(to, rows * 4, from, columns * 4, rows, columns);
    }
}

/* The block that the variant's level has; the portable one takes any. */
static size_t block_of(tdnn_check *c, const tdnn_kernels *table)
{
    return table->block ? table->block : check_below(c, 2) ? 8 : 16;
}

/* Each lane from a random lane of a random source, or from none. */
static void random_lanes(tdnn_check *c, tdnn_lanes *lanes, size_t block)
{
    *lanes = (tdnn_lanes){.block = block, .sources = check_below(c, 5)};
    for (size_t l = 0; l < block; l++) {
        const size_t s = check_below(c, 6);
        lanes->index[l] = (int32_t)check_below(c, block);
        if (s < lanes->sources) lanes->mask[s] = (uint16_t)(lanes->mask[s] | 1u << l);
    }
}

void check_lanes(tdnn_check *c, tdnn_lanes_fn *variant, tdnn_lanes_fn *generic,
                 const tdnn_kernels *table)
{
    (void)generic;
    for (int round = 0; round < 300; round++) {
        enum { MOST = 40 };
        const size_t block = block_of(c, table), pixels = check_below(c, MOST);
        const float *from[4];
        float *to = check_output(c, pixels * block * sizeof *to), want[MOST * 16];
        tdnn_lanes lanes;
        random_lanes(c, &lanes, block);
        for (size_t s = 0; s < lanes.sources; s++)
            from[s] = check_input_f32(c, pixels * block, CHECK_FILL_SPECIAL);
        for (size_t i = 0; i < pixels * block; i++) {
            want[i] = 0;
            for (size_t s = 0; s < lanes.sources; s++)
                if (lanes.mask[s] >> i % block & 1)
                    want[i] = from[s][i / block * block + (size_t)lanes.index[i % block]];
        }
        variant(to, from, &lanes, pixels);
        const bool ok =
            check_bytes(c, to, want, pixels * block * sizeof *to,
                        "%zu sources, %zu pixels of %zu lanes", lanes.sources, pixels, block);
        check_reset(c);
        if (!ok) return;
    }
}

void bench_lanes(tdnn_bench *b, tdnn_lanes_fn *variant, const tdnn_kernels *table)
{
    enum { PIXELS = 2704 };
    const size_t block = table->block ? table->block : 16;
    const float *from[4];
    float *to = bench_floats(b, PIXELS * 16);
    for (int s = 0; s < 4; s++) from[s] = bench_floats(b, PIXELS * 16);
    for (size_t sources = 1; sources <= 4; sources *= 2) {
        tdnn_lanes lanes = {.block = block, .sources = sources};
        for (size_t l = 0; l < block; l++) {
            lanes.index[l] = (int32_t)(block - 1 - l);
            lanes.mask[l % sources] = (uint16_t)(lanes.mask[l % sources] | 1u << l);
        }
        while (bench_go(b, 0, 4.0 * (double)((sources + 1) * block) * PIXELS, "%zu sources",
                        sources))
            variant(to, from, &lanes, PIXELS);
    }
}

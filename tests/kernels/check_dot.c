/* Products of rows of bytes, quantisation by pixels and the way back from sums, against plain formulas:
 * all equal to the bit.
 */
#include "tests/kernels/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = TDNN_X8_LANES, MOST = 40 };

void check_quantize_lanes(tdnn_check *c, tdnn_quantize_lanes_fn *variant,
                          tdnn_quantize_lanes_fn *generic, const tdnn_kernels *table)
{
    (void)generic, (void)table;
    for (size_t round = 0; round < 8 * MOST; round++) {
        const size_t lanes = 1 + check_below(c, 20), count = check_below(c, MOST);
        const size_t x_step = lanes + check_below(c, 3), y_step = lanes + check_below(c, 3);
        const size_t n = count ? (count - 1) * x_step + lanes : 0;
        const size_t bytes = count ? (count - 1) * y_step + lanes : 0;
        const int zero = (int)check_below(c, 256);
        float *x = check_input(c, n * sizeof *x);
        check_fill_f32(c, x, n, (check_fill_kind)check_below(c, CHECK_FILL_KINDS));
        float scale = check_below(c, 2) ? 1.0f / 128 : check_uniform(c, 0.001f, 0.02f);
        if (check_below(c, 8) == 0) scale = check_below(c, 2) ? 0x1p-140f : 0x1p120f;
        for (size_t i = 0; i < n; i++) /* ties, and their neighbours */
            if (check_below(c, 4) == 0) {
                x[i] = ((float)check_below(c, 512) - 255.5f) * scale;
                x[i] = nextafterf(x[i], (float)check_below(c, 3) * 1e3f - 1e3f);
            }
        uint8_t *y = check_output(c, bytes), *want = malloc(bytes + 1);
        memcpy(want, y, bytes);
        for (size_t i = 0; i < count; i++)
            for (size_t l = 0; l < lanes; l++) {
                const double q = nearbyint((double)(x[i * x_step + l] / scale)) + zero;
                want[i * y_step + l] = (uint8_t)(isnan(q) || q < 0 ? 0 : q > 255 ? 255 : (int)q);
            }
        variant(y, y_step, x, x_step, count, lanes, scale, zero);
        const bool ok = check_bytes(c, y, want, bytes, "%zu x %zu, scale %g, zero %d", count, lanes,
                                    (double)scale, zero);
        free(want);
        check_reset(c);
        if (!ok) return;
    }
}

void bench_quantize_lanes(tdnn_bench *b, tdnn_quantize_lanes_fn *variant, const tdnn_kernels *table)
{
    (void)table;
    const size_t n = 8192;
    const float *x = bench_floats(b, n);
    uint8_t *y = bench_buffer(b, n);
    while (bench_go(b, 0, 5.0 * (double)n, "%zu", n)) variant(y, 16, x, 16, n / 16, 16, 0.01f, 128);
}

/* Bytes of all sizes, of the extreme ones only, or zeros. */
static void fill_bytes(tdnn_check *c, uint8_t *x, size_t n)
{
    const size_t how = check_below(c, 3);
    static const uint8_t extreme[] = {0, 255, 128, 127};
    for (size_t i = 0; i < n; i++)
        x[i] = how == 0 ? extreme[check_below(c, 4)] : (uint8_t)check_random(c);
}

static uint32_t product(const uint8_t *row, const void *w, const tdnn_dot *d, size_t panel,
                        size_t lane, bool depthwise)
{
    const int8_t *bytes = w;
    const int16_t *shorts = w;
    uint32_t sum = 0;
    for (size_t t = 0; t < d->taps; t++) {
        const size_t at = panel * d->taps + t;
        if (depthwise) {
            sum += (uint32_t)(row[d->tap[t] + panel * LANES + lane] * shorts[at * LANES + lane]);
            continue;
        }
        for (size_t q = 0; q < d->quads; q++)
            for (size_t e = 0; e < 4; e++)
                sum += (uint32_t)(row[d->tap[t] + 4 * q + e] *
                                  bytes[((at * d->quads + q) * LANES + lane) * 4 + e]);
    }
    return sum;
}

void check_dot(tdnn_check *c, tdnn_dot_fn *variant, tdnn_dot_fn *generic, const tdnn_kernels *table)
{
    (void)generic;
    const bool depthwise = variant == table->depthwise_x8;
    for (size_t round = 0; round < 150; round++) {
        const size_t count = check_below(c, 30);
        size_t tap[9];
        tdnn_dot d = {tap, 1 + check_below(c, 9), 1 + check_below(c, 12), 1 + check_below(c, 6)};
        const size_t read = depthwise ? d.panels * LANES : 4 * d.quads, size = 64 + read;
        const size_t weights = d.panels * d.taps * LANES * (depthwise ? 2 : 4 * d.quads);
        const size_t sums = d.panels * count * LANES;
        for (size_t t = 0; t < d.taps; t++) tap[t] = check_below(c, 33);
        tap[0] = 32; /* a row in use ends where memory ends */
        uint8_t *bytes = check_input(c, 32 + size), *w = check_input(c, weights);
        const uint8_t *rows[30];
        for (size_t i = 0; i < count; i++) rows[i] = bytes + check_below(c, 65);
        fill_bytes(c, bytes, 32 + size);
        fill_bytes(c, w, weights);
        if (depthwise)
            for (size_t i = 0; i < weights / 2; i++)
                ((int16_t *)(void *)w)[i] = (int16_t)((int)check_below(c, 511) - 255);
        int32_t *got = check_output(c, sums * sizeof *got);
        uint32_t *want = calloc(sums + 1, sizeof *want);
        for (size_t p = 0; p < d.panels; p++)
            for (size_t i = 0; i < count; i++)
                for (size_t l = 0; l < LANES; l++)
                    want[(p * count + i) * LANES + l] = product(rows[i], w, &d, p, l, depthwise);
        variant(got, rows, count, w, &d);
        const bool ok = check_bytes(c, got, want, sums * sizeof *got, "%zu rows, %zu taps, %zu x %zu",
                                    count, d.taps, d.quads, d.panels);
        free(want);
        check_reset(c);
        if (!ok) return;
    }
}

void bench_dot(tdnn_bench *b, tdnn_dot_fn *variant, const tdnn_kernels *table)
{
    enum { ROWS = 48, TAPS = 9, WIDE = 64 };
    const bool depthwise = variant == table->depthwise_x8;
    const uint8_t *rows[ROWS];
    size_t tap[TAPS];
    for (size_t panels = 1; panels <= 4; panels++) {
        const tdnn_dot d = {tap, TAPS, WIDE / 4, panels};
        const size_t each = depthwise ? 1 : WIDE;
        uint8_t *x = bench_buffer(b, (ROWS + TAPS) * WIDE);
        void *w = bench_buffer(b, panels * TAPS * LANES * (depthwise ? 2 : WIDE));
        int32_t *sums = bench_buffer(b, panels * ROWS * LANES * sizeof *sums);
        for (size_t i = 0; i < ROWS; i++) rows[i] = x + i * WIDE;
        for (size_t t = 0; t < TAPS; t++) tap[t] = t * WIDE;
        while (bench_go(b, 2.0 * (double)(ROWS * TAPS * LANES * panels * each), 0,
                        "%d rows, %d x %zu bytes, %zu panels", ROWS, TAPS, each, panels))
            variant(sums, rows, ROWS, w, &d);
        bench_release(b);
    }
}

static float rescaled(int32_t sum, size_t lane, const tdnn_rescale *how)
{
    float v = (float)(int32_t)((uint32_t)sum - (uint32_t)how->offset[lane]) * how->factor[lane];
    if (how->shift) v = v + how->shift[lane];
    if (how->step == 0) return v;
    const double q = nearbyint((double)(v / how->step)) + how->zero;
    return (float)((q < how->low ? how->low : q > how->high ? how->high : q) - how->zero) * how->step;
}

void check_rescale(tdnn_check *c, tdnn_rescale_fn *variant, tdnn_rescale_fn *generic,
                   const tdnn_kernels *table)
{
    (void)generic, (void)table;
    for (size_t round = 0; round < 8 * MOST; round++) {
        const size_t lanes = 1 + check_below(c, LANES), count = check_below(c, MOST);
        const size_t y_step = lanes + check_below(c, 3);
        const size_t n = count ? (count - 1) * y_step + lanes : 0;
        int32_t *sums = check_input(c, count * LANES * sizeof *sums);
        int32_t *offset = check_input(c, lanes * sizeof *offset);
        float *factor = check_input(c, lanes * sizeof *factor), *shift = check_input(c, lanes * sizeof *shift);
        const int low = check_below(c, 2) ? -128 : 0;
        const tdnn_rescale how = {offset, factor, check_below(c, 2) ? shift : NULL,
                                  check_below(c, 2) ? 0.015625f : 0, low + (int)check_below(c, 256),
                                  low, low + 255};
        for (size_t i = 0; i < count * LANES; i++)
            sums[i] = (int32_t)check_random(c) >> (8 + check_below(c, 16));
        for (size_t l = 0; l < lanes; l++) {
            offset[l] = (int32_t)check_below(c, 100000) - 50000;
            factor[l] = check_below(c, 3) ? check_uniform(c, 1e-5f, 1e-3f) : 0x1p-10f;
            shift[l] = check_below(c, 3) ? check_uniform(c, -1, 1) : 0;
        }
        float *y = check_output(c, n * sizeof *y), *want = malloc((n + 1) * sizeof *want);
        memcpy(want, y, n * sizeof *y);
        for (size_t i = 0; i < count; i++)
            for (size_t l = 0; l < lanes; l++) want[i * y_step + l] = rescaled(sums[i * LANES + l], l, &how);
        variant(y, y_step, sums, count, lanes, &how);
        const bool ok = check_f32(c, y, want, n, 0, "%zu x %zu", count, lanes);
        free(want);
        check_reset(c);
        if (!ok) return;
    }
}

void bench_rescale(tdnn_bench *b, tdnn_rescale_fn *variant, const tdnn_kernels *table)
{
    (void)table;
    const size_t count = 512;
    const int32_t *sums = bench_buffer(b, count * LANES * sizeof *sums);
    const int32_t *offset = bench_buffer(b, LANES * sizeof *offset);
    const float *factor = bench_floats(b, LANES), *shift = bench_floats(b, LANES);
    float *y = bench_floats(b, count * LANES);
    for (int stepped = 0; stepped < 2; stepped++) {
        const tdnn_rescale how = {offset, factor, shift, stepped ? 0.01f : 0, 128, 0, 255};
        while (bench_go(b, 0, 8.0 * (double)(count * LANES), stepped ? "stepped" : "plain"))
            variant(y, LANES, sums, count, LANES, &how);
    }
}

void check_outer(tdnn_check *c, tdnn_outer_fn *variant, tdnn_outer_fn *generic, const tdnn_kernels *table)
{
    (void)generic, (void)table;
    for (size_t count = 0; count < MOST; count++) {
        int32_t *sums = check_output(c, count * LANES * sizeof *sums);
        int32_t *rows = check_input(c, count * LANES * sizeof *rows), *lanes = check_input(c, LANES * sizeof *lanes);
        int32_t want[MOST * LANES];
        for (size_t l = 0; l < LANES; l++) lanes[l] = (int32_t)check_random(c) >> check_below(c, 25);
        for (size_t i = 0; i < count * LANES; i++) {
            rows[i] = (int32_t)check_random(c) >> check_below(c, 25);
            sums[i] = (int32_t)check_random(c);
        }
        for (size_t i = 0; i < count * LANES; i++)
            want[i] = (int32_t)((int64_t)sums[i] - (int64_t)rows[i / LANES * LANES] * lanes[i % LANES]);
        variant(sums, rows, count, lanes);
        const bool ok = check_bytes(c, sums, want, count * LANES * sizeof *sums, "%zu rows", count);
        check_reset(c);
        if (!ok) return;
    }
}

void bench_outer(tdnn_bench *b, tdnn_outer_fn *variant, const tdnn_kernels *table)
{
    (void)table;
    const size_t count = 48;
    int32_t *sums = bench_buffer(b, count * LANES * sizeof *sums);
    const int32_t *rows = bench_buffer(b, count * LANES * sizeof *rows), *lanes = bench_buffer(b, 64);
    while (bench_go(b, 0, 8.0 * (double)(count * LANES), "%zu rows", count)) variant(sums, rows, count, lanes);
}

/* im2col and col2im against their definitions, element by element. */
#include "tests/kernels/check.h"

#include <stdlib.h>
#include <string.h>

static tdnn_unfold random_windows(tdnn_check *c)
{
    tdnn_unfold u = {.channels = 1 + check_below(c, 3)};
    for (int i = 0; i < 3; i++) {
        size_t room, reach;
        do {
            u.in[i] = 1 + check_below(c, i < 2 ? 5 : 12);
            u.kernel[i] = 1 + check_below(c, 3);
            u.stride[i] = 1 + check_below(c, 3);
            u.dilation[i] = 1 + check_below(c, 2);
            u.pad[i] = check_below(c, 3);
            room = u.in[i] + u.pad[i] + check_below(c, 3);
            reach = (u.kernel[i] - 1) * u.dilation[i] + 1;
        } while (room < reach);
        u.out[i] = (room - reach) / u.stride[i] + 1;
    }
    return u;
}

/* Index in the plane of what kernel position k of window `pixel` covers; -1 in the padding. */
static long covered(const tdnn_unfold *u, size_t k, size_t pixel)
{
    long index = 0;
    const size_t at[3] = {pixel / u->out[2] / u->out[1], pixel / u->out[2] % u->out[1], pixel % u->out[2]};
    const size_t of[3] = {k / u->kernel[2] / u->kernel[1], k / u->kernel[2] % u->kernel[1], k % u->kernel[2]};
    for (int i = 0; i < 3; i++) {
        const long x = (long)(at[i] * u->stride[i] + of[i] * u->dilation[i]) - (long)u->pad[i];
        if (x < 0 || x >= (long)u->in[i]) return -1;
        index = index * (long)u->in[i] + x;
    }
    return index;
}

static size_t product(const size_t n[3]) { return n[0] * n[1] * n[2]; }

void check_unfold(tdnn_check *c, tdnn_unfold_fn *variant, tdnn_unfold_fn *generic,
                  const tdnn_kernels *table)
{
    (void)generic, (void)table;
    for (int i = 0; i < 200; i++) {
        const tdnn_unfold u = random_windows(c);
        const size_t volume = product(u.in), pixels = product(u.out), rows = u.channels * product(u.kernel);
        const size_t begin = check_below(c, pixels), end = begin + check_below(c, pixels - begin) + 1;
        const size_t panel = 8u << check_below(c, 3), wide = (end - begin + panel - 1) / panel * panel;
        const float *x = check_input_f32(c, u.channels * volume, CHECK_FILL_UNIT);
        float *to = check_output(c, wide * rows * sizeof *to);
        variant(to, x, &u, begin, end, panel);
        for (size_t p = 0; p < wide; p++)
            for (size_t r = 0; r < rows; r++) {
                const size_t channel = r / product(u.kernel);
                const long at = begin + p < end ? covered(&u, r % product(u.kernel), begin + p) : -1;
                const float want = at < 0 ? 0 : x[channel * volume + (size_t)at];
                const float *got = to + p / panel * panel * rows + r * panel + p % panel;
                if (!check_f32(c, got, &want, 1, 0, "row %zu pixel %zu", r, p)) return;
            }
        check_reset(c);
    }
}

void bench_unfold(tdnn_bench *b, tdnn_unfold_fn *variant, const tdnn_kernels *table)
{
    const tdnn_unfold u = {64, {1, 56, 56}, {1, 56, 56}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}};
    const size_t pixels = 56 * 56, panel = table->gemm_columns;
    const float *x = bench_floats(b, 64 * pixels);
    float *to = bench_floats(b, (pixels + panel) * 64 * 9);
    while (bench_go(b, 0, 4.0 * 64 * 56 * 56 * 10, "64x56x56 k3")) variant(to, x, &u, 0, pixels, panel);
}

void check_fold(tdnn_check *c, tdnn_fold_fn *variant, tdnn_fold_fn *generic,
                const tdnn_kernels *table)
{
    (void)generic, (void)table;
    for (int i = 0; i < 200; i++) {
        const tdnn_unfold u = random_windows(c);
        const size_t count = u.channels * product(u.in), pixels = product(u.out);
        const size_t rows = u.channels * product(u.kernel);
        const float *from = check_input_f32(c, rows * pixels, CHECK_FILL_UNIT);
        float *to = check_output(c, count * sizeof *to), *want = check_input(c, count * sizeof *want);
        for (size_t k = 0; k < count; k++) to[k] = want[k] = check_uniform(c, -1, 1);
        variant(to, from, &u);
        for (size_t r = 0; r < rows; r++)
            for (size_t p = 0; p < pixels; p++) {
                const long at = covered(&u, r % product(u.kernel), p);
                if (at >= 0)
                    want[r / product(u.kernel) * product(u.in) + (size_t)at] += from[r * pixels + p];
            }
        if (!check_f32(c, to, want, count, 16, "%zu channels", u.channels)) return;
        check_reset(c);
    }
}

void bench_fold(tdnn_bench *b, tdnn_fold_fn *variant, const tdnn_kernels *table)
{
    (void)table;
    const tdnn_unfold u = {32, {1, 56, 56}, {1, 28, 28}, {1, 4, 4}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}};
    const float *from = bench_floats(b, 32 * 16 * 28 * 28);
    float *to = bench_floats(b, 32 * 56 * 56);
    while (bench_go(b, 0, 4.0 * 32 * 28 * 28 * 20, "32x56x56 k4 s2")) variant(to, from, &u);
}

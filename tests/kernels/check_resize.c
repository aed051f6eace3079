/* Weighted sums along and across rows against sums in double precision. */
#include "tests/kernels/check.h"

enum { MAX_COUNT = 90, MAX_TAPS = 6, MAX_LANES = 16 };

void check_taps(tdnn_check *c, tdnn_taps_fn *variant, tdnn_taps_fn *generic,
                const tdnn_kernels *table)
{
    (void)generic, (void)table;
    static const size_t lane_counts[] = {1, 1, 8, 16};
    for (int round = 0; round < 400; round++) {
        const size_t lanes = lane_counts[check_below(c, 4)],
                     taps = 1 + check_below(c, MAX_TAPS);
        const size_t count = check_below(c, MAX_COUNT), width = 1 + check_below(c, 50);
        int32_t *index = check_input(c, count * taps * sizeof *index);
        const float *weight = check_input_f32(c, count * taps, CHECK_FILL_UNIT);
        const float *from = check_input_f32(c, width * lanes, CHECK_FILL_UNIT);
        float *to = check_output(c, count * lanes * sizeof *to);
        static float want[MAX_COUNT * MAX_LANES];
        for (size_t i = 0; i < count * taps; i++) index[i] = (int32_t)check_below(c, width);
        for (size_t i = 0; i < count * lanes; i++) {
            double sum = 0;
            for (size_t k = 0; k < taps; k++) {
                const size_t at = k * count + i / lanes;
                sum += (double)weight[at] * (double)from[(size_t)index[at] * lanes + i % lanes];
            }
            want[i] = (float)sum;
        }
        variant(to, from, &(tdnn_taps){count, taps, index, weight}, lanes);
        const bool ok = check_f32(c, to, want, count * lanes, 1,
                                  "%zu taps, %zu lanes, %zu of %zu", taps, lanes, count, width);
        check_reset(c);
        if (!ok) return;
    }
}

void bench_taps(tdnn_bench *b, tdnn_taps_fn *variant, const tdnn_kernels *table)
{
    (void)table;
    enum { COUNT = 1024 };
    static int32_t index[COUNT * 4];
    float *to = bench_floats(b, COUNT * 16), *weight = bench_floats(b, COUNT * 4);
    const float *from = bench_floats(b, COUNT * 16);
    for (int i = 0; i < COUNT * 4; i++) index[i] = i % COUNT / 2;
    for (size_t lanes = 1; lanes <= 16; lanes *= 16)
        for (size_t taps = 2; taps <= 4; taps += 2)
            while (bench_go(b, 2.0 * COUNT * (double)(taps * lanes), 0, "%zu taps, %zu lanes",
                            taps, lanes))
                variant(to, from, &(tdnn_taps){COUNT, taps, index, weight}, lanes);
}

void check_mix(tdnn_check *c, tdnn_mix_fn *variant, tdnn_mix_fn *generic,
               const tdnn_kernels *table)
{
    (void)generic, (void)table;
    for (int round = 0; round < 300; round++) {
        const size_t count = 1 + check_below(c, MAX_TAPS), n = check_below(c, MAX_COUNT);
        const float *rows[MAX_TAPS], *weight = check_input_f32(c, count, CHECK_FILL_UNIT);
        float *to = check_output(c, n * sizeof *to), want[MAX_COUNT];
        for (size_t k = 0; k < count; k++) rows[k] = check_input_f32(c, n, CHECK_FILL_UNIT);
        for (size_t i = 0; i < n; i++) {
            double sum = 0;
            for (size_t k = 0; k < count; k++) sum += (double)weight[k] * (double)rows[k][i];
            want[i] = (float)sum;
        }
        variant(to, rows, weight, count, n);
        const bool ok = check_f32(c, to, want, n, 1, "%zu rows of %zu", count, n);
        check_reset(c);
        if (!ok) return;
    }
}

void bench_mix(tdnn_bench *b, tdnn_mix_fn *variant, const tdnn_kernels *table)
{
    (void)table;
    enum { N = 4096 };
    const float *rows[4], *weight = bench_floats(b, 4);
    float *to = bench_floats(b, N);
    for (int k = 0; k < 4; k++) rows[k] = bench_floats(b, N);
    for (size_t count = 2; count <= 4; count += 2)
        while (bench_go(b, 2.0 * N * (double)count, 0, "%zu rows of %d", count, N))
            variant(to, rows, weight, count, N);
}

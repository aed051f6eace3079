/* Rows to one number, against the same in double precision. */
#include "tests/kernels/check.h"

#include <math.h>

static double reduced(const tdnn_kernels *table, tdnn_reduce_fn *op, const float *x, size_t n)
{
    double sum = 0, magnitude = 0, largest = -INFINITY, smallest = INFINITY;
    bool nan = false;
    for (size_t i = 0; i < n; i++) {
        sum += (double)x[i];
        magnitude += fabs((double)x[i]);
        largest = fmax(largest, (double)x[i]);
        smallest = fmin(smallest, (double)x[i]);
        nan = nan || isnan(x[i]);
    }
    if (op == table->row_sum_f32) return sum;
    if (op == table->row_abs_sum_f32) return magnitude;
    if (nan) return NAN;
    return op == table->row_max_f32 ? largest : smallest;
}

void check_reduce(tdnn_check *c, tdnn_reduce_fn *variant, tdnn_reduce_fn *generic,
                  const tdnn_kernels *table)
{
    (void)generic;
    const bool sums = variant == table->row_sum_f32 || variant == table->row_abs_sum_f32;
    for (size_t n = 0; n < 300; n++) {
        const float *x =
            check_input_f32(c, n, sums ? CHECK_FILL_UNIT : (check_fill_kind)(n % 3));
        const float got = variant(x, n), want = (float)reduced(table, variant, x, n);
        const bool ok = check_f32(c, &got, &want, 1, sums ? 1 + (double)n / 8 : 0, "n %zu", n);
        check_reset(c);
        if (!ok) return;
    }
}

void bench_reduce(tdnn_bench *b, tdnn_reduce_fn *variant, const tdnn_kernels *table)
{
    (void)table;
    const size_t n = 8192;
    const float *x = bench_floats(b, n);
    volatile float sink = 0;
    while (bench_go(b, (double)n, 4.0 * (double)n, "%zu", n)) sink = variant(x, n);
    (void)sink;
}

void check_spread(tdnn_check *c, tdnn_spread_fn *variant, tdnn_spread_fn *generic,
                  const tdnn_kernels *table)
{
    (void)generic, (void)table;
    for (size_t n = 0; n < 300; n++) {
        const float *x = check_input_f32(c, n, CHECK_FILL_UNIT),
                    center = check_uniform(c, -1, 1);
        double sum = 0;
        for (size_t i = 0; i < n; i++) sum += pow((double)x[i] - (double)center, 2);
        const float got = variant(x, n, center), want = (float)sum;
        const bool ok = check_f32(c, &got, &want, 1, 1, "n %zu", n);
        check_reset(c);
        if (!ok) return;
    }
}

void bench_spread(tdnn_bench *b, tdnn_spread_fn *variant, const tdnn_kernels *table)
{
    (void)table;
    const size_t n = 768;
    const float *x = bench_floats(b, n);
    volatile float sink = 0;
    while (bench_go(b, 3.0 * (double)n, 4.0 * (double)n, "%zu", n)) sink = variant(x, n, 0.5f);
    (void)sink;
}

void check_exp_sum(tdnn_check *c, tdnn_exp_sum_fn *variant, tdnn_exp_sum_fn *generic,
                   const tdnn_kernels *table)
{
    (void)generic, (void)table;
    for (size_t n = 0; n < 200; n++) {
        const float *x = check_input_f32(c, n, CHECK_FILL_UNIT),
                    shift = check_uniform(c, -3, 3);
        float *y = check_output(c, n * sizeof *y), want[200];
        double sum = 0;
        for (size_t i = 0; i < n; i++) {
            want[i] = (float)exp((double)(x[i] - shift));
            sum += exp((double)(x[i] - shift));
        }
        const float expected = (float)sum, got = variant(y, x, n, shift);
        const float alone = variant(NULL, x, n, shift);
        bool ok = check_f32(c, y, want, n, 0, "n %zu", n);
        ok = ok && check_f32(c, &got, &expected, 1, 0, "sum of %zu", n);
        ok = ok && check_f32(c, &alone, &expected, 1, 0, "sum alone of %zu", n);
        check_reset(c);
        if (!ok) return;
    }
}

void bench_exp_sum(tdnn_bench *b, tdnn_exp_sum_fn *variant, const tdnn_kernels *table)
{
    (void)table;
    const size_t n = 1024;
    const float *x = bench_floats(b, n);
    float *y = bench_floats(b, n);
    volatile float sink = 0;
    while (bench_go(b, 0, 8.0 * (double)n, "%zu", n)) sink = variant(y, x, n, 1);
    (void)sink;
}

/* Rows apart from each other, in place and not, with masks of one row for all and of their own. */
void check_softmax(tdnn_check *c, tdnn_softmax_fn *variant, tdnn_softmax_fn *generic,
                   const tdnn_kernels *table)
{
    (void)generic, (void)table;
    for (size_t n = 1; n < 150; n++) {
        const size_t kind = n % 4, gap = n % 3, rows = 3, stride = n + gap;
        const tdnn_softmax_rows s = {rows, n, stride, stride, kind == 1 ? 0 : n};
        const float *x = check_input_f32(c, rows * stride, CHECK_FILL_UNIT);
        const float *mask = check_input_f32(c, rows * n, CHECK_FILL_UNIT);
        float *y = check_output(c, rows * stride * sizeof *y), want[3 * 152];
        for (size_t i = 0; i < rows * stride; i++) y[i] = want[i] = x[i];
        if (kind == 0) mask = NULL;
        for (size_t r = 0; r < rows; r++) {
            double sum = 0, e[150];
            for (size_t i = 0; i < n; i++)
                sum += e[i] = exp((double)(x[r * stride + i] + (mask ? mask[r * s.mask_stride + i] : 0)));
            for (size_t i = 0; i < n; i++) want[r * stride + i] = (float)(e[i] / sum);
        }
        variant(y, kind == 3 ? y : x, mask, &s);
        const bool ok = check_f32(c, y, want, rows * stride, 1, "n %zu, mask %zu", n, kind);
        check_reset(c);
        if (!ok) return;
    }
}

void bench_softmax(tdnn_bench *b, tdnn_softmax_fn *variant, const tdnn_kernels *table)
{
    (void)table;
    static const size_t sizes[] = {49, 197, 1024};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        const size_t n = sizes[k], rows = 64;
        const tdnn_softmax_rows s = {rows, n, n, n, 0};
        const float *x = bench_floats(b, rows * n);
        float *y = bench_floats(b, rows * n);
        while (bench_go(b, 0, 8.0 * (double)(rows * n), "%zu", n)) variant(y, x, NULL, &s);
    }
}

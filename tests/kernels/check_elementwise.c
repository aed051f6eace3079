/* Element-wise kernels against plain formulas; functions against libm in double precision. */
#include "tests/kernels/check.h"

#include <math.h>

enum { MOST = 150 };

static float binary(const tdnn_kernels *table, tdnn_binary_fn *op, float a, float b)
{
    if (op == table->add_f32) return a + b;
    if (op == table->sub_f32) return a - b;
    if (op == table->mul_f32) return a * b;
    if (op == table->div_f32) return a / b;
    if (isnan(a) || isnan(b)) return NAN;
    return op == table->max_f32 ? fmaxf(a, b) : fminf(a, b);
}

void check_binary(tdnn_check *c, tdnn_binary_fn *variant, tdnn_binary_fn *generic,
                  const tdnn_kernels *table)
{
    (void)generic;
    for (size_t round = 0; round < 600; round++) {
        const size_t n = round % MOST, a_step = check_below(c, 4) > 0,
                     b_step = check_below(c, 4) > 0;
        const check_fill_kind how = (check_fill_kind)check_below(c, CHECK_FILL_KINDS);
        const float *a = check_input_f32(c, n, how), *b = check_input_f32(c, n, how);
        float *y = check_output(c, n * sizeof *y);
        float want[MOST];
        for (size_t i = 0; i < n; i++)
            want[i] = binary(table, variant, a[i * a_step], b[i * b_step]);
        variant(y, a, a_step, b, b_step, n);
        const bool ok = check_f32(c, y, want, n, 0, "n %zu, steps %zu %zu", n, a_step, b_step);
        check_reset(c);
        if (!ok) return;
    }
}

void bench_binary(tdnn_bench *b, tdnn_binary_fn *variant, const tdnn_kernels *table)
{
    (void)table;
    const size_t n = 8192;
    const float *x = bench_floats(b, n), *z = bench_floats(b, n);
    float *y = bench_floats(b, n);
    while (bench_go(b, (double)n, 12.0 * (double)n, "%zu", n)) variant(y, x, 1, z, 1, n);
    while (bench_go(b, (double)n, 8.0 * (double)n, "%zu by one", n)) variant(y, x, 1, z, 0, n);
}

static double unary(const tdnn_kernels *table, tdnn_unary_fn *op, double x)
{
    if (op == table->exp_f32) return exp(x);
    if (op == table->log_f32) return log(x);
    if (op == table->floor_f32) return floor(x);
    if (op == table->ceil_f32) return ceil(x);
    if (op == table->round_f32) return rint(x);
    if (op == table->sin_f32) return sin(x);
    if (op == table->cos_f32) return cos(x);
    if (op == table->atan_f32) return atan(x);
    if (op == table->asin_f32) return asin(x);
    if (op == table->acos_f32) return acos(x);
    return op == table->erf_f32 ? erf(x) : sqrt(x);
}

void check_unary(tdnn_check *c, tdnn_unary_fn *variant, tdnn_unary_fn *generic,
                 const tdnn_kernels *table)
{
    (void)generic;
    for (size_t round = 0; round < 600; round++) {
        const size_t n = round % MOST;
        const check_fill_kind how = (check_fill_kind)check_below(c, CHECK_FILL_KINDS);
        float *x = check_input(c, n * sizeof *x), *y = check_output(c, n * sizeof *y);
        float want[MOST];
        check_fill_f32(c, x, n, how);
        for (size_t i = 0; i < n; i++) {
            if (how == CHECK_FILL_UNIT) x[i] *= 20;
            want[i] = (float)unary(table, variant, (double)x[i]);
        }
        variant(y, x, n);
        const bool ok = check_f32(c, y, want, n, 1e-30, "n %zu, values %d", n, how);
        check_reset(c);
        if (!ok) return;
    }
}

void bench_unary(tdnn_bench *b, tdnn_unary_fn *variant, const tdnn_kernels *table)
{
    (void)table;
    const size_t n = 8192;
    const float *x = bench_floats(b, n);
    float *y = bench_floats(b, n);
    while (bench_go(b, 0, 8.0 * (double)n, "%zu", n)) variant(y, x, n);
}

void check_affine(tdnn_check *c, tdnn_affine_fn *variant, tdnn_affine_fn *generic,
                  const tdnn_kernels *table)
{
    (void)generic, (void)table;
    for (size_t n = 0; n < MOST; n++) {
        const float *x = check_input_f32(c, n, CHECK_FILL_UNIT);
        const float scale = check_uniform(c, -2, 2), shift = check_uniform(c, -2, 2);
        float *y = check_output(c, n * sizeof *y);
        float want[MOST];
        for (size_t i = 0; i < n; i++) want[i] = (float)((double)x[i] * scale + shift);
        variant(y, x, n, scale, shift);
        const bool ok = check_f32(c, y, want, n, 2, "n %zu", n);
        check_reset(c);
        if (!ok) return;
    }
}

void bench_affine(tdnn_bench *b, tdnn_affine_fn *variant, const tdnn_kernels *table)
{
    (void)table;
    const size_t n = 8192;
    const float *x = bench_floats(b, n);
    float *y = bench_floats(b, n);
    while (bench_go(b, 2.0 * (double)n, 8.0 * (double)n, "%zu", n)) variant(y, x, n, 0.5f, 1);
}

void check_normalize(tdnn_check *c, tdnn_normalize_fn *variant, tdnn_normalize_fn *generic,
                     const tdnn_kernels *table)
{
    (void)generic, (void)table;
    for (size_t round = 0; round < 4 * MOST; round++) {
        const size_t n = round / 4;
        const float *x = check_input_f32(c, n, CHECK_FILL_UNIT);
        const float *scale = round & 1 ? check_input_f32(c, n, CHECK_FILL_UNIT) : NULL;
        const float *shift = round & 2 ? check_input_f32(c, n, CHECK_FILL_UNIT) : NULL;
        const float center = check_uniform(c, -1, 1), factor = check_uniform(c, -2, 2);
        float *y = check_output(c, n * sizeof *y);
        float want[MOST];
        for (size_t i = 0; i < n; i++)
            want[i] = (float)(((double)x[i] - center) * factor * (scale ? scale[i] : 1) +
                              (shift ? shift[i] : 0));
        variant(y, x, scale, shift, n, center, factor);
        const bool ok = check_f32(c, y, want, n, 2, "n %zu, operands %zu", n, round % 4);
        check_reset(c);
        if (!ok) return;
    }
}

void bench_normalize(tdnn_bench *b, tdnn_normalize_fn *variant, const tdnn_kernels *table)
{
    (void)table;
    const size_t n = 768;
    const float *x = bench_floats(b, n), *s = bench_floats(b, n), *t = bench_floats(b, n);
    float *y = bench_floats(b, n);
    while (bench_go(b, 4.0 * (double)n, 16.0 * (double)n, "%zu", n))
        variant(y, x, s, t, n, 0, 1);
}

void check_widen(tdnn_check *c, tdnn_widen_fn *variant, tdnn_widen_fn *generic,
                 const tdnn_kernels *table)
{
    (void)generic, (void)table;
    for (unsigned first = 0; first < 0x10000; first += 61) {
        const size_t n = 61;
        uint16_t *x = check_input(c, n * sizeof *x);
        float *y = check_output(c, n * sizeof *y), want[61];
        for (unsigned i = 0; i < n; i++) {
            x[i] = (uint16_t)(first + i);
            const int exponent = x[i] >> 10 & 31, fraction = x[i] & 1023;
            double v = exponent == 31 ? (fraction ? NAN : INFINITY)
                       : exponent     ? ldexp(1024 + fraction, exponent - 25)
                                      : ldexp(fraction, -24);
            want[i] = (float)(x[i] & 0x8000 ? -v : v);
        }
        variant(y, x, n);
        const bool ok = check_f32(c, y, want, n, 0, "from %x on", first);
        check_reset(c);
        if (!ok) return;
    }
}

void bench_widen(tdnn_bench *b, tdnn_widen_fn *variant, const tdnn_kernels *table)
{
    (void)table;
    const size_t n = 8192;
    const uint16_t *x = bench_buffer(b, n * sizeof *x);
    float *y = bench_floats(b, n);
    while (bench_go(b, 0, 6.0 * (double)n, "%zu", n)) variant(y, x, n);
}

/* All numbers, the midpoints between neighbours, and their neighbours in f32. */
void check_narrow(tdnn_check *c, tdnn_narrow_fn *variant, tdnn_narrow_fn *generic,
                  const tdnn_kernels *table)
{
    (void)generic, (void)table;
    for (unsigned code = 0; code <= 0x7bff; code++) {
        const unsigned exponent = code >> 10, fraction = code & 1023;
        const double unit = ldexp(1, exponent ? (int)exponent - 25 : -24);
        const double v = exponent ? (1024 + fraction) * unit : fraction * unit;
        const float half = (float)(v + unit / 2);
        const unsigned even = code + (code & 1);
        const float x[] = {(float)v,  nextafterf(half, 0),
                           half,      nextafterf(half, INFINITY),
                           -(float)v, -nextafterf(half, INFINITY)};
        const unsigned want[] = {code,     code,          even,
                                 code + 1, code | 0x8000, (code + 1) | 0x8000};
        const size_t n = sizeof x / sizeof *x;
        float *in = check_input(c, sizeof x);
        uint16_t *y = check_output(c, n * sizeof *y), expected[6];
        for (size_t i = 0; i < n; i++) in[i] = x[i], expected[i] = (uint16_t)want[i];
        variant(y, in, n);
        const bool ok = check_bytes(c, y, expected, sizeof expected, "around %x", code);
        check_reset(c);
        if (!ok) return;
    }
    float *in = check_input(c, 40 * sizeof *in);
    uint16_t *y = check_output(c, 40 * sizeof *y);
    for (size_t i = 0; i < 40; i++) in[i] = i == 37 ? NAN : -INFINITY;
    variant(y, in, 40);
    check_true(c, y[0] == 0xfc00 && y[39] == 0xfc00, "infinity");
    check_true(c, (y[37] & 0x7c00) == 0x7c00 && (y[37] & 0x3ff), "NaN");
    check_reset(c);
}

void bench_narrow(tdnn_bench *b, tdnn_narrow_fn *variant, const tdnn_kernels *table)
{
    (void)table;
    const size_t n = 8192;
    const float *x = bench_floats(b, n);
    uint16_t *y = bench_buffer(b, n * sizeof *y);
    while (bench_go(b, 0, 6.0 * (double)n, "%zu", n)) variant(y, x, n);
}

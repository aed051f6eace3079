/* Quantised numbers and integer matrix products against plain formulas: all equal to the bit.
 */
#include "tests/kernels/check.h"

#include <math.h>
#include <stdlib.h>

enum { MOST = 130 };

void check_quantize(tdnn_check *c, tdnn_quantize_fn *variant, tdnn_quantize_fn *generic,
                    const tdnn_kernels *table)
{
    (void)generic, (void)table;
    for (size_t round = 0; round < 4 * MOST; round++) {
        const size_t n = round % MOST;
        const bool is_signed = check_below(c, 2);
        const int low = is_signed ? -128 : 0, high = low + 255,
                  zero = low + (int)check_below(c, 256);
        const float *x =
            check_input_f32(c, n, (check_fill_kind)check_below(c, CHECK_FILL_KINDS));
        const float scale = check_below(c, 2) ? 1.0f / 128 : check_uniform(c, 0.001f, 0.02f);
        uint8_t *y = check_output(c, n), want[MOST];
        for (size_t i = 0; i < n; i++) {
            const double q = nearbyint((double)(x[i] / scale)) + zero;
            want[i] = (uint8_t)(isnan(q) || q < low ? low : q > high ? high : (int)q);
        }
        variant(y, x, n, scale, zero, low, high);
        const bool ok =
            check_bytes(c, y, want, n, "n %zu, scale %g, zero %d", n, (double)scale, zero);
        check_reset(c);
        if (!ok) return;
    }
}

void bench_quantize(tdnn_bench *b, tdnn_quantize_fn *variant, const tdnn_kernels *table)
{
    (void)table;
    const size_t n = 8192;
    const float *x = bench_floats(b, n);
    uint8_t *y = bench_buffer(b, n);
    while (bench_go(b, 0, 5.0 * (double)n, "%zu", n)) variant(y, x, n, 0.01f, 128, 0, 255);
}

void check_dequantize(tdnn_check *c, tdnn_dequantize_fn *variant, tdnn_dequantize_fn *generic,
                      const tdnn_kernels *table)
{
    (void)generic;
    const bool is_signed = variant == table->dequantize_i8;
    for (size_t n = 0; n < MOST; n++) {
        uint8_t *x = check_input(c, n);
        float *y = check_output(c, n * sizeof *y), want[MOST];
        const int zero = (int)check_below(c, 256) - (is_signed ? 128 : 0);
        const float scale = check_uniform(c, 0.001f, 2);
        for (size_t i = 0; i < n; i++) {
            x[i] = (uint8_t)check_random(c);
            const int q = is_signed ? (int8_t)x[i] : x[i];
            want[i] = (float)(q - zero) * scale;
        }
        variant(y, x, n, scale, zero);
        const bool ok = check_f32(c, y, want, n, 0, "n %zu", n);
        check_reset(c);
        if (!ok) return;
    }
}

void bench_dequantize(tdnn_bench *b, tdnn_dequantize_fn *variant, const tdnn_kernels *table)
{
    (void)table;
    const size_t n = 8192;
    const uint8_t *x = bench_buffer(b, n);
    float *y = bench_floats(b, n);
    while (bench_go(b, 0, 5.0 * (double)n, "%zu", n)) variant(y, x, n, 0.01f, 3);
}

void check_gemm_i16(tdnn_check *c, tdnn_gemm_i16_fn *variant, tdnn_gemm_i16_fn *generic,
                    const tdnn_kernels *table)
{
    (void)generic, (void)table;
    for (int round = 0; round < 60; round++) {
        const size_t m = check_below(c, 20), n = TDNN_I16_COLUMNS * (1 + check_below(c, 3));
        const size_t pairs = check_below(c, 40), lda = 2 * pairs + check_below(c, 3);
        int16_t *a = check_input(c, (m ? (m - 1) * lda + 2 * pairs : 0) * sizeof *a);
        int16_t *b = check_input(c, pairs * n * 2 * sizeof *b);
        int32_t *got = check_output(c, m * n * sizeof *got),
                *want = calloc(m * n + 1, sizeof *want);
        for (size_t i = 0; i < m; i++)
            for (size_t k = 0; k < 2 * pairs; k++)
                a[i * lda + k] = (int16_t)((int)check_below(c, 511) - 255);
        for (size_t i = 0; i < 2 * pairs * n; i++)
            b[i] = (int16_t)((int)check_below(c, 511) - 255);
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < n; j++)
                for (size_t k = 0; k < 2 * pairs; k++)
                    want[i * n + j] += a[i * lda + k] * b[(k / 2 * n + j) * 2 + k % 2];
        variant(got, n, a, lda, b, n, m, n, pairs);
        const bool ok =
            check_bytes(c, got, want, m * n * sizeof *got, "%zu x %zu x %zu", m, n, 2 * pairs);
        free(want);
        check_reset(c);
        if (!ok) return;
    }
}

void bench_gemm_i16(tdnn_bench *b, tdnn_gemm_i16_fn *variant, const tdnn_kernels *table)
{
    (void)table;
    const size_t m = 64, n = 128, pairs = 144;
    const int16_t *a = bench_buffer(b, m * 2 * pairs * sizeof *a);
    const int16_t *p = bench_buffer(b, n * 2 * pairs * sizeof *p);
    int32_t *c = bench_buffer(b, m * n * sizeof *c);
    while (bench_go(b, 4.0 * (double)(m * n * pairs), 0, "64x128x288"))
        variant(c, n, a, 2 * pairs, p, n, m, n, pairs);
}

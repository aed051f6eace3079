/* Times kernels, and what the machine could do at best: FMAs from registers, a copy through memory. */
#include "tests/kernels/harness.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

enum { PEAK_LOOPS = 200000 };

#if defined(__x86_64__)
/* Twelve chains hide the latency of 4 cycles on two ports. */
#define FMA_LOOP(type, set1, fma, add)                                                           \
    const type half = set1(0.5f);                                                                \
    type a[12];                                                                                  \
    for (int k = 0; k < 12; k++) a[k] = set1((float)k);                                          \
    for (int i = 0; i < PEAK_LOOPS; i++) {                                                       \
        UNROLL for (int k = 0; k < 12; k++) a[k] = fma(a[k], half, half);                        \
    }                                                                                            \
    for (int k = 1; k < 12; k++) a[0] = add(a[0], a[k]);

__attribute__((target("avx512f"))) static float fma_avx512(void)
{
    FMA_LOOP(__m512, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_add_ps)
    return _mm512_cvtss_f32(a[0]);
}

__attribute__((target("avx2,fma"))) static float fma_avx2(void)
{
    FMA_LOOP(__m256, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_add_ps)
    return _mm256_cvtss_f32(a[0]);
}
#endif

static float fma_generic(void)
{
    float a[12] = {0};
    for (int i = 0; i < PEAK_LOOPS; i++)
        for (int k = 0; k < 12; k++) a[k] = a[k] * 0.5f + 0.5f;
    return a[0] + a[11];
}

bench_peak bench_measure_peak(tdnn_cpu level)
{
    float (*loop)(void) = fma_generic;
    double lanes = 1;
#if defined(__x86_64__)
    if (level == TDNN_CPU_AVX2) loop = fma_avx2, lanes = 8;
    if (level == TDNN_CPU_AVX512) loop = fma_avx512, lanes = 16;
#endif
    volatile float sink = loop();
    bench_peak peak = {0, 0};
    for (int k = 0; k < 100; k++) {
        const uint64_t begin = now_ns();
        sink = sink + loop();
        const double rate = 24.0 * PEAK_LOOPS * lanes / ((double)(now_ns() - begin) * 1e-9);
        if (rate > peak.flops) peak.flops = rate;
    }
    const size_t bytes = (size_t)256 << 20;
    char *from = calloc(bytes, 1), *to = calloc(bytes, 1);
    if (!from || !to) exit(2);
    for (int k = 0; k < 4; k++) {
        memset(from, k, bytes);
        const uint64_t begin = now_ns();
        memcpy(to, from, bytes);
        const double rate = 2.0 * (double)bytes / ((double)(now_ns() - begin) * 1e-9);
        if (rate > peak.bytes) peak.bytes = rate;
    }
    free(from), free(to);
    return peak;
}

void *bench_buffer(tdnn_bench *b, size_t bytes)
{
    if (b->buffer_count == sizeof b->buffers / sizeof *b->buffers) exit(2);
    void *p = NULL;
    if (posix_memalign(&p, 64, bytes ? bytes : 1)) exit(2);
    memset(p, 0, bytes);
    return b->buffers[b->buffer_count++] = p;
}

float *bench_floats(tdnn_bench *b, size_t count)
{
    float *x = bench_buffer(b, count * sizeof *x);
    uint32_t s = 1;
    for (size_t i = 0; i < count; i++) {
        s = s * 1664525u + 1013904223u;
        x[i] = (float)(int32_t)s * 0x1p-31f;
    }
    return x;
}

void bench_release(tdnn_bench *b)
{
    while (b->buffer_count) free(b->buffers[--b->buffer_count]);
}

static void print_row(tdnn_bench *b, double flops, double bytes, const char *text)
{
    const double seconds = (double)b->best * 1e-9 / (double)b->batch;
    printf("%-18s %-7s %-34s %10.2f us", b->name, tdnn_cpu_level_name(b->level), text,
           seconds * 1e6);
    if (flops > 0)
        printf("  %7.1f GFLOP/s %3.0f%%", flops / seconds * 1e-9,
               100 * flops / seconds / b->peak.flops);
    if (bytes > 0)
        printf("  %7.1f GB/s %4.0f%%", bytes / seconds * 1e-9,
               100 * bytes / seconds / b->peak.bytes);
    putchar('\n');
    fflush(stdout);
}

/* Phase 0: warm up; 1: find a batch of 0.2 ms or more; then the best batch within 60 ms counts. */
bool bench_go(tdnn_bench *b, double flops, double bytes, const char *format, ...)
{
    const uint64_t now = now_ns(), spent = now - b->begin;
    if (b->phase == 0) {
        b->phase = 1, b->batch = 1, b->calls = 0, b->best = UINT64_MAX, b->total = 0;
        b->begin = now;
        return true;
    }
    if (++b->calls < b->batch) return true;
    if (b->phase == 1) {
        if (spent < 200000 && b->batch < 1u << 20)
            b->batch *= 2;
        else
            b->phase = 2;
    } else {
        b->total += spent;
        if (spent < b->best) b->best = spent;
        if (b->total > 60000000) {
            char text[96];
            va_list args;
            va_start(args, format);
            vsnprintf(text, sizeof text, format, args);
            va_end(args);
            print_row(b, flops, bytes, text);
            b->phase = 0;
            return false;
        }
    }
    b->calls = 0;
    b->begin = now_ns();
    return true;
}

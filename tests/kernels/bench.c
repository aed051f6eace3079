/* Times kernels, and what the machine could do at best: FMAs from registers, a copy through memory. */
#include "cli/peak.h"
#include "tests/kernels/harness.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

bench_peak bench_measure_peak(tdnn_cpu level)
{
    return (bench_peak){peak_flops(tdnn_cpu_level_name(level)), peak_copy(256ul << 20, 4)};
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

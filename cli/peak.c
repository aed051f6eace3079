/* peak.c - loops that do nothing but multiply and add in registers or in tiles, or copy: the best
 * time of many short ones, since a shared machine is slowed down now and then. */
#define _DEFAULT_SOURCE /* syscall */
#include "cli/peak.h"

#include "tinydnn.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* 12 chains hide the latency of 4 cycles on two ports. */
enum { LOOPS = 20000, TRIES = 100, CHAINS = 12 };

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

#define FMA_LOOP(type, set1, fma, add)                                                         \
    const type half = set1(0.5f);                                                              \
    type a[CHAINS];                                                                            \
    for (int k = 0; k < CHAINS; k++) a[k] = set1((float)k);                                    \
    for (int i = 0; i < LOOPS; i++) {                                                          \
        UNROLL for (int k = 0; k < CHAINS; k++) a[k] = fma(a[k], half, half);                  \
    }                                                                                          \
    for (int k = 1; k < CHAINS; k++) a[0] = add(a[0], a[k]);

#if defined(__x86_64__)
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
#elif defined(__aarch64__)
static float fma_neon(void)
{
    FMA_LOOP(float32x4_t, vdupq_n_f32, vfmaq_f32, vaddq_f32)
    return vgetq_lane_f32(a[0], 0);
}
#endif

static float fma_generic(void)
{
    float a[CHAINS] = {0};

    for (int i = 0; i < LOOPS; i++)
        for (int k = 0; k < CHAINS; k++) a[k] = a[k] * 0.5f + 0.5f;
    return a[0] + a[CHAINS - 1];
}

static double best_rate(float (*loop)(void), double work)
{
    volatile float sink = loop();
    double best = 0;

    for (int k = 0; k < TRIES; k++) {
        double begin = now(), rate;

        sink = sink + loop();
        rate = work / (now() - begin);
        if (rate > best) best = rate;
    }
    return best;
}

double peak_flops(const char *level)
{
    float (*loop)(void) = fma_generic;
    double lanes = 1;

    if (!level) level = tdnn_cpu_level();
#if defined(__x86_64__)
    if (!strcmp(level, "avx2"))
        loop = fma_avx2, lanes = 8;
    else if (strcmp(level, "generic") != 0)
        loop = fma_avx512, lanes = 16;
#elif defined(__aarch64__)
    if (strcmp(level, "generic") != 0) loop = fma_neon, lanes = 4;
#endif
    return best_rate(loop, 2.0 * CHAINS * LOOPS * lanes);
}

#if defined(__x86_64__) && defined(__linux__) && !defined(__SANITIZE_ADDRESS__)
/* Tiles of 16 rows of 64 bytes: two of A times two of B into four of sums, as a product has
 * them. */
__attribute__((target("amx-tile,amx-bf16"))) static float tile_loop(void)
{
    static const struct {
        uint8_t palette, start, reserved[14];
        uint16_t columns[16];
        uint8_t rows[16];
    } shape = {1, 0, {0}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};
    static uint8_t zeros[1024], sums[1024];
    float first;

    _tile_loadconfig(&shape);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_loadd(4, zeros, 64);
    _tile_loadd(5, zeros, 64);
    _tile_loadd(6, zeros, 64);
    _tile_loadd(7, zeros, 64);
    for (int i = 0; i < LOOPS / 8; i++) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, sums, 64);
    _tile_release();
    memcpy(&first, sums, sizeof first);
    return first;
}

/* AMX-TILE and AMX-BF16; the kernel gives a process the tiles' state when it asks. */
static bool tiles_granted(void)
{
    const long request_permission = 0x1023, tile_data = 18;
    unsigned a, b, c, d;

    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    if (!(d & 1u << 24) || !(d & 1u << 22)) return false;
    return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

double peak_amx(void)
{
    return tiles_granted() ? best_rate(tile_loop, 4.0 * (LOOPS / 8) * 16 * 16 * 32 * 2) : 0;
}
#else
double peak_amx(void) { return 0; }
#endif

double peak_copy(unsigned long bytes, int runs)
{
    /* volatile: a copy that nobody reads is made all the same */
    void *(*volatile copy)(void *, const void *, size_t) = memcpy;
    char *from = malloc(bytes), *to = malloc(bytes);
    double best = 0;

    if (from && to) {
        memset(from, 1, bytes);
        memset(to, 1, bytes);
        for (int k = 0; k < runs; k++) {
            double begin = now(), rate;

            copy(to, from, bytes);
            rate = 2.0 * (double)bytes / (now() - begin);
            if (rate > best) best = rate;
        }
    }
    free(from);
    free(to);
    return best;
}

machine_peak peak_measure(const char *level)
{
    return (machine_peak){.flops = peak_flops(level),
                          .amx = peak_amx(),
                          .near = peak_copy(256ul << 10, 200),
                          .far = peak_copy(64ul << 20, 4)};
}

/* The check program's buffers, random numbers and verdicts. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "tests/kernels/harness.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CANARY_BYTES = 256, CANARY = 0xa5, MAX_REPORTS = 8 };

static void die(const char *what)
{
    perror(what);
    exit(2);
}

/* A mapping of its own, with an unreadable page behind the first `bytes` rounded up to pages. */
static struct block *block_add(tdnn_check *c, size_t bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (c->block_count == CHECK_MAX_BLOCKS) die("too many buffers in one check");
    struct block *b = &c->blocks[c->block_count++];
    const size_t usable = (bytes + page - 1) / page * page;
    b->mapped = usable + page;
    b->base = mmap(NULL, b->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (b->base == MAP_FAILED) die("mmap");
    if (mprotect(b->base + usable, page, PROT_NONE)) die("mprotect");
    b->end = b->base + usable;
    b->data_bytes = 0;
    return b;
}

void *check_input(tdnn_check *c, size_t bytes)
{
    return block_add(c, bytes)->end - bytes;
}

void *check_output(tdnn_check *c, size_t bytes)
{
    struct block *b = block_add(c, bytes + 2 * CANARY_BYTES + 64);
    memset(b->base, CANARY, (size_t)(b->end - b->base));
    b->data_bytes = bytes;
    b->data = b->base + CANARY_BYTES + 4 * check_below(c, 16); /* misaligned more often than not */
    memset(b->data, 0xff, bytes);
    return b->data;
}

static void check_canaries(tdnn_check *c, const struct block *b)
{
    for (const unsigned char *p = b->base; p < b->end; p++) {
        if (p == b->data) p += b->data_bytes;
        if (p == b->end || *p == CANARY) continue;
        check_true(c, false, "wrote %td bytes %s an output of %zu bytes",
                   p < b->data ? b->data - p : p - b->data - (ptrdiff_t)b->data_bytes + 1,
                   p < b->data ? "before" : "behind", b->data_bytes);
        return;
    }
}

void check_reset(tdnn_check *c)
{
    for (size_t i = 0; i < c->block_count; i++) {
        if (c->blocks[i].data_bytes) check_canaries(c, &c->blocks[i]);
        munmap(c->blocks[i].base, c->blocks[i].mapped);
    }
    c->block_count = 0;
}

/* xorshift64* */
uint64_t check_random(tdnn_check *c)
{
    c->state ^= c->state >> 12;
    c->state ^= c->state << 25;
    c->state ^= c->state >> 27;
    return c->state * 0x2545f4914f6cdd1du;
}

size_t check_below(tdnn_check *c, size_t n) { return (size_t)((check_random(c) >> 16) % n); }

float check_uniform(tdnn_check *c, float low, float high)
{
    return low + (high - low) * (float)(check_random(c) >> 40) * 0x1p-24f;
}

static float wide(tdnn_check *c, bool special)
{
    static const float rare[] = {0.0f, -0.0f, 1e-42f, -1e-40f, FLT_MIN, FLT_MAX, -FLT_MAX, 1.0f};
    static const float never[] = {INFINITY, -INFINITY, NAN};
    if (special && check_below(c, 8) == 0) return never[check_below(c, 3)];
    if (check_below(c, 4) == 0) return rare[check_below(c, 8)];
    return ldexpf(check_uniform(c, -1, 1), (int)check_below(c, 200) - 100);
}

void check_fill_f32(tdnn_check *c, float *x, size_t n, check_fill_kind kind)
{
    for (size_t i = 0; i < n; i++)
        x[i] = kind == CHECK_FILL_UNIT ? check_uniform(c, -1, 1)
                                       : wide(c, kind == CHECK_FILL_SPECIAL);
}

const float *check_input_f32(tdnn_check *c, size_t n, check_fill_kind kind)
{
    float *x = check_input(c, n * sizeof(float));
    check_fill_f32(c, x, n, kind);
    return x;
}

tdnn_cpu check_level(const tdnn_check *c) { return c->level; }
double check_tolerance(const tdnn_check *c) { return c->tolerance; }

/* Prints the head of a failure; false if enough have been printed. */
static void report(tdnn_check *c, const char *format, va_list args)
{
    if (c->failures++ >= MAX_REPORTS) return;
    printf("  %s %s: ", c->name, tdnn_cpu_level_name(c->level));
    vprintf(format, args);
}

bool check_true(tdnn_check *c, bool condition, const char *format, ...)
{
    if (condition) return true;
    va_list args;
    va_start(args, format);
    report(c, format, args);
    va_end(args);
    putchar('\n');
    return false;
}

static bool near(double got, double want, double scale, double allowed)
{
    if (isnan(want)) return isnan(got);
    if (got == want) return true;
    const double size = fabs(want) > scale ? fabs(want) : scale;
    return isfinite(got) && fabs(got - want) <= allowed * size;
}

#define CHECK_ARRAY(type, epsilon)                                                               \
    for (size_t i = 0; i < n; i++) {                                                             \
        if (near(got[i], want[i], scale, c->tolerance * (double)(epsilon))) continue;            \
        va_list args;                                                                            \
        va_start(args, format);                                                                  \
        report(c, format, args);                                                                 \
        va_end(args);                                                                            \
        printf(": at %zu of %zu: got %.9g, expected %.9g\n", i, n, (double)got[i],               \
               (double)want[i]);                                                                 \
        return false;                                                                            \
    }                                                                                            \
    return true;

bool check_f32(tdnn_check *c, const float *got, const float *want, size_t n, double scale,
               const char *format, ...)
{
    CHECK_ARRAY(float, FLT_EPSILON)
}

bool check_f64(tdnn_check *c, const double *got, const double *want, size_t n, double scale,
               const char *format, ...)
{
    CHECK_ARRAY(double, DBL_EPSILON)
}

bool check_bytes(tdnn_check *c, const void *got, const void *want, size_t bytes,
                 const char *format, ...)
{
    const unsigned char *g = got, *w = want;
    for (size_t i = 0; i < bytes; i++) {
        if (g[i] == w[i]) continue;
        va_list args;
        va_start(args, format);
        report(c, format, args);
        va_end(args);
        printf(": at byte %zu of %zu: got %02x, expected %02x\n", i, bytes, g[i], w[i]);
        return false;
    }
    return true;
}

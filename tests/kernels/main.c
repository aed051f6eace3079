/* Checks every kernel at every level, and times them.
 *
 *   kernels [-t PATTERN] [-s SEED] [--level NAME] [--bench | --peak]
 *
 * --peak prints what the machine can do at best, as a line of JSON.
 * PATTERN is a part of a kernel's name. The list of rows comes from kernels/list.h.
 */
#include "cli/peak.h"
#include "tests/kernels/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct row {
    const char *name;
    double tolerance;
    void (*check)(tdnn_check *c, const tdnn_kernels *variant, const tdnn_kernels *generic);
    void (*bench)(tdnn_bench *b, const tdnn_kernels *variant);
    bool (*same)(const tdnn_kernels *a, const tdnn_kernels *b);
} row;

#define TDNN_ROW_FUNCTIONS(slot, family, tolerance)                                              \
    static void run_check_##slot(tdnn_check *c, const tdnn_kernels *v, const tdnn_kernels *g)    \
    {                                                                                            \
        check_##family(c, v->slot, g->slot, v);                                                  \
    }                                                                                            \
    static void run_bench_##slot(tdnn_bench *b, const tdnn_kernels *v)                           \
    {                                                                                            \
        bench_##family(b, v->slot, v);                                                           \
    }                                                                                            \
    static bool same_##slot(const tdnn_kernels *a, const tdnn_kernels *b)                        \
    {                                                                                            \
        return a->slot == b->slot;                                                               \
    }
TDNN_KERNEL_LIST(TDNN_ROW_FUNCTIONS)

#define TDNN_ROW(slot, family, tolerance)                                                        \
    {#slot, tolerance, run_check_##slot, run_bench_##slot, same_##slot},
static const row rows[] = {TDNN_KERNEL_LIST(TDNN_ROW)};
enum { ROW_COUNT = sizeof rows / sizeof *rows };

/* A level that merely inherits a kernel has nothing of its own to check. */
static bool inherited(const row *r, tdnn_cpu level)
{
    return level > TDNN_CPU_GENERIC &&
           r->same(tdnn_kernels_get(level), tdnn_kernels_get((tdnn_cpu)(level - 1)));
}

/* In a process of its own, so that a crash is charged to its kernel. */
static bool check_row(const row *r, tdnn_cpu level, uint64_t seed)
{
    fflush(stdout);
    const pid_t child = fork();
    if (child < 0) exit(2);
    if (child == 0) {
        static tdnn_check c;
        c = (tdnn_check){.name = r->name, .level = level, .tolerance = r->tolerance,
                         .state = seed ? seed : 1};
        r->check(&c, tdnn_kernels_get(level), tdnn_kernels_get(TDNN_CPU_GENERIC));
        check_reset(&c);
        fflush(stdout);
        _exit(c.failures != 0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status))
        printf("  %s %s: crashed, signal %d\n", r->name, tdnn_cpu_level_name(level),
               WTERMSIG(status));
    return status == 0;
}

static int check_all(const char *pattern, tdnn_cpu low, tdnn_cpu high, uint64_t seed)
{
    int passed = 0, failed = 0;
    printf("seed %llu\n", (unsigned long long)seed);
    for (tdnn_cpu level = low; level <= high; level++)
        for (const row *r = rows; r < rows + ROW_COUNT; r++) {
            if (!strstr(r->name, pattern) || inherited(r, level)) continue;
            const bool ok = check_row(r, level, seed);
            if (!ok) printf("FAILED %s %s\n", r->name, tdnn_cpu_level_name(level));
            *(ok ? &passed : &failed) += 1;
        }
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}

static void bench_all(const char *pattern, tdnn_cpu low, tdnn_cpu high)
{
    for (tdnn_cpu level = low; level <= high; level++) {
        const bench_peak peak = bench_measure_peak(level);
        printf("# %s: %.1f GFLOP/s from registers, %.1f GB/s copied (read + written)\n",
               tdnn_cpu_level_name(level), peak.flops * 1e-9, peak.bytes * 1e-9);
        for (const row *r = rows; r < rows + ROW_COUNT; r++) {
            if (!strstr(r->name, pattern) || inherited(r, level)) continue;
            static tdnn_bench b;
            b = (tdnn_bench){.name = r->name, .level = level, .peak = peak};
            r->bench(&b, tdnn_kernels_get(level));
            bench_release(&b);
        }
    }
}

static void print_peak(void)
{
    const machine_peak peak = peak_measure(NULL);
    printf("{\"cpu\": \"%s\", \"gflops\": %.1f, \"amx_gflops\": %.1f, \"near_gb\": %.1f, "
           "\"far_gb\": %.1f}\n",
           tdnn_cpu_level_name(tdnn_cpu_best()), peak.flops * 1e-9, peak.amx * 1e-9, peak.near * 1e-9,
           peak.far * 1e-9);
}

int main(int argc, char **argv)
{
    const char *pattern = "";
    uint64_t seed = (uint64_t)time(NULL);
    tdnn_cpu low = TDNN_CPU_GENERIC, high = tdnn_cpu_best();
    bool bench = false, peak = false;
    for (int i = 1; i < argc; i++) {
        const bool more = i + 1 < argc;
        if (strcmp(argv[i], "--bench") == 0) {
            bench = true;
        } else if (strcmp(argv[i], "--peak") == 0) {
            peak = true;
        } else if (strcmp(argv[i], "-t") == 0 && more) {
            pattern = argv[++i];
        } else if (strcmp(argv[i], "-s") == 0 && more) {
            seed = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--level") == 0 && more && tdnn_cpu_parse(argv[i + 1], &low)) {
            high = low;
            i++;
        } else {
            fprintf(stderr, "usage: %s [-t PATTERN] [-s SEED] [--level NAME] [--bench | --peak]\n",
                    argv[0]);
            return 2;
        }
    }
    if (high > tdnn_cpu_best()) {
        fprintf(stderr, "this CPU has no %s\n", tdnn_cpu_level_name(high));
        return 2;
    }
    if (peak) return print_peak(), 0;
    if (bench) return bench_all(pattern, low, high), 0;
    return check_all(pattern, low, high, seed);
}

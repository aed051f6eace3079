/* profile.c - a session's profile as tables: each step in the order of running, then the
 * operators, the costliest first. */
#include "cli/profile.h"

#include "cli/json.h"
#include "cli/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a step moves can come from the L2 cache up to here (bytes). */
enum { BAR_CELLS = 20, NEAR_BYTES = 4 << 20 };

typedef struct group {
    const char *op;
    double ms, limit_ms;
    uint64_t flops;
    size_t steps;
} group;

typedef struct limits {
    machine_peak peak;
    int threads;
} limits;

/* Of one run. */
static double step_ms(const tdnn_step_info *step)
{
    return step->runs ? (double)step->total_ns / (double)step->runs * 1e-6 : 0.0;
}

static double gflops(uint64_t flops, double ms)
{
    return ms > 0.0 ? (double)flops / (ms * 1e6) : 0.0;
}

/* The time below which no program could get. Threads share memory: far copies count once. */
static double limit_ms(const tdnn_step_info *step, const limits *l)
{
    bool tiles = step->kernel && (strstr(step->kernel, "amx") || strstr(step->kernel, "bf16"));
    double flops = (tiles && l->peak.amx > 0 ? l->peak.amx : l->peak.flops) * l->threads;
    double bytes = step->moved > NEAR_BYTES ? l->peak.far : l->peak.near * l->threads;
    double compute = flops > 0 ? (double)step->flops / flops * 1e3 : 0;
    double copy = bytes > 0 ? (double)step->moved / bytes * 1e3 : 0;

    return compute > copy ? compute : copy;
}

/* A share as a bar in eighths of a character. */
static const char *bar(double share, char text[BAR_CELLS * 3 + 4])
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    int cells = (int)(share * BAR_CELLS * 8 + 0.5), full = cells / 8;
    char *to = text;

    if (full > BAR_CELLS) full = BAR_CELLS;
    for (int i = 0; i < full; i++, to += 3) memcpy(to, "█", 3);
    strcpy(to, full < BAR_CELLS ? eighths[cells % 8] : "");
    return text;
}

static void add_times(table *t, double ms, double total, uint64_t flops, double limit)
{
    double share = total > 0.0 ? ms / total : 0.0;
    char text[BAR_CELLS * 3 + 4];

    table_add(t, "%.3f", ms);
    table_add(t, "%.1f", share * 100);
    if (flops)
        table_add(t, "%.1f", gflops(flops, ms));
    else
        table_add(t, "%s", "");
    if (ms > 0.0 && limit > 0.0)
        table_add(t, "%.0f", 100 * limit / ms);
    else
        table_add(t, "%s", "");
    table_add(t, "%s", bar(share, text));
}

static void add_to_group(group *groups, size_t *count, const tdnn_step_info *step,
                         double limit)
{
    size_t i = 0;

    while (i < *count && strcmp(groups[i].op, step->op) != 0) i++;
    if (i == *count) groups[(*count)++] = (group){.op = step->op};
    groups[i].ms += step_ms(step);
    groups[i].limit_ms += limit;
    groups[i].flops += step->flops;
    groups[i].steps++;
}

static int by_time(const void *a, const void *b)
{
    double x = ((const group *)a)->ms, y = ((const group *)b)->ms;

    return (x < y) - (x > y);
}

static void print_groups(group *groups, size_t count, double total)
{
    static const char *const heads[] = {"operator", "steps",      "ms",   "%",
                                        "GFLOP/s",  "% of limit", "share"};
    table t = table_make("lrrrrrl", heads);

    qsort(groups, count, sizeof *groups, by_time);
    for (size_t i = 0; i < count; i++) {
        table_add(&t, "%s", groups[i].op);
        table_add(&t, "%zu", groups[i].steps);
        add_times(&t, groups[i].ms, total, groups[i].flops, groups[i].limit_ms);
    }
    puts("");
    table_print(&t);
}

static void print_profile(const tdnn_step_info *steps, size_t count, double total,
                          const limits *l)
{
    static const char *const heads[] = {"step", "name",    "operator",   "kernel", "ms",
                                        "%",    "GFLOP/s", "% of limit", "share"};
    table t = table_make("rlllrrrrl", heads);
    group *groups = need(count, sizeof *groups);
    size_t group_count = 0;

    for (size_t i = 0; i < count; i++) {
        table_add(&t, "%zu", i);
        table_add(&t, "%s", steps[i].name);
        table_add(&t, "%s", steps[i].op);
        table_add(&t, "%s", steps[i].kernel ? steps[i].kernel : "");
        add_times(&t, step_ms(&steps[i]), total, steps[i].flops, limit_ms(&steps[i], l));
        add_to_group(groups, &group_count, &steps[i], limit_ms(&steps[i], l));
    }
    printf("\nlimit of a thread: %.1f GFLOP/s in floats, ", l->peak.flops * 1e-9);
    if (l->peak.amx > 0) printf("%.0f in bf16 tiles, ", l->peak.amx * 1e-9);
    printf("copies of %.1f GB/s in the L2 cache, %.1f GB/s beyond\n\n", l->peak.near * 1e-9,
           l->peak.far * 1e-9);
    table_print(&t);
    print_groups(groups, group_count, total);
    free(groups);
}

static void write_profile(const tdnn_step_info *steps, size_t count, double total,
                          const limits *l)
{
    for (size_t i = 0; i < count; i++) {
        double ms = step_ms(&steps[i]);
        json_writer w = {0};

        json_open(&w, NULL, '{');
        json_int(&w, "step", (int64_t)i);
        json_text(&w, "name", steps[i].name);
        json_text(&w, "op", steps[i].op);
        json_text(&w, "kernel", steps[i].kernel);
        json_shape(&w, "shape", &steps[i].shape);
        json_real(&w, "ms", ms);
        json_real(&w, "min_ms", (double)steps[i].min_ns * 1e-6);
        json_real(&w, "share", total > 0.0 ? ms / total : 0.0);
        json_real(&w, "gflops", gflops(steps[i].flops, ms));
        json_real(&w, "limit_ms", limit_ms(&steps[i], l));
        json_close(&w, '}');
    }
}

void profile_show(const tdnn_session *session, const machine_peak *peak, int threads, bool json)
{
    limits l = {*peak, threads};
    size_t count = tdnn_session_step_count(session), known = 0;
    tdnn_step_info *steps = need(count, sizeof *steps);
    double total = 0.0;

    while (known < count && tdnn_session_step(session, known, &steps[known], NULL) == TDNN_OK)
        total += step_ms(&steps[known++]);
    if (json)
        write_profile(steps, known, total, &l);
    else
        print_profile(steps, known, total, &l);
    free(steps);
}

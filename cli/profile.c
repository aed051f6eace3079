/* profile.c - a session's profile as tables: each step in the order of running, then the
 * operators, the costliest first. */
#include "cli/profile.h"

#include "cli/json.h"
#include "cli/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BAR_CELLS = 20 };

typedef struct group {
    const char *op;
    double ms;
    uint64_t flops;
    size_t steps;
} group;

/* Of one run. */
static double step_ms(const tdnn_step_info *step)
{
    return step->runs ? (double)step->total_ns / (double)step->runs * 1e-6 : 0.0;
}

static double gflops(uint64_t flops, double ms)
{
    return ms > 0.0 ? (double)flops / (ms * 1e6) : 0.0;
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

static void add_times(table *t, double ms, double total, uint64_t flops)
{
    double share = total > 0.0 ? ms / total : 0.0;
    char text[BAR_CELLS * 3 + 4];

    table_add(t, "%.3f", ms);
    table_add(t, "%.1f", share * 100);
    if (flops)
        table_add(t, "%.1f", gflops(flops, ms));
    else
        table_add(t, "%s", "");
    table_add(t, "%s", bar(share, text));
}

static void add_to_group(group *groups, size_t *count, const tdnn_step_info *step)
{
    size_t i = 0;

    while (i < *count && strcmp(groups[i].op, step->op) != 0) i++;
    if (i == *count) groups[(*count)++] = (group){.op = step->op};
    groups[i].ms += step_ms(step);
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
    static const char *const heads[] = {"operator", "steps", "ms", "%", "GFLOP/s", "share"};
    table t = table_make("lrrrrl", heads);

    qsort(groups, count, sizeof *groups, by_time);
    for (size_t i = 0; i < count; i++) {
        table_add(&t, "%s", groups[i].op);
        table_add(&t, "%zu", groups[i].steps);
        add_times(&t, groups[i].ms, total, groups[i].flops);
    }
    puts("");
    table_print(&t);
}

static void print_profile(const tdnn_step_info *steps, size_t count, double total)
{
    static const char *const heads[] = {"step", "name", "operator", "kernel",
                                        "ms",   "%",    "GFLOP/s",  "share"};
    table t = table_make("rlllrrrl", heads);
    group *groups = need(count, sizeof *groups);
    size_t group_count = 0;

    for (size_t i = 0; i < count; i++) {
        table_add(&t, "%zu", i);
        table_add(&t, "%s", steps[i].name);
        table_add(&t, "%s", steps[i].op);
        table_add(&t, "%s", steps[i].kernel ? steps[i].kernel : "");
        add_times(&t, step_ms(&steps[i]), total, steps[i].flops);
        add_to_group(groups, &group_count, &steps[i]);
    }
    puts("");
    table_print(&t);
    print_groups(groups, group_count, total);
    free(groups);
}

static void write_profile(const tdnn_step_info *steps, size_t count, double total)
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
        json_close(&w, '}');
    }
}

void profile_show(const tdnn_session *session, bool json)
{
    size_t count = tdnn_session_step_count(session), known = 0;
    tdnn_step_info *steps = need(count, sizeof *steps);
    double total = 0.0;

    while (known < count && tdnn_session_step(session, known, &steps[known], NULL) == TDNN_OK)
        total += step_ms(&steps[known++]);
    if (json)
        write_profile(steps, known, total);
    else
        print_profile(steps, known, total);
    free(steps);
}

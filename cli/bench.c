/* bench.c - tinydnn bench: times loading, the first run and the runs after it, and profiles the
 * steps. Inputs are random, with a fixed seed. */
#include "cli/commands.h"

#include "cli/json.h"
#include "cli/model.h"
#include "cli/profile.h"
#include "cli/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

typedef struct bench_options {
    model_options model;
    session_choice session;
    text_list shapes;
    int runs, warmup;
    bool profile, json;
} bench_options;

typedef struct bench_result {
    double load_ms, first_ms, min_ms, median_ms, mean_ms, p95_ms, gflops;
    uint64_t weight_bytes, arena_bytes;
    long base_rss_kb, peak_rss_kb; /* of the process: before loading, at the end */
} bench_result;

static double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

/* From opening the file to a session that only needs inputs. */
static bool prepare(const bench_options *o, const command_line *line, tdnn_net **net,
                    tdnn_session **session, tdnn_shape **shapes, bench_result *r)
{
    static const names none = {NULL, 0};
    const char *config = line->count > 1 ? line->given[1] : NULL;
    tdnn_session_options options = session_options(&o->session, &o->model);
    double start = now_ms();
    size_t unknown;
    tdnn_error err;

    options.profile = o->profile;
    if (model_load(line->given[0], config, &o->model, none, none, net, &err) != TDNN_OK) {
        report_error(line->given[0], &err);
        return false;
    }
    if (!model_shapes(*net, &o->shapes, shapes)) return false;
    unknown = first_unknown(*net, *shapes);
    if (unknown != SIZE_MAX) {
        report_unknown(*net, unknown, &(*shapes)[unknown]);
        return false;
    }
    if (tdnn_session_create(*net, &options, session, &err) != TDNN_OK ||
        model_plan(*session, *net, *shapes, &err) != TDNN_OK) {
        report_error(line->given[0], &err);
        return false;
    }
    r->load_ms = now_ms() - start;
    return true;
}

static tdnn_status feed(const tdnn_net *net, tdnn_session *session, const tdnn_shape *shapes,
                        tdnn_error *err)
{
    uint64_t state = 1;
    tdnn_status status = TDNN_OK;

    for (size_t i = 0; status == TDNN_OK && i < tdnn_net_input_count(net); i++)
        status = input_randomise(session, tdnn_net_input(net, i), &shapes[i], &state, err);
    return status;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static uint64_t flops_of_run(const tdnn_session *session)
{
    uint64_t flops = 0;

    for (size_t i = 0; i < tdnn_session_step_count(session); i++) {
        tdnn_step_info step;

        if (tdnn_session_step(session, i, &step, NULL) == TDNN_OK) flops += step.flops;
    }
    return flops;
}

static void sum_up(bench_result *r, double *ms, size_t count)
{
    double sum = 0.0;
    size_t half = count / 2;

    for (size_t i = 0; i < count; i++) sum += ms[i];
    qsort(ms, count, sizeof *ms, by_value);
    r->min_ms = ms[0];
    r->median_ms = count % 2 ? ms[half] : (ms[half - 1] + ms[half]) / 2;
    r->mean_ms = sum / (double)count;
    r->p95_ms = ms[(size_t)ceil(0.95 * (double)count) - 1];
}

static tdnn_status timed_run(tdnn_session *session, double *ms, tdnn_error *err)
{
    double start = now_ms();
    tdnn_status status = tdnn_session_run(session, err);

    *ms = now_ms() - start;
    return status;
}

/* The first run counts as one of the warm-up. */
static tdnn_status measure(const bench_options *o, tdnn_session *session, bench_result *r,
                           tdnn_error *err)
{
    size_t runs = (size_t)o->runs;
    double *ms = need(runs, sizeof *ms), ignored;
    tdnn_status status = timed_run(session, &r->first_ms, err);

    for (int i = 1; status == TDNN_OK && i < o->warmup; i++)
        status = timed_run(session, &ignored, err);
    tdnn_session_profile_reset(session);
    for (size_t i = 0; status == TDNN_OK && i < runs; i++) {
        if (i % 8 == 0) progress_show("run", i, runs);
        status = timed_run(session, &ms[i], err);
    }
    progress_clear();
    if (status == TDNN_OK) {
        sum_up(r, ms, runs);
        r->gflops = (double)flops_of_run(session) / (r->median_ms * 1e6);
    }
    free(ms);
    return status;
}

/* The instructions that may be used: those for bf16 only where asked for. */
static const char *level_of(const bench_options *o)
{
    const char *level = o->session.cpu ? o->session.cpu : tdnn_cpu_level();
    if (o->session.precision == TDNN_PRECISION_FAST) return level;
    return strcmp(level, "amx") == 0 || strcmp(level, "avx512bf16") == 0 ? "avx512vnni" : level;
}

static void print_json(const bench_options *o, const char *model, const bench_result *r)
{
    json_writer w = {0};

    json_open(&w, NULL, '{');
    json_text(&w, "engine", "tinydnn");
    json_text(&w, "model", model);
    json_int(&w, "threads", o->session.threads);
    json_text(&w, "cpu", level_of(o));
    json_text(&w, "precision", o->session.precision == TDNN_PRECISION_FAST ? "fast" : "fp32");
    json_real(&w, "load_ms", r->load_ms);
    json_real(&w, "first_ms", r->first_ms);
    json_real(&w, "min_ms", r->min_ms);
    json_real(&w, "median_ms", r->median_ms);
    json_real(&w, "mean_ms", r->mean_ms);
    json_real(&w, "p95_ms", r->p95_ms);
    json_real(&w, "gflops", r->gflops);
    json_int(&w, "weight_bytes", (int64_t)r->weight_bytes);
    json_int(&w, "arena_bytes", (int64_t)r->arena_bytes);
    json_int(&w, "base_rss_kb", r->base_rss_kb);
    json_int(&w, "peak_rss_kb", r->peak_rss_kb);
    json_close(&w, '}');
}

static void print_result(const bench_options *o, const char *model, const bench_result *r)
{
    printf("%s, %d thread%s, %s%s, %d runs\n", model, o->session.threads,
           o->session.threads > 1 ? "s" : "", level_of(o),
           o->session.precision == TDNN_PRECISION_FAST ? ", fast" : "", o->runs);
    printf("  load    %9.3f ms\n  first   %9.3f ms\n", r->load_ms, r->first_ms);
    printf("  minimum %9.3f ms\n  median  %9.3f ms  %.1f GFLOP/s\n", r->min_ms, r->median_ms,
           r->gflops);
    printf("  mean    %9.3f ms\n  95 %%    %9.3f ms\n", r->mean_ms, r->p95_ms);
    printf("  weights %s, arena %s, peak of the process %s\n", bytes_text(r->weight_bytes).text,
           bytes_text(r->arena_bytes).text, bytes_text((uint64_t)r->peak_rss_kb * 1024).text);
}

static bool bench(const bench_options *o, const command_line *line)
{
    tdnn_net *net = NULL;
    tdnn_session *session = NULL;
    tdnn_shape *shapes = NULL;
    bench_result r = {0};
    struct rusage usage;
    tdnn_error err;
    machine_peak peak = {0};
    bool good;

    getrusage(RUSAGE_SELF, &usage);
    r.base_rss_kb = usage.ru_maxrss;
    good = prepare(o, line, &net, &session, &shapes, &r);
    if (good && (feed(net, session, shapes, &err) != TDNN_OK ||
                 measure(o, session, &r, &err) != TDNN_OK)) {
        report_error(line->given[0], &err);
        good = false;
    }
    if (good) {
        getrusage(RUSAGE_SELF, &usage);
        r.weight_bytes = tdnn_net_weight_bytes(net);
        r.arena_bytes = tdnn_session_arena_bytes(session);
        r.peak_rss_kb = usage.ru_maxrss;
        if (o->profile) peak = peak_measure(o->session.cpu);
        if (o->json)
            print_json(o, line->given[0], &r);
        else
            print_result(o, line->given[0], &r);
        if (o->profile) profile_show(session, &peak, o->session.threads, o->json);
    }
    free(shapes);
    tdnn_session_free(session);
    tdnn_net_release(net);
    return good;
}

int command_bench(int argc, char **argv)
{
    bench_options o = {.session.threads = 1, .runs = 20, .warmup = 3};
    const option known[] = {
        OPTION("input-shape", TEXTS, &o.shapes, "NAME=1x3x224x224",
               "of an input that the model leaves open; an open batch is 1"),
        OPTION_FROM(1, "runs", INT, &o.runs, "K", "runs that are timed (default 20)"),
        OPTION_FROM(0, "warmup", INT, &o.warmup, "K",
                    "runs before those, the first among them (default 3)"),
        OPTION("profile", FLAG, &o.profile, NULL, "time of each step and of each operator"),
        OPTION("json", FLAG, &o.json, NULL, "an object; with --profile another for each step"),
        MODEL_OPTIONS(o.model),
        SESSION_OPTIONS(o.session),
        OPTION_END,
    };
    command_line line = {
        .name = "bench",
        .arguments = "MODEL [CONFIG] [--threads N] [--runs K] [--profile] [--json]",
        .about =
            "Times a model on random inputs. `load` goes from opening the file to a session\n"
            "that is ready to run: parsed, optimised, weights rearranged, memory planned.",
        .options = known,
        .least = 1,
        .most = 2,
    };
    int status = EXIT_FAULT;

    if (options_parse(&line, argc, argv, &status))
        status = bench(&o, &line) && output_flush() ? EXIT_DONE : EXIT_FAULT;
    free(o.shapes.text);
    free(line.given);
    return status;
}

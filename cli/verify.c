/* verify.c - tinydnn verify: finds test cases below the given paths and runs each model's in a
 * process of its own, so that neither a crash nor an endless run of one stops the rest. */
#include "cli/commands.h"
#include "cli/verify.h"

#include "cli/json.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEEPEST_FOLDER = 8 };

typedef void verify_fn(const char *path, const verify_options *o, verify_tally *tally);

typedef struct work {
    const verify_options *options;
    verify_tally tally;
    size_t done; /* models */
} work;

/* In the child: the verdicts go to stdout, the count through the pipe. */
static void run_child(verify_fn *verify, const char *path, const verify_options *o, int to)
{
    verify_tally tally = {0};

    if (o->time_limit) alarm((unsigned)o->time_limit);
    verify(path, o, &tally);
    fflush(stdout);
    exit(write(to, &tally, sizeof tally) == (ssize_t)sizeof tally ? EXIT_DONE : EXIT_FAULT);
}

static void tell_lost(work *w, const char *path, int state)
{
    verdict v = {0};

    if (WIFSIGNALED(state) && WTERMSIG(state) == SIGALRM)
        snprintf(v.text, sizeof v.text, "no end within %d s", w->options->time_limit);
    else if (WIFSIGNALED(state))
        snprintf(v.text, sizeof v.text, "crashed (%s)", strsignal(WTERMSIG(state)));
    else
        snprintf(v.text, sizeof v.text, "ended early with status %d", WEXITSTATUS(state));
    verify_tell(w->options, &w->tally, path, &v);
}

static void verify_apart(work *w, verify_fn *verify, const char *path)
{
    verify_tally tally = {0};
    int ends[2], state = 0;
    pid_t child;
    bool counted;

    progress_show("model", ++w->done, 0);
    fflush(stdout);
    if (pipe(ends) != 0 || (child = fork()) < 0) {
        report(path, "no process for it: %s", strerror(errno));
        exit(EXIT_FAULT);
    }
    if (child == 0) {
        close(ends[0]);
        run_child(verify, path, w->options, ends[1]);
    }
    close(ends[1]);
    counted = read(ends[0], &tally, sizeof tally) == (ssize_t)sizeof tally;
    close(ends[0]);
    while (waitpid(child, &state, 0) < 0 && errno == EINTR) continue;
    progress_clear();
    w->tally.cases += tally.cases;
    w->tally.passed += tally.passed;
    w->tally.loose += tally.loose;
    if (!counted || state != 0) tell_lost(w, path, state);
}

static bool exists(const char *folder, const char *name)
{
    char *path = need_text("%s/%s", folder, name);
    bool there = access(path, F_OK) == 0;

    free(path);
    return there;
}

static bool is_light(const char *path)
{
    char *output = light_output_path(path);
    bool there = output && access(output, F_OK) == 0;

    free(output);
    return there;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The paths of what is in a folder, sorted; freed one by one. */
static char **list_folder(const char *path, size_t *count)
{
    DIR *folder = opendir(path);
    char **list = NULL;

    *count = 0;
    for (struct dirent *e; folder && (e = readdir(folder));) {
        if (e->d_name[0] == '.') continue;
        list = need_more(list, *count + 1, sizeof *list);
        list[(*count)++] = need_text("%s/%s", path, e->d_name);
    }
    if (folder) closedir(folder);
    if (*count) qsort(list, *count, sizeof *list, by_name);
    return list;
}

/* Verifies what is at `path`, or in the folders below. */
static void walk(work *w, const char *path, int depth)
{
    size_t count;
    char **list;
    struct stat is;

    if (stat(path, &is) != 0) return;
    if (!S_ISDIR(is.st_mode)) {
        if (is_light(path)) verify_apart(w, verify_onnx_light, path);
        return;
    }
    if (exists(path, "reference/reference.json")) {
        verify_apart(w, verify_reference, path);
        return;
    }
    if (exists(path, "model.onnx") && exists(path, "test_data_set_0")) {
        verify_apart(w, verify_onnx_folder, path);
        return;
    }
    if (depth == DEEPEST_FOLDER) return;
    list = list_folder(path, &count);
    for (size_t i = 0; i < count; i++) {
        walk(w, list[i], depth + 1);
        free(list[i]);
    }
    free(list);
}

static void verify_path(work *w, const char *given)
{
    unsigned before = w->tally.cases;
    size_t length = strlen(given);
    verdict v = {0};
    char *path;

    while (length > 1 && given[length - 1] == '/') length--;
    path = need_text("%.*s", (int)length, given);
    walk(w, path, 0);
    if (w->tally.cases == before) {
        snprintf(v.text, sizeof v.text, "%s",
                 access(path, F_OK) == 0
                     ? "no test case there: expected model.onnx with test_data_set_0, "
                       "reference/reference.json, or NAME.onnx with NAME_output_0.pb"
                     : strerror(errno));
        verify_tell(w->options, &w->tally, path, &v);
    }
    free(path);
}

static int sum_up(const work *w)
{
    const verify_tally *t = &w->tally;
    json_writer out = {0};

    if (w->options->json) {
        json_open(&out, NULL, '{');
        json_int(&out, "passed", t->passed);
        json_int(&out, "cases", t->cases);
        json_int(&out, "loose", t->loose);
        json_close(&out, '}');
    } else {
        if (t->loose)
            printf(
                "%u of those that pass: only as close as correct engines are to each other\n",
                t->loose);
        printf("%u of %u cases pass\n", t->passed, t->cases);
    }
    return output_flush() && t->passed == t->cases ? EXIT_DONE : EXIT_FAULT;
}

int command_verify(int argc, char **argv)
{
    verify_options o = {.rtol = 1e-3, .atol = 1e-7, .session.threads = 1};
    const option known[] = {
        OPTION("rtol", REAL, &o.rtol, "R", "of ONNX test cases, relative (default 1e-3)"),
        OPTION("atol", REAL, &o.atol, "A", "of ONNX test cases, absolute (default 1e-7)"),
        OPTION("list", FLAG, &o.list, NULL, "a line for each case, not only for failures"),
        OPTION("json", FLAG, &o.json, NULL, "an object a line, the sums last"),
        OPTION("same-bits", FLAG, &o.same_bits, NULL,
               "run with 1 and with 2 threads too: the bits must be the same"),
        OPTION_FROM(0, "time-limit", INT, &o.time_limit, "SECONDS",
                    "for one model (default: none)"),
        OPTION("no-optimize", FLAG, &o.no_optimize, NULL,
               "run graphs as their files have them, without folding and fusion"),
        SESSION_OPTIONS(o.session),
        OPTION_END,
    };
    command_line line = {
        .name = "verify",
        .arguments = "DIR... [--list] [--same-bits] [--cpu LEVEL] [--threads N]",
        .about =
            "Runs models on recorded inputs and compares with recorded outputs. DIR is, or "
            "holds:\n"
            "  a folder with model.onnx and test_data_set_K/input_I.pb, output_I.pb;\n"
            "  a model NAME.onnx beside NAME_output_0.pb, fed with 0/n, 1/n ... (n-1)/n;\n"
            "  a folder with reference/reference.json and the .npy files that it names.\n"
            "Types, shapes, strings and integers must be equal. ONNX test cases: |got - "
            "expected|\n"
            "<= atol + rtol * |expected| (16-bit floats: atol 1e-3, rtol 1e-2 at least); what\n"
            "random operators give is compared by type and shape. reference.json: each number\n"
            "within 1e-4, absolute or relative to itself or to the greatest value of its "
            "output.\n"
            "Where the file's `agreement` says that correct engines differ by more, that much "
            "is\n"
            "let pass and counted apart (never for Darknet models, which are computed with "
            "the\n"
            "meaning of each case's engine).",
        .options = known,
        .least = 1,
        .most = -1,
    };
    work w = {.options = &o};
    int status = EXIT_FAULT;

    if (options_parse(&line, argc, argv, &status)) {
        for (int i = 0; i < line.count; i++) verify_path(&w, line.given[i]);
        status = sum_up(&w);
    }
    free(line.given);
    return status;
}

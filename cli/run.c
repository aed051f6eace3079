/* run.c - tinydnn run: runs a model once on given or random inputs, prints a line for each
 * output and writes them as files. */
#include "cli/commands.h"

#include "cli/elements.h"
#include "cli/json.h"
#include "cli/model.h"
#include "cli/table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef enum file_format { FORMAT_ANY = -1, FORMAT_NPY, FORMAT_PB } file_format;

typedef struct run_options {
    model_options model;
    session_choice session;
    text_list inputs, shapes, outputs;
    const char *directory;
    uint64_t seed;
    bool random, json;
    int format;
    const char **names; /* of `inputs`: what stands before '='; NULL: the net's only one */
} run_options;

/* Splits NAME=FILE. */
static void split_inputs(run_options *o)
{
    o->names = need(o->inputs.count, sizeof *o->names);
    for (size_t i = 0; i < o->inputs.count; i++) {
        const char *text = o->inputs.text[i], *equals = strchr(text, '=');

        if (!equals) continue;
        o->names[i] = need_text("%.*s", (int)(equals - text), text);
        o->inputs.text[i] = equals + 1;
    }
}

static bool load(const run_options *o, const command_line *line, tdnn_net **net)
{
    const char *config = line->count > 1 ? line->given[1] : NULL;
    const char **named = need(o->inputs.count, sizeof *named);
    names inputs = {named, 0}, outputs = {o->outputs.text, o->outputs.count};
    tdnn_error err;
    tdnn_status status;

    for (size_t i = 0; i < o->inputs.count; i++)
        if (o->names[i]) named[inputs.count++] = o->names[i];
    status = model_load(line->given[0], config, &o->model, inputs, outputs, net, &err);
    free(named);
    if (status != TDNN_OK) report_error(line->given[0], &err);
    return status == TDNN_OK;
}

/* Feeds the files; `fed` marks their inputs. */
static bool feed_files(const run_options *o, const tdnn_net *net, tdnn_session *session,
                       bool *fed)
{
    size_t count = tdnn_net_input_count(net);

    for (size_t i = 0; i < o->inputs.count; i++) {
        size_t index = o->names[i] ? net_input_index(net, o->names[i]) : 0;
        const char *path = o->inputs.text[i];
        const tdnn_port *port;
        tdnn_tensor *value = NULL;
        tdnn_error err;

        if (!o->names[i] && count != 1) {
            report("--input", "%s: the model has %zu inputs, expected NAME=%s", path, count,
                   path);
            return false;
        }
        if (index >= count) {
            report("--input", "the model has no input '%s'", o->names[i]);
            return false;
        }
        port = tdnn_net_input(net, index);
        if (tdnn_tensor_read(path, port->kind, &value, &err) != TDNN_OK) {
            report_error(path, &err);
            return false;
        }
        fed[index] = true;
        if (tdnn_session_set_input(session, port->name, value, &err) != TDNN_OK) {
            tdnn_tensor_release(value);
            report_error(path, &err);
            return false;
        }
        tdnn_tensor_release(value);
    }
    return true;
}

static bool feed_random(const run_options *o, const tdnn_net *net, tdnn_session *session,
                        const bool *fed)
{
    uint64_t state = o->seed;
    tdnn_shape *shapes = NULL;
    bool good = model_shapes(net, &o->shapes, &shapes);

    for (size_t i = 0; good && i < tdnn_net_input_count(net); i++) {
        const tdnn_port *port = tdnn_net_input(net, i);
        tdnn_error err;

        if (fed[i]) continue;
        good = false;
        if (!o->random || port->kind != TDNN_KIND_TENSOR)
            report("--input", "input '%s' has no value: give --input %s=FILE%s", port->name,
                   port->name, port->kind ? "" : ", or --random SEED for all that have none");
        else if (tdnn_shape_count(&shapes[i]) < 0)
            report_unknown(net, i, &shapes[i]);
        else if (input_randomise(session, port, &shapes[i], &state, &err) != TDNN_OK)
            report_error(NULL, &err);
        else
            good = true;
    }
    free(shapes);
    return good;
}

/* Writes DIR/output_INDEX.npy, or .pb where numpy has no such type and --format is silent. */
static bool write_output(const run_options *o, size_t index, const tdnn_tensor *tensor)
{
    bool npy = o->format != FORMAT_PB;
    char *path = need_text("%s/output_%zu.%s", o->directory, index, npy ? "npy" : "pb");
    tdnn_error err;
    tdnn_status status = tdnn_tensor_write(tensor, path, &err);

    if (status == TDNN_ERR_UNSUPPORTED && o->format == FORMAT_ANY) {
        free(path);
        path = need_text("%s/output_%zu.pb", o->directory, index);
        status = tdnn_tensor_write(tensor, path, &err);
    }
    if (status != TDNN_OK) report_error(path, &err);
    free(path);
    return status == TDNN_OK;
}

static void print_json(size_t index, const char *name, const tdnn_tensor *tensor)
{
    number_summary s = numbers_summarise(tensor);
    json_writer w = {0};
    char type[48];

    json_open(&w, NULL, '{');
    json_int(&w, "index", (int64_t)index);
    json_text(&w, "name", name);
    json_text(
        &w, "type",
        type_text(tdnn_tensor_kind(tensor), tdnn_tensor_dtype(tensor), type, sizeof type));
    json_shape(&w, "shape", tdnn_tensor_shape(tensor));
    json_real(&w, "min", s.minimum);
    json_real(&w, "max", s.maximum);
    json_real(&w, "mean", s.mean);
    if (s.nan_count) json_int(&w, "nan", (int64_t)s.nan_count);
    json_close(&w, '}');
}

static void add_row(table *t, size_t index, const char *name, const tdnn_tensor *tensor)
{
    number_summary s = numbers_summarise(tensor);
    char type[48];

    table_add(t, "%zu", index);
    table_add(t, "%s", name);
    table_add(
        t, "%s",
        type_text(tdnn_tensor_kind(tensor), tdnn_tensor_dtype(tensor), type, sizeof type));
    table_add(t, "%s", shape_write(tdnn_tensor_shape(tensor)).text);
    table_add(t, "%.6g", s.minimum);
    table_add(t, "%.6g", s.maximum);
    table_add(t, "%.6g", s.mean);
}

static bool give_outputs(const run_options *o, const tdnn_net *net, const tdnn_session *session)
{
    static const char *const heads[] = {"output", "name", "type", "shape",
                                        "min",    "max",  "mean"};
    size_t count = o->outputs.count ? o->outputs.count : tdnn_net_output_count(net);
    table rows = table_make("rlllrrr", heads);
    bool good = true;

    for (size_t i = 0; good && i < count; i++) {
        const char *name =
            o->outputs.count ? o->outputs.text[i] : tdnn_net_output(net, i)->name;
        const tdnn_tensor *tensor = NULL;
        tdnn_error err;

        good = tdnn_session_output(session, name, &tensor, &err) == TDNN_OK;
        if (!good) {
            report_error(NULL, &err);
            break;
        }
        if (o->json)
            print_json(i, name, tensor);
        else
            add_row(&rows, i, name, tensor);
        if (o->directory) good = write_output(o, i, tensor);
    }
    if (!o->json) table_print(&rows);
    return good;
}

static bool run(const run_options *o, const command_line *line)
{
    tdnn_net *net = NULL;
    tdnn_session *session = NULL;
    tdnn_session_options options = session_options(&o->session, &o->model);
    bool good = false, *fed = NULL;
    tdnn_error err;

    if (!load(o, line, &net)) return false;
    if (o->directory && mkdir(o->directory, 0777) != 0 && errno != EEXIST) {
        report(o->directory, "the folder cannot be made: %s", strerror(errno));
        goto end;
    }
    if (tdnn_session_create(net, &options, &session, &err) != TDNN_OK) {
        report_error(line->given[0], &err);
        goto end;
    }
    fed = need(tdnn_net_input_count(net), sizeof *fed);
    if (!feed_files(o, net, session, fed) || !feed_random(o, net, session, fed)) goto end;
    if (tdnn_session_run(session, &err) != TDNN_OK) {
        report_error(line->given[0], &err);
        goto end;
    }
    good = give_outputs(o, net, session);
end:
    free(fed);
    tdnn_session_free(session);
    tdnn_net_release(net);
    return good;
}

int command_run(int argc, char **argv)
{
    run_options o = {.session.threads = 1, .format = FORMAT_ANY};
    const option known[] = {
        OPTION("input", TEXTS, &o.inputs, "NAME=FILE",
               "a .npy file, or a serialized ONNX tensor or list; NAME may be inner"),
        OPTION("input-shape", TEXTS, &o.shapes, "NAME=1x3x224x224",
               "of an input without a file"),
        OPTION_GIVEN(&o.random, "random", SEED, &o.seed, "SEED",
                     "fill inputs without a file: floats in [0, 1), bytes, other integers 1"),
        OPTION("output", TEXTS, &o.outputs, "NAME", "give this, which may be inner, alone"),
        OPTION("output-dir", TEXT, &o.directory, "DIR", "write DIR/output_0.npy, ..."),
        OPTION("format", CHOICE, &o.format, "npy|pb",
               "of those files (default: npy where it has the type)"),
        OPTION("json", FLAG, &o.json, NULL, "an object a line"),
        MODEL_OPTIONS(o.model),
        SESSION_OPTIONS(o.session),
        OPTION_END,
    };
    command_line line = {
        .name = "run",
        .arguments = "MODEL [CONFIG] [--input NAME=FILE]... [--random SEED] "
                     "[--output-dir DIR]",
        .about = "Runs a model once. Prints a line for each output: index, name, type, shape,\n"
                 "minimum, maximum, mean. --input, --input-shape and --output may be repeated.",
        .options = known,
        .least = 1,
        .most = 2,
    };
    int status = EXIT_FAULT;

    if (options_parse(&line, argc, argv, &status)) {
        split_inputs(&o);
        status = run(&o, &line) && output_flush() ? EXIT_DONE : EXIT_FAULT;
        for (size_t i = 0; i < o.inputs.count; i++) free((void *)o.names[i]);
        free(o.names);
    }
    free(o.inputs.text);
    free(o.shapes.text);
    free(o.outputs.text);
    free(line.given);
    return status;
}

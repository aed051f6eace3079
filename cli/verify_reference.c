/* verify_reference.c - folders with reference/reference.json: a model of any format and the
 * outputs that another engine gave. The engine decides whose meaning a Darknet model has, the
 * layout how TensorFlow's tensors look; inputs and outputs may be inner values. */
#include "cli/verify.h"

#include "cli/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_REFERENCE = 1 << 24 };

typedef struct reference {
    const char *path;
    char *model, *config; /* paths; config NULL: none */
    const json_value *json;
    verify_net net;
    const json_value *open_for; /* the case that `net` was loaded for; NULL: not loaded */
    bool darknet;
} reference;

static char *read_text(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;

    *size = 0;
    if (!file) return NULL;
    for (size_t got = 1; got && *size < LARGEST_REFERENCE; *size += got) {
        text = need_more(text, *size + 65536, 1);
        got = fread(text + *size, 1, 65536, file);
    }
    if (ferror(file) || *size >= LARGEST_REFERENCE) {
        free(text);
        text = NULL;
    }
    fclose(file);
    return text;
}

static size_t count_items(const json_value *array)
{
    size_t count = 0;

    if (!array || array->type != JSON_ARRAY) return 0;
    for (const json_value *v = array->first; v; v = v->next) count++;
    return count;
}

/* The member `key` of each item; false if one lacks it. */
static bool item_texts(const json_value *array, const char *key, const char **texts)
{
    size_t i = 0;

    for (const json_value *v = array ? array->first : NULL; v; v = v->next) {
        texts[i] = json_get_text(v, key);
        if (!texts[i++]) return false;
    }
    return true;
}

static const char *engine_of(const reference *r, const json_value *test)
{
    const char *engine = json_get_text(test, "engine");

    if (!engine) engine = json_get_text(r->json, "engine");
    return engine ? engine : "";
}

static model_options how_to_load(const reference *r, const json_value *test,
                                 const verify_options *o)
{
    const char *layout = json_get_text(r->json, "layout");
    model_options how = {.no_optimize = o->no_optimize};

    how.darknet_as =
        strstr(engine_of(r, test), "opencv") ? TDNN_DARKNET_AS_OPENCV : TDNN_DARKNET_AS_DARKNET;
    how.layout = layout && !strcmp(layout, "NCHW") ? TDNN_IO_NCHW : TDNN_IO_AS_GRAPH;
    return how;
}

/* True if what was loaded for the case before serves this one too. */
static bool same_load(const reference *r, const json_value *test, const verify_case *c)
{
    if (!r->open_for || strcmp(engine_of(r, r->open_for), engine_of(r, test)) != 0)
        return false;
    for (size_t i = 0; i < c->input_count; i++)
        if (net_input_index(r->net.net, c->input_names[i]) == SIZE_MAX) return false;
    for (size_t i = 0; i < c->output_count; i++)
        if (net_output_index(r->net.net, c->output_names[i]) == SIZE_MAX) return false;
    return true;
}

static tdnn_status read_tensors(const reference *r, const char **files, size_t count,
                                tdnn_tensor **tensors, tdnn_error *err)
{
    tdnn_status status = TDNN_OK;

    for (size_t i = 0; status == TDNN_OK && i < count; i++) {
        char *path = need_text("%s/reference/%s", r->path, files[i]);

        status = tdnn_tensor_read(path, TDNN_KIND_TENSOR, &tensors[i], err);
        free(path);
    }
    return status;
}

/* The names and tensors of a case. `v` has a text if it cannot be read. */
static bool read_case(const reference *r, const json_value *test, verify_case *c, verdict *v)
{
    const json_value *inputs = json_get(test, "inputs"), *outputs = json_get(test, "outputs");
    const char **files;
    bool good;
    tdnn_error err;

    c->input_count = count_items(inputs);
    c->output_count = count_items(outputs);
    c->input_names = need(c->input_count, sizeof *c->input_names);
    c->output_names = need(c->output_count, sizeof *c->output_names);
    c->inputs = need(c->input_count, sizeof *c->inputs);
    c->expected = need(c->output_count, sizeof *c->expected);
    files = need(c->input_count + c->output_count, sizeof *files);
    good = c->output_count && item_texts(inputs, "name", c->input_names) &&
           item_texts(outputs, "name", c->output_names) && item_texts(inputs, "file", files) &&
           item_texts(outputs, "file", files + c->input_count);
    if (!good) {
        snprintf(v->text, sizeof v->text,
                 "reference.json: expected inputs and outputs with name and file");
    } else if (read_tensors(r, files, c->input_count, c->inputs, &err) != TDNN_OK ||
               read_tensors(r, files + c->input_count, c->output_count, c->expected, &err)) {
        *v = verify_fault(r->path, &err);
        good = false;
    }
    free(files);
    return good;
}

static bool open_for_case(reference *r, const json_value *test, const verify_case *c,
                          const verify_options *o, verdict *v)
{
    model_options how = how_to_load(r, test, o);
    names inputs = {c->input_names, c->input_count},
          outputs = {c->output_names, c->output_count};
    tdnn_error err;

    if (same_load(r, test, c)) return true;
    verify_close(&r->net);
    r->open_for = NULL;
    if (verify_open(&r->net, r->model, r->config, &how, inputs, outputs, o, &err) != TDNN_OK) {
        *v = verify_fault(r->path, &err);
        return false;
    }
    r->open_for = test;
    r->darknet = tdnn_net_format(r->net.net) == TDNN_FORMAT_DARKNET;
    return true;
}

/* The widest difference, relative to the greatest value, that reference.json records between
 * engines which compute the same. Its figures for Darknet models compare two meanings (the
 * epsilon of batch normalisation), of which each case is computed with its own: they excuse
 * nothing. */
static double agreement(const reference *r)
{
    const json_value *list = json_get(r->json, "agreement");
    double widest = 0.0;

    if (!list || r->darknet) return 0.0;
    for (const json_value *v = list->first; v; v = v->next) {
        const json_value *figure = json_get(v, "max_diff_relative_to_output_max");

        if (figure && figure->type == JSON_NUMBER) widest = fmax(widest, figure->number);
    }
    return widest;
}

static verdict judge(const reference *r, const verify_case *c)
{
    compare_rules rules = {
        .rtol = 1e-4, .atol = 1e-4, .either = true, .of_greatest = 1e-4, .ones_in_front = true};
    double known = agreement(r);
    verdict v = verify_run(&r->net, c, &rules), loose;

    if (v.pass || known <= rules.of_greatest) return v;
    rules.of_greatest = known;
    loose = verify_run(&r->net, c, &rules);
    loose.loose = true;
    return loose.pass ? loose : v;
}

static void verify_one(reference *r, const json_value *test, size_t index,
                       const verify_options *o, verify_tally *tally)
{
    char *name = need_text("%s case %zu (%.40s)", r->path, index, engine_of(r, test));
    verify_case c = {0};
    verdict v = {0};

    if (read_case(r, test, &c, &v) && open_for_case(r, test, &c, o, &v)) v = judge(r, &c);
    verify_tell(o, tally, name, &v);
    verify_case_clear(&c);
    free(name);
}

static char *member_path(const reference *r, const char *key)
{
    const char *name = json_get_text(r->json, key);

    return name ? need_text("%s/%s", r->path, name) : NULL;
}

void verify_reference(const char *path, const verify_options *o, verify_tally *tally)
{
    char *file = need_text("%s/reference/reference.json", path);
    reference r = {.path = path};
    verdict v = {0};
    char why[120] = "the file cannot be read";
    size_t size, index = 0;
    char *text = read_text(file, &size);
    json_value *json = text ? json_parse(text, size, why, sizeof why) : NULL;
    const json_value *cases = json_get(json, "cases");

    r.json = json;
    r.model = member_path(&r, "model");
    r.config = member_path(&r, "config");
    if (!json || !r.model || !count_items(cases)) {
        snprintf(v.text, sizeof v.text, "reference.json: %s",
                 json ? "expected a model and a list of cases" : why);
        verify_tell(o, tally, path, &v);
    } else {
        for (const json_value *t = cases->first; t; t = t->next)
            verify_one(&r, t, index++, o, tally);
    }
    verify_close(&r.net);
    free(r.model);
    free(r.config);
    json_free(json);
    free(text);
    free(file);
}

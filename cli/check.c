/* check.c - tinydnn check: can this model run here? All that is missing, at once. */
#include "cli/commands.h"

#include "cli/json.h"
#include "cli/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct check_options {
    model_options model;
    text_list shapes;
    bool json;
} check_options;

/* One thing that is missing, and all the places that want it. */
typedef struct missing {
    char *what, **where;
    size_t count;
} missing;

typedef struct findings {
    missing *list;
    size_t count, places;
} findings;

static void add(void *user, const char *where, const char *what)
{
    findings *f = user;
    missing *m = NULL;

    for (size_t i = 0; i < f->count && !m; i++)
        if (!strcmp(f->list[i].what, what)) m = &f->list[i];
    if (!m) {
        f->list = need_more(f->list, f->count + 1, sizeof *f->list);
        m = &f->list[f->count++];
        *m = (missing){.what = need_text("%s", what)};
    }
    m->where = need_more(m->where, m->count + 1, sizeof *m->where);
    m->where[m->count++] = need_text("%s", where);
    f->places++;
}

static void free_findings(findings *f)
{
    for (size_t i = 0; i < f->count; i++) {
        for (size_t k = 0; k < f->list[i].count; k++) free(f->list[i].where[k]);
        free(f->list[i].where);
        free(f->list[i].what);
    }
    free(f->list);
}

static void print_text(const findings *f, bool planned)
{
    for (size_t i = 0; i < f->count; i++) {
        const missing *m = &f->list[i];

        printf("%s%s%s\n", colour_code(COLOUR_BAD), m->what, colour_code(COLOUR_NONE));
        for (size_t k = 0; k < m->count; k++) printf("    %s\n", m->where[k]);
    }
    if (f->count)
        printf("cannot run: %zu missing, in %zu place%s\n", f->count, f->places,
               f->places > 1 ? "s" : "");
    else
        printf("can run%s\n",
               planned ? "" : "; not planned, since the size of an input is open");
}

static void print_json(const findings *f, const char *model, bool planned)
{
    json_writer w = {0};

    json_open(&w, NULL, '{');
    json_text(&w, "model", model);
    json_bool(&w, "supported", !f->count);
    json_bool(&w, "planned", planned);
    json_open(&w, "missing", '[');
    for (size_t i = 0; i < f->count; i++) {
        json_open(&w, NULL, '{');
        json_text(&w, "what", f->list[i].what);
        json_open(&w, "where", '[');
        for (size_t k = 0; k < f->list[i].count; k++) json_text(&w, NULL, f->list[i].where[k]);
        json_close(&w, ']');
        json_close(&w, '}');
    }
    json_close(&w, ']');
    json_close(&w, '}');
}

/* What only planning finds: element types, shapes that do not fit. False: reported. */
static bool plan(const check_options *o, tdnn_net *net, findings *f, bool *planned)
{
    tdnn_shape *shapes = NULL;
    tdnn_session *session = NULL;
    tdnn_error err;
    tdnn_status status;

    if (!model_shapes(net, &o->shapes, &shapes)) return false;
    *planned = first_unknown(net, shapes) == SIZE_MAX;
    if (*planned) {
        status = tdnn_session_create(net, NULL, &session, &err);
        if (status == TDNN_OK) status = model_plan(session, net, shapes, &err);
        if (status != TDNN_OK) add(f, err.where, err.message);
        tdnn_session_free(session);
    }
    free(shapes);
    return true;
}

static bool check(const check_options *o, const command_line *line)
{
    const char *model = line->given[0];
    tdnn_load_options load;
    tdnn_net *net = NULL;
    tdnn_error err;
    findings f = {0};
    bool planned = false, good = true;

    tdnn_load_options_init(&load);
    load.darknet_as = (tdnn_darknet_as)o->model.darknet_as;
    load.io_layout = (tdnn_io_layout)o->model.layout;
    load.optimize = !o->model.no_optimize;
    load.found = add;
    load.user = &f;
    if (tdnn_net_load(model, line->count > 1 ? line->given[1] : NULL, &load, &net, &err) ==
        TDNN_OK) {
        good = plan(o, net, &f, &planned);
    } else if (!f.count) { /* damaged, or no model */
        report_error(model, &err);
        good = false;
    }
    if (good && o->json)
        print_json(&f, model, planned);
    else if (good)
        print_text(&f, planned);
    good = good && !f.count;
    tdnn_net_release(net);
    free_findings(&f);
    return good;
}

int command_check(int argc, char **argv)
{
    check_options o = {0};
    const option known[] = {
        OPTION("input-shape", TEXTS, &o.shapes, "NAME=1x3x224x224",
               "of an input that the model leaves open; an open batch is 1"),
        OPTION("json", FLAG, &o.json, NULL, "an object with all findings"),
        MODEL_OPTIONS(o.model),
        OPTION_END,
    };
    command_line line = {
        .name = "check",
        .arguments = "MODEL [CONFIG] [--json]",
        .about =
            "Tells whether a model can run here. Lists every operator, attribute and type "
            "that\n"
            "tinydnn does not have, with all nodes that want it; status 1 if there is any.",
        .options = known,
        .least = 1,
        .most = 2,
    };
    int status = EXIT_FAULT;

    if (options_parse(&line, argc, argv, &status))
        status = check(&o, &line) && output_flush() ? EXIT_DONE : EXIT_FAULT;
    free(o.shapes.text);
    free(line.given);
    return status;
}

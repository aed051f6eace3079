/* check.c - tinydnn check: can this model run here? All that stands in its way, at once. */
#include "cli/commands.h"

#include "cli/json.h"
#include "cli/model.h"
#include "cli/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KINDS = TDNN_FINDING_USE + 1 };

typedef struct check_options {
    model_options model;
    text_list shapes, from, to;
    bool json;
} check_options;

typedef struct place {
    char *where, *node, *op;
} place;

/* One thing that is missing, and all the places that want it. */
typedef struct missing {
    tdnn_finding_kind kind;
    char *what;
    place *places;
    size_t count;
} missing;

typedef struct findings {
    missing *list;
    size_t count, places;
    bool planned; /* shapes and kernels were gone through to the end      */
    char *open;   /* NULL, or the input whose open size stood in the way  */
    tdnn_shape open_shape;
    bool no_tensor;  /* it is a sequence or optional, of any size               */
    const char *cut; /* NULL, or where to begin so that nothing is missing */
} findings;

static void add(void *user, const tdnn_finding *finding)
{
    findings *f = user;
    missing *m = NULL;

    for (size_t i = 0; i < f->count && !m; i++)
        if (f->list[i].kind == finding->kind && !strcmp(f->list[i].what, finding->what))
            m = &f->list[i];
    if (!m) {
        f->list = need_more(f->list, f->count + 1, sizeof *f->list);
        m = &f->list[f->count++];
        *m = (missing){.kind = finding->kind, .what = need_text("%s", finding->what)};
    }
    m->places = need_more(m->places, m->count + 1, sizeof *m->places);
    m->places[m->count++] = (place){need_text("%s", finding->where),
                                    need_text("%s", finding->node), need_text("%s", finding->op)};
    f->places++;
}

/* What ended the search, if that is no finding itself. */
static void add_end(findings *f, const tdnn_error *err)
{
    for (size_t i = 0; i < f->count; i++)
        if (!strcmp(f->list[i].what, err->message)) return;
    if (err->status != TDNN_ERR_UNSUPPORTED)
        add(f, &(tdnn_finding){TDNN_FINDING_USE, "", "", err->where, err->message});
}

static void free_findings(findings *f)
{
    for (size_t i = 0; i < f->count; i++) {
        for (size_t k = 0; k < f->list[i].count; k++) {
            free(f->list[i].places[k].where);
            free(f->list[i].places[k].node);
            free(f->list[i].places[k].op);
        }
        free(f->list[i].places);
        free(f->list[i].what);
    }
    free(f->list);
    free(f->open);
}

/* ---- what is printed ---- */

/* "2 operators, 1 attribute" */
static void print_counts(const findings *f)
{
    const char *between = "";

    for (int kind = 0; kind < KINDS; kind++) {
        size_t count = 0;

        for (size_t i = 0; i < f->count; i++) count += (int)f->list[i].kind == kind;
        if (!count) continue;
        printf("%s%zu %s%s", between, count, tdnn_finding_kind_name((tdnn_finding_kind)kind),
               count > 1 ? "s" : "");
        between = ", ";
    }
}

static void print_missing(const missing *m)
{
    const char *kind = tdnn_finding_kind_name(m->kind);
    bool says = !strncmp(m->what, kind, strlen(kind)); /* "operator Foo" */

    printf("%s%s%s%s%s\n", colour_code(COLOUR_BAD), says ? "" : kind, says ? "" : ": ", m->what,
           colour_code(COLOUR_NONE));
    for (size_t k = 0; k < m->count; k++) printf("    %s\n", m->places[k].where);
}

static void print_text(const findings *f)
{
    for (int kind = 0; kind < KINDS; kind++)
        for (size_t i = 0; i < f->count; i++)
            if ((int)f->list[i].kind == kind) print_missing(&f->list[i]);
    if (f->count) {
        printf("cannot run: ");
        print_counts(f);
        printf(", in %zu place%s\n", f->places, f->places > 1 ? "s" : "");
        if (f->cut) printf("can run without what is in front of it: --from %s\n", f->cut);
    } else if (f->no_tensor) {
        printf("can run; shapes not looked at to the end, since input %s is no tensor\n",
               f->open);
    } else if (f->open) {
        printf("can run; shapes not looked at, since the size of input %s is open (%s): "
               "--input-shape %s=... settles it\n",
               f->open, shape_write(&f->open_shape).text, f->open);
    } else {
        printf("can run\n");
    }
}

static void print_missing_json(json_writer *w, const missing *m)
{
    json_open(w, NULL, '{');
    json_text(w, "kind", tdnn_finding_kind_name(m->kind));
    json_text(w, "what", m->what);
    json_open(w, "where", '[');
    for (size_t k = 0; k < m->count; k++) json_text(w, NULL, m->places[k].where);
    json_close(w, ']');
    json_open(w, "nodes", '[');
    for (size_t k = 0; k < m->count; k++) {
        json_open(w, NULL, '{');
        json_text(w, "name", m->places[k].node);
        json_text(w, "op", m->places[k].op);
        json_close(w, '}');
    }
    json_close(w, ']');
    json_close(w, '}');
}

static void print_json(const findings *f, const char *model)
{
    json_writer w = {0};

    json_open(&w, NULL, '{');
    json_text(&w, "model", model);
    json_bool(&w, "supported", !f->count);
    json_bool(&w, "planned", f->planned);
    if (f->open) json_text(&w, "open", f->open);
    if (f->cut) json_text(&w, "from", f->cut);
    json_open(&w, "missing", '[');
    for (size_t i = 0; i < f->count; i++) print_missing_json(&w, &f->list[i]);
    json_close(&w, ']');
    json_close(&w, '}');
}

/* ---- what is looked at ---- */

/* An input whose number of images is a guess; SIZE_MAX: none. */
static size_t open_first(const tdnn_net *net, const text_list *given)
{
    for (size_t i = 0; !given->count && i < tdnn_net_input_count(net); i++) {
        const tdnn_shape *usual = &tdnn_net_input(net, i)->usual;
        if (usual->ndim > 0 && usual->dim[0] < 0) return i;
    }
    return SIZE_MAX;
}

/* An input that is a sequence or an optional; SIZE_MAX: none. */
static size_t list_input(const tdnn_net *net)
{
    for (size_t i = 0; i < tdnn_net_input_count(net); i++)
        if (tdnn_net_input(net, i)->kind != TDNN_KIND_TENSOR) return i;
    return SIZE_MAX;
}

/* What only planning finds, in a model that loads. False: reported. */
static bool plan(const check_options *o, tdnn_net *net, findings *f)
{
    tdnn_shape *shapes = NULL;
    tdnn_session *session = NULL;
    tdnn_error err;
    tdnn_status status;
    size_t open;

    if (!model_shapes(net, &o->shapes, &shapes)) return false;
    open = list_input(net);
    f->no_tensor = open != SIZE_MAX;
    if (!f->no_tensor) open = first_unknown(net, shapes);
    f->planned = open == SIZE_MAX;
    if (f->planned) {
        status = tdnn_session_create(net, NULL, &session, &err);
        if (status == TDNN_OK) status = model_plan(session, net, shapes, &err);
        open = open_first(net, &o->shapes);
        f->planned = status == TDNN_OK || open == SIZE_MAX;
        if (status != TDNN_OK && f->planned)
            add(f, &(tdnn_finding){TDNN_FINDING_SHAPE, "", "", err.where, err.message});
        tdnn_session_free(session);
    }
    if (!f->planned) {
        f->open = need_text("%s", tdnn_net_input(net, open)->name);
        f->open_shape = tdnn_net_input(net, open)->usual;
    }
    free(shapes);
    return true;
}

/* The sizes that are given, for loading. False: reported. */
static bool read_sizes(const text_list *given, char **inputs, tdnn_shape *sizes)
{
    for (size_t i = 0; i < given->count; i++)
        if (!size_read(given->text[i], &inputs[i], &sizes[i])) return false;
    return true;
}

/* Whether the model loads if it begins behind one of the operators that are missing: those that
 * were found last come first, since they stand behind the others. */
static void find_cut(const command_line *line, const tdnn_load_options *load, findings *f)
{
    enum { MOST_TRIES = 8 };
    int tries = 0;

    for (size_t i = f->count; i-- > 0 && !f->cut && tries < MOST_TRIES;) {
        const char *node = f->list[i].places[f->list[i].count - 1].node;
        tdnn_load_options begun = *load;
        tdnn_net *net = NULL;
        tdnn_error err;

        if (f->list[i].kind != TDNN_FINDING_OPERATOR || !*node) continue;
        begun.found = NULL;
        begun.inputs = &node;
        begun.input_count = 1;
        tries++;
        if (tdnn_net_load(line->given[0], line->count > 1 ? line->given[1] : NULL, &begun, &net,
                          &err) == TDNN_OK)
            f->cut = node;
        tdnn_net_release(net);
    }
}

static bool load(const check_options *o, const command_line *line, tdnn_load_options *load,
                 findings *f)
{
    const char *model = line->given[0];
    tdnn_net *net = NULL;
    tdnn_error err;
    bool good = true;

    if (tdnn_net_load(model, line->count > 1 ? line->given[1] : NULL, load, &net, &err) ==
        TDNN_OK) {
        good = plan(o, net, f);
    } else if (!f->count) { /* damaged, or no model */
        report_error(model, &err);
        good = false;
    } else {
        add_end(f, &err);
        if (!load->input_count) find_cut(line, load, f);
    }
    tdnn_net_release(net);
    return good;
}

static bool check(const check_options *o, const command_line *line)
{
    const size_t count = o->shapes.count;
    char **inputs = need(count + 1, sizeof *inputs);
    tdnn_shape *sizes = need(count + 1, sizeof *sizes);
    tdnn_load_options options;
    findings f = {0};
    bool good;

    tdnn_load_options_init(&options);
    options.darknet_as = (tdnn_darknet_as)o->model.darknet_as;
    options.io_layout = (tdnn_io_layout)o->model.layout;
    options.optimize = !o->model.no_optimize;
    options.found = add;
    options.user = &f;
    options.size_names = (const char *const *)inputs;
    options.sizes = sizes;
    options.size_count = count;
    options.inputs = o->from.text;
    options.input_count = o->from.count;
    options.outputs = o->to.text;
    options.output_count = o->to.count;
    good = read_sizes(&o->shapes, inputs, sizes) && load(o, line, &options, &f);
    if (good && o->json)
        print_json(&f, line->given[0]);
    else if (good)
        print_text(&f);
    good = good && !f.count;
    for (size_t i = 0; i < count; i++) free(inputs[i]);
    free(inputs);
    free(sizes);
    free_findings(&f);
    return good;
}

int command_check(int argc, char **argv)
{
    check_options o = {0};
    const option known[] = {
        OPTION("input-shape", TEXTS, &o.shapes, "NAME=1x3x224x224",
               "of an input that the model leaves open; an open batch is 1"),
        OPTION("from", TEXTS, &o.from, "NAME", "a tensor to begin at; may be repeated"),
        OPTION("to", TEXTS, &o.to, "NAME", "a tensor to end at; may be repeated"),
        OPTION("json", FLAG, &o.json, NULL, "an object with all findings"),
        MODEL_OPTIONS(o.model),
        OPTION_END,
    };
    command_line line = {
        .name = "check",
        .arguments = "MODEL [CONFIG] [--json]",
        .about =
            "Tells whether a model can run here. Lists every operator, attribute, element type and\n"
            "shape that stands in the way, with the name and place of every node that has it, also\n"
            "behind operators that tinydnn does not have; status 1 if there is any. --from and --to look\n"
            "at a part of the model alone.",
        .options = known,
        .least = 1,
        .most = 2,
    };
    int status = EXIT_FAULT;

    if (options_parse(&line, argc, argv, &status))
        status = check(&o, &line) && output_flush() ? EXIT_DONE : EXIT_FAULT;
    free(o.shapes.text);
    free(o.from.text);
    free(o.to.text);
    free(line.given);
    return status;
}

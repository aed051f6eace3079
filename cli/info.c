/* info.c - tinydnn info: what a model is. The table of layers shows the graph as the file has
 * it;
 * --plan the steps that are left after optimisation, with kernels, layouts and memory. */
#include "cli/commands.h"

#include "cli/elements.h"
#include "cli/json.h"
#include "cli/model.h"
#include "cli/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct info_options {
    model_options model;
    session_choice session;
    text_list shapes;
    const char *dot;
    bool plan, json;
} info_options;

/* A net, and a session that is planned where all shapes are known. */
typedef struct subject {
    const char *model, *config;
    tdnn_net *net;
    tdnn_session *session;
    tdnn_shape *shapes; /* one a net input          */
    size_t unknown;     /* the first input that keeps it from being planned */
} subject;

static void subject_close(subject *s)
{
    tdnn_session_free(s->session);
    tdnn_net_release(s->net);
    free(s->shapes);
    s->session = NULL;
    s->net = NULL;
    s->shapes = NULL;
}

static bool subject_open(subject *s, const info_options *o, bool optimize)
{
    static const names none = {NULL, 0};
    tdnn_session_options options = session_options(&o->session, &o->model);
    model_options how = o->model;
    tdnn_status status;
    tdnn_error err;

    how.no_optimize |= !optimize;
    options.measure = true;
    if (!optimize) options.cpu = "generic"; /* its steps are those of the file */
    status = model_load(s->model, s->config, &how, none, none, &s->net, &err);
    if (status == TDNN_OK && !model_shapes(s->net, &o->shapes, &s->shapes)) return false;
    if (status == TDNN_OK) {
        s->unknown = first_unknown(s->net, s->shapes);
        status = tdnn_session_create(s->net, &options, &s->session, &err);
    }
    if (status == TDNN_OK && s->unknown == SIZE_MAX)
        status = model_plan(s->session, s->net, s->shapes, &err);
    if (status != TDNN_OK) report_error(s->model, &err);
    return status == TDNN_OK;
}

/* All steps of the plan; freed with free. */
static tdnn_step_info *take_steps(const subject *s, size_t *count)
{
    size_t most = tdnn_session_step_count(s->session);
    tdnn_step_info *steps = need(most, sizeof *steps);

    *count = 0;
    while (*count < most &&
           tdnn_session_step(s->session, *count, &steps[*count], NULL) == TDNN_OK)
        (*count)++;
    return steps;
}

/* The step of a node, looked for from *from on: steps follow the order of the nodes, but nodes
 * whose values are known without running have none. NULL: it has none. */
static const tdnn_step_info *find_step(const tdnn_step_info *steps, size_t count,
                                       const tdnn_node_info *node, size_t *from)
{
    for (size_t i = *from; i < count; i++) {
        if (strcmp(steps[i].name, node->name) != 0 || strcmp(steps[i].op, node->op) != 0)
            continue;
        *from = i + 1;
        return &steps[i];
    }
    return NULL;
}

typedef struct totals {
    uint64_t weights, weight_bytes, flops;
    size_t layers;
} totals;

static void print_layer(table *t, size_t index, const tdnn_node_info *node,
                        const tdnn_step_info *step)
{
    table_add(t, "%zu", index);
    table_add(t, "%s", node->name);
    table_add(t, "%s", node->op);
    table_add(t, "%s", step ? shape_write(&step->shape).text : "");
    table_add(t, "%s", step ? tdnn_dtype_name(step->dtype) : "");
    table_add(t, "%s", node->weight_count ? count_text(node->weight_count).text : "");
    table_add(t, "%s", step && step->flops > 1 ? count_text(step->flops / 2).text : "");
}

static void write_layer(json_writer *w, const tdnn_node_info *node, const tdnn_step_info *step)
{
    json_open(w, NULL, '{');
    json_text(w, "name", node->name);
    json_text(w, "op", node->op);
    json_int(w, "parameters", (int64_t)node->weight_count);
    if (step) {
        json_text(w, "type", tdnn_dtype_name(step->dtype));
        json_shape(w, "shape", &step->shape);
        json_int(w, "multiply_adds", (int64_t)(step->flops / 2));
    }
    json_close(w, '}');
}

static totals show_layers(const subject *s, json_writer *w)
{
    static const char *const heads[] = {"layer", "name",       "operator",     "output shape",
                                        "type",  "parameters", "multiply-adds"};
    table t = table_make("rllllrr", heads);
    totals sum = {0};
    size_t from = 0, count;
    tdnn_step_info *steps = take_steps(s, &count);

    if (w) json_open(w, "layers", '[');
    for (size_t i = 0; i < tdnn_net_node_count(s->net); i++) {
        const tdnn_step_info *step;
        tdnn_node_info node;

        if (tdnn_net_node(s->net, i, &node, NULL) != TDNN_OK) continue;
        step = find_step(steps, count, &node, &from);
        sum.layers++;
        sum.weights += node.weight_count;
        sum.weight_bytes += node.weight_bytes;
        if (step) sum.flops += step->flops;
        if (w)
            write_layer(w, &node, step);
        else
            print_layer(&t, i, &node, step);
    }
    if (w)
        json_close(w, ']');
    else
        table_print(&t);
    free(steps);
    return sum;
}

static bool same_shape(const tdnn_shape *a, const tdnn_shape *b)
{
    return a->ndim == b->ndim &&
           (a->ndim <= 0 || !memcmp(a->dim, b->dim, (size_t)a->ndim * sizeof *a->dim));
}

static void show_ports(const subject *s, json_writer *w, bool outputs)
{
    size_t count = outputs ? tdnn_net_output_count(s->net) : tdnn_net_input_count(s->net);

    if (w) json_open(w, outputs ? "outputs" : "inputs", '[');
    for (size_t i = 0; i < count; i++) {
        const tdnn_port *port =
            outputs ? tdnn_net_output(s->net, i) : tdnn_net_input(s->net, i);
        char type[48];

        type_text(port->kind, port->dtype, type, sizeof type);
        if (!w) {
            printf("%-7s  %s  %s  %s", outputs ? "output" : "input", port->name, type,
                   shape_write(&port->shape).text);
            if (!same_shape(&port->shape, &port->usual))
                printf("  usually %s", shape_write(&port->usual).text);
            puts("");
            continue;
        }
        json_open(w, NULL, '{');
        json_text(w, "name", port->name);
        json_text(w, "type", type);
        if (port->shape.ndim >= 0)
            json_shape(w, "shape", &port->shape);
        else
            json_text(w, "shape", NULL);
        if (!same_shape(&port->shape, &port->usual)) json_shape(w, "usual", &port->usual);
        json_close(w, '}');
    }
    if (w) json_close(w, ']');
}

static void print_steps(const tdnn_step_info *steps, size_t count)
{
    static const char *const heads[] = {"step", "name",  "operator", "kernel", "layout",
                                        "type", "shape", "offset",   "bytes"};
    table t = table_make("rllllllrr", heads);

    for (size_t i = 0; i < count; i++) {
        table_add(&t, "%zu", i);
        table_add(&t, "%s", steps[i].name);
        table_add(&t, "%s", steps[i].op);
        table_add(&t, "%s", steps[i].kernel ? steps[i].kernel : "");
        table_add(&t, "%s", steps[i].layout ? steps[i].layout : "");
        table_add(&t, "%s", tdnn_dtype_name(steps[i].dtype));
        table_add(&t, "%s", shape_write(&steps[i].shape).text);
        table_add(&t, "%" PRIu64, steps[i].arena_offset);
        table_add(&t, "%" PRIu64, steps[i].bytes);
    }
    puts("");
    table_print(&t);
}

static void write_steps(json_writer *w, const tdnn_step_info *steps, size_t count)
{
    json_open(w, "steps", '[');
    for (size_t i = 0; i < count; i++) {
        json_open(w, NULL, '{');
        json_text(w, "name", steps[i].name);
        json_text(w, "op", steps[i].op);
        json_text(w, "kernel", steps[i].kernel);
        json_text(w, "layout", steps[i].layout);
        json_text(w, "type", tdnn_dtype_name(steps[i].dtype));
        json_shape(w, "shape", &steps[i].shape);
        json_int(w, "arena_offset", (int64_t)steps[i].arena_offset);
        json_int(w, "bytes", (int64_t)steps[i].bytes);
        json_close(w, '}');
    }
    json_close(w, ']');
}

static void show_steps(const subject *s, json_writer *w)
{
    size_t count;
    tdnn_step_info *steps = take_steps(s, &count);

    if (w)
        write_steps(w, steps, count);
    else
        print_steps(steps, count);
    free(steps);
}

static void print_totals(const totals *sum, const subject *plan)
{
    printf("\n%zu layers, %s parameters (%s), ", sum->layers, count_text(sum->weights).text,
           bytes_text(tdnn_net_weight_bytes(plan->net)).text);
    if (plan->unknown == SIZE_MAX) {
        printf("%s multiply-adds\n", count_text(sum->flops / 2).text);
        printf("plan: %zu steps, arena %s, rearranged weights %s\n",
               tdnn_session_step_count(plan->session),
               bytes_text(tdnn_session_arena_bytes(plan->session)).text,
               bytes_text(tdnn_session_packed_bytes(plan->session)).text);
    } else {
        const char *name = tdnn_net_input(plan->net, plan->unknown)->name;

        printf(
            "no plan: the shape of input '%s' is open (%s); --input-shape %s=... settles it\n",
            name, shape_write(&plan->shapes[plan->unknown]).text, name);
    }
}

static void write_totals(json_writer *w, const totals *sum, const subject *plan)
{
    json_int(w, "parameters", (int64_t)sum->weights);
    json_int(w, "weight_bytes", (int64_t)tdnn_net_weight_bytes(plan->net));
    if (plan->unknown != SIZE_MAX) return;
    json_int(w, "multiply_adds", (int64_t)(sum->flops / 2));
    json_int(w, "arena_bytes", (int64_t)tdnn_session_arena_bytes(plan->session));
    json_int(w, "packed_bytes", (int64_t)tdnn_session_packed_bytes(plan->session));
}

/* Layers from `plain`, everything else from `plan`. */
static bool show(const info_options *o, const subject *plain, subject *plan, json_writer *w)
{
    const char *format = tdnn_format_name(tdnn_net_format(plain->net));
    totals sum;

    if (w) {
        json_open(w, NULL, '{');
        json_text(w, "model", plain->model);
        json_text(w, "format", format);
    } else {
        printf("%-7s  %s\n", "format", format);
    }
    show_ports(plain, w, false);
    show_ports(plain, w, true);
    if (!w) puts("");
    sum = show_layers(plain, w);
    if (!subject_open(plan, o, true)) return false;
    if (w) {
        write_totals(w, &sum, plan);
        if (o->plan) show_steps(plan, w);
        json_close(w, '}');
    } else {
        print_totals(&sum, plan);
        if (o->plan && plan->unknown == SIZE_MAX) show_steps(plan, NULL);
    }
    return true;
}

static bool info(const info_options *o, const command_line *line)
{
    subject plain = {.model = line->given[0],
                     .config = line->count > 1 ? line->given[1] : NULL};
    subject plan = plain;
    json_writer w = {0};
    tdnn_error err;
    bool good = subject_open(&plain, o, false) && show(o, &plain, &plan, o->json ? &w : NULL);

    if (good && o->dot && tdnn_net_write_dot(plan.net, o->dot, &err) != TDNN_OK) {
        report_error(o->dot, &err);
        good = false;
    }
    subject_close(&plain);
    subject_close(&plan);
    return good;
}

int command_info(int argc, char **argv)
{
    info_options o = {.session.threads = 1};
    const option known[] = {
        OPTION("input-shape", TEXTS, &o.shapes, "NAME=1x3x224x224",
               "of an input that the model leaves open; an open batch is 1"),
        OPTION("plan", FLAG, &o.plan, NULL,
               "the steps after optimisation: kernel, layout, arena offset"),
        OPTION("dot", TEXT, &o.dot, "FILE", "write the optimised graph for Graphviz"),
        OPTION("json", FLAG, &o.json, NULL, "one object"),
        MODEL_OPTIONS(o.model),
        SESSION_OPTIONS(o.session),
        OPTION_END,
    };
    command_line line = {
        .name = "info",
        .arguments = "MODEL [CONFIG] [--input-shape NAME=..]... [--plan] [--dot FILE] [--json]",
        .about =
            "Prints format, inputs, outputs; the layers as the file has them, with shapes,\n"
            "parameters and multiply-adds; the totals, and the memory that a run needs.",
        .options = known,
        .least = 1,
        .most = 2,
    };
    int status = EXIT_FAULT;

    if (options_parse(&line, argc, argv, &status))
        status = info(&o, &line) && output_flush() ? EXIT_DONE : EXIT_FAULT;
    free(o.shapes.text);
    free(line.given);
    return status;
}

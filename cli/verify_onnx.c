/* verify_onnx.c - ONNX's own test cases: folders with model.onnx and test_data_set_K, whose
 * files hold the inputs and outputs in the graph's order; and the light models, a file each,
 * that are fed with 0/n, 1/n ... (n-1)/n. */
#include "cli/verify.h"

#include "cli/elements.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const names none = {NULL, 0};

static compare_rules onnx_rules(const verify_options *o)
{
    return (compare_rules){.rtol = o->rtol, .atol = o->atol, .halves_are_far = true};
}

static model_options how_to_load(const verify_options *o)
{
    return (model_options){.no_optimize = o->no_optimize};
}

/* How many of FOLDER/input_0.pb, input_1.pb ... there are. */
static size_t count_files(const char *folder, const char *kind)
{
    size_t count = 0;
    bool there = true;

    while (there) {
        char *path = need_text("%s/%s_%zu.pb", folder, kind, count);

        there = access(path, F_OK) == 0;
        count += there;
        free(path);
    }
    return count;
}

typedef const tdnn_port *port_of(const tdnn_net *net, size_t index);

/* Reads FOLDER/KIND_0.pb ...; the net's ports say what each holds. */
static tdnn_status read_files(const char *folder, const char *kind, size_t count,
                              const tdnn_net *net, port_of *port, const char ***port_names,
                              tdnn_tensor ***tensors, tdnn_error *err)
{
    tdnn_status status = TDNN_OK;

    *port_names = need(count, sizeof **port_names);
    *tensors = need(count, sizeof **tensors);
    for (size_t i = 0; status == TDNN_OK && i < count; i++) {
        char *path = need_text("%s/%s_%zu.pb", folder, kind, i);

        (*port_names)[i] = port(net, i)->name;
        status = tdnn_tensor_read(path, port(net, i)->kind, &(*tensors)[i], err);
        if (status != TDNN_OK && !*err->where)
            snprintf(err->where, sizeof err->where, "%s_%zu.pb", kind, i);
        free(path);
    }
    return status;
}

static verdict verify_set(const verify_net *net, const char *folder, const verify_options *o)
{
    compare_rules rules = onnx_rules(o);
    verify_case c = {.input_count = count_files(folder, "input"),
                     .output_count = count_files(folder, "output")};
    verdict v = {0};
    tdnn_error err;

    if (c.output_count == 0) {
        snprintf(v.text, sizeof v.text, "%s holds no output_0.pb", folder);
        return v;
    }
    if (c.input_count > tdnn_net_input_count(net->net) ||
        c.output_count > tdnn_net_output_count(net->net)) {
        snprintf(v.text, sizeof v.text,
                 "%s has %zu inputs and %zu outputs, the model %zu and %zu", folder,
                 c.input_count, c.output_count, tdnn_net_input_count(net->net),
                 tdnn_net_output_count(net->net));
        return v;
    }
    if (read_files(folder, "input", c.input_count, net->net, tdnn_net_input, &c.input_names,
                   &c.inputs, &err) != TDNN_OK ||
        read_files(folder, "output", c.output_count, net->net, tdnn_net_output, &c.output_names,
                   &c.expected, &err) != TDNN_OK)
        v = verify_fault(folder, &err);
    else
        v = verify_run(net, &c, &rules);
    verify_case_clear(&c);
    return v;
}

/* The verdict over all data sets: the first failure, else the widest differences. */
static verdict verify_sets(const verify_net *net, const char *path, const verify_options *o)
{
    verdict all = {0};

    snprintf(all.text, sizeof all.text, "no test_data_set_0");
    for (size_t i = 0;; i++) {
        char *folder = need_text("%s/test_data_set_%zu", path, i);
        bool there = access(folder, F_OK) == 0;
        verdict v = {0};

        if (there) v = verify_set(net, folder, o);
        free(folder);
        if (!there) return all;
        if (!v.pass) return v;
        if (all.difference > v.difference) v.difference = all.difference;
        if (all.relative > v.relative) v.relative = all.relative;
        v.count += all.count;
        all = v;
    }
}

void verify_onnx_folder(const char *path, const verify_options *o, verify_tally *tally)
{
    char *model = need_text("%s/model.onnx", path);
    model_options how = how_to_load(o);
    verify_net net;
    verdict v;
    tdnn_error err;

    if (verify_open(&net, model, NULL, &how, none, none, o, &err) != TDNN_OK) {
        v = verify_fault(path, &err);
    } else {
        v = verify_sets(&net, path, o);
        verify_close(&net);
    }
    verify_tell(o, tally, path, &v);
    free(model);
}

char *light_output_path(const char *path)
{
    size_t length = strlen(path);

    if (length < 5 || strcmp(path + length - 5, ".onnx") != 0) return NULL;
    return need_text("%.*s_output_0.pb", (int)(length - 5), path);
}

static verdict verify_ramp(const verify_net *net, const char *output, const verify_options *o)
{
    compare_rules rules = onnx_rules(o);
    verify_case c = {.input_count = 1, .output_count = 1};
    verdict v = {0};
    text_list no_shapes = {NULL, 0};
    tdnn_shape *shapes = NULL;
    tdnn_error err;

    if (tdnn_net_input_count(net->net) != 1 || tdnn_net_output_count(net->net) < 1 ||
        tdnn_net_input(net->net, 0)->dtype != TDNN_F32) {
        snprintf(v.text, sizeof v.text, "expected one float input and an output");
        return v;
    }
    c.input_names = need(1, sizeof *c.input_names);
    c.output_names = need(1, sizeof *c.output_names);
    c.inputs = need(1, sizeof *c.inputs);
    c.expected = need(1, sizeof *c.expected);
    c.input_names[0] = tdnn_net_input(net->net, 0)->name;
    c.output_names[0] = tdnn_net_output(net->net, 0)->name;
    model_shapes(net->net, &no_shapes, &shapes);
    if (tdnn_tensor_create(TDNN_F32, &shapes[0], &c.inputs[0], &err) != TDNN_OK ||
        tdnn_tensor_read(output, TDNN_KIND_TENSOR, &c.expected[0], &err) != TDNN_OK) {
        v = verify_fault(NULL, &err);
    } else {
        numbers_ramp(c.inputs[0]);
        v = verify_run(net, &c, &rules);
    }
    free(shapes);
    verify_case_clear(&c);
    return v;
}

void verify_onnx_light(const char *path, const verify_options *o, verify_tally *tally)
{
    char *output = light_output_path(path);
    model_options how = how_to_load(o);
    verify_net net;
    verdict v;
    tdnn_error err;

    if (verify_open(&net, path, NULL, &how, none, none, o, &err) != TDNN_OK) {
        v = verify_fault(NULL, &err);
    } else {
        v = verify_ramp(&net, output, o);
        verify_close(&net);
    }
    verify_tell(o, tally, path, &v);
    free(output);
}

/* model.c - loads a model, cut at inner values where asked, settles the shapes of its inputs,
 * and fills them. */
#include "cli/model.h"

#include "cli/elements.h"
#include "cli/table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t net_input_index(const tdnn_net *net, const char *name)
{
    for (size_t i = 0; i < tdnn_net_input_count(net); i++)
        if (!strcmp(tdnn_net_input(net, i)->name, name)) return i;
    return SIZE_MAX;
}

size_t net_output_index(const tdnn_net *net, const char *name)
{
    for (size_t i = 0; i < tdnn_net_output_count(net); i++)
        if (!strcmp(tdnn_net_output(net, i)->name, name)) return i;
    return SIZE_MAX;
}

static bool has_all(const tdnn_net *net, names list,
                    size_t (*find)(const tdnn_net *net, const char *name))
{
    for (size_t i = 0; i < list.count; i++)
        if (find(net, list.text[i]) == SIZE_MAX) return false;
    return true;
}

tdnn_status model_load(const char *model, const char *config, const model_options *options,
                       names inputs, names outputs, tdnn_net **out, tdnn_error *err)
{
    tdnn_load_options load;
    bool inputs_fit, outputs_fit;
    tdnn_status status;

    tdnn_load_options_init(&load);
    load.darknet_as = (tdnn_darknet_as)options->darknet_as;
    load.io_layout = (tdnn_io_layout)options->layout;
    load.optimize = !options->no_optimize;
    load.memory_limit = options->memory_limit;
    progress_show("loading", 0, 0);
    status = tdnn_net_load(model, config, &load, out, err);
    progress_clear();
    if (status == TDNN_ERR_IO) return status;
    inputs_fit = status == TDNN_OK ? has_all(*out, inputs, net_input_index) : !inputs.count;
    outputs_fit = status == TDNN_OK ? has_all(*out, outputs, net_output_index) : !outputs.count;
    if (inputs_fit && outputs_fit) return status;
    if (!inputs_fit) {
        load.inputs = inputs.text;
        load.input_count = inputs.count;
    }
    if (!outputs_fit) {
        load.outputs = outputs.text;
        load.output_count = outputs.count;
    }
    tdnn_net_release(*out);
    return tdnn_net_load(model, config, &load, out, err);
}

tdnn_session_options session_options(const session_choice *choice, const model_options *model)
{
    tdnn_session_options options;

    tdnn_session_options_init(&options);
    options.threads = choice->threads;
    options.cpu = choice->cpu;
    options.memory_limit = model->memory_limit;
    options.precision = (tdnn_precision)choice->precision;
    options.no_winograd = choice->no_winograd;
    return options;
}

/* "1x3x224x224"; "scalar" is the shape without dimensions. */
static bool read_shape(const char *text, tdnn_shape *out)
{
    out->ndim = 0;
    if (!strcmp(text, "scalar")) return true;
    while (out->ndim < TDNN_MAX_DIMS) {
        char *end;
        long long dim;

        errno = 0;
        dim = strtoll(text, &end, 10);
        if (end == text || errno || dim < 0) return false;
        out->dim[out->ndim++] = dim;
        if (!*end) return true;
        if (*end != 'x' && *end != 'X') return false;
        text = end + 1;
    }
    return false;
}

bool size_read(const char *given, char **name, tdnn_shape *shape)
{
    const char *equals = strrchr(given, '=');

    *name = need_text("%.*s", equals ? (int)(equals - given) : 0, given);
    if (read_shape(equals ? equals + 1 : given, shape)) return true;
    report("--input-shape", "%s: expected sizes as in 1x3x224x224, at most %d of them", given,
           TDNN_MAX_DIMS);
    return false;
}

static bool take_shape(const tdnn_net *net, const char *given, tdnn_shape *shapes)
{
    size_t index, count = tdnn_net_input_count(net);
    bool named = strchr(given, '=') != NULL, good = false;
    tdnn_shape shape;
    char *name;

    if (!size_read(given, &name, &shape)) {
        free(name);
        return false;
    }
    index = named ? net_input_index(net, name) : 0;
    if (!named && count != 1)
        report("--input-shape", "%s: the model has %zu inputs, expected NAME=%s", given, count,
               given);
    else if (index >= count)
        report("--input-shape", "the model has no input '%s'; its first is '%s'", name,
               count ? tdnn_net_input(net, 0)->name : "");
    else
        good = true;
    if (good) shapes[index] = shape;
    free(name);
    return good;
}

bool model_shapes(const tdnn_net *net, const text_list *given, tdnn_shape **shapes)
{
    size_t count = tdnn_net_input_count(net);
    tdnn_shape *list = need(count, sizeof *list);

    *shapes = list;
    for (size_t i = 0; i < count; i++) list[i] = tdnn_net_input(net, i)->usual;
    for (size_t i = 0; i < given->count; i++)
        if (!take_shape(net, given->text[i], list)) return false;
    for (size_t i = 0; i < count; i++)
        if (list[i].ndim > 0 && list[i].dim[0] < 0) list[i].dim[0] = 1;
    return true;
}

size_t first_unknown(const tdnn_net *net, const tdnn_shape *shapes)
{
    for (size_t i = 0; i < tdnn_net_input_count(net); i++) {
        if (tdnn_net_input(net, i)->kind != TDNN_KIND_TENSOR) continue;
        if (shapes[i].ndim < 0) return i;
        for (int k = 0; k < shapes[i].ndim; k++)
            if (shapes[i].dim[k] < 0) return i;
    }
    return SIZE_MAX;
}

void report_unknown(const tdnn_net *net, size_t input, const tdnn_shape *shape)
{
    report("--input-shape",
           "the model leaves the shape of its input '%s' open (%s): give it as in "
           "--input-shape %s=1x3x224x224",
           tdnn_net_input(net, input)->name, shape_write(shape).text,
           tdnn_net_input(net, input)->name);
}

tdnn_status model_plan(tdnn_session *session, const tdnn_net *net, const tdnn_shape *shapes,
                       tdnn_error *err)
{
    size_t count = tdnn_net_input_count(net), used = 0;
    const char **text = need(count, sizeof *text);
    tdnn_shape *known = need(count, sizeof *known);
    tdnn_status status;

    for (size_t i = 0; i < count; i++) {
        if (tdnn_net_input(net, i)->kind != TDNN_KIND_TENSOR) continue;
        text[used] = tdnn_net_input(net, i)->name;
        known[used++] = shapes[i];
    }
    status = tdnn_session_plan(session, text, known, used, err);
    free(text);
    free(known);
    return status;
}

tdnn_status input_randomise(tdnn_session *session, const tdnn_port *port,
                            const tdnn_shape *shape, uint64_t *state, tdnn_error *err)
{
    tdnn_tensor *tensor = NULL;
    tdnn_status status = tdnn_tensor_create(port->dtype, shape, &tensor, err);

    if (status != TDNN_OK) return status;
    numbers_randomise(tensor, state);
    status = tdnn_session_set_input(session, port->name, tensor, err);
    tdnn_tensor_release(tensor);
    return status;
}

/* convert.c - tinydnn convert: a model of any format as an ONNX file. */
#include "cli/commands.h"

#include "cli/elements.h"
#include "cli/model.h"
#include "cli/table.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct convert_options {
    model_options model;
    const char *output;
    int opset;
    int external_above;
    text_list from, to, shapes;
} convert_options;

/* The inputs whose shapes are given, with those shapes; all others keep what they have. */
static bool given_shapes(const tdnn_net *net, const convert_options *o, tdnn_onnx_options *how,
                         const char ***fixed, tdnn_shape **shapes)
{
    size_t count = tdnn_net_input_count(net);

    if (!o->shapes.count) return true;
    if (!model_shapes(net, &o->shapes, shapes)) return false;
    *fixed = need(count, sizeof **fixed);
    for (size_t i = 0; i < count; i++) (*fixed)[i] = tdnn_net_input(net, i)->name;
    how->input_names = *fixed;
    how->input_shapes = *shapes;
    how->input_count = count;
    return true;
}

static void print_size(const char *path)
{
    FILE *file = fopen(path, "rb");
    long size = file && fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;

    if (file) fclose(file);
    if (size >= 0)
        printf("%s  %s\n", path, bytes_text((uint64_t)size).text);
    else
        printf("%s\n", path);
}

static bool convert(const convert_options *o, const command_line *line)
{
    const names inputs = {o->from.text, o->from.count}, outputs = {o->to.text, o->to.count};
    const char *config = line->count > 1 ? line->given[1] : NULL, **fixed = NULL;
    tdnn_shape *shapes = NULL;
    tdnn_onnx_options how;
    tdnn_net *net = NULL;
    tdnn_error err;
    bool good =
        model_load(line->given[0], config, &o->model, inputs, outputs, &net, &err) == TDNN_OK;

    if (!good) report_error(line->given[0], &err);
    tdnn_onnx_options_init(&how);
    how.opset = o->opset;
    how.external_above = (uint64_t)o->external_above;
    good = good && given_shapes(net, o, &how, &fixed, &shapes);
    if (good && tdnn_net_write_onnx(net, o->output, &how, &err) != TDNN_OK) {
        report_error(err.status == TDNN_ERR_IO ? o->output : line->given[0], &err);
        good = false;
    }
    if (good) print_size(o->output);
    tdnn_net_release(net);
    free(fixed);
    free(shapes);
    return good;
}

int command_convert(int argc, char **argv)
{
    convert_options o = {.opset = 0};
    const option known[] = {
        OPTION("output", TEXT, &o.output, "FILE.onnx", "where the model goes"),
        OPTION_FROM(7, "opset", INT, &o.opset, "N",
                    "ONNX's version to write (default: 17, or as late as the model needs)"),
        OPTION_FROM(1, "external-above", INT, &o.external_above, "BYTES",
                    "a larger model has its weights in FILE.onnx.data (default: 2 GiB - 1)"),
        OPTION("from", TEXTS, &o.from, "NAME", "a tensor to begin at; may be repeated"),
        OPTION("to", TEXTS, &o.to, "NAME", "a tensor to end at; may be repeated"),
        OPTION("input-shape", TEXTS, &o.shapes, "NAME=1x3x224x224",
               "fixes sizes that the model leaves open"),
        MODEL_OPTIONS(o.model),
        OPTION_END,
    };
    command_line line = {
        .name = "convert",
        .arguments = "MODEL [CONFIG] --output FILE.onnx [--opset N]",
        .about =
            "Writes a model of any format that tinydnn reads as an ONNX model of standard\n"
            "operators, which gives the same results.",
        .options = known,
        .least = 1,
        .most = 2,
    };
    int status = EXIT_FAULT;

    if (options_parse(&line, argc, argv, &status)) {
        if (!o.output)
            status = options_wrong(&line, "--output is missing");
        else
            status = convert(&o, &line) && output_flush() ? EXIT_DONE : EXIT_FAULT;
    }
    free(o.from.text);
    free(o.to.text);
    free(o.shapes.text);
    free(line.given);
    return status;
}

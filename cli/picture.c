/* picture.c - from a picture's file to a network's input: the blob options, what the model
 * itself says about its input, and which of the files on the command line is a picture. */
#include "cli/picture.h"

#include "cli/table.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

picture_options picture_defaults(void)
{
    return (picture_options){.fit = -1, .layout = -1, .border = NAN};
}

/* One number stands for all channels. */
static void take_numbers(float out[4], const float given[4], int count)
{
    for (int i = 0; i < 4 && count > 0; i++) out[i] = given[i < count ? i : count - 1];
}

bool is_preset(const char *name)
{
    for (size_t i = 0; tdnn_blob_preset_name(i); i++)
        if (!strcmp(tdnn_blob_preset_name(i), name)) return true;
    return false;
}

bool picture_check(const picture_options *o, const command_line *line, int *status)
{
    enum { MOST = 64 };
    const char *known[MOST], *near;
    size_t count = 0;

    if (!o->preset || is_preset(o->preset)) return true;
    while (count < MOST && tdnn_blob_preset_name(count)) {
        known[count] = tdnn_blob_preset_name(count);
        count++;
    }
    near = nearest_word(o->preset, known, count);
    *status = options_wrong(line, "--preset %s: no such preset%s%s", o->preset,
                            near ? ", did you mean " : "", near ? near : "");
    fputs("presets:", stderr);
    for (size_t i = 0; i < count; i++) fprintf(stderr, " %s", known[i]);
    fputc('\n', stderr);
    return false;
}

bool picture_params(const picture_options *o, const char *preset, tdnn_blob_params *params)
{
    tdnn_error err;

    if (o->preset) preset = o->preset;
    tdnn_blob_params_init(params);
    if (preset && tdnn_blob_preset(preset, params, &err) != TDNN_OK) {
        report_error("--preset", &err);
        return false;
    }
    if (!o->preset && (o->scales || o->means || o->stds)) {
        /* who gives numbers does not want to mix them with those of a preset he did not ask for
         */
        tdnn_blob_params plain;

        tdnn_blob_params_init(&plain);
        memcpy(params->scale, plain.scale, sizeof plain.scale);
        memcpy(params->mean, plain.mean, sizeof plain.mean);
        memcpy(params->std, plain.std, sizeof plain.std);
    }
    if (o->size[0]) {
        params->width = o->size[0];
        params->height = o->size[1];
    }
    take_numbers(params->scale, o->scale, o->scales);
    take_numbers(params->mean, o->mean, o->means);
    take_numbers(params->std, o->std, o->stds);
    for (int i = 0; i < o->stds; i++) {
        if (o->std[i] != 0.0f) continue;
        report("--std", "0 would divide by zero");
        return false;
    }
    params->swap_rb |= o->swap_rb;
    if (o->fit >= 0) params->fit = (tdnn_fit)o->fit;
    if (!isnan(o->border)) params->border = (float)o->border;
    if (o->layout >= 0) params->nhwc = o->layout == 1;
    return true;
}

static bool is_channels(int64_t dim) { return dim == 1 || dim == 3 || dim == 4; }

/* What a model says about its input; -1: open. */
typedef struct frame {
    bool nhwc;
    int64_t channels, height, width;
} frame;

static frame read_frame(const tdnn_shape *s, const picture_options *o)
{
    frame f = {o->layout == 1, -1, -1, -1};

    if (s->ndim != 4) return f;
    if (o->layout < 0) f.nhwc = is_channels(s->dim[3]) && !is_channels(s->dim[1]);
    f.channels = s->dim[f.nhwc ? 3 : 1];
    f.height = s->dim[f.nhwc ? 1 : 2];
    f.width = s->dim[f.nhwc ? 2 : 3];
    return f;
}

/* Layout, size, channels and element type as the model wants them. */
static bool fit_to_port(picture_net *p, const picture_options *o, const tdnn_port *port)
{
    const tdnn_shape *s = &port->usual;
    frame f = read_frame(s, o);

    if (port->kind != TDNN_KIND_TENSOR || (s->ndim != 4 && s->ndim >= 0)) {
        report(p->model,
               "its input '%s' has the shape %s, expected that of pictures, as in 1x3x224x224",
               port->name, shape_write(s).text);
        return false;
    }
    if (f.channels >= 0 && !is_channels(f.channels)) {
        report(p->model, "its input '%s' has %lld channels, expected 1, 3 or 4", port->name,
               (long long)f.channels);
        return false;
    }
    p->pixels = f.channels == 1 ? TDNN_GRAY8 : f.channels == 4 ? TDNN_BGRA8 : TDNN_BGR8;
    p->params.nhwc = f.nhwc;
    if (!o->size[0] && f.height > 0 && f.width > 0) {
        p->params.height = (int)f.height;
        p->params.width = (int)f.width;
    }
    if (port->dtype == TDNN_U8) p->params.dtype = TDNN_U8;
    if (p->params.width > 0) return true;
    report("--size", "the model leaves the size of its input '%s' open (%s): give --size WxH",
           port->name, shape_write(s).text);
    return false;
}

static bool has_ending(const char *path, const char *const *endings)
{
    size_t length = strlen(path);

    for (; *endings; endings++) {
        size_t own = strlen(*endings), i = 0;

        if (own > length) continue;
        while (i < own && tolower((unsigned char)path[length - own + i]) == (*endings)[i]) i++;
        if (i == own) return true;
    }
    return false;
}

/* By its first bytes, else by its name. */
static bool is_picture(const char *path)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".png", NULL};
    unsigned char head[4] = {0};
    FILE *file = fopen(path, "rb");
    size_t got = file ? fread(head, 1, sizeof head, file) : 0;

    if (file) fclose(file);
    if (got == sizeof head && head[0] == 0xFF && head[1] == 0xD8 && head[2] == 0xFF)
        return true;
    if (got == sizeof head && memcmp(head, "\x89PNG", 4) == 0) return true;
    return has_ending(path, endings);
}

static bool is_model(const char *path)
{
    static const char *const endings[] = {".cfg", ".weights", ".prototxt", ".caffemodel",
                                          ".pb",  ".pbtxt",   ".onnx",     NULL};

    return has_ending(path, endings);
}

static bool split_arguments(picture_net *p, const command_line *line, int *status)
{
    int first = 1;

    p->model = line->given[0];
    if (!is_picture(line->given[1]) && (line->count > 2 || is_model(line->given[1])))
        p->config = line->given[first++];
    p->images = line->given + first;
    p->image_count = line->count - first;
    if (p->image_count > 0) return true;
    *status = options_wrong(line, "no IMAGE given");
    return false;
}

/* The preset of the detector's head that the outputs look like; NULL: none. */
static const char *guess_preset(const picture_net *p, const picture_options *o)
{
    enum { MOST = 32 };
    frame f = read_frame(&tdnn_net_input(p->net, 0)->usual, o);
    size_t count = tdnn_net_output_count(p->net);
    tdnn_shape shapes[MOST];
    const char *name;
    tdnn_head head;

    if (count > MOST) return NULL;
    for (size_t i = 0; i < count; i++) {
        shapes[i] = tdnn_net_output(p->net, i)->usual;
        for (int d = 0; d < shapes[i].ndim; d++) /* a batch, or as many rows as there will be */
            if (shapes[i].dim[d] == -1) shapes[i].dim[d] = 1;
    }
    head = tdnn_head_guess(shapes, count, o->size[0] ? o->size[0] : (int)f.width,
                           o->size[0] ? o->size[1] : (int)f.height);
    name = tdnn_head_names()[head];
    return is_preset(name) ? name : NULL;
}

static const char *choose_preset(const picture_net *p, const picture_choice *choice)
{
    const char *name = choice->preset;
    tdnn_format format = tdnn_net_format(p->net);

    if (!name && format == TDNN_FORMAT_DARKNET) return "yolo";
    if (!name && choice->detector) name = guess_preset(p, &choice->picture);
    /* The graphs of TensorFlow's detectors take pixels as they are. */
    return name && !strcmp(name, "ssd") && format == TDNN_FORMAT_TENSORFLOW ? "ssd-tf" : name;
}

/* Loads, and checks that pictures can be fed. */
static bool load(picture_net *p, const picture_choice *choice)
{
    static const names none = {NULL, 0};
    model_options how = choice->model;
    tdnn_error err;

    if (choice->picture.layout == 1) how.layout = TDNN_IO_AS_GRAPH;
    if (model_load(p->model, p->config, &how, none, none, &p->net, &err) != TDNN_OK) {
        report_error(p->model, &err);
        return false;
    }
    if (tdnn_net_input_count(p->net) != 1) {
        report(p->model,
               "it has %zu inputs, expected one, for pictures; tinydnn run feeds others",
               tdnn_net_input_count(p->net));
        return false;
    }
    return picture_params(&choice->picture, choose_preset(p, choice), &p->params) &&
           fit_to_port(p, &choice->picture, tdnn_net_input(p->net, 0));
}

bool picture_net_open(picture_net *p, const command_line *line, const picture_choice *choice,
                      int *status)
{
    tdnn_session_options options = session_options(&choice->session, &choice->model);
    tdnn_error err;

    if (!picture_check(&choice->picture, line, status)) return false;
    if (!split_arguments(p, line, status)) return false;
    *status = EXIT_FAULT;
    if (!load(p, choice)) return false;
    if (choice->labels && tdnn_labels_read(choice->labels, &p->labels, &err) != TDNN_OK) {
        report_error(choice->labels, &err);
        return false;
    }
    if (tdnn_session_create(p->net, &options, &p->session, &err) == TDNN_OK) return true;
    report_error(p->model, &err);
    return false;
}

void picture_net_close(picture_net *p)
{
    tdnn_labels_free(p->labels);
    tdnn_session_free(p->session);
    tdnn_net_release(p->net);
}

bool picture_net_run(picture_net *p, const char *path, tdnn_placement *placement)
{
    tdnn_image *picture = NULL;
    tdnn_tensor *blob = NULL;
    const char *at = path;
    tdnn_error err;
    tdnn_status status = tdnn_image_read(path, p->pixels, &picture, &err);

    if (status == TDNN_OK)
        status = tdnn_blob_from_images(picture, 1, &p->params, &blob, placement, &err);
    if (status == TDNN_OK) {
        at = p->model;
        status = tdnn_session_set_input(p->session, NULL, blob, &err);
    }
    if (status == TDNN_OK) status = tdnn_session_run(p->session, &err);
    if (status != TDNN_OK) report_error(at, &err);
    tdnn_tensor_release(blob);
    tdnn_image_free(picture);
    return status == TDNN_OK;
}

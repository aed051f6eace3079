/* detect.c - tinydnn detect: labelled boxes of pictures, printed and drawn. */
#include "cli/commands.h"

#include "cli/json.h"
#include "cli/picture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct detect_options {
    picture_choice choice;
    const char *head, *output;
    double confidence, nms;
    int most;
    bool across, json;
    tdnn_detect_params params;
} detect_options;

static void print_box(const picture_net *p, const tdnn_detection *d)
{
    const char *label = tdnn_labels_get(p->labels, d->class_id);
    char number[24];

    snprintf(number, sizeof number, "%d", d->class_id);
    printf("%-16s  %6.4f  %8.1f %8.1f %8.1f %8.1f\n", label ? label : number, (double)d->score,
           (double)d->box.x, (double)d->box.y, (double)d->box.width, (double)d->box.height);
}

static void write_box(json_writer *w, const picture_net *p, const tdnn_detection *d)
{
    const char *label = tdnn_labels_get(p->labels, d->class_id);

    json_open(w, NULL, '{');
    if (label) json_text(w, "label", label);
    json_int(w, "class", d->class_id);
    json_real(w, "score", (double)d->score);
    json_real(w, "x", (double)d->box.x);
    json_real(w, "y", (double)d->box.y);
    json_real(w, "width", (double)d->box.width);
    json_real(w, "height", (double)d->box.height);
    if (d->point_count) {
        json_open(w, "points", '[');
        for (int i = 0; i < 2 * d->point_count && i < 10; i++)
            json_real(w, NULL, (double)d->points[i]);
        json_close(w, ']');
    }
    json_close(w, '}');
}

static void show(const detect_options *o, const picture_net *p, const char *image,
                 const tdnn_detections *found)
{
    json_writer w = {0};

    if (!o->json) {
        if (p->image_count > 1)
            printf("%s%s%s\n", colour_code(COLOUR_STRONG), image, colour_code(COLOUR_NONE));
        for (size_t i = 0; i < found->count; i++) print_box(p, &found->list[i]);
        return;
    }
    json_open(&w, NULL, '{');
    json_text(&w, "image", image);
    json_open(&w, "boxes", '[');
    for (size_t i = 0; i < found->count; i++) write_box(&w, p, &found->list[i]);
    json_close(&w, ']');
    json_close(&w, '}');
}

/* --output FILE for one picture; a folder takes each under its own name, as PNG. */
static char *output_path(const detect_options *o, const picture_net *p, const char *image)
{
    const char *name = strrchr(image, '/'), *dot;
    struct stat is;
    bool folder = stat(o->output, &is) == 0 && S_ISDIR(is.st_mode);
    size_t length = strlen(o->output);

    if (!folder && length && o->output[length - 1] != '/' && p->image_count == 1)
        return need_text("%s", o->output);
    if (!folder) mkdir(o->output, 0777);
    name = name ? name + 1 : image;
    dot = strrchr(name, '.');
    return need_text("%s%s%.*s.png", o->output,
                     length && o->output[length - 1] == '/' ? "" : "/",
                     dot ? (int)(dot - name) : (int)strlen(name), name);
}

/* The picture is read again, in colour: what the net was fed with may be grey. */
static bool draw(const detect_options *o, const picture_net *p, const char *image,
                 const tdnn_detections *found)
{
    char *path = output_path(o, p, image);
    tdnn_image *picture = NULL;
    tdnn_error err;
    tdnn_status status = tdnn_image_read(image, TDNN_BGR8, &picture, &err);

    if (status == TDNN_OK) status = tdnn_draw_detections(picture, found, 0, p->labels, &err);
    if (status == TDNN_OK) status = tdnn_image_write(picture, path, &err);
    if (status != TDNN_OK) report_error(path, &err);
    tdnn_image_free(picture);
    free(path);
    return status == TDNN_OK;
}

static bool detect_one(const detect_options *o, picture_net *p, const char *image)
{
    size_t count = tdnn_net_output_count(p->net);
    const tdnn_tensor **outputs;
    tdnn_detections found = TDNN_DETECTIONS_INIT;
    tdnn_placement placement;
    tdnn_error err;
    tdnn_status status = TDNN_OK;
    bool good;

    if (!picture_net_run(p, image, &placement)) return false;
    outputs = need(count, sizeof *outputs);
    for (size_t i = 0; status == TDNN_OK && i < count; i++)
        status = tdnn_session_output(p->session, tdnn_net_output(p->net, i)->name, &outputs[i],
                                     &err);
    if (status == TDNN_OK)
        status = tdnn_detect(outputs, count, &o->params, &placement, 1, &found, &err);
    good = status == TDNN_OK;
    if (!good) {
        report_error(p->model, &err);
    } else {
        show(o, p, image, &found);
        if (o->output) good = draw(o, p, image, &found);
    }
    tdnn_detections_free(&found);
    free(outputs);
    return good;
}

/* False: no such head. */
static bool settle_params(detect_options *o, const command_line *line, int *status)
{
    const char *const *heads = tdnn_head_names();
    const char *near;
    int count = 0, head = -1;

    tdnn_detect_params_init(&o->params);
    o->params.confidence = (float)o->confidence;
    o->params.max_overlap = (float)o->nms;
    o->params.across_classes = o->across;
    o->params.max_detections = (size_t)o->most;
    if (!o->head) return true;
    for (; heads[count]; count++)
        if (!strcmp(heads[count], o->head)) head = count;
    if (head >= 0) {
        o->params.head = (tdnn_head)head;
        if (is_preset(o->head)) o->choice.preset = o->head; /* families share the name */
        return true;
    }
    near = nearest_word(o->head, heads, (size_t)count);
    *status = options_wrong(line, "--head %s: no such head%s%s", o->head,
                            near ? ", did you mean " : "", near ? near : "");
    fputs("heads:", stderr);
    for (int i = 0; i < count; i++) fprintf(stderr, " %s", heads[i]);
    fputc('\n', stderr);
    return false;
}

int command_detect(int argc, char **argv)
{
    detect_options o = {.choice.session.threads = 1,
                        .choice.picture = picture_defaults(),
                        .choice.detector = true,
                        .confidence = 0.25,
                        .nms = 0.45};
    const option known[] = {
        OPTION("head", TEXT, &o.head, "auto|ssd|yolo|yolov5|yolov8|yolox|...",
               "what the outputs look like (default: told from their shapes)"),
        OPTION("confidence", REAL, &o.confidence, "C", "scores from here on (default 0.25)"),
        OPTION("nms", REAL, &o.nms, "T",
               "overlap up to which two boxes stay (default 0.45; 1: all)"),
        OPTION("across-classes", FLAG, &o.across, NULL, "also between different classes"),
        OPTION_FROM(0, "max", INT, &o.most, "N", "boxes of a picture (default: all)"),
        OPTION("output", TEXT, &o.output, "FILE|DIR", "write the picture with the boxes drawn"),
        OPTION("json", FLAG, &o.json, NULL, "an object a picture"),
        PICTURE_NET_OPTIONS(o.choice),
        OPTION_END,
    };
    command_line line = {
        .name = "detect",
        .arguments = "MODEL [CONFIG] IMAGE... [--labels FILE] [--output FILE|DIR] "
                     "[--head HEAD] [blob options]",
        .about =
            "Prints a line for each box, best first: label, score, x, y, width, height, in\n"
            "pixels of the picture. Pictures are fed as --preset says; without it Darknet\n"
            "models take yolo, others the preset named as their --head (ssd-tf for ssd in\n"
            "TensorFlow models), given or told from the outputs' shapes, else pixels as they\n"
            "are.",
        .options = known,
        .least = 2,
        .most = -1,
    };
    picture_net p = {0};
    int status = EXIT_FAULT;
    bool good = true;

    if (options_parse(&line, argc, argv, &status) && settle_params(&o, &line, &status) &&
        picture_net_open(&p, &line, &o.choice, &status)) {
        for (int i = 0; i < p.image_count; i++) good &= detect_one(&o, &p, p.images[i]);
        status = output_flush() && good ? EXIT_DONE : EXIT_FAULT;
    }
    picture_net_close(&p);
    free(line.given);
    return status;
}

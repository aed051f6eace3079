/* classify.c - tinydnn classify: the likeliest classes of pictures. */
#include "cli/commands.h"

#include "cli/elements.h"
#include "cli/json.h"
#include "cli/picture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct classify_options {
    picture_choice choice;
    int top;
    bool softmax, json;
} classify_options;

static void print_class(const picture_net *p, int rank, const tdnn_class_score *best)
{
    const char *label = tdnn_labels_get(p->labels, best->class_id);

    printf("%3d  %8.4f  %5d  %s\n", rank, (double)best->score, best->class_id,
           label ? label : "");
}

static void write_class(json_writer *w, const picture_net *p, int rank,
                        const tdnn_class_score *best)
{
    const char *label = tdnn_labels_get(p->labels, best->class_id);

    json_open(w, NULL, '{');
    json_int(w, "rank", rank);
    json_real(w, "probability", (double)best->score);
    json_int(w, "index", best->class_id);
    if (label) json_text(w, "label", label);
    json_close(w, '}');
}

static void show(const classify_options *o, const picture_net *p, const char *image,
                 const tdnn_class_score *best, size_t count)
{
    json_writer w = {0};

    if (o->json) {
        json_open(&w, NULL, '{');
        json_text(&w, "image", image);
        json_open(&w, "classes", '[');
    } else if (p->image_count > 1) {
        printf("%s%s%s\n", colour_code(COLOUR_STRONG), image, colour_code(COLOUR_NONE));
    }
    for (size_t i = 0; i < count; i++)
        if (o->json)
            write_class(&w, p, (int)i + 1, &best[i]);
        else
            print_class(p, (int)i + 1, &best[i]);
    if (o->json) {
        json_close(&w, ']');
        json_close(&w, '}');
    }
}

/* The output as scores of one row; with --softmax a copy, as outputs are borrowed. */
static tdnn_status take_scores(const classify_options *o, const tdnn_tensor *output,
                               tdnn_tensor **scores, tdnn_error *err)
{
    size_t count = element_count(output);
    tdnn_status status;
    float *data;

    if (!o->softmax || tdnn_tensor_dtype(output) != TDNN_F32) {
        *scores = tdnn_tensor_retain(output);
        return TDNN_OK;
    }
    status = tdnn_tensor_create(TDNN_F32, tdnn_tensor_shape(output), scores, err);
    if (status != TDNN_OK) return status;
    data = tdnn_tensor_data(*scores);
    memcpy(data, tdnn_tensor_const_data(output), count * sizeof *data);
    tdnn_softmax(data, count);
    return TDNN_OK;
}

static bool classify_one(const classify_options *o, picture_net *p, const char *image)
{
    size_t count = (size_t)o->top;
    tdnn_class_score *best;
    const tdnn_tensor *output = NULL;
    tdnn_tensor *scores = NULL;
    tdnn_error err;
    tdnn_status status;

    if (!picture_net_run(p, image, NULL)) return false;
    best = need(count, sizeof *best);
    status = tdnn_session_output(p->session, NULL, &output, &err);
    if (status == TDNN_OK) status = take_scores(o, output, &scores, &err);
    if (status == TDNN_OK) status = tdnn_top_classes(scores, 0, best, &count, &err);
    if (status == TDNN_OK)
        show(o, p, image, best, count);
    else
        report_error(p->model, &err);
    tdnn_tensor_release(scores);
    free(best);
    return status == TDNN_OK;
}

int command_classify(int argc, char **argv)
{
    classify_options o = {
        .choice.session.threads = 1, .top = 5, .choice.picture = picture_defaults()};
    const option known[] = {
        OPTION_FROM(1, "top", INT, &o.top, "K", "classes to print (default 5)"),
        OPTION("softmax", FLAG, &o.softmax, NULL, "turn the model's scores into probabilities"),
        OPTION("json", FLAG, &o.json, NULL, "an object a picture"),
        PICTURE_NET_OPTIONS(o.choice),
        OPTION_END,
    };
    command_line line = {
        .name = "classify",
        .arguments = "MODEL [CONFIG] IMAGE... [--labels FILE] [--top K] [--softmax] "
                     "[blob options]",
        .about = "Prints a line for each of the likeliest classes, best first: rank,\n"
                 "probability, index, label. Pictures are fed as --preset says; without it\n"
                 "Darknet models take yolo, others pixels as they are.",
        .options = known,
        .least = 2,
        .most = -1,
    };
    picture_net p = {0};
    int status = EXIT_FAULT;
    bool good = true;

    if (options_parse(&line, argc, argv, &status) &&
        picture_net_open(&p, &line, &o.choice, &status)) {
        for (int i = 0; i < p.image_count; i++) good &= classify_one(&o, &p, p.images[i]);
        status = output_flush() && good ? EXIT_DONE : EXIT_FAULT;
    }
    picture_net_close(&p);
    free(line.given);
    return status;
}

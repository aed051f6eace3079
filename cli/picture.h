/* picture.h - pictures as a network's input: the blob options, and a net that is fed with them.
 */
#ifndef TINYDNN_CLI_PICTURE_H
#define TINYDNN_CLI_PICTURE_H

#include "cli/model.h"

typedef struct picture_options {
    const char *preset;
    int size[2];
    float scale[4], mean[4], std[4];
    int scales, means, stds; /* how many were given */
    bool swap_rb;
    int fit, layout; /* -1: not given */
    double border;   /* NAN: not given */
} picture_options;

picture_options picture_defaults(void);

#define PICTURE_OPTIONS(p)                                                                     \
    OPTION("preset", TEXT, &(p).preset, "NAME",                                                \
           "how a family of networks is fed: imagenet, inception, ssd, yolo, yolox ..."),      \
        OPTION("size", SIZE, &(p).size, "WxH",                                                 \
               "of the blob (default: what the model or the preset says)"),                    \
        OPTION_GIVEN(&(p).scales, "scale", REALS, &(p).scale, "S[,S,S]",                       \
                     "value = (pixel - mean) * scale / std"),                                  \
        OPTION_GIVEN(&(p).means, "mean", REALS, &(p).mean, "A[,B,C]",                          \
                     "in the order of the blob's channels"),                                   \
        OPTION_GIVEN(&(p).stds, "std", REALS, &(p).std, "A[,B,C]", "the same"),                \
        OPTION("swap-rb", FLAG, &(p).swap_rb, NULL, "pictures are BGR: feed RGB"),             \
        OPTION("fit", CHOICE, &(p).fit, "stretch|crop|letterbox",                              \
               "how a picture fits (default stretch)"),                                        \
        OPTION("border", REAL, &(p).border, "V", "pixel value around a letterboxed picture")

/* False: there is no such --preset; *status says how the program ends. */
bool picture_check(const picture_options *o, const command_line *line, int *status);
/* The options over the preset (else `preset`, which may be NULL, none) over the library's
 * defaults. False: reported. */
bool picture_params(const picture_options *o, const char *preset, tdnn_blob_params *params);
/* True if there is a preset of that name. */
bool is_preset(const char *name);

/* What the commands that run pictures through a net have in common. */
typedef struct picture_choice {
    picture_options picture;
    model_options model;
    session_choice session;
    const char *labels;
    const char
        *preset;   /* where --preset is silent; NULL: Darknet models take yolo, others none */
    bool detector; /* ... others the preset of the head that their outputs look like */
} picture_choice;

#define PICTURE_NET_OPTIONS(c)                                                                 \
    OPTION("labels", TEXT, &(c).labels, "FILE", "names of the classes, one a line"),           \
        PICTURE_OPTIONS((c).picture),                                                          \
        OPTION("layout", CHOICE, &(c).picture.layout, "nchw|nhwc",                             \
               "of the blob (default: as the model's input)"),                                 \
        OPTION("darknet-as", CHOICE, &(c).model.darknet_as, "darknet|opencv",                  \
               "whose meaning a Darknet model has where they differ"),                         \
        SESSION_OPTIONS((c).session)

/* A net that takes one picture at a time. */
typedef struct picture_net {
    const char *model, *config;
    const char **images; /* of the command line */
    int image_count;
    tdnn_net *net;
    tdnn_session *session;
    tdnn_labels *labels; /* NULL: none */
    tdnn_blob_params params;
    tdnn_pixels pixels;
} picture_net;

/* Splits "MODEL [CONFIG] IMAGE...", loads, and settles how pictures are fed. False: *status
 * says how the program ends, everything having been said. */
bool picture_net_open(picture_net *p, const command_line *line, const picture_choice *choice,
                      int *status);
void picture_net_close(picture_net *p);
/* Reads, feeds, runs. `placement` may be NULL. False: reported. */
bool picture_net_run(picture_net *p, const char *path, tdnn_placement *placement);

#endif

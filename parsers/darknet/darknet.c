/* Darknet: a .cfg file, and a .weights file unless only shapes are asked for, to a graph. As
 * AlexeyAB's Darknet means it. */
#include "parsers/darknet/net.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct section {
    const char *name;
    tdnn_dark_fn build;
} sections[] = {
    {"Gaussian_yolo", tdnn_dark_gaussian_yolo},
    {"activation", tdnn_dark_activation_layer},
    {"avg", tdnn_dark_avgpool},
    {"avgpool", tdnn_dark_avgpool},
    {"batchnorm", tdnn_dark_batchnorm},
    {"conn", tdnn_dark_connected},
    {"connected", tdnn_dark_connected},
    {"conv", tdnn_dark_convolutional},
    {"conv_lstm", tdnn_dark_conv_lstm},
    {"convolutional", tdnn_dark_convolutional},
    {"cost", tdnn_dark_identity},
    {"crnn", tdnn_dark_crnn},
    {"crop", tdnn_dark_crop},
    {"deconv", tdnn_dark_deconvolutional},
    {"deconvolutional", tdnn_dark_deconvolutional},
    {"detection", tdnn_dark_detection},
    {"dropout", tdnn_dark_identity},
    {"empty", tdnn_dark_identity},
    {"gru", tdnn_dark_gru},
    {"history", tdnn_dark_history},
    {"implicit", tdnn_dark_implicit},
    {"l2norm", tdnn_dark_l2norm},
    {"local", tdnn_dark_local},
    {"local_avg", tdnn_dark_local_avgpool},
    {"local_avgpool", tdnn_dark_local_avgpool},
    {"logistic", tdnn_dark_logistic},
    {"lrn", tdnn_dark_lrn},
    {"lstm", tdnn_dark_lstm},
    {"max", tdnn_dark_maxpool},
    {"maxpool", tdnn_dark_maxpool},
    {"normalization", tdnn_dark_lrn},
    {"region", tdnn_dark_region},
    {"reorg", tdnn_dark_reorg},
    {"reorg3d", tdnn_dark_reorg3d},
    {"rnn", tdnn_dark_rnn},
    {"route", tdnn_dark_route},
    {"sam", tdnn_dark_sam},
    {"scale_channels", tdnn_dark_scale_channels},
    {"shortcut", tdnn_dark_shortcut},
    {"silence", tdnn_dark_identity},
    {"soft", tdnn_dark_softmax},
    {"softmax", tdnn_dark_softmax},
    {"upsample", tdnn_dark_upsample},
    {"yolo", tdnn_dark_yolo},
};

/* Keys that only training, tracking or Darknet's memory have a use for. */
static const char *const ignored[] = {
    "B1",
    "B2",
    "absolute",
    "adam",
    "adversarial_lr",
    "angle",
    "aspect",
    "assisted_excitation",
    "attention",
    "augment_speed",
    "badlabels_reject_threshold",
    "badlabels_rejection_percentage",
    "batch",
    "beta_nms",
    "bias_match",
    "bin_output",
    "blur",
    "burn_in",
    "burnin_update",
    "center",
    "class_scale",
    "clip",
    "cls_normalizer",
    "contrastive",
    "contrastive_color",
    "contrastive_jit_flip",
    "coord_scale",
    "counters_per_class",
    "cutmix",
    "decay",
    "delta_normalizer",
    "dets_for_show",
    "dets_for_track",
    "dont_update",
    "dontsave",
    "dot",
    "dropblock",
    "dropblock_size_abs",
    "dropblock_size_rel",
    "dynamic_minibatch",
    "ema_alpha",
    "embedding_layer",
    "eps",
    "equidistant_point",
    "exposure",
    "flip",
    "focal_loss",
    "forced",
    "gamma",
    "gaussian_noise",
    "grad_centr",
    "hue",
    "ignore_thresh",
    "init_sequential_subdivisions",
    "iou_loss",
    "iou_normalizer",
    "iou_thresh",
    "iou_thresh_kind",
    "jitter",
    "label_smooth_eps",
    "learning_rate",
    "learning_rate_min",
    "letter_box",
    "log",
    "log_loss",
    "loss_scale",
    "map",
    "mask_scale",
    "max",
    "max_batches",
    "max_boxes",
    "max_chart_loss",
    "max_crop",
    "max_delta",
    "max_ratio",
    "maxpool_zero_nonmax",
    "mean",
    "min_crop",
    "min_ratio",
    "mixup",
    "momentum",
    "mosaic",
    "mosaic_bound",
    "nms_kind",
    "noloss",
    "noobject_scale",
    "notruth",
    "num_sigmas_reject_badlabels",
    "obj_normalizer",
    "object_scale",
    "objectness_smooth",
    "onlyforward",
    "optimized_memory",
    "policy",
    "power",
    "probability",
    "random",
    "ratio",
    "rescore",
    "resize",
    "resize_step",
    "saturation",
    "scale",
    "scales",
    "seq_scales",
    "sequential_subdivisions",
    "sgdr_cycle",
    "sgdr_mult",
    "shift",
    "show_details",
    "show_receptive_field",
    "sim_thresh",
    "smooth",
    "sqrt",
    "std",
    "step",
    "steps",
    "stopbackward",
    "stream",
    "subdivisions",
    "time_normalizer",
    "track",
    "track_ciou_norm",
    "track_history_size",
    "train_only_bn",
    "truth_thresh",
    "try_fix_nan",
    "type",
    "uc_normalizer",
    "unsupervised",
    "use_cuda_graph",
    "wait_stream",
    "weights_reject_freq",
    "workspace_size_limit_MB",
};

static tdnn_dark_fn find_section(const char *name)
{
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        if (!strcmp(sections[i].name, name)) return sections[i].build;
    return NULL;
}

static bool is_ignored(const char *key)
{
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        if (!strcmp(ignored[i], key)) return true;
    return false;
}

static bool is_net(const char *name)
{
    return !strcmp(name, "net") || !strcmp(name, "network");
}

/* ---- What is not there ---- */

static tdnn_status check_keys(tdnn_dark_net *net)
{
    for (size_t i = 0; i < net->section->count; i++) {
        const tdnn_cfg_key *key = &net->section->keys[i];
        if (key->read || is_ignored(key->name)) continue;
        tdnn_error_at(net->err,
                      TDNN_DARK_FAIL(net, TDNN_ERR_UNSUPPORTED, "key %.60s of [%.30s]", key->name,
                                     net->section->name),
                      "line %zu", key->line);
        TDNN_TRY(tdnn_dark_tell(net, TDNN_FINDING_ATTRIBUTE));
    }
    return TDNN_OK;
}

/* ---- [net] ---- */

static tdnn_status add_input(tdnn_dark_net *net)
{
    tdnn_shape *usual = tdnn_zone_alloc(net->graph->zone, 1, sizeof *usual);
    if (!usual) return TDNN_NO_MEMORY(net->err);
    TDNN_TRY(tdnn_graph_add_value(net->graph, "data", &net->input.id, net->err));
    TDNN_TRY(tdnn_graph_add_input(net->graph, net->input.id, net->err));
    tdnn_value *value = &net->graph->values[net->input.id];
    const tdnn_dark_value *in = &net->input;
    net->input.doubtful = net->told;
    *usual =
        tdnn_shape_make(in->flat ? 2 : 4, (int64_t[]){net->time_steps, in->c, in->h, in->w});
    value->dtype = TDNN_F32;
    if (!net->told) value->usual = usual;
    return TDNN_OK;
}

/* Any number of images, and of any size unless a layer minds. */
static void free_sizes(tdnn_dark_net *net)
{
    tdnn_value *value = &net->graph->values[net->input.id];
    value->shape = *value->usual;
    value->shape.dim[0] = -1;
    for (int d = 2; d < value->shape.ndim && !net->fixed_size; d++) value->shape.dim[d] = -1;
}

static tdnn_status read_net(tdnn_dark_net *net, tdnn_cfg *cfg)
{
    enum { MOST = 1 << 16 };
    int64_t inputs, missing = net->as_opencv ? 416 : 0;
    if (!cfg->count || !is_net(cfg->sections[0].name))
        return TDNN_DARK_FAIL(net, TDNN_ERR_FORMAT,
                              "the first section is %.40s, expected [net]",
                              cfg->count ? cfg->sections[0].name : "missing");
    net->section = &cfg->sections[0];
    TDNN_TRY(tdnn_dark_int(net, "width", missing, 0, MOST, &net->width));
    TDNN_TRY(tdnn_dark_int(net, "height", missing, 0, MOST, &net->height));
    TDNN_TRY(tdnn_dark_int(net, "channels", net->as_opencv ? 3 : 0, 0, MOST, &net->channels));
    TDNN_TRY(tdnn_dark_int(net, "time_steps", 1, 1, 4096, &net->time_steps));
    int64_t image = net->width * net->height * net->channels;
    TDNN_TRY(tdnn_dark_int(net, "inputs", image, 0, INT32_MAX, &inputs));
    net->input = image
                     ? (tdnn_dark_value){.c = net->channels, .h = net->height, .w = net->width}
                     : (tdnn_dark_value){.c = inputs, .h = 1, .w = 1, .flat = true};
    if (!image && !inputs)
        return TDNN_DARK_FAIL(net, TDNN_ERR_FORMAT,
                              "[net] without width, height and channels, or inputs");
    TDNN_TRY(tdnn_dark_check_size(net, &net->input));
    TDNN_TRY(check_keys(net));
    return add_input(net);
}

/* ---- Layers ---- */

static tdnn_status build_section(tdnn_dark_net *net)
{
    tdnn_dark_fn build = find_section(net->section->name);
    if (!build)
        return TDNN_DARK_FAIL(net, TDNN_ERR_UNSUPPORTED, "section [%.60s]", net->section->name);
    TDNN_TRY(build(net));
    TDNN_TRY(tdnn_dark_check_size(net, &net->out));
    return check_keys(net);
}

/* So that the rest is looked at too, something unknown takes the layer's place: as large as its
 * input, unless the layer has come as far as to say its size. */
static tdnn_status pass_by(tdnn_dark_net *net, bool sized)
{
    if (!sized) net->out = net->index ? net->layers[net->index - 1].out : net->input;
    if (!sized) net->out.boxes = false;
    net->unsure = true;
    net->conv_count = 0;
    return tdnn_graph_add_value(net->graph, NULL, &net->out.id, net->err);
}

/* Whether it may well come of what is known to be missing. */
static bool says_nothing(const tdnn_dark_net *net, tdnn_status status)
{
    if (net->told) return tdnn_is_doubtful(status) || status == TDNN_ERR_LIMIT;
    if (status == TDNN_ERR_SHAPE || status == TDNN_ERR_INTERNAL || status == TDNN_ERR_LIMIT)
        return net->unsure;
    return net->findings.total && status == TDNN_ERR_FORMAT && !net->source->found;
}

static tdnn_status build_layer(tdnn_dark_net *net, tdnn_cfg_section *section)
{
    const size_t nodes = net->graph->node_count;
    net->section = section;
    net->out = (tdnn_dark_value){.id = TDNN_ABSENT};
    net->conv_count = 0;
    net->unsure = net->told = false;
    tdnn_status status = build_section(net);
    if (status && !says_nothing(net, status)) {
        const tdnn_finding_kind kind = find_section(section->name) ? tdnn_finding_kind_of(status)
                                                                   : TDNN_FINDING_OPERATOR;
        if (!tdnn_findings_take(&net->findings, status))
            return tdnn_error_at(net->err, status, "layer %zu [%s], line %zu", net->index,
                                 section->name, section->line);
        TDNN_TRY(tdnn_dark_tell(net, kind));
    }
    if (status || net->told) {
        tdnn_error_clear(net->err);
        net->graph->node_count = nodes;
        TDNN_TRY(pass_by(net, !status));
    }
    net->out.doubtful = net->unsure;
    if (net->unsure) net->at = NULL; /* who knows where the next weights are */
    net->layers[net->index] =
        (tdnn_dark_layer){.out = net->out, .conv = net->conv, .conv_count = net->conv_count};
    return TDNN_OK;
}

static tdnn_status set_origin(tdnn_dark_net *net, const tdnn_cfg_section *section)
{
    const char *node = tdnn_zone_printf(net->zone, "layer %zu", net->index);
    const char *where = tdnn_zone_printf(net->zone, "layer %zu [%s], line %zu", net->index,
                                         section->name, section->line);
    if (!node || !where) return TDNN_NO_MEMORY(net->err);
    const tdnn_origin origin = {node, section->name, where};
    return tdnn_graph_set_origin(net->graph, &origin, net->err);
}

static tdnn_status build_layers(tdnn_dark_net *net, tdnn_cfg *cfg)
{
    size_t count = cfg->count - 1;
    if (!count) return TDNN_DARK_FAIL(net, TDNN_ERR_FORMAT, "the net has no layers");
    net->layers = tdnn_zone_alloc(net->zone, count, sizeof *net->layers);
    if (!net->layers) return TDNN_NO_MEMORY(net->err);
    for (net->index = 0; net->index < count; net->index++) {
        TDNN_TRY(set_origin(net, &cfg->sections[net->index + 1]));
        TDNN_TRY(build_layer(net, &cfg->sections[net->index + 1]));
    }
    return tdnn_findings_report(&net->findings, net->graph, net->err);
}

/* What no layer uses, in the order of the layers. */
static tdnn_status add_outputs(tdnn_dark_net *net)
{
    for (size_t i = 0; i < net->index; i++)
        if (!net->layers[i].used)
            TDNN_TRY(tdnn_graph_add_output(net->graph, net->layers[i].out.id, net->err));
    return TDNN_OK;
}

static tdnn_status build(tdnn_dark_net *net, tdnn_cfg *cfg)
{
    TDNN_TRY(tdnn_cfg_read(net->source->model, net->zone, cfg, net->err));
    TDNN_TRY(read_net(net, cfg));
    if (net->source->config.size)
        TDNN_TRY(tdnn_dark_weights_open(net, net->source->config));
    else
        net->graph->incomplete = "the model was loaded without its weights (.weights)";
    TDNN_TRY(build_layers(net, cfg));
    TDNN_TRY(tdnn_dark_weights_close(net));
    free_sizes(net);
    return add_outputs(net);
}

static tdnn_status parse(const tdnn_source *source, tdnn_graph *graph, tdnn_error *err)
{
    tdnn_cfg cfg;
    tdnn_error unread = {0};
    tdnn_dark_net net = {.source = source, .graph = graph, .zone = tdnn_zone_create(),
                         .err = err ? err : &unread};
    if (!net.zone) return TDNN_NO_MEMORY(err);
    net.findings = (tdnn_findings){.source = source, .zone = net.zone};
    net.as_opencv = source->options && source->options->darknet_as == TDNN_DARKNET_AS_OPENCV;
    net.bn_epsilon = net.as_opencv ? 1e-6f : 1e-5f;
    tdnn_status status = build(&net, &cfg);
    tdnn_dark_zeros_release(&net);
    tdnn_zone_free(net.zone);
    return status;
}

/* ---- Is it Darknet? ---- */

/* Text whose first line that says anything is [net] or [network]. */
static int sniff_cfg(tdnn_bytes bytes)
{
    const char *p = bytes.data, *end = p + bytes.size;
    if (bytes.size >= 3 && !memcmp(p, "\xEF\xBB\xBF", 3)) p += 3;
    while (p < end) {
        while (p < end && strchr(" \t\r\n", *p) && *p) p++;
        if (p == end || (*p != '#' && *p != ';')) break;
        while (p < end && *p != '\n') p++;
    }
    size_t left = (size_t)(end - p);
    if (left >= 5 && !memcmp(p, "[net]", 5)) return 95;
    if (left >= 9 && !memcmp(p, "[network]", 9)) return 95;
    return left && *p == '[' ? 30 : 0;
}

/* Nothing marks these files; small version numbers are all there is to see. One that is cut off
 * within its header is still taken, for a better message. */
static int sniff_weights(tdnn_bytes bytes)
{
    int32_t header[3] = {0};
    memcpy(header, bytes.data, bytes.size < sizeof header ? bytes.size : sizeof header);
    for (int i = 0; i < 3; i++)
        if (header[i] < 0 || header[i] > 1 << 20) return 1;
    return bytes.size < 16 ? 5 : 30;
}

const tdnn_parser tdnn_parser_darknet = {
    .format = TDNN_FORMAT_DARKNET,
    .name = "Darknet",
    .sniff_model = sniff_cfg,
    .sniff_config = sniff_weights,
    .parse = parse,
};

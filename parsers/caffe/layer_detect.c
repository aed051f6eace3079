/* The layers of detectors: SSD's PriorBox and DetectionOutput, the regions of R-CNN, YOLOv2's
 * Region. */
#include "parsers/caffe/layers.h"

#include "lib/base/number.h"

#include <inttypes.h>
#include <string.h>

static void set_floats(caffe_call *c, const char *name)
{
    const tdnn_floats list = caffe_floats(c, name);
    if (list.count) caffe_set_floats(c, name, list.at, list.count);
}

/* ---- PriorBox, PriorBoxClustered ---- */

/* `name` for both directions, or name_h and name_w; 0: not given. */
static void pair(caffe_call *c, const char *name, const char *h, const char *w, float *out)
{
    const float both = caffe_float(c, name, 0);
    out[0] = caffe_float(c, h, both);
    out[1] = caffe_float(c, w, both);
    if (out[0] < 0 || out[1] < 0) caffe_fail(c, TDNN_ERR_FORMAT, "%s is negative", name);
    if (both != 0 && (caffe_has(c, h) || caffe_has(c, w)))
        caffe_fail(c, TDNN_ERR_FORMAT, "%s as well as %s or %s", name, h, w);
}

static int64_t box_count(caffe_call *c)
{
    const tdnn_floats ratios = caffe_floats(c, "aspect_ratio"),
                      sizes = caffe_floats(c, "min_size"), larger = caffe_floats(c, "max_size"),
                      widths = caffe_floats(c, "width"), heights = caffe_floats(c, "height"),
                      offsets = caffe_floats(c, "offset_h");
    if (c->status) return -1;
    if (!sizes.count && !widths.count)
        caffe_fail(c, TDNN_ERR_FORMAT, "neither min_size nor width");
    if (widths.count != heights.count)
        caffe_fail(c, TDNN_ERR_FORMAT, "%zu width and %zu height", widths.count, heights.count);
    if (larger.count && larger.count != sizes.count)
        caffe_fail(c, TDNN_ERR_FORMAT, "%zu min_size and %zu max_size", sizes.count,
                   larger.count);
    for (size_t i = 0; i < larger.count && !c->status; i++)
        if (!(larger.at[i] > sizes.at[i]))
            caffe_fail(c, TDNN_ERR_FORMAT, "max_size %g is not above min_size %g",
                       (double)larger.at[i], (double)sizes.at[i]);
    for (size_t i = 0; i < ratios.count && !c->status; i++)
        if (!(ratios.at[i] > 0))
            caffe_fail(c, TDNN_ERR_FORMAT, "aspect_ratio %g", (double)ratios.at[i]);
    if (ratios.count || larger.count) return -1; /* the operator knows */
    return (int64_t)(widths.count ? widths.count : sizes.count) *
           (int64_t)(offsets.count ? offsets.count : 1);
}

/* clip is true unless given, as OpenCV has it; SSD's last version had false. */
void caffe_import_prior_box(caffe_call *c)
{
    static const char *const lists[] = {"min_size", "max_size", "aspect_ratio", "width",
                                        "height",   "variance", "offset_h",     "offset_w"};
    float step[2];
    const int64_t boxes = box_count(c);
    const int64_t size = caffe_int(c, "img_size", 0, 1, INT32_MAX);
    const int64_t rows = caffe_dim(c, 0, 2), columns = caffe_dim(c, 0, 3);
    caffe_rank(c, 0, 4, 4);
    caffe_rank(c, 1, 4, 4);
    pair(c, "step", "step_h", "step_w", step);
    c->out[0].id = caffe_op(c, "PriorBox", c->in[0].id, c->in[1].id);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) set_floats(c, lists[i]);
    caffe_set_int(c, "flip", caffe_bool(c, "flip", true));
    caffe_set_int(c, "clip", caffe_bool(c, "clip", true));
    caffe_set_int(c, "image_height", caffe_int(c, "img_h", size, 1, INT32_MAX));
    caffe_set_int(c, "image_width", caffe_int(c, "img_w", size, 1, INT32_MAX));
    caffe_set_float(c, "step_h", step[0]);
    caffe_set_float(c, "step_w", step[1]);
    caffe_set_float(c, "offset", caffe_float(c, "offset", 0.5F));
    c->out[0].shape = (tdnn_shape){
        3, {1, 2, boxes < 0 || rows < 0 || columns < 0 ? -1 : 4 * boxes * rows * columns}};
}

/* ---- DetectionOutput ---- */

static void set_suppression(caffe_call *c)
{
    const tdnn_text *outer = c->param;
    c->param = caffe_message(c, "nms_param");
    caffe_set_float(c, "nms_threshold", caffe_float(c, "nms_threshold", 0.3F));
    caffe_set_int(c, "top_k", caffe_int(c, "top_k", -1, -1, INT32_MAX));
    caffe_set_float(c, "eta", caffe_float(c, "eta", 1));
    c->param = outer;
}

/* Rows are padded with zeros to keep_top_k for each image, as OpenCV has it; how many are in
 * use is a value of its own, TOP/count. With keep_top_k -1 there are as many as there are. */
void caffe_import_detection_output(caffe_call *c)
{
    static const char *const codes[] = {"", "CORNER", "CENTER_SIZE", "CORNER_SIZE", NULL};
    const int64_t classes = caffe_int(c, "num_classes", 0, 1, INT32_MAX);
    const int64_t rows = caffe_int(c, "keep_top_k", -1, -1, INT32_MAX),
                  images = caffe_dim(c, 0, 0);
    const int64_t code = caffe_enum(c, "code_type", codes, 1);
    if (!classes) caffe_fail(c, TDNN_ERR_FORMAT, "num_classes is missing");
    tdnn_id scores = c->in[1].id, priors = c->in[2].id;
    if (c->in_count > 3 && code != 2)
        caffe_fail(c, TDNN_ERR_UNSUPPORTED, "refined priors with code_type %s", codes[code]);
    if (c->in_count > 3) caffe_refine(c, &scores, &priors);
    c->out[0].id =
        caffe_op(c, rows < 0 ? "DetectionRows" : "DetectionOutput", c->in[0].id, scores, priors);
    caffe_set_int(c, "num_classes", classes);
    caffe_set_int(c, "share_location", caffe_bool(c, "share_location", true));
    caffe_set_int(c, "background_label_id",
                  caffe_int(c, "background_label_id", 0, -1, INT32_MAX));
    caffe_set_string(c, "code_type", codes[code]);
    caffe_set_int(c, "keep_top_k", rows);
    caffe_set_float(c, "confidence_threshold", caffe_float(c, "confidence_threshold", 0));
    caffe_set_int(c, "variance_encoded_in_target",
                  caffe_bool(c, "variance_encoded_in_target", false));
    caffe_set_int(c, "clip", caffe_bool(c, "clip", false));
    caffe_set_int(c, "normalized_bbox", caffe_bool(c, "normalized_bbox", true));
    set_suppression(c);
    c->out[0].shape = (tdnn_shape){4, {1, 1, rows < 0 || images < 0 ? -1 : rows * images, 7}};
    tdnn_id count = caffe_more(c);
    if (!c->status)
        caffe_try(c, caffe_net_name(c->net, count, c->layer->tops[0], "count", c->err));
}

/* ---- regions ---- */

void caffe_import_roi_pooling(caffe_call *c)
{
    const int64_t size[] = {caffe_int(c, "pooled_h", 0, 1, 1 << 15),
                            caffe_int(c, "pooled_w", 0, 1, 1 << 15)};
    if (!size[0] || !size[1]) caffe_fail(c, TDNN_ERR_FORMAT, "pooled_h or pooled_w is missing");
    caffe_rank(c, 0, 4, 4);
    c->out[0].id = caffe_op(c, "MaxRoiPool", c->in[0].id, c->in[1].id);
    caffe_set_ints(c, "pooled_shape", size, 2);
    caffe_set_float(c, "spatial_scale", caffe_float(c, "spatial_scale", 1));
    c->out[0].shape =
        (tdnn_shape){4, {caffe_dim(c, 1, 0), caffe_dim(c, 0, 1), size[0], size[1]}};
}

void caffe_import_psroi_pooling(caffe_call *c)
{
    const int64_t outputs = caffe_int(c, "output_dim", 0, 1, INT32_MAX),
                  size = caffe_int(c, "group_size", 0, 1, 1 << 15);
    const float scale = caffe_float(c, "spatial_scale", 0);
    if (!outputs || !size || scale == 0)
        caffe_fail(c, TDNN_ERR_FORMAT, "output_dim, group_size or spatial_scale is missing");
    caffe_rank(c, 0, 4, 4);
    c->out[0].id = caffe_op(c, "PSRoiPool", c->in[0].id, c->in[1].id);
    caffe_set_int(c, "output_dim", outputs);
    caffe_set_int(c, "group_size", size);
    caffe_set_float(c, "spatial_scale", scale);
    c->out[0].shape = (tdnn_shape){4, {caffe_dim(c, 1, 0), outputs, size, size}};
}

static void proposal(caffe_call *c, int64_t stride, tdnn_floats scale)
{
    static const float ratios[] = {0.5F, 1, 2}, scales[] = {8, 16, 32};
    const tdnn_floats ratio = caffe_floats(c, "ratio");
    const int64_t rows = caffe_int(c, "post_nms_topn", 300, 1, 1 << 24);
    caffe_rank(c, 0, 4, 4);
    caffe_rank(c, 1, 4, 4);
    c->out[0].id = caffe_op(c, "Proposal", c->in[0].id, c->in[1].id, c->in[2].id);
    caffe_set_int(c, "feat_stride", stride);
    caffe_set_int(c, "base_size", caffe_int(c, "base_size", 16, 1, 1 << 20));
    caffe_set_int(c, "min_size", caffe_int(c, "min_size", 16, 0, 1 << 20));
    caffe_set_int(c, "pre_nms_topn", caffe_int(c, "pre_nms_topn", 6000, 1, INT32_MAX));
    caffe_set_int(c, "post_nms_topn", rows);
    caffe_set_float(c, "nms_thresh", caffe_float(c, "nms_thresh", 0.7F));
    caffe_set_floats(c, "ratio", ratio.count ? ratio.at : ratios,
                     ratio.count ? ratio.count : 3);
    caffe_set_floats(c, "scale", scale.count ? scale.at : scales,
                     scale.count ? scale.count : 3);
    c->out[0].shape = (tdnn_shape){2, {rows, 5}};
    if (c->out_count < 2) return;
    c->out[1].id = caffe_more(c);
    c->out[1].shape = (tdnn_shape){2, {rows, 1}};
}

void caffe_import_proposal(caffe_call *c)
{
    const int64_t stride = caffe_int(c, "feat_stride", 16, 1, 1 << 20);
    proposal(c, stride, caffe_floats(c, "scale"));
}

/* ---- Python ---- */

/* The numbers behind 'key': in Python's notation, "16" or "[4, 8]"; none if the key is not
 * there. */
static tdnn_floats python_numbers(caffe_call *c, const char *text, const char *key)
{
    tdnn_floats list = {.at = tdnn_zone_alloc(c->net->zone, strlen(text) + 1, sizeof *list.at)};
    const char *p = strstr(text, key);
    if (!list.at) caffe_fail(c, TDNN_ERR_MEMORY, "out of memory");
    if (!p || c->status) return list;
    p += strlen(key) + strspn(p + strlen(key), "'\": ");
    if (!strncmp(p, "!!python/tuple", 14)) p += 14 + strspn(p + 14, " ");
    const bool several = *p == '[' || *p == '(';
    p += several;
    for (double value;;) {
        p += strspn(p, several ? ", " : " ");
        const size_t taken = tdnn_number_parse(p, strlen(p), &value);
        if (!taken) break;
        list.at[list.count++] = (float)value;
        p += taken;
        if (!several) break;
    }
    list.given = list.count > 0;
    return list;
}

/* A layer whose meaning is a Python class: Faster R-CNN's and R-FCN's models name one, which
 * Proposal is the twin of. */
void caffe_import_python(caffe_call *c)
{
    const tdnn_text *class = caffe_has(c, "layer") ? tdnn_text_find(c->param, "layer") : NULL;
    const tdnn_text *text =
        caffe_has(c, "param_str") ? tdnn_text_find(c->param, "param_str") : NULL;
    caffe_ignore(c, "module");
    if (!class || class->kind == TDNN_TEXT_MESSAGE ||
        strcmp(class->value, "ProposalLayer") != 0) {
        caffe_fail(c, TDNN_ERR_UNSUPPORTED, "layer type Python, class %.60s",
                   class && class->value ? class->value : "?");
        return;
    }
    if (c->in_count != 3 || c->out_count < 1 || c->out_count > 2) {
        caffe_fail(c, TDNN_ERR_FORMAT, "%zu bottoms and %zu tops, expected 3, and 1 or 2",
                   c->in_count, c->out_count);
        return;
    }
    const char *numbers = text && text->kind != TDNN_TEXT_MESSAGE ? text->value : "";
    const tdnn_floats stride = python_numbers(c, numbers, "feat_stride");
    if (c->status) return;
    if (stride.count && !(stride.at[0] >= 1 && stride.at[0] <= 1 << 20))
        caffe_fail(c, TDNN_ERR_FORMAT, "feat_stride is %g", (double)stride.at[0]);
    const tdnn_floats scales = python_numbers(c, numbers, "scales");
    if (c->status) return;
    c->param = NULL; /* everything else as it is there by default */
    proposal(c, stride.count ? (int64_t)stride.at[0] : 16, scales);
}

/* ---- Region ---- */

/* Numbers, or one string with commas. */
static tdnn_floats read_anchors(caffe_call *c)
{
    const tdnn_text *text =
        caffe_has(c, "anchors") ? tdnn_text_find(c->param, "anchors") : NULL;
    if (!text || text->kind != TDNN_TEXT_STRING)
        return caffe_floats(c, text ? "anchors" : "biases");
    tdnn_floats list = {.at = tdnn_zone_alloc(c->net->zone, text->length + 1, sizeof *list.at),
                        .given = true};
    const char *p = text->value, *end = p + text->length;
    if (!list.at) caffe_fail(c, TDNN_ERR_MEMORY, "out of memory");
    while (p < end && !c->status) {
        double value;
        while (p < end && (*p == ' ' || *p == ',')) p++;
        const size_t taken = tdnn_number_parse(p, (size_t)(end - p), &value);
        if (!taken && p < end)
            caffe_fail(c, TDNN_ERR_FORMAT, "anchors are \"%.40s\"", text->value);
        if (taken) list.at[list.count++] = (float)value;
        p += taken;
    }
    return list;
}

/* The channels lie second, or, behind a Permute that OpenCV's layer wants, last. */
void caffe_import_region(caffe_call *c)
{
    const tdnn_floats anchors = read_anchors(c);
    int64_t classes = caffe_int(c, "classes", 20, 1, 1 << 20);
    classes = caffe_int(c, "num_classes", classes, 1, 1 << 20);
    const int64_t given = (int64_t)(anchors.count / 2),
                  boxes = caffe_int(c, "num", given, 1, 1 << 20);
    const int64_t channels = boxes * (classes + 5);
    tdnn_id x = c->in[0].id;
    caffe_rank(c, 0, 4, 4);
    if (given != boxes || anchors.count % 2)
        caffe_fail(c, TDNN_ERR_FORMAT,
                   "%zu anchors' numbers for %" PRId64 " boxes, expected two for each",
                   anchors.count, boxes);
    const bool last = caffe_dim(c, 0, 3) == channels && caffe_dim(c, 0, 1) != channels;
    if (last) x = caffe_transpose(c, x, (const int64_t[]){0, 3, 1, 2}, 4);
    c->out[0].id = caffe_op(c, "Yolo", x);
    caffe_set_int(c, "region", 1);
    caffe_set_int(c, "classes", classes);
    caffe_set_int(c, "coords", caffe_int(c, "coords", 4, 4, 4));
    caffe_set_int(c, "softmax", caffe_bool(c, "softmax", true));
    caffe_set_float(c, "thresh", caffe_float(c, "thresh", 0.001F));
    caffe_set_float(c, "nms_threshold", caffe_float(c, "nms_threshold", 0));
    if (!c->status) caffe_set_floats(c, "anchors", anchors.at, anchors.count);
    const int64_t images = caffe_dim(c, 0, 0), h = caffe_dim(c, 0, last ? 1 : 2),
                  w = caffe_dim(c, 0, last ? 2 : 3);
    const int64_t rows = h < 0 || w < 0 ? -1 : h * w * boxes;
    c->out[0].shape = images == 1 ? (tdnn_shape){2, {rows, classes + 5}}
                                  : (tdnn_shape){3, {images, rows, classes + 5}};
    if (images < 0) c->out[0].shape.ndim = -1;
}

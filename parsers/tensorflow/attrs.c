/* What the attributes of TensorFlow's operators may say. It is looked at before a node is
 * imported, so that it does not matter whether its inputs are known, and what else is wrong
 * with it. */
#include "parsers/tensorflow/import.h"

#include <string.h>

/* ---- Words ---- */

static const char *const same_valid[] = {"SAME", "VALID", NULL};
static const char *const paddings[] = {"SAME", "VALID", "EXPLICIT", NULL};
static const char *const orders[] = {"NHWC",  "NCHW",          "NDHWC",          "NCDHW",
                                     "channels_last", "channels_first", NULL};
static const char *const mirrors[] = {"REFLECT", "SYMMETRIC", NULL};
static const char *const samplings[] = {"bilinear", "nearest", NULL};
static const char *const ranges[] = {"MIN_COMBINED", "MIN_FIRST", "SCALED", NULL};
static const char *const codes[] = {"CENTER_SIZE", "CORNER", "CORNER_SIZE", NULL};

static const struct words {
    const char *op, *attr; /* op NULL: of all spatial ones */
    const char *const *known;
} words[] = {
    {"ExtractImagePatches", "padding", same_valid},
    {"Dilation2D", "padding", same_valid},
    {NULL, "padding", paddings},
    {NULL, "data_format", orders},
    {"MirrorPad", "mode", mirrors},
    {"FusedPadConv2D", "mode", mirrors},
    {"FusedResizeAndPadConv2D", "mode", mirrors},
    {"CropAndResize", "method", samplings},
    {"Dequantize", "mode", ranges},
    {"DetectionOutput", "code_type", codes},
};

static const char *const *known_words(const tf_node *node, const char *attr)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const struct words *w = &words[i];
        if (strcmp(w->attr, attr) != 0) continue;
        if (w->op ? tf_is(node, w->op) : (node->op->flags & TF_SPATIAL) != 0) return w->known;
    }
    return NULL;
}

static bool is_one_of(const char *const *known, const char *text, size_t length)
{
    for (; *known; known++)
        if (strlen(*known) == length && !memcmp(*known, text, length)) return true;
    return false;
}

static tdnn_status check_word(const tf_call *c, const char *key, const Tensorflow__AttrValue *a,
                              const char *const *known, tdnn_error *err)
{
    char list[120] = "";
    if (a->has_s && is_one_of(known, (const char *)a->s.data, a->s.len)) return TDNN_OK;
    for (size_t used = 0; *known; known++) {
        const size_t length = strlen(*known);
        if (used + length + 3 > sizeof list) break;
        if (used) memcpy(list + used, ", ", 2), used += 2;
        memcpy(list + used, *known, length + 1);
        used += length;
    }
    tf_model *model = c->scope->model;
    if (!a->has_s)
        return tf_tell(model, TDNN_FINDING_ATTRIBUTE, err, "%s is no text, expected %s", key,
                       list);
    return tf_tell(model, TDNN_FINDING_ATTRIBUTE, err, "%s \"%.*s\", expected %s", key,
                   a->s.len < 60 ? (int)a->s.len : 60, (const char *)a->s.data, list);
}

/* ---- Types ---- */

/* Handles have no elements. */
static bool has_elements(int64_t type)
{
    return type != tf_dtype_find("DT_RESOURCE") && type != tf_dtype_find("DT_VARIANT");
}

static tdnn_status check_type(const tf_call *c, const char *key, const Tensorflow__AttrValue *a,
                              tdnn_error *err)
{
    if (!a->type || tf_dtype(a->type) || !has_elements(a->type)) return TDNN_OK;
    return tf_tell(c->scope->model, TDNN_FINDING_TYPE, err, "element type %s (%s)",
                   tf_dtype_text(a->type), key);
}

/* ---- Kinds and numbers ---- */

typedef enum kind { INT, FLOAT, BOOL, TEXT, TYPE, TYPES, SHAPE, INTS, TEXTS, WINDOW } kind;

/* What the importers read. The first row that fits counts. */
static const struct rule {
    const char *op, *attr; /* op NULL: of all */
    kind kind;
    int64_t low, high; /* of a number; both 0: any */
} rules[] = {
    {NULL, "DstT", TYPE, 0, 0},
    {"Assert", "T", TYPES, 0, 0},
    {"IdentityN", "T", TYPES, 0, 0},
    {"StatelessWhile", "T", TYPES, 0, 0},
    {"While", "T", TYPES, 0, 0},
    {NULL, "T", TYPE, 0, 0},
    {NULL, "Targmax", TYPE, 0, 0},
    {NULL, "activation_mode", TEXT, 0, 0},
    {NULL, "align_corners", BOOL, 0, 0},
    {NULL, "alpha", FLOAT, 0, 0},
    {"Squeeze", "axis", INTS, 0, 0},
    {NULL, "axis", INT, 0, 0},
    {NULL, "batch_dim", INT, 0, 0},
    {NULL, "batch_dims", INT, 0, 0},
    {NULL, "begin_mask", INT, 0, 0},
    {NULL, "beta", FLOAT, 0, 0},
    {NULL, "bias", FLOAT, 0, 0},
    {NULL, "binary_output", BOOL, 0, 0},
    {NULL, "block_size", INT, 1, 4096},
    {NULL, "cell_clip", FLOAT, 0, 0},
    {NULL, "clip_boxes", BOOL, 0, 0},
    {NULL, "data_format", TEXT, 0, 0},
    {NULL, "depth_radius", INT, 0, 1 << 20},
    {NULL, "dilations", WINDOW, 0, 0},
    {NULL, "dtype", TYPE, 0, 0},
    {NULL, "element_dtype", TYPE, 0, 0},
    {NULL, "ellipsis_mask", INT, 0, 0},
    {NULL, "end_mask", INT, 0, 0},
    {NULL, "epsilon", FLOAT, 0, 0},
    {NULL, "equation", TEXT, 0, 0},
    {NULL, "exclusive", BOOL, 0, 0},
    {NULL, "explicit_paddings", INTS, 0, 0},
    {NULL, "extrapolation_value", FLOAT, 0, 0},
    {NULL, "forget_bias", FLOAT, 0, 0},
    {NULL, "fused_ops", TEXTS, 0, 0},
    {NULL, "half_pixel_centers", BOOL, 0, 0},
    {NULL, "include_batch_in_index", BOOL, 0, 0},
    {NULL, "iou_threshold", FLOAT, 0, 0},
    {NULL, "is_training", BOOL, 0, 0},
    {NULL, "k", INT, 0, INT32_MAX},
    {NULL, "keep_dims", BOOL, 0, 0},
    {NULL, "keepdims", BOOL, 0, 0},
    {NULL, "ksize", WINDOW, 0, 0},
    {NULL, "ksizes", WINDOW, 0, 0},
    {NULL, "leakyrelu_alpha", FLOAT, 0, 0},
    {NULL, "method", TEXT, 0, 0},
    {NULL, "mode", TEXT, 0, 0},
    {NULL, "narrow_range", BOOL, 0, 0},
    {NULL, "new_axis_mask", INT, 0, 0},
    {NULL, "num", INT, 1, 1 << 16},
    {NULL, "num_bits", INT, 2, 16},
    {NULL, "num_side_inputs", INT, 0, INT32_MAX},
    {NULL, "num_split", INT, 1, 1 << 16},
    {NULL, "out_idx", TYPE, 0, 0},
    {NULL, "out_type", TYPE, 0, 0},
    {NULL, "output_type", TYPE, 0, 0},
    {NULL, "pad_per_class", BOOL, 0, 0},
    {NULL, "pad_to_max_output_size", BOOL, 0, 0},
    {NULL, "padding", TEXT, 0, 0},
    {NULL, "rates", WINDOW, 0, 0},
    {NULL, "resize_align_corners", BOOL, 0, 0},
    {NULL, "reverse", BOOL, 0, 0},
    {NULL, "scale_after_normalization", BOOL, 0, 0},
    {NULL, "seq_dim", INT, 0, 0},
    {"Placeholder", "shape", SHAPE, 0, 0},
    {NULL, "shrink_axis_mask", INT, 0, 0},
    {NULL, "squeeze_dims", INTS, 0, 0},
    {NULL, "strides", WINDOW, 0, 0},
    {NULL, "tolerance", FLOAT, 0, 0},
    {NULL, "transpose_a", BOOL, 0, 0},
    {NULL, "transpose_b", BOOL, 0, 0},
    {NULL, "use_peephole", BOOL, 0, 0},
    {NULL, "variance_epsilon", FLOAT, 0, 0},
    {"FakeQuantWithMinMaxArgs", "max", FLOAT, 0, 0},
    {"FakeQuantWithMinMaxArgs", "min", FLOAT, 0, 0},
};

static const struct rule *find_rule(const tf_node *node, const char *attr)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const struct rule *r = &rules[i];
        if (!strcmp(r->attr, attr) && (!r->op || tf_is(node, r->op))) return r;
    }
    return NULL;
}

static bool is_kind(const Tensorflow__AttrValue *a, kind k)
{
    const Tensorflow__AttrValue__ListValue *l = a->list;
    switch (k) {
    case INT: return a->has_i;
    case FLOAT: return a->has_f;
    case BOOL: return a->has_b;
    case TEXT: return a->has_s;
    case TYPE: return a->has_type;
    case SHAPE: return a->shape != NULL;
    case TYPES: return l && !(l->n_s || l->n_i || l->n_f || l->n_b || l->n_shape);
    case TEXTS: return l && !(l->n_i || l->n_f || l->n_b || l->n_type || l->n_shape);
    case INTS:
    case WINDOW: break;
    }
    return l && !(l->n_s || l->n_f || l->n_b || l->n_type || l->n_shape);
}

static const char *kind_of(const Tensorflow__AttrValue *a)
{
    return a->has_i     ? "an int"
           : a->has_f   ? "a float"
           : a->has_b   ? "a bool"
           : a->has_s   ? "a text"
           : a->has_type ? "a type"
           : a->shape   ? "a shape"
           : a->tensor  ? "a tensor"
           : a->func    ? "a function"
           : a->list    ? "a list"
                        : NULL; /* of a function's own: the call says */
}

static const char *const kind_names[] = {
    "an int",          "a float", "a bool",         "a text",          "a type",
    "a list of types", "a shape", "a list of ints", "a list of texts", "a list of ints"};

/* The lists of windows and of what is put around them. */
static tdnn_status check_window(const tf_call *c, const char *key, tdnn_error *err)
{
    const int space = c->node->op->flags & TF_VOLUME ? 3 : 2;
    bool known;
    int64_t list[2 * TF_MOST_SPACE];
    tdnn_error why;
    const bool last = tf_channels_last(c, &known);
    if (!known || !(c->node->op->flags & TF_SPATIAL)) return TDNN_OK;
    if (key ? !tf_spatial_list(c, key, space, last, list, &why)
            : !tf_explicit_pads(c, space, last, list, &why))
        return TDNN_OK;
    return tf_tell(c->scope->model, TDNN_FINDING_ATTRIBUTE, err, "%s", why.message);
}

static tdnn_status check_kind(const tf_call *c, const char *key, const Tensorflow__AttrValue *a,
                              const struct rule *r, tdnn_error *err)
{
    tf_model *model = c->scope->model;
    const char *found = kind_of(a);
    if (!found) return TDNN_OK;
    if (!is_kind(a, r->kind))
        return tf_tell(
            model, TDNN_FINDING_ATTRIBUTE, err, "attribute \"%s\" is %s, expected %s", key,
            a->list && r->kind >= TYPES ? "another list" : found, kind_names[r->kind]);
    if (r->kind == WINDOW) return check_window(c, key, err);
    if (r->kind == INT && (r->low || r->high) && (a->i < r->low || a->i > r->high))
        return tf_tell(model, TDNN_FINDING_ATTRIBUTE, err, "%s %lld, expected %lld to %lld", key,
                       (long long)a->i, (long long)r->low, (long long)r->high);
    return TDNN_OK;
}

tdnn_status tf_check_attrs(tf_call *c, tdnn_error *err)
{
    const Tensorflow__NodeDef *proto = c->node->proto;
    for (size_t i = 0; i < proto->n_attr; i++) {
        const char *key = proto->attr[i]->key;
        const Tensorflow__AttrValue *a = proto->attr[i]->value;
        if (!key || !a || *key == '_') continue;
        const char *const *known = known_words(c->node, key);
        const struct rule *rule = known ? NULL : find_rule(c->node, key);
        if (known) TDNN_TRY(check_word(c, key, a, known, err));
        if (rule) TDNN_TRY(check_kind(c, key, a, rule, err));
        if (a->has_type) TDNN_TRY(check_type(c, key, a, err));
    }
    if (!strcmp(tf_attr_text(c, "padding", ""), "EXPLICIT")) return check_window(c, NULL, err);
    return TDNN_OK;
}

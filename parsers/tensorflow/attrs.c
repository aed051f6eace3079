/* What the attributes of TensorFlow's operators may say. It is looked at before a node is imported,
 * so that it does not matter whether its inputs are known, and what else is wrong with it. */
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
        return tf_tell(model, TDNN_FINDING_ATTRIBUTE, err, "%s is no text, expected %s", key, list);
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

tdnn_status tf_check_attrs(tf_call *c, tdnn_error *err)
{
    const Tensorflow__NodeDef *proto = c->node->proto;
    for (size_t i = 0; i < proto->n_attr; i++) {
        const char *key = proto->attr[i]->key;
        const Tensorflow__AttrValue *a = proto->attr[i]->value;
        if (!key || !a || *key == '_') continue;
        const char *const *known = known_words(c->node, key);
        if (known) TDNN_TRY(check_word(c, key, a, known, err));
        if (a->has_type) TDNN_TRY(check_type(c, key, a, err));
    }
    return TDNN_OK;
}

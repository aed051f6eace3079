/* Nodes that TensorFlow does not have, which texts made for OpenCV put behind a detector's
 * network. */
#include "parsers/tensorflow/ops.h"

#include <string.h>

enum { MOST_LOCATIONS = 1 << 20 };

/* ---- Attributes that may be a number, a list or a tensor ---- */

static tdnn_status floats(const tf_call *c, const char *name, tdnn_floats *out, tdnn_error *err)
{
    const Tensorflow__AttrValue *a = tf_attr(c->node, name);
    tdnn_tensor *t = NULL;
    if (!a) return TDNN_OK;
    if (a->tensor)
        TDNN_TRY(tf_tensor_import(c->scope->model->source, c->node->file, a->tensor, &t, err));
    size_t count = t              ? (size_t)tdnn_shape_count(&t->shape)
                   : !a->list     ? 1
                   : a->list->n_f ? a->list->n_f
                                  : a->list->n_i;
    if (t && t->dtype == TDNN_STRING) count = 0;
    float *at = tdnn_zone_alloc(c->scope->graph->zone, count + 1, sizeof *at);
    for (size_t i = 0; at && i < count; i++)
        at[i] = t              ? (float)tdnn_tensor_get_f64(t, i)
                : !a->list     ? (a->has_f ? a->f : (float)a->i)
                : a->list->n_f ? a->list->f[i]
                               : (float)a->list->i[i];
    tdnn_tensor_release(t);
    if (!at) return TDNN_NO_MEMORY(err);
    *out = (tdnn_floats){at, count, true};
    return TDNN_OK;
}

static tdnn_status one_float(const tf_call *c, const char *name, float *out, tdnn_error *err)
{
    tdnn_floats f = {0};
    TDNN_TRY(floats(c, name, &f, err));
    if (f.given && f.count != 1)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%s has %zu numbers, expected one", name,
                         f.count);
    if (f.given) *out = f.at[0];
    return TDNN_OK;
}

static int64_t truth(const tf_call *c, const char *name, bool otherwise)
{
    return tf_attr_bool(c, name, tf_attr_int(c, name, otherwise) != 0);
}

/* ---- Locations ---- */

/* TensorFlow's detectors predict y, x, height, width where SSD has x, y, width, height.
 * OpenCV's texts say so at the convolution that predicts them: its filters, and the biases
 * behind it, trade places. */
bool tf_locations_transposed(const tf_node *conv)
{
    const Tensorflow__AttrValue *a = conv ? tf_attr(conv, "loc_pred_transposed") : NULL;
    return a && (a->has_b ? a->b : a->i != 0);
}

tdnn_status tf_swap_locations(const tf_call *c, tdnn_id *id, int64_t count, tdnn_error *err)
{
    tdnn_id ids[2] = {*id};
    if (count < 4 || count % 4 != 0 || count > MOST_LOCATIONS)
        return TDNN_FAIL(
            err, TDNN_ERR_SHAPE,
            "%lld channels of transposed locations, expected a multiple of 4 up to %d",
            (long long)count, MOST_LOCATIONS);
    int64_t *order = tdnn_zone_alloc(c->scope->model->zone, (size_t)count, sizeof *order);
    if (!order) return TDNN_NO_MEMORY(err);
    for (int64_t i = 0; i < count; i++) order[i] = i ^ 1;
    TDNN_TRY(tf_const_ints(c, order, (size_t)count, &ids[1], err));
    return tf_inner(c, TDNN_OP_Gather, ids, 2, NULL, id, err);
}

/* ---- PriorBox ---- */

static tdnn_status check_boxes(const tdnn_prior_box_params *p, tdnn_error *err)
{
    if (!p->min_size.count && !p->width.count)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "neither min_size nor width");
    if (p->width.count != p->height.count)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%zu width and %zu height", p->width.count,
                         p->height.count);
    if (p->max_size.count && p->max_size.count != p->min_size.count)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "%zu min_size and %zu max_size",
                         p->min_size.count, p->max_size.count);
    for (size_t i = 0; i < p->max_size.count; i++)
        if (!(p->max_size.at[i] > p->min_size.at[i]))
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "max_size %g is not above min_size %g",
                             (double)p->max_size.at[i], (double)p->min_size.at[i]);
    for (size_t i = 0; i < p->aspect_ratio.count; i++)
        if (!(p->aspect_ratio.at[i] > 0))
            return TDNN_FAIL(err, TDNN_ERR_FORMAT, "aspect_ratio %g",
                             (double)p->aspect_ratio.at[i]);
    if (p->step_h < 0 || p->step_w < 0)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "a negative step");
    return TDNN_OK;
}

static tdnn_status set_boxes(const tf_call *c, tdnn_prior_box_params *p, tdnn_error *err)
{
    const struct {
        const char *name;
        tdnn_floats *to;
    } lists[] = {
        {"min_size", &p->min_size},
        {"max_size", &p->max_size},
        {"aspect_ratio", &p->aspect_ratio},
        {"width", &p->width},
        {"height", &p->height},
        {"variance", &p->variance},
        {"scales", &p->scales},
        {"offset_h", &p->offset_h},
        {"offset_w", &p->offset_w},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        TDNN_TRY(floats(c, lists[i].name, lists[i].to, err));
    float step = 0;
    TDNN_TRY(one_float(c, "step", &step, err));
    p->step_h = p->step_w = step;
    TDNN_TRY(one_float(c, "step_h", &p->step_h, err));
    TDNN_TRY(one_float(c, "step_w", &p->step_w, err));
    p->offset = 0.5F;
    TDNN_TRY(one_float(c, "offset", &p->offset, err));
    p->flip = truth(c, "flip", true);
    p->clip = truth(c, "clip", true);
    p->normalized = truth(c, "normalized_bbox", true);
    return check_boxes(p, err);
}

tdnn_status tf_import_prior_box(tf_call *c, tdnn_error *err)
{
    static const int64_t dims[3] = {1, 2, -1};
    tf_value *x, *v;
    tdnn_id ids[2], id;
    tdnn_node *node;
    for (size_t i = 0; i < 2; i++) {
        TDNN_TRY(tf_input(c, i, &x, err));
        TDNN_TRY(tf_first(c->scope, x, 4, &ids[i], err));
    }
    TDNN_TRY(tf_last(c, TDNN_OP_PriorBox, ids, 2, &node, &id, err));
    TDNN_TRY(set_boxes(c, node->params, err));
    tdnn_shape shape = tdnn_shape_make(3, dims);
    TDNN_TRY(tf_give_new(c, 0, id, TDNN_F32, &shape, &v, err));
    v->boxes = true;
    return TDNN_OK;
}

/* ---- DetectionOutput ---- */

static tdnn_status set_detection(const tf_call *c, tdnn_detection_output_params *p,
                                 tdnn_error *err)
{
    const char *code = tf_attr_text(c, "code_type", "CENTER_SIZE");
    if (!strcmp(code, "CENTER_SIZE"))
        p->code_type = TDNN_BOX_CENTER_SIZE;
    else if (!strcmp(code, "CORNER"))
        p->code_type = TDNN_BOX_CORNER;
    else if (!strcmp(code, "CORNER_SIZE"))
        p->code_type = TDNN_BOX_CORNER_SIZE;
    else
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "code_type \"%s\"", code);
    p->num_classes = tf_attr_int(c, "num_classes", 0);
    p->share_location = truth(c, "share_location", true);
    p->background_label_id = tf_attr_int(c, "background_label_id", 0);
    p->keep_top_k = tf_attr_int(c, "keep_top_k", -1);
    p->top_k = tf_attr_int(c, "top_k", -1);
    p->clip = truth(c, "clip", false);
    p->normalized_bbox = truth(c, "normalized_bbox", true);
    p->loc_pred_transposed = truth(c, "loc_pred_transposed", false);
    p->variance_encoded_in_target = truth(c, "variance_encoded_in_target", false);
    p->eta = 1;
    TDNN_TRY(one_float(c, "nms_threshold", &p->nms_threshold, err));
    TDNN_TRY(one_float(c, "confidence_threshold", &p->confidence_threshold, err));
    if (p->num_classes < 1)
        return TDNN_FAIL(err, TDNN_ERR_FORMAT, "num_classes %lld, expected 1 or more",
                         (long long)p->num_classes);
    return TDNN_OK;
}

/* Locations and scores come as they are, boxes behind them; the scores may lack their softmax's
 * flattening. */
tdnn_status tf_import_detection_output(tf_call *c, tdnn_error *err)
{
    tf_value *x;
    tdnn_id ids[3], id;
    tdnn_node *node;
    for (size_t i = 0; i < 3; i++) {
        TDNN_TRY(tf_input(c, i, &x, err));
        TDNN_TRY(tf_plain(c->scope, x, &ids[i], err));
        if (i < 2 && x->shape.ndim != 2)
            TDNN_TRY(tf_inner(c, TDNN_OP_Flatten, &ids[i], 1, NULL, &ids[i], err));
    }
    const bool all = tf_attr_int(c, "keep_top_k", -1) < 0;
    TDNN_TRY(tf_last(c, all ? TDNN_OP_DetectionRows : TDNN_OP_DetectionOutput, ids, 3, &node,
                     &id, err));
    TDNN_TRY(set_detection(c, node->params, err));
    static const int64_t rows[4] = {1, 1, -1, 7};
    tdnn_shape shape = tdnn_shape_make(4, rows);
    return tf_give_new(c, 0, id, TDNN_F32, &shape, NULL, err);
}

/* ---- L2Normalize ---- */

/* x / sqrt(sum of squares along the axes + epsilon) */
tdnn_status tf_import_l2_normalize(tf_call *c, tdnn_error *err)
{
    const int64_t *axes;
    size_t count;
    int64_t at[TF_KNOWN_MOST];
    float epsilon = 1e-10F;
    tf_value *x, *v;
    tdnn_id ids[2], sum, id;
    tdnn_node *node;
    TDNN_TRY(tf_input(c, 0, &x, err));
    TDNN_TRY(tf_input_ints(c, 1, "reduction_indices", &axes, &count, err));
    TDNN_TRY(one_float(c, "epsilon", &epsilon, err));
    for (size_t i = 0; i < count; i++) {
        TDNN_TRY(tf_axis(x, axes[i], &at[i], err));
        at[i] = tf_axis_place(x, at[i]);
    }
    ids[0] = x->id;
    TDNN_TRY(tf_const_ints(c, at, count, &ids[1], err));
    TDNN_TRY(tf_inner(c, TDNN_OP_ReduceSumSquare, ids, 2, &node, &sum, err));
    TDNN_TRY(tf_const_scalar(c, x->dtype, epsilon, &id, err));
    TDNN_TRY(tf_inner(c, TDNN_OP_Add, (tdnn_id[2]){sum, id}, 2, NULL, &sum, err));
    TDNN_TRY(tf_inner(c, TDNN_OP_Sqrt, &sum, 1, NULL, &ids[1], err));
    TDNN_TRY(tf_last(c, TDNN_OP_Div, ids, 2, NULL, &id, err));
    TDNN_TRY(tf_value_like(c->scope, x, id, &v, err));
    return tf_give(c, 0, v, err);
}

/* Suppression of boxes. The IR's NonMaxSuppression gives rows of image, class and box;
 * TensorFlow's give boxes of one image, padded or not, or the best of all classes with their
 * boxes. */
#include "parsers/tensorflow/ops.h"

#include <float.h>
#include <string.h>

static tdnn_status unsqueeze(const tf_call *c, tdnn_id in, const int64_t *axes, size_t count,
                             tdnn_id *out, tdnn_error *err)
{
    tdnn_id at;
    TDNN_TRY(tf_const_ints(c, axes, count, &at, err));
    return tf_two(c, TDNN_OP_Unsqueeze, in, at, out, err);
}

/* Column `index` of rows, as a vector. */
static tdnn_status column(const tf_call *c, tdnn_id in, int64_t index, tdnn_id *out,
                          tdnn_error *err)
{
    static const int64_t flat = -1;
    TDNN_TRY(tf_column(c, in, index, out, err));
    return tf_reshape(c, *out, &flat, 1, out, err);
}

/* A scalar input as a vector of one, of the type. */
static tdnn_status one_of(const tf_call *c, size_t index, tdnn_dtype type, tdnn_id *out,
                          tdnn_error *err)
{
    static const int64_t flat[1] = {-1};
    TDNN_TRY(tf_input_plain(c, index, out, err));
    TDNN_TRY(tf_cast(c, *out, type, out, err));
    return tf_reshape(c, *out, flat, 1, out, err);
}

/* ---- Of one image ---- */

/* Zeros behind what was chosen, up to `most`. */
static tdnn_status pad_to(const tf_call *c, tdnn_id in, tdnn_id count, tdnn_id most,
                          tdnn_id *out, tdnn_error *err)
{
    const int64_t zero = 0;
    tdnn_id pads[2];
    TDNN_TRY(tf_const_ints(c, &zero, 1, &pads[0], err));
    TDNN_TRY(tf_two(c, TDNN_OP_Sub, most, count, &pads[1], err));
    TDNN_TRY(tf_concat(c, pads, 2, 0, &pads[0], err));
    return tf_two(c, TDNN_OP_Pad, in, pads[0], out, err);
}

static tdnn_status give_number(const tf_call *c, size_t port, tdnn_id count, tdnn_error *err)
{
    static const tdnn_shape scalar = {.ndim = 0};
    TDNN_TRY(tf_cast(c, count, TDNN_I32, &count, err));
    TDNN_TRY(tf_reshape(c, count, NULL, 0, &count, err));
    return tf_give_new(c, port, count, TDNN_I32, &scalar, NULL, err);
}

static tdnn_status read_sigma(const tf_call *c, double *out, tdnn_error *err)
{
    tf_value *sigma;
    TDNN_TRY(tf_input(c, 5, &sigma, err));
    const tdnn_tensor *t = tf_constant(c->scope, sigma);
    if (!t || tdnn_shape_count(&t->shape) != 1 || t->dtype == TDNN_STRING)
        return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "soft_nms_sigma is not known while loading");
    *out = tdnn_tensor_get_f64(t, 0);
    if (*out >= 0) return TDNN_OK;
    return TDNN_FAIL(err, TDNN_ERR_FORMAT, "soft_nms_sigma %g, expected 0 or more", *out);
}

/* boxes, scores, how many, overlap, score, sigma: each version has more of them. */
tdnn_status tf_import_nms(tf_call *c, tdnn_error *err)
{
    static const int64_t front[2] = {0, 1}, first = 0;
    const char *op = c->node->proto->op;
    const char version = op[strlen(op) - 1]; /* "n": the first */
    double sigma = 0;
    tdnn_id boxes, ids[5], scores, chosen, count, id;
    TDNN_TRY(tf_input_plain(c, 0, &boxes, err));
    TDNN_TRY(tf_input_plain(c, 1, &scores, err));
    TDNN_TRY(unsqueeze(c, boxes, front, 1, &ids[0], err));
    TDNN_TRY(unsqueeze(c, scores, front, 2, &ids[1], err));
    TDNN_TRY(one_of(c, 2, TDNN_I64, &ids[2], err));
    if (version == 'n')
        TDNN_TRY(tf_const_scalar(c, TDNN_F32, (double)tf_attr_float(c, "iou_threshold", 0.5F),
                                 &ids[3], err));
    else
        TDNN_TRY(one_of(c, 3, TDNN_F32, &ids[3], err));
    if (version == 'n' || version == '2')
        TDNN_TRY(tf_const_scalar(c, TDNN_F32, -(double)FLT_MAX, &ids[4], err));
    else
        TDNN_TRY(one_of(c, 4, TDNN_F32, &ids[4], err));
    if (version == '5') TDNN_TRY(read_sigma(c, &sigma, err));
    if (sigma > 0) {
        TDNN_TRY(tf_soft_nms(c, boxes, scores, ids[2], ids[4], sigma, &chosen, &scores, err));
    } else {
        TDNN_TRY(tf_inner(c, TDNN_OP_NonMaxSuppression, ids, 5, NULL, &id, err));
        TDNN_TRY(column(c, id, 2, &chosen, err));
        TDNN_TRY(tf_two(c, TDNN_OP_Gather, scores, chosen, &scores, err));
    }
    TDNN_TRY(tf_dims(c, chosen, &first, 1, &count, err));
    if (version > '3' && version < 'n' && tf_attr_bool(c, "pad_to_max_output_size", false)) {
        TDNN_TRY(pad_to(c, chosen, count, ids[2], &chosen, err));
        TDNN_TRY(pad_to(c, scores, count, ids[2], &scores, err));
    }
    TDNN_TRY(tf_cast(c, chosen, TDNN_I32, &chosen, err));
    tdnn_shape shape = tf_unknown_shape(1);
    TDNN_TRY(tf_give_new(c, 0, chosen, TDNN_I32, &shape, NULL, err));
    if (version == '5') TDNN_TRY(tf_give_new(c, 1, scores, TDNN_F32, &shape, NULL, err));
    if (version == '4' || version == '5')
        TDNN_TRY(give_number(c, version == '5' ? 2 : 1, count, err));
    return TDNN_OK;
}

/* ---- CombinedNonMaxSuppression ---- */

typedef struct combined {
    tdnn_id boxes, scores;          /* images, boxes, 1 or classes, 4; images, boxes, classes */
    tdnn_id images, count, classes; /* vectors of one */
    bool shared;                    /* boxes serve all classes */
    tdnn_id best, places, most; /* scores and their places among classes x boxes; how many */
} combined;

/* Scores of what survives the suppression within its class, and a very small number for the
 * rest: images x (classes boxes). */
static tdnn_status suppress(const tf_call *c, combined *k, tdnn_id *out, tdnn_error *err)
{
    static const int64_t class_first[3] = {0, 2, 1}, box_lists[4] = {0, 2, 1, 3};
    static const int64_t flat[1] = {-1}, column_shape[2] = {-1, 1};
    tdnn_id ids[5], each, size, all, id, image, class_id, box, at[3], low;
    TDNN_TRY(tf_transpose(c, k->scores, class_first, 3, &each, err));
    TDNN_TRY(
        tf_transpose(c, k->boxes, box_lists, 4, &ids[0], err)); /* images, lists, boxes, 4 */
    tdnn_id minus, four;
    const int64_t open = -1, corner = 4;
    TDNN_TRY(tf_const_ints(c, &open, 1, &minus, err));
    TDNN_TRY(tf_const_ints(c, &corner, 1, &four, err));
    TDNN_TRY(tf_concat(c, (tdnn_id[3]){minus, k->count, four}, 3, 0, &size, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Reshape, ids[0], size, &ids[0], err));
    ids[1] = each;
    if (!k->shared) { /* each class as if it were an image */
        tdnn_id one;
        const int64_t single = 1;
        TDNN_TRY(tf_const_ints(c, &single, 1, &one, err));
        TDNN_TRY(tf_concat(c, (tdnn_id[3]){minus, one, k->count}, 3, 0, &size, err));
        TDNN_TRY(tf_two(c, TDNN_OP_Reshape, each, size, &ids[1], err));
    }
    TDNN_TRY(one_of(c, 2, TDNN_I64, &ids[2], err));
    TDNN_TRY(one_of(c, 4, TDNN_F32, &ids[3], err));
    TDNN_TRY(one_of(c, 5, TDNN_F32, &ids[4], err));
    TDNN_TRY(tf_inner(c, TDNN_OP_NonMaxSuppression, ids, 5, NULL, &id, err));
    TDNN_TRY(column(c, id, 0, &image, err));
    TDNN_TRY(column(c, id, 1, &class_id, err));
    TDNN_TRY(column(c, id, 2, &box, err));
    if (k->shared) TDNN_TRY(tf_two(c, TDNN_OP_Mul, image, k->classes, &image, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Add, image, class_id, &image, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Mul, image, k->count, &image, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Add, image, box, &id, err));
    TDNN_TRY(tf_reshape(c, each, flat, 1, &all, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Gather, all, id, &at[2], err));
    TDNN_TRY(tf_reshape(c, id, column_shape, 2, &at[1], err));
    TDNN_TRY(tf_one(c, TDNN_OP_Shape, all, &size, err));
    TDNN_TRY(tf_const_scalar(c, TDNN_F32, -(double)FLT_MAX, &low, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Expand, low, size, &at[0], err));
    TDNN_TRY(tf_inner(c, TDNN_OP_ScatterND, at, 3, NULL, out, err));
    TDNN_TRY(tf_concat(c, (tdnn_id[2]){k->images, minus}, 2, 0, &size, err));
    return tf_two(c, TDNN_OP_Reshape, *out, size, out, err);
}

/* The best of each image, their number, and which of them are any. */
static tdnn_status choose_best(const tf_call *c, combined *k, tdnn_id scores, tdnn_id *any,
                               tdnn_error *err)
{
    tdnn_id ids[2] = {scores}, all, id;
    tdnn_node *node;
    TDNN_TRY(tf_two(c, TDNN_OP_Mul, k->classes, k->count, &all, err));
    TDNN_TRY(one_of(c, 3, TDNN_I64, &k->most, err));
    if (tf_attr_bool(c, "pad_per_class", false)) {
        TDNN_TRY(one_of(c, 2, TDNN_I64, &id, err));
        TDNN_TRY(tf_two(c, TDNN_OP_Mul, id, k->classes, &id, err));
        TDNN_TRY(tf_two(c, TDNN_OP_Min, k->most, id, &k->most, err));
    }
    TDNN_TRY(tf_two(c, TDNN_OP_Min, k->most, all, &ids[1], err));
    tf_call inner = *c;
    inner.name = tdnn_zone_printf(c->scope->model->zone, "%s/best", c->name);
    if (!inner.name) return TDNN_NO_MEMORY(err);
    TDNN_TRY(tf_many(&inner, TDNN_OP_TopK, ids, 2, 2, &node, err));
    k->best = node->outputs[0], k->places = node->outputs[1];
    return tf_with(c, TDNN_OP_Greater, k->best, TDNN_F32, -(double)FLT_MAX, any, err);
}

/* Zeros in place of what is none, and behind, up to `most` along dimension 1. */
static tdnn_status finish(const tf_call *c, const combined *k, tdnn_id in, int ndim,
                          tdnn_id any, size_t port, tdnn_error *err)
{
    static const int64_t second = 1, last = -1;
    const int64_t zeros[4] = {0, 0, 0, 0};
    tdnn_id zero, count, front, back, id = in, pads, tail;
    TDNN_TRY(tf_const_scalar(c, TDNN_F32, 0, &zero, err));
    if (ndim == 3) TDNN_TRY(unsqueeze(c, any, &last, 1, &any, err));
    TDNN_TRY(tf_three(c, TDNN_OP_Where, any, id, zero, &id, err));
    TDNN_TRY(tf_dims(c, id, &second, 1, &count, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Sub, k->most, count, &back, err));
    TDNN_TRY(tf_const_ints(c, zeros, (size_t)ndim + 1, &front, err));
    tdnn_id parts[3] = {front, back};
    size_t n = 2;
    if (ndim == 3) {
        TDNN_TRY(tf_const_ints(c, zeros, 1, &tail, err));
        parts[n++] = tail;
    }
    TDNN_TRY(tf_concat(c, parts, n, 0, &pads, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Pad, id, pads, &id, err));
    tdnn_shape shape = tf_unknown_shape(ndim);
    if (ndim == 3) shape.dim[2] = 4;
    return tf_give_new(c, port, id, TDNN_F32, &shape, NULL, err);
}

/* The boxes behind the places: of the box, and of the class if each has its own. */
static tdnn_status best_boxes(const tf_call *c, const combined *k, tdnn_id *out,
                              tdnn_error *err)
{
    static const int64_t lists[3] = {0, -1, 4}, last = -1;
    tdnn_id box, class_id, flat, id;
    tdnn_node *node;
    TDNN_TRY(tf_two(c, TDNN_OP_Mod, k->places, k->count, &box, err));
    if (!k->shared) {
        TDNN_TRY(tf_two(c, TDNN_OP_Div, k->places, k->count, &class_id, err));
        TDNN_TRY(tf_two(c, TDNN_OP_Mul, box, k->classes, &box, err));
        TDNN_TRY(tf_two(c, TDNN_OP_Add, box, class_id, &box, err));
    }
    TDNN_TRY(tf_reshape(c, k->boxes, lists, 3, &flat, err));
    TDNN_TRY(unsqueeze(c, box, &last, 1, &box, err));
    TDNN_TRY(tf_inner(c, TDNN_OP_GatherND, (tdnn_id[2]){flat, box}, 2, &node, out, err));
    TDNN_TRY(tf_set_int(c, node, "batch_dims", 1, err));
    if (!tf_attr_bool(c, "clip_boxes", true)) return TDNN_OK;
    tdnn_id zero, one;
    TDNN_TRY(tf_const_scalar(c, TDNN_F32, 0, &zero, err));
    TDNN_TRY(tf_const_scalar(c, TDNN_F32, 1, &one, err));
    id = *out;
    return tf_three(c, TDNN_OP_Clip, id, zero, one, out, err);
}

/* boxes, scores, how many of a class, how many in all, overlap, score. */
tdnn_status tf_import_combined_nms(tf_call *c, tdnn_error *err)
{
    static const int64_t places[3] = {0, 1, 2}, second = 1;
    combined k = {0};
    tf_value *x;
    tdnn_id scores, any, id, number;
    tdnn_node *node;
    TDNN_TRY(tf_input(c, 0, &x, err));
    if (x->shape.ndim != 4 || x->shape.dim[2] < 1)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "boxes of which is not known whether all classes share them");
    k.shared = x->shape.dim[2] == 1;
    TDNN_TRY(tf_plain(c->scope, x, &k.boxes, err));
    TDNN_TRY(tf_input_plain(c, 1, &k.scores, err));
    TDNN_TRY(tf_dims(c, k.scores, &places[0], 1, &k.images, err));
    TDNN_TRY(tf_dims(c, k.scores, &places[1], 1, &k.count, err));
    TDNN_TRY(tf_dims(c, k.scores, &places[2], 1, &k.classes, err));
    TDNN_TRY(suppress(c, &k, &scores, err));
    TDNN_TRY(choose_best(c, &k, scores, &any, err));
    TDNN_TRY(best_boxes(c, &k, &id, err));
    TDNN_TRY(finish(c, &k, id, 3, any, 0, err));
    TDNN_TRY(finish(c, &k, k.best, 2, any, 1, err));
    TDNN_TRY(tf_two(c, TDNN_OP_Div, k.places, k.count, &id, err));
    TDNN_TRY(tf_cast(c, id, TDNN_F32, &id, err));
    TDNN_TRY(finish(c, &k, id, 2, any, 2, err));
    TDNN_TRY(tf_cast(c, any, TDNN_I32, &number, err));
    TDNN_TRY(tf_const_ints(c, &second, 1, &id, err));
    TDNN_TRY(tf_inner(c, TDNN_OP_ReduceSum, (tdnn_id[2]){number, id}, 2, &node, &number, err));
    TDNN_TRY(tf_set_int(c, node, "keepdims", 0, err));
    tdnn_shape shape = tf_unknown_shape(1);
    return tf_give_new(c, 3, number, TDNN_I32, &shape, NULL, err);
}

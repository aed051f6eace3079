/* SSD's end in standard operators: PriorBox, DetectionOutput and DetectionRows, with the
 * arithmetic and the order of rows of lib/ops.
 *
 * NonMaxSuppression has one list of boxes for all classes and no limit on candidates; Caffe
 * looks at the best `top_k` of each class. So each class of each image becomes an image of its
 * own: its candidates, sorted by TopK, and their boxes.
 */
#include "lib/passes/lower.h"

#include <math.h>

/* ---- decoding ---- */

typedef struct corners {
    tdnn_id at[4];
} corners;

/* The four numbers of boxes along the last axis. */
static corners columns_of(tdnn_lowering *l, tdnn_id boxes)
{
    corners c;
    for (int64_t i = 0; i < 4; i++) c.at[i] = lower_slice(l, boxes, -1, i, i + 1, 1);
    return c;
}

static tdnn_id side(tdnn_lowering *l, const corners *b, int i, bool normalized)
{
    const tdnn_id length = lower_op(l, Sub, b->at[i + 2], b->at[i]);
    return normalized ? length : lower_op(l, Add, length, lower_f32(l, 1));
}

static tdnn_id decode_centers(tdnn_lowering *l, const corners *d, const corners *prior,
                              bool normalized)
{
    const tdnn_id half = lower_f32(l, 0.5F);
    tdnn_id low[2], high[2];
    for (int i = 0; i < 2; i++) {
        const tdnn_id length = side(l, prior, i, normalized);
        const tdnn_id middle = lower_op(l, Add, prior->at[i], lower_op(l, Mul, length, half));
        const tdnn_id at = lower_op(l, Add, lower_op(l, Mul, d->at[i], length), middle);
        const tdnn_id whole = lower_op(l, Mul, lower_op(l, Exp, d->at[i + 2]), length);
        const tdnn_id reach = lower_op(l, Mul, whole, half);
        low[i] = lower_op(l, Sub, at, reach);
        high[i] = lower_op(l, Add, at, reach);
    }
    return lower_joined(l, -1, low[0], low[1], high[0], high[1]);
}

static tdnn_id decode_corners(tdnn_lowering *l, tdnn_id d, tdnn_id prior, bool sized,
                              bool normalized)
{
    if (!sized) return lower_op(l, Add, prior, d);
    const corners c = columns_of(l, prior);
    const tdnn_id w = side(l, &c, 0, normalized), h = side(l, &c, 1, normalized);
    const tdnn_id scale = lower_joined(l, -1, w, h, w, h);
    return lower_op(l, Add, prior, lower_op(l, Mul, d, scale));
}

/* N, sets, B, 4 */
static tdnn_id decode(tdnn_lowering *l, const tdnn_detection_output_params *p)
{
    const int64_t sets = p->share_location ? 1 : p->num_classes;
    tdnn_id d = lower_reshape(l, lower_input(l, 0), 0, -1, sets, 4), prior;
    const tdnn_id count = lower_dim(l, d, 1);
    d = lower_transpose(l, d, 0, 2, 1, 3);
    if (p->loc_pred_transposed) d = lower_gather(l, d, lower_ints(l, 1, 0, 3, 2), -1);
    if (p->variance_encoded_in_target) {
        prior = lower_head(l, lower_reshape(l, lower_input(l, 2), -1, 4), 0, count);
    } else {
        const tdnn_id both = lower_reshape(l, lower_input(l, 2), 2, -1, 4);
        prior = lower_gather(l, both, lower_i64(l, 0), 0);
        d = lower_op(l, Mul, d, lower_gather(l, both, lower_i64(l, 1), 0));
    }
    tdnn_id boxes;
    if (p->code_type == TDNN_BOX_CENTER_SIZE) {
        const corners apart = columns_of(l, d), priors = columns_of(l, prior);
        boxes = decode_centers(l, &apart, &priors, p->normalized_bbox);
    } else {
        boxes = decode_corners(l, d, prior, p->code_type == TDNN_BOX_CORNER_SIZE,
                               p->normalized_bbox);
    }
    return p->clip ? lower_op(l, Clip, boxes, lower_f32(l, 0), lower_f32(l, 1)) : boxes;
}

/* ---- suppression ---- */

/* What NonMaxSuppression is to see: in pixels, the last one included; and boxes that are inside
 * out empty, since it would turn them round, and Caffe lets them overlap nothing. */
static tdnn_id boxes_to_compare(tdnn_lowering *l, tdnn_id boxes, bool pixels, bool may_be_odd)
{
    if (!pixels && !may_be_odd) return boxes;
    const tdnn_id low = lower_slice(l, boxes, -1, 0, 2, 1);
    const tdnn_id end = lower_slice(l, boxes, -1, 2, 4, 1);
    tdnn_id high = pixels ? lower_op(l, Add, end, lower_f32(l, 1)) : end;
    if (may_be_odd) high = lower_op(l, Where, lower_op(l, Less, end, low), low, high);
    return lower_joined(l, -1, low, high);
}

/* 1 for each candidate that stays, of N, classes, K: boxes N, classes, K, 4. */
static tdnn_id select_boxes(tdnn_lowering *l, const tdnn_detection_output_params *p,
                            tdnn_id scores, tdnn_id boxes)
{
    const float overlap = p->nms_threshold < 1 ? p->nms_threshold : 1;
    const bool pixels = !p->normalized_bbox, odd = p->code_type != TDNN_BOX_CENTER_SIZE;
    const tdnn_id lists = lower_squeeze(l, lower_reshape(l, boxes, -1, 1, 0, 4), 1);
    const tdnn_id rows = lower_reshape(l, scores, -1, 1, 0);
    const tdnn_id seen = boxes_to_compare(l, lists, pixels, odd);
    const tdnn_id chosen =
        lower_op(l, NonMaxSuppression, seen, rows, lower_dim(l, scores, 2),
                 lower_one(l, overlap), lower_one(l, p->confidence_threshold));
    const tdnn_id none = lower_full(l, lower_op(l, Shape, rows), 0);
    const tdnn_id ones = lower_full(l, lower_dim(l, chosen, 0), 1);
    const tdnn_id kept = lower_op(l, ScatterND, none, chosen, ones);
    return lower_op(l, Reshape, kept, lower_op(l, Shape, scores));
}

/* Along the last axis; ties as they come. The places are another output. */
static tdnn_id best(tdnn_lowering *l, tdnn_id x, int64_t axis, int64_t most, tdnn_id *places)
{
    tdnn_id count = lower_dim(l, x, (int)axis);
    if (most >= 0) count = lower_op(l, Min, count, lower_ints(l, most));
    const tdnn_id values = lower_op(l, TopK, x, count);
    *places = lower_more(l);
    return values;
}

static tdnn_id pick(tdnn_lowering *l, tdnn_id x, tdnn_id places, int64_t batch_dims)
{
    const tdnn_id out = lower_op(l, GatherND, x, lower_unsqueeze(l, places, -1));
    lower_set_int(l, "batch_dims", batch_dims);
    return out;
}

/* ---- rows ---- */

/* Classes but for the background, as they are numbered. */
static int64_t foreground(const tdnn_detection_output_params *p, int64_t *ids)
{
    int64_t count = 0;
    for (int64_t c = 0; c < p->num_classes; c++)
        if (c != p->background_label_id) ids[count++] = c;
    return count;
}

/* N, classes, K scores and boxes -> R, 7: of each image the best first. */
static tdnn_id rows_of(tdnn_lowering *l, const tdnn_detection_output_params *p, tdnn_id scores,
                       tdnn_id boxes, tdnn_id class_ids)
{
    tdnn_id places;
    const tdnn_id like = lower_op(l, Shape, scores), flat = lower_ints(l, 0, -1);
    const tdnn_id names = lower_op(l, Reshape, lower_op(l, Expand, class_ids, like), flat);
    const tdnn_id merged =
        best(l, lower_op(l, Reshape, scores, flat), 1, p->keep_top_k, &places);
    const tdnn_id name = pick(l, names, places, 1);
    const tdnn_id box = pick(l, lower_reshape(l, boxes, 0, -1, 4), places, 1);
    const tdnn_id image = lower_cast(l, lower_count_up(l, lower_dim(l, merged, 0)), TDNN_F32);
    const tdnn_id images =
        lower_op(l, Expand, lower_unsqueeze(l, image, 1), lower_op(l, Shape, merged));
    const tdnn_id all =
        lower_joined(l, -1, lower_unsqueeze(l, images, -1), lower_unsqueeze(l, name, -1),
                     lower_unsqueeze(l, merged, -1), box);
    const tdnn_id real = lower_op(l, Greater, merged, lower_f32(l, -INFINITY));
    const tdnn_id used =
        lower_op(l, Compress, lower_reshape(l, all, -1, 7), lower_reshape(l, real, -1));
    lower_set_int(l, "axis", 0);
    return used;
}

static tdnn_id detections(tdnn_lowering *l, const tdnn_detection_output_params *p)
{
    int64_t *ids = tdnn_zone_alloc(l->graph->zone, (size_t)p->num_classes, sizeof *ids);
    float *numbers = tdnn_zone_alloc(l->graph->zone, (size_t)p->num_classes, sizeof *numbers);
    if (!ids || !numbers) {
        if (!l->status) l->status = TDNN_NO_MEMORY(l->err);
        return TDNN_ABSENT;
    }
    const int64_t classes = foreground(p, ids);
    for (int64_t i = 0; i < classes; i++) numbers[i] = (float)ids[i];
    if (!classes) {
        lower_refuse(l, "there is no class but the background");
        return TDNN_ABSENT;
    }
    tdnn_id all = lower_reshape(l, lower_input(l, 1), 0, -1, p->num_classes), places;
    all = lower_transpose(l, all, 0, 2, 1);
    if (classes < p->num_classes)
        all = lower_gather(l, all, lower_vector(l, ids, (size_t)classes), 1);
    tdnn_id boxes = decode(l, p);
    const tdnn_id scores = best(l, all, 2, p->top_k, &places);
    if (p->share_location) {
        boxes = pick(l, lower_squeeze(l, boxes, 1), places, 1);
    } else {
        if (classes < p->num_classes)
            boxes = lower_gather(l, boxes, lower_vector(l, ids, (size_t)classes), 1);
        boxes = pick(l, boxes, places, 2);
    }
    const tdnn_id kept =
        lower_op(l, Greater, select_boxes(l, p, scores, boxes), lower_f32(l, 0));
    const tdnn_id masked = lower_op(l, Where, kept, scores, lower_f32(l, -INFINITY));
    return rows_of(l, p, masked, boxes, lower_floats(l, numbers, 2, (int64_t[]){classes, 1}));
}

/* keep_top_k rows for each image, zeros behind those that are used. */
static tdnn_id padded(tdnn_lowering *l, const tdnn_detection_output_params *p, tdnn_id rows)
{
    const tdnn_id images = lower_dim(l, lower_input(l, 0), 0);
    const tdnn_id most = lower_op(l, Mul, images, lower_ints(l, p->keep_top_k));
    const tdnn_id room = lower_full(l, lower_joined(l, 0, most, lower_ints(l, 7)), 0);
    return lower_head(l, lower_joined(l, 0, rows, room), 0, most);
}

void tdnn_lower_detections(tdnn_lowering *l)
{
    const tdnn_detection_output_params *p = l->node->params;
    if (p->eta < 1 && p->nms_threshold > 0.5F) {
        lower_refuse(l, "a threshold of overlap that shrinks (eta)");
        return;
    }
    if (p->nms_threshold < 0) {
        lower_refuse(l, "a negative threshold of overlap");
        return;
    }
    const tdnn_id found = detections(l, p);
    const tdnn_id rows =
        l->node->op->kind == TDNN_OP_DetectionOutput ? padded(l, p, found) : found;
    if (lower_wants(l, 1)) lower_result(l, 1, lower_squeeze(l, lower_dim(l, found, 0), 0));
    lower_result(l, 0, lower_reshape(l, rows, 1, 1, -1, 7));
}

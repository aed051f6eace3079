/* Proposal and PSRoiPool in standard operators, with the arithmetic of lib/ops. */
#include "lib/passes/lower.h"

#include <float.h>
#include <math.h>

/* ---- Proposal ---- */

/* Those of the first place: A, 4. */
static tdnn_id anchors_of(tdnn_lowering *l, const tdnn_proposal_params *p)
{
    const size_t count = p->ratio.count * p->scale.count;
    float *all = tdnn_zone_alloc(l->graph->zone, 4 * count + 1, sizeof *all);
    if (!all) {
        if (!l->status) l->status = TDNN_NO_MEMORY(l->err);
        return TDNN_ABSENT;
    }
    tdnn_proposal_anchors(p, all);
    return lower_floats(l, all, 2, (int64_t[]){(int64_t)count, 4});
}

/* Anchors of all places: H W, A, 4. */
static tdnn_id all_anchors(tdnn_lowering *l, const tdnn_proposal_params *p)
{
    tdnn_id row, column;
    lower_cells(l, lower_input(l, 0), &row, &column);
    row = lower_reshape(l, row, -1, 1, 1);
    column = lower_reshape(l, column, -1, 1, 1);
    const tdnn_id cells = lower_joined(l, -1, column, row, column, row);
    const tdnn_id shifts =
        lower_cast(l, lower_op(l, Mul, cells, lower_i64(l, p->feat_stride)), TDNN_F32);
    return lower_op(l, Add, anchors_of(l, p), shifts);
}

/* Corrected by the deltas, which are H W, A, 4, and cut to the image, a vector. */
static tdnn_id correct(tdnn_lowering *l, tdnn_id anchors, tdnn_id deltas, tdnn_id image)
{
    const tdnn_id one = lower_f32(l, 1), half = lower_f32(l, 0.5F), zero = lower_f32(l, 0);
    const tdnn_id low = lower_slice(l, anchors, -1, 0, 2, 1);
    const tdnn_id high = lower_slice(l, anchors, -1, 2, 4, 1);
    const tdnn_id size = lower_op(l, Add, lower_op(l, Sub, high, low), one);
    const tdnn_id middle = lower_op(l, Add, low, lower_op(l, Mul, half, size));
    const tdnn_id shift = lower_op(l, Mul, lower_slice(l, deltas, -1, 0, 2, 1), size);
    const tdnn_id centre = lower_op(l, Add, shift, middle);
    const tdnn_id grown = lower_op(l, Exp, lower_slice(l, deltas, -1, 2, 4, 1));
    const tdnn_id reach = lower_op(l, Mul, half, lower_op(l, Mul, grown, size));
    const tdnn_id most = lower_op(l, Sub, lower_gather(l, image, lower_ints(l, 1, 0), 0), one);
    const tdnn_id ends[] = {lower_op(l, Sub, centre, reach), lower_op(l, Add, centre, reach)};
    tdnn_id cut[2];
    for (int i = 0; i < 2; i++)
        cut[i] = lower_op(l, Min, lower_op(l, Max, ends[i], zero), most);
    return lower_concat(l, -1, cut, 2);
}

/* Scores as they are, and -infinity for boxes that are too small, or have no score. */
static tdnn_id eligible(tdnn_lowering *l, const tdnn_proposal_params *p, tdnn_id boxes,
                        tdnn_id scores, tdnn_id image)
{
    const tdnn_id low = lower_slice(l, boxes, -1, 0, 2, 1);
    const tdnn_id high = lower_slice(l, boxes, -1, 2, 4, 1);
    const tdnn_id size = lower_op(l, Add, lower_op(l, Sub, high, low), lower_f32(l, 1));
    const tdnn_id shorter = lower_reduce(l, TDNN_OP_ReduceMin, size, -1, false);
    /* the image's scale is its third number, if it has one */
    const tdnn_id numbers = lower_joined(l, 0, image, lower_one(l, 1));
    const tdnn_id scale = lower_gather(l, numbers, lower_i64(l, 2), 0);
    const tdnn_id least = lower_op(l, Mul, lower_f32(l, (float)p->min_size), scale);
    const tdnn_id small = lower_op(l, Less, shorter, least);
    const tdnn_id bad = lower_op(l, Or, small, lower_op(l, IsNaN, scores));
    return lower_op(l, Where, bad, lower_f32(l, -INFINITY), scores);
}

/* `found` rows, and zeros behind them, up to `most`. */
static tdnn_id filled_up(tdnn_lowering *l, tdnn_id rows, int64_t columns, int64_t most)
{
    const tdnn_id room = lower_full(l, lower_ints(l, most, columns), 0);
    return lower_slice(l, lower_joined(l, 0, rows, room), 0, 0, most, 1);
}

void tdnn_lower_proposal(tdnn_lowering *l)
{
    const tdnn_proposal_params *p = l->node->params;
    const int64_t anchors = (int64_t)(p->ratio.count * p->scale.count);
    const float overlap = p->nms_thresh < 1 ? p->nms_thresh : 1;
    if (overlap < 0 || anchors < 1) {
        lower_refuse(l, "a negative threshold of overlap, or no anchors");
        return;
    }
    const tdnn_id image = lower_reshape(l, lower_input(l, 2), -1);
    tdnn_id deltas = lower_reshape(l, lower_input(l, 1), anchors, 4, -1);
    deltas = lower_transpose(l, deltas, 2, 0, 1);
    tdnn_id scores = lower_slice(l, lower_input(l, 0), 1, anchors, INT64_MAX, 1);
    scores = lower_transpose(l, lower_reshape(l, scores, anchors, -1), 1, 0);
    tdnn_id boxes = correct(l, all_anchors(l, p), deltas, image);
    scores = lower_reshape(l, eligible(l, p, boxes, scores, image), -1);
    const tdnn_id count =
        lower_op(l, Min, lower_dim(l, scores, 0), lower_ints(l, p->pre_nms_topn));
    const tdnn_id best = lower_op(l, TopK, scores, count), places = lower_more(l);
    boxes = lower_gather(l, lower_reshape(l, boxes, -1, 4), places, 0);
    /* the last pixel belongs to a box */
    const tdnn_id grown =
        lower_op(l, Add, boxes, lower_floats(l, (float[]){0, 0, 1, 1}, 1, (int64_t[]){4}));
    const tdnn_id chosen = lower_op(
        l, NonMaxSuppression, lower_unsqueeze(l, grown, 0), lower_reshape(l, best, 1, 1, -1),
        lower_ints(l, p->post_nms_topn), lower_one(l, overlap), lower_one(l, -FLT_MAX));
    const tdnn_id which = lower_gather(l, chosen, lower_i64(l, 2), 1);
    const tdnn_id found = lower_gather(l, boxes, which, 0);
    const tdnn_id zeros =
        lower_full(l, lower_joined(l, 0, lower_dim(l, which, 0), lower_ints(l, 1)), 0);
    if (lower_wants(l, 1)) {
        const tdnn_id values = lower_unsqueeze(l, lower_gather(l, best, which, 0), 1);
        lower_result(l, 1, filled_up(l, values, 1, p->post_nms_topn));
    }
    lower_result(l, 0, filled_up(l, lower_joined(l, 1, zeros, found), 5, p->post_nms_topn));
}

/* ---- PSRoiPool ---- */

/* C's round: halves away from zero. */
static tdnn_id round_away(tdnn_lowering *l, tdnn_id x)
{
    const tdnn_id size = lower_op(l, Abs, x), whole = lower_op(l, Floor, size);
    const tdnn_id rest = lower_op(l, Sub, size, whole);
    const tdnn_id up = lower_op(l, Not, lower_op(l, Less, rest, lower_f32(l, 0.5F)));
    const tdnn_id rounded = lower_op(l, Add, whole, lower_cast(l, up, TDNN_F32));
    return lower_op(l, Mul, rounded, lower_op(l, Sign, x));
}

/* Along one side: which places each bin of each region has, R, G, L, as 0 and 1; and how many,
 * R, G. `start` and `bin` are R, 1. */
static tdnn_id bins(tdnn_lowering *l, tdnn_id start, tdnn_id bin, int64_t group, tdnn_id length,
                    tdnn_id *count)
{
    const tdnn_id number = lower_cast(l, lower_count_up(l, lower_ints(l, group)), TDNN_F32);
    const tdnn_id next = lower_op(l, Add, number, lower_f32(l, 1)), zero = lower_f32(l, 0);
    const tdnn_id most = lower_cast(l, length, TDNN_F32);
    tdnn_id begin = lower_op(l, Add, lower_op(l, Mul, number, bin), start);
    tdnn_id end = lower_op(l, Add, lower_op(l, Mul, next, bin), start);
    begin = lower_op(l, Min, lower_op(l, Max, lower_op(l, Floor, begin), zero), most);
    end = lower_op(l, Min, lower_op(l, Max, lower_op(l, Ceil, end), zero), most);
    *count = lower_op(l, Max, lower_op(l, Sub, end, begin), zero);
    const tdnn_id place = lower_cast(l, lower_count_up(l, length), TDNN_F32);
    const tdnn_id before = lower_op(l, Less, place, lower_unsqueeze(l, begin, 2));
    const tdnn_id inside = lower_op(l, Less, place, lower_unsqueeze(l, end, 2));
    return lower_cast(l, lower_op(l, And, lower_op(l, Not, before), inside), TDNN_F32);
}

/* Whether a region is of an image: R, N. An index that is none counts as the first or last. */
static tdnn_id image_of(tdnn_lowering *l, tdnn_id index, tdnn_id images)
{
    const tdnn_id last = lower_cast(l, lower_op(l, Sub, images, lower_i64(l, 1)), TDNN_F32);
    const tdnn_id limited = lower_op(l, Min, lower_op(l, Max, index, lower_f32(l, 0)), last);
    const tdnn_id number = lower_cast(l, lower_op(l, Floor, limited), TDNN_I64);
    return lower_cast(l, lower_op(l, Equal, number, lower_count_up(l, images)), TDNN_F32);
}

/* The sums of all bins are two products of matrices: over images and rows, then over columns.
 */
static tdnn_id bin_sums(tdnn_lowering *l, int64_t group, int64_t outputs, tdnn_id rows,
                        tdnn_id columns)
{
    const tdnn_id x = lower_input(l, 0),
                  size = lower_slice(l, lower_op(l, Shape, x), 0, 2, 4, 1);
    const tdnn_id cells = lower_ints(l, outputs, group, group);
    tdnn_id maps = lower_op(l, Reshape, x, lower_joined(l, 0, lower_dim(l, x, 0), cells, size));
    maps = lower_transpose(l, maps, 2, 0, 4, 1, 3, 5);
    const tdnn_id width = lower_slice(l, size, 0, 1, 2, 1);
    const tdnn_id line = lower_op(l, Mul, width, lower_ints(l, outputs * group));
    maps = lower_op(l, Reshape, maps, lower_joined(l, 0, lower_ints(l, group, -1), line));
    tdnn_id sums = lower_op(l, MatMul, rows, maps);
    sums = lower_op(l, Reshape, sums,
                    lower_joined(l, 0, lower_ints(l, 0, 0, outputs, group), width));
    sums = lower_op(l, Mul, sums, lower_unsqueeze(l, columns, 1));
    return lower_reduce(l, TDNN_OP_ReduceSum, sums, -1, false);
}

void tdnn_lower_ps_roi_pool(tdnn_lowering *l)
{
    int64_t group = 1, outputs = 1;
    float scale = 1;
    lower_read(l->node, "group_size", &group, sizeof group);
    lower_read(l->node, "output_dim", &outputs, sizeof outputs);
    lower_read(l->node, "spatial_scale", &scale, sizeof scale);
    const tdnn_id x = lower_input(l, 0), rois = lower_reshape(l, lower_input(l, 1), -1, 5);
    const tdnn_id corners = round_away(l, lower_slice(l, rois, 1, 1, 5, 1)),
                  one = lower_f32(l, 1);
    const tdnn_id factor = lower_f32(l, scale);
    const tdnn_id begin = lower_op(l, Mul, lower_slice(l, corners, 1, 0, 2, 1), factor);
    const tdnn_id end =
        lower_op(l, Mul, lower_op(l, Add, lower_slice(l, corners, 1, 2, 4, 1), one), factor);
    const tdnn_id size = lower_op(l, Max, lower_op(l, Sub, end, begin), lower_f32(l, 0.1F));
    const tdnn_id bin = lower_op(l, Div, size, lower_f32(l, (float)group));
    tdnn_id spans[2], counts[2]; /* columns, rows */
    for (int i = 0; i < 2; i++)
        spans[i] =
            bins(l, lower_slice(l, begin, 1, i, i + 1, 1), lower_slice(l, bin, 1, i, i + 1, 1),
                 group, lower_dim(l, x, 3 - i), &counts[i]);
    const tdnn_id image = image_of(l, lower_slice(l, rois, 1, 0, 1, 1), lower_dim(l, x, 0));
    tdnn_id rows = lower_op(l, Mul, lower_unsqueeze(l, spans[1], 2),
                            lower_unsqueeze(l, lower_unsqueeze(l, image, 1), 3));
    rows = lower_reshape(l, lower_transpose(l, rows, 1, 0, 2, 3), 0, 0, -1); /* G, R, N H */
    tdnn_id sums = bin_sums(l, group, outputs, rows, spans[0]);
    sums = lower_transpose(l, sums, 1, 2, 0, 3);
    const tdnn_id area =
        lower_op(l, Mul, lower_unsqueeze(l, counts[1], 2), lower_unsqueeze(l, counts[0], 1));
    const tdnn_id divisor = lower_unsqueeze(l, lower_op(l, Max, area, one), 1);
    lower_result(l, 0, lower_op(l, Div, sums, divisor));
}

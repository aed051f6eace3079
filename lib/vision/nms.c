/* Non-maximum suppression by the rules of OpenCV 4.6's NMSBoxes: scores strictly above the
 * threshold, equal scores in input order, top_k cuts the candidates and not the picks. */
#include "lib/vision/nms.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

void tdnn_nms_params_init(tdnn_nms_params *params)
{
    *params = (tdnn_nms_params){.max_overlap = 0.45f, .eta = 1.f, .sigma = 0.5f};
}

/* ---- Overlap ---- */

/* Through 1 - Jaccard distance in double, then both terms in float, as OpenCV rounds. Two boxes
 * without area count as the same. */
float tdnn_box_overlap(const tdnn_box *a, const tdnn_box *b)
{
    double ax = a->x, ay = a->y, aw = a->width, ah = a->height;
    double bx = b->x, by = b->y, bw = b->width, bh = b->height;
    double sum = aw * ah + bw * bh, distance = 0;
    if (!(sum <= DBL_EPSILON)) {
        double x = fmax(ax, bx), y = fmax(ay, by);
        double width = fmin(ax + aw, bx + bw) - x, height = fmin(ay + ah, by + bh) - y;
        double both = width <= 0 || height <= 0 ? 0 : width * height;
        distance = 1.0 - both / (sum - both);
    }
    return 1.f - (float)distance;
}

static float box_overlap(const void *boxes, size_t a, size_t b)
{
    return tdnn_box_overlap((const tdnn_box *)boxes + a, (const tdnn_box *)boxes + b);
}

/* ---- Candidates ---- */

typedef struct candidate {
    float score;
    size_t index;
} candidate;

static int by_score(const void *pa, const void *pb)
{
    const candidate *a = pa, *b = pb;
    if (a->score != b->score) return a->score > b->score ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

/* NaN is above no threshold and so never takes part. */
static size_t take_candidates(const float *scores, size_t count, const tdnn_nms_params *params,
                              candidate *out)
{
    size_t taken = 0;
    for (size_t i = 0; i < count; i++)
        if (scores[i] > params->min_score) out[taken++] = (candidate){scores[i], i};
    qsort(out, taken, sizeof *out, by_score);
    return params->top_k && params->top_k < taken ? params->top_k : taken;
}

/* ---- Greedy ---- */

static bool survives(tdnn_overlap_fn overlap, const void *boxes, const int *class_ids,
                     size_t box, const size_t *kept, size_t kept_count, float max_overlap)
{
    if (isinf(max_overlap)) return true;
    for (size_t k = 0; k < kept_count; k++) {
        if (class_ids && class_ids[kept[k]] != class_ids[box]) continue;
        if (!(overlap(boxes, box, kept[k]) <= max_overlap)) return false;
    }
    return true;
}

static tdnn_status check_params(const tdnn_nms_params *params, size_t *kept_count,
                                tdnn_error *err)
{
    if (!kept_count) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "`kept_count` is NULL");
    *kept_count = 0;
    if (!params) return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "`params` is NULL");
    if (!(params->min_score >= 0) || !(params->max_overlap >= 0) || !(params->eta > 0))
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT,
                         "min_score %g, max_overlap %g, eta %g: expected >= 0, >= 0, > 0",
                         (double)params->min_score, (double)params->max_overlap,
                         (double)params->eta);
    return TDNN_OK;
}

tdnn_status tdnn_nms_run(tdnn_overlap_fn overlap, const void *boxes, const float *scores,
                         const int *class_ids, size_t count, const tdnn_nms_params *params,
                         size_t *kept, size_t *kept_count, tdnn_error *err)
{
    TDNN_TRY(check_params(params, kept_count, err));
    if (!count) return TDNN_OK;
    if (!boxes || !scores || !kept)
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "`boxes`, `scores` or `kept` is NULL");
    candidate *candidates = tdnn_alloc(count, sizeof *candidates);
    if (!candidates) return TDNN_NO_MEMORY(err);
    size_t taken = take_candidates(scores, count, params, candidates), n = 0;
    float max_overlap = params->max_overlap;
    for (size_t i = 0; i < taken; i++) {
        size_t box = candidates[i].index;
        if (!survives(overlap, boxes, class_ids, box, kept, n, max_overlap)) continue;
        kept[n++] = box;
        if (params->eta < 1 && max_overlap > 0.5f) max_overlap *= params->eta;
    }
    *kept_count = n;
    tdnn_free(candidates);
    return TDNN_OK;
}

tdnn_status tdnn_nms(const tdnn_box *boxes, const float *scores, const int *class_ids,
                     size_t count, const tdnn_nms_params *params, size_t *kept,
                     size_t *kept_count, tdnn_error *err)
{
    return tdnn_nms_run(box_overlap, boxes, scores, class_ids, count, params, kept, kept_count,
                        err);
}

/* ---- Soft ---- */

static size_t find_best(const candidate *list, size_t count)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (by_score(&list[i], &list[best]) < 0) best = i;
    return best;
}

/* Lowers the scores of what is left by its overlap with the box that was just kept. */
static void decay(const tdnn_box *boxes, size_t kept, candidate *left, size_t count,
                  const tdnn_nms_params *params)
{
    for (size_t i = 0; i < count; i++) {
        if (left[i].score < params->min_score) continue;
        float overlap = box_overlap(boxes, kept, left[i].index);
        if (params->soft == TDNN_SOFT_NMS_GAUSSIAN)
            left[i].score *= expf(-(overlap * overlap) / params->sigma);
        else if (overlap > params->max_overlap)
            left[i].score *= 1.f - overlap;
    }
}

tdnn_status tdnn_nms_soft(const tdnn_box *boxes, const float *scores, size_t count,
                          const tdnn_nms_params *params, size_t *kept, float *updated,
                          size_t *kept_count, tdnn_error *err)
{
    TDNN_TRY(check_params(params, kept_count, err));
    if (!(params->sigma > 0))
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "sigma is %g, expected > 0",
                         (double)params->sigma);
    if (!count) return TDNN_OK;
    if (!boxes || !scores || !kept || !updated)
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT,
                         "`boxes`, `scores`, `kept` or `updated` is NULL");
    candidate *left = tdnn_alloc(count, sizeof *left);
    if (!left) return TDNN_NO_MEMORY(err);
    size_t wanted = params->top_k && params->top_k < count ? params->top_k : count, n = 0;
    size_t rest = 0;
    for (size_t i = 0; i < count; i++)
        if (!isnan(scores[i])) left[rest++] = (candidate){scores[i], i};
    while (n < wanted && rest) {
        size_t best = find_best(left, rest);
        candidate picked = left[best];
        if (picked.score < params->min_score) break;
        left[best] = left[--rest];
        kept[n] = picked.index;
        updated[n++] = picked.score;
        decay(boxes, picked.index, left, rest, params);
    }
    *kept_count = n;
    tdnn_free(left);
    return TDNN_OK;
}

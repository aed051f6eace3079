/* Proposal: the regions that Faster R-CNN looks at more closely (S. Ren et al., 2015).
 *
 * Inputs: scores 1 x 2A x H x W, those of the background first; corrections 1 x 4A x H x W; and
 * the image's height, width and scale. Each of the H x W places has A anchors, made as in the
 * authors' code: a square of `base_size` for each ratio in another shape of about the same
 * area, whole numbers, and each of those for each scale larger. Output: post_nms_topn rows of
 * five, 0, x0, y0, x1, y1, in pixels, best first, and zeros where there are fewer; and,
 * optional, their scores.
 */
#include "lib/graph/params.h"
#include "lib/ops/boxes.h"
#include "lib/ops/op.h"

#include <math.h>
#include <string.h>

enum { MOST_ANCHORS = 1024 };

typedef struct proposal {
    size_t anchors, height, width;
    float *anchor; /* [anchors][4] at the first place */
} proposal;

static tdnn_status proposal_infer(tdnn_infer *ctx)
{
    const tdnn_proposal_params *p = ctx->params;
    const tdnn_shape *scores = &ctx->in[0]->shape, *deltas = &ctx->in[1]->shape;
    const int64_t anchors = (int64_t)(p->ratio.count * p->scale.count);
    char a[TDNN_SHAPE_TEXT], b[TDNN_SHAPE_TEXT];
    bool fits = scores->ndim == 4 && deltas->ndim == 4 && scores->dim[0] == 1 &&
                deltas->dim[0] == 1 && scores->dim[1] == 2 * anchors &&
                deltas->dim[1] == 4 * anchors && scores->dim[2] == deltas->dim[2] &&
                scores->dim[3] == deltas->dim[3] && tdnn_shape_count(&ctx->in[2]->shape) >= 2;
    for (int i = 0; i < 3; i++) fits = fits && ctx->in[i]->dtype == TDNN_F32;
    if (anchors < 1 || anchors > MOST_ANCHORS || !fits)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "scores %s and corrections %s of %lld anchors do not fit together",
                         tdnn_shape_text(scores, a), tdnn_shape_text(deltas, b),
                         (long long)anchors);
    if (p->feat_stride < 1 || p->base_size < 1 || p->pre_nms_topn < 1 || p->post_nms_topn < 1 ||
        p->post_nms_topn > INT32_MAX)
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "stride %lld, size %lld, %lld and %lld regions",
                         (long long)p->feat_stride, (long long)p->base_size,
                         (long long)p->pre_nms_topn, (long long)p->post_nms_topn);
    const tdnn_shape rows = {2, {p->post_nms_topn, 5}}, best = {2, {p->post_nms_topn, 1}};
    tdnn_infer_set(ctx, 0, TDNN_F32, &rows);
    tdnn_infer_set(ctx, 1, TDNN_F32, &best);
    return TDNN_OK;
}

/* ---- running ---- */

/* Boxes, then candidates and room to sort them, then those that are kept. */
typedef struct parts {
    float *boxes;
    tdnn_scored_box *candidates, *spare, *kept;
} parts;

static size_t count_of(const proposal *d) { return d->anchors * d->height * d->width; }

static parts parts_of(const tdnn_step *step)
{
    const size_t count = count_of(step->data);
    parts w = {.boxes = (float *)(void *)step->shared};
    w.candidates = (tdnn_scored_box *)(void *)(w.boxes + 4 * count);
    w.spare = w.candidates + count;
    w.kept = w.spare + count;
    return w;
}

static float within(float x, float most) { return fminf(fmaxf(x, 0), most); }

/* `d`: the corrections, the last two of them as exponentials. */
static void correct(const float *anchor, const float *d, const float *image, float *out)
{
    const float w = anchor[2] - anchor[0] + 1, h = anchor[3] - anchor[1] + 1;
    const float x = d[0] * w + (anchor[0] + 0.5F * w), y = d[1] * h + (anchor[1] + 0.5F * h);
    const float half_w = 0.5F * (d[2] * w), half_h = 0.5F * (d[3] * h);
    out[0] = within(x - half_w, image[1] - 1), out[1] = within(y - half_h, image[0] - 1);
    out[2] = within(x + half_w, image[1] - 1), out[3] = within(y + half_h, image[0] - 1);
}

/* A task is a row of places; the kernel Exp is that of the operator. */
static void run_boxes(const tdnn_step *step, size_t task, size_t worker)
{
    const proposal *d = step->data;
    const tdnn_proposal_params *p = step->params;
    const float *deltas = step->in[1]->data, *image = step->in[2]->data;
    const size_t plane = d->height * d->width;
    float *out = parts_of(step).boxes + 4 * task * d->width * d->anchors;
    float *sizes = (float *)(void *)(step->scratch + worker * step->scratch_stride);
    for (size_t a = 0; a < d->anchors; a++) {
        const float *from = deltas + 4 * a * plane + task * d->width;
        for (size_t k = 0; k < 2; k++)
            step->kernels->exp_f32(sizes + k * d->width, from + (k + 2) * plane, d->width);
        for (size_t x = 0; x < d->width; x++) {
            const float dx = (float)(x * (size_t)p->feat_stride),
                        dy = (float)(task * (size_t)p->feat_stride);
            const float *base = d->anchor + 4 * a;
            const float anchor[] = {base[0] + dx, base[1] + dy, base[2] + dx, base[3] + dy};
            const float delta[] = {from[x], from[plane + x], sizes[x], sizes[d->width + x]};
            correct(anchor, delta, image, out + 4 * (x * d->anchors + a));
        }
    }
}

static void run_select(const tdnn_step *step, size_t task, size_t worker)
{
    (void)task, (void)worker;
    const proposal *d = step->data;
    const tdnn_proposal_params *p = step->params;
    const parts w = parts_of(step);
    const float *image = step->in[2]->data, *scores = step->in[0]->data;
    const float least =
        (float)p->min_size * (tdnn_shape_count(&step->in[2]->shape) > 2 ? image[2] : 1);
    const size_t plane = d->height * d->width, most = (size_t)p->post_nms_topn;
    size_t found = 0;
    for (size_t i = 0; i < count_of(d); i++) {
        const float *box = w.boxes + 4 * i;
        const float score = scores[(d->anchors + i % d->anchors) * plane + i / d->anchors];
        if (box[2] - box[0] + 1 < least || box[3] - box[1] + 1 < least || isnan(score))
            continue;
        w.candidates[found++] = (tdnn_scored_box){score, 0, (int32_t)i};
    }
    tdnn_boxes_sort(w.candidates, w.spare, found);
    if (found > (size_t)p->pre_nms_topn) found = (size_t)p->pre_nms_topn;
    const tdnn_suppression how = {p->nms_thresh, 1, 1};
    found = tdnn_boxes_suppress(&how, w.boxes, w.candidates, found, most, w.kept);
    float *rows = step->out[0]->data;
    float *best = step->output_count > 1 && step->out[1] ? step->out[1]->data : NULL;
    memset(rows, 0, 5 * most * sizeof *rows);
    for (size_t i = 0; i < found; i++)
        memcpy(rows + 5 * i + 1, w.boxes + 4 * (size_t)w.kept[i].box, 4 * sizeof *rows);
    for (size_t i = 0; best && i < most; i++) best[i] = i < found ? w.kept[i].score : 0;
}

static tdnn_status proposal_plan(tdnn_plan_ctx *ctx)
{
    const tdnn_proposal_params *p = ctx->step->params;
    const int64_t *dim = ctx->step->in[0]->shape.dim;
    proposal *d = tdnn_plan_alloc(ctx, 1, sizeof *d);
    size_t count, bytes, kept;
    if (!d) return TDNN_NO_MEMORY(ctx->err);
    d->anchors = (size_t)dim[1] / 2;
    d->height = (size_t)dim[2];
    d->width = (size_t)dim[3];
    d->anchor = tdnn_plan_alloc(ctx, d->anchors, 4 * sizeof *d->anchor);
    if (!d->anchor) return TDNN_NO_MEMORY(ctx->err);
    tdnn_proposal_anchors(p, d->anchor);
    count = count_of(d); /* as many as there are scores */
    if (count > INT32_MAX ||
        !tdnn_size_mul(count, 4 * sizeof(float) + 2 * sizeof(tdnn_scored_box), &bytes) ||
        !tdnn_size_mul((size_t)p->post_nms_topn, sizeof(tdnn_scored_box), &kept) ||
        !tdnn_size_add(bytes, kept, &bytes))
        return TDNN_FAIL(ctx->err, TDNN_ERR_LIMIT, "too many boxes");
    tdnn_plan_shared(ctx, bytes);
    tdnn_plan_scratch(ctx, 2 * d->width * sizeof(float));
    tdnn_plan_phase(ctx, run_boxes, d->height);
    tdnn_plan_phase(ctx, run_select, 1);
    ctx->step->kernel = "proposal";
    return TDNN_OK;
}

static const tdnn_attr proposal_attrs[] = {
    TDNN_INT(tdnn_proposal_params, feat_stride, 16),
    TDNN_INT(tdnn_proposal_params, base_size, 16),
    TDNN_INT(tdnn_proposal_params, min_size, 16),
    TDNN_INT(tdnn_proposal_params, pre_nms_topn, 6000),
    TDNN_INT(tdnn_proposal_params, post_nms_topn, 300),
    TDNN_FLOAT(tdnn_proposal_params, nms_thresh, 0.7F),
    TDNN_FLOATS(tdnn_proposal_params, ratio),
    TDNN_FLOATS(tdnn_proposal_params, scale),
    {0},
};

const tdnn_op tdnn_op_Proposal = {
    .schema = {TDNN_SCHEMA(Proposal, 3, 3, 1, 2, proposal_attrs, tdnn_proposal_params),
               .domain = "tinydnn"},
    .infer = proposal_infer,
    .plan = proposal_plan,
};

/* DetectionOutput and DetectionRows: SSD's boxes decoded, suppressed class by class, and the
 * best of all classes kept (W. Liu et al., SSD: Single Shot MultiBox Detector, 2016).
 *
 * Three stages, each a phase: boxes of every image, candidates of every image and class, rows
 * of every image. Stable sorting makes ties fall as the boxes' and classes' order has them.
 */
#include "lib/ops/boxes.h"
#include "lib/ops/op.h"

#include <math.h>
#include <string.h>

typedef struct ssd {
    const tdnn_detection_output_params *p;
    const tdnn_kernels *kernels;
    size_t images, priors, classes, sets; /* sets: of boxes, 1 or one for each class */
    size_t most; /* candidates of a class that are looked at, at most */
    const float *locations, *scores, *prior;
    float *boxes;          /* [image][set][prior][4]      */
    tdnn_scored_box *kept; /* [image][class][most]        */
    uint32_t *counts;      /* [image][class] of `kept`    */
    tdnn_scored_box
        *merged; /* [2][classes * most]: the rows of one image, and room to sort them */
} ssd;

/* ---- decoding ---- */

/* One box from its location `l`, with its variances applied, and its prior; `size`: the
 * exponentials of the last two numbers. */
static void decode(const tdnn_detection_output_params *p, const float *l, const float *size,
                   const float *prior, float *out)
{
    const float pixel = p->normalized_bbox ? 0 : 1;
    const float pw = prior[2] - prior[0] + pixel, ph = prior[3] - prior[1] + pixel;
    if (p->code_type == TDNN_BOX_CENTER_SIZE) {
        const float cx = l[0] * pw + (prior[0] + pw * 0.5F),
                    cy = l[1] * ph + (prior[1] + ph * 0.5F);
        const float w = size[0] * pw, h = size[1] * ph;
        out[0] = cx - w * 0.5F, out[1] = cy - h * 0.5F;
        out[2] = cx + w * 0.5F, out[3] = cy + h * 0.5F;
    } else {
        const bool sized = p->code_type == TDNN_BOX_CORNER_SIZE;
        for (int i = 0; i < 4; i++) out[i] = prior[i] + l[i] * (!sized ? 1 : i % 2 ? ph : pw);
    }
    for (int i = 0; i < 4 && p->clip; i++) out[i] = fminf(fmaxf(out[i], 0), 1);
}

enum { CHUNK = 64 }; /* boxes whose exponentials are computed together */

/* All boxes of one image and set. */
static void decode_set(const ssd *s, size_t task)
{
    const size_t image = task / s->sets, set = task % s->sets;
    const tdnn_detection_output_params *p = s->p;
    const float *from = s->locations + (image * s->priors * s->sets + set) * 4;
    const float *variance = s->prior + 4 * s->priors;
    float *out = s->boxes + task * s->priors * 4, l[CHUNK][4], size[CHUNK][2];
    for (size_t at = 0; at < s->priors; at += CHUNK) {
        const size_t count = s->priors - at < CHUNK ? s->priors - at : CHUNK;
        for (size_t b = 0; b < count; b++, from += 4 * s->sets) {
            for (int i = 0; i < 4; i++) {
                l[b][i] = from[p->loc_pred_transposed ? i ^ 1 : i];
                if (!p->variance_encoded_in_target) l[b][i] *= variance[4 * (at + b) + (size_t)i];
            }
            size[b][0] = l[b][2], size[b][1] = l[b][3];
        }
        if (p->code_type == TDNN_BOX_CENTER_SIZE) s->kernels->exp_f32(*size, *size, 2 * count);
        for (size_t b = 0; b < count; b++, out += 4)
            decode(p, l[b], size[b], s->prior + 4 * (at + b), out);
    }
}

/* ---- suppression ---- */

/* Candidates of one image and class, best first, without those that overlap a better one.
 * `room`: for two lists as long as there are boxes. */
static void select_class(const ssd *s, size_t task, tdnn_scored_box *room)
{
    const size_t image = task / s->classes, class_id = task % s->classes;
    const float *score = s->scores + image * s->priors * s->classes + class_id;
    const float *boxes =
        s->boxes + (image * s->sets + (s->sets > 1 ? class_id : 0)) * s->priors * 4;
    const tdnn_suppression how = {s->p->nms_threshold, s->p->eta,
                                  s->p->normalized_bbox ? 0 : 1};
    size_t found = 0;
    for (size_t i = 0; i < s->priors && (int64_t)class_id != s->p->background_label_id; i++)
        if (score[i * s->classes] > s->p->confidence_threshold)
            room[found++] =
                (tdnn_scored_box){score[i * s->classes], (int32_t)class_id, (int32_t)i};
    tdnn_boxes_sort(room, room + s->priors, found);
    if (found > s->most) found = s->most;
    s->counts[task] = (uint32_t)tdnn_boxes_suppress(&how, boxes, room, found, found,
                                                    s->kept + task * s->most);
}

/* ---- rows ---- */

/* Merges the classes of an image, best first; how many of them stay. */
static size_t merge(const ssd *s, size_t image)
{
    size_t count = 0;
    for (size_t c = 0; c < s->classes; c++) {
        const size_t task = image * s->classes + c;
        if (s->counts[task])
            memcpy(s->merged + count, s->kept + task * s->most,
                   s->counts[task] * sizeof(tdnn_scored_box));
        count += s->counts[task];
    }
    tdnn_boxes_sort(s->merged, s->merged + s->classes * s->most, count);
    const int64_t limit = s->p->keep_top_k;
    return limit >= 0 && count > (size_t)limit ? (size_t)limit : count;
}

static float *put_rows(const ssd *s, size_t image, size_t count, float *out)
{
    for (size_t i = 0; i < count; i++, out += 7) {
        const tdnn_scored_box *c = &s->merged[i];
        const size_t set = s->sets > 1 ? (size_t)c->class_id : 0;
        out[0] = (float)image;
        out[1] = (float)c->class_id;
        out[2] = c->score;
        memcpy(out + 3, s->boxes + ((image * s->sets + set) * s->priors + (size_t)c->box) * 4,
               4 * sizeof *out);
    }
    return out;
}

/* ---- shapes and memory ---- */

/* As many as the scores say, where there are images. */
static int64_t box_count(const tdnn_detection_output_params *p, const tdnn_shape *const *in)
{
    const int64_t images = in[0]->ndim ? in[0]->dim[0] : 0;
    if (images > 0) return tdnn_shape_count(in[1]) / images / p->num_classes;
    return tdnn_shape_count(in[2]) / (p->variance_encoded_in_target ? 4 : 8);
}

static tdnn_status check_inputs(const tdnn_detection_output_params *p,
                                const tdnn_shape *const *in, const tdnn_dtype *types,
                                tdnn_error *err)
{
    char a[TDNN_SHAPE_TEXT], b[TDNN_SHAPE_TEXT], c[TDNN_SHAPE_TEXT];
    const int64_t images = in[0]->ndim ? in[0]->dim[0] : 0, numbers = tdnn_shape_count(in[2]);
    const int64_t sets = p->share_location ? 1 : p->num_classes;
    if (p->num_classes < 1 || p->num_classes > INT32_MAX || p->top_k < -1 || p->keep_top_k < -1)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "%lld classes, top_k %lld, keep_top_k %lld",
                         (long long)p->num_classes, (long long)p->top_k,
                         (long long)p->keep_top_k);
    bool fits = types[0] == TDNN_F32 && types[1] == TDNN_F32 && types[2] == TDNN_F32;
    fits = fits && in[1]->ndim && in[1]->dim[0] == images && numbers < INT32_MAX;
    const double boxes = (double)box_count(p, in);
    const bool bare = p->variance_encoded_in_target && (double)numbers == 4 * boxes;
    fits = fits && ((double)numbers == 8 * boxes || bare);
    fits = fits && (double)tdnn_shape_count(in[0]) == (double)images * boxes * 4 * (double)sets;
    fits = fits &&
           (double)tdnn_shape_count(in[1]) == (double)images * boxes * (double)p->num_classes;
    if (fits) return TDNN_OK;
    return TDNN_FAIL(
        err, TDNN_ERR_SHAPE,
        "locations %s, scores %s and boxes %s of %lld classes (%s) do not fit together",
        tdnn_shape_text(in[0], a), tdnn_shape_text(in[1], b), tdnn_shape_text(in[2], c),
        (long long)p->num_classes, sets == 1 ? "shared locations" : "locations for each");
}

static void fill_sizes(ssd *s, const tdnn_detection_output_params *p, tdnn_tensor *const *in)
{
    *s = (ssd){.p = p};
    s->images = (size_t)in[0]->shape.dim[0];
    const tdnn_shape *shapes[] = {&in[0]->shape, &in[1]->shape, &in[2]->shape};
    s->priors = (size_t)box_count(p, shapes);
    s->classes = (size_t)p->num_classes;
    s->sets = p->share_location ? 1 : s->classes;
    s->most = p->top_k >= 0 && (size_t)p->top_k < s->priors ? (size_t)p->top_k : s->priors;
}

/* Bytes of what the stages hand on; false if it does not fit. With `base`, sets the pointers.
 */
static bool place(ssd *s, unsigned char *base, size_t *bytes)
{
    size_t boxes, kept, counts = s->images * s->classes, merged, at = 0;
    if (!tdnn_size_mul(s->images * s->sets * 4, s->priors * sizeof(float), &boxes) ||
        !tdnn_size_mul(counts * sizeof(tdnn_scored_box), s->most, &kept) ||
        !tdnn_size_mul(2 * s->classes * sizeof(tdnn_scored_box), s->most, &merged) ||
        boxes > SIZE_MAX / 8 || kept > SIZE_MAX / 8 || merged > SIZE_MAX / 8 ||
        counts > SIZE_MAX / 64)
        return false;
    if (base) s->boxes = (float *)(void *)base;
    at += tdnn_round_up(boxes, TDNN_ALIGN);
    if (base) s->kept = (tdnn_scored_box *)(void *)(base + at);
    at += tdnn_round_up(kept, TDNN_ALIGN);
    if (base) s->merged = (tdnn_scored_box *)(void *)(base + at);
    at += tdnn_round_up(merged, TDNN_ALIGN);
    if (base) s->counts = (uint32_t *)(void *)(base + at);
    *bytes = at + tdnn_round_up(counts * sizeof(uint32_t), TDNN_ALIGN);
    return true;
}

static void fill_data(ssd *s, tdnn_tensor *const *in, unsigned char *base)
{
    size_t bytes;
    s->locations = in[0]->data;
    s->scores = in[1]->data;
    s->prior = in[2]->data;
    place(s, base, &bytes);
}

/* ---- DetectionOutput: as many rows as may be ---- */

static tdnn_status output_infer(tdnn_infer *ctx)
{
    const tdnn_detection_output_params *p = ctx->params;
    const tdnn_shape *shapes[] = {&ctx->in[0]->shape, &ctx->in[1]->shape, &ctx->in[2]->shape},
                     scalar = {0};
    const tdnn_dtype types[] = {ctx->in[0]->dtype, ctx->in[1]->dtype, ctx->in[2]->dtype};
    tdnn_shape out = {4, {1, 1, 0, 7}};
    TDNN_TRY(check_inputs(p, shapes, types, ctx->err));
    if (p->keep_top_k < 0 ||
        __builtin_mul_overflow(shapes[0]->dim[0], p->keep_top_k, &out.dim[2]))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "keep_top_k is %lld for %lld images",
                         (long long)p->keep_top_k, (long long)shapes[0]->dim[0]);
    tdnn_infer_set(ctx, 0, TDNN_F32, &out);
    tdnn_infer_set(ctx, 1, TDNN_I64, &scalar);
    return TDNN_OK;
}

static ssd at_run(const tdnn_step *step)
{
    ssd s = *(const ssd *)step->data;
    fill_data(&s, step->in, step->shared);
    s.kernels = step->kernels;
    return s;
}

static void run_decode(const tdnn_step *step, size_t task, size_t worker)
{
    (void)worker;
    const ssd s = at_run(step);
    decode_set(&s, task);
}

static void run_select(const tdnn_step *step, size_t task, size_t worker)
{
    const ssd s = at_run(step);
    select_class(&s, task,
                 (tdnn_scored_box *)(void *)(step->scratch + worker * step->scratch_stride));
}

static void run_rows(const tdnn_step *step, size_t task, size_t worker)
{
    (void)task, (void)worker;
    const ssd s = at_run(step);
    float *out = step->out[0]->data, *end = out + tdnn_shape_count(&step->out[0]->shape);
    for (size_t i = 0; i < s.images; i++) out = put_rows(&s, i, merge(&s, i), out);
    const int64_t rows = (out - (float *)step->out[0]->data) / 7;
    if (step->output_count > 1 && step->out[1]) memcpy(step->out[1]->data, &rows, sizeof rows);
    while (out < end) *out++ = 0;
}

static tdnn_status output_plan(tdnn_plan_ctx *ctx)
{
    tdnn_step *step = ctx->step;
    ssd *s = tdnn_plan_alloc(ctx, 1, sizeof *s);
    size_t bytes;
    if (!s) return TDNN_NO_MEMORY(ctx->err);
    fill_sizes(s, step->params, step->in);
    if (!place(s, NULL, &bytes)) return TDNN_FAIL(ctx->err, TDNN_ERR_LIMIT, "too many boxes");
    tdnn_plan_shared(ctx, bytes);
    tdnn_plan_scratch(ctx, 2 * s->priors * sizeof(tdnn_scored_box));
    tdnn_plan_phase(ctx, run_decode, s->images * s->sets);
    tdnn_plan_phase(ctx, run_select, s->images * s->classes);
    tdnn_plan_phase(ctx, run_rows, 1);
    step->kernel = "ssd";
    return TDNN_OK;
}

static const char *const codes[] = {"CORNER", "CENTER_SIZE", "CORNER_SIZE", NULL};

static const tdnn_attr detection_output_attrs[] = {
    {.name = "num_classes",
     .type = TDNN_ATTR_INT,
     .required = true,
     .offset = offsetof(tdnn_detection_output_params, num_classes)},
    TDNN_INT(tdnn_detection_output_params, share_location, 1),
    TDNN_INT(tdnn_detection_output_params, background_label_id, 0),
    TDNN_ENUM(tdnn_detection_output_params, code_type, codes, TDNN_BOX_CORNER),
    TDNN_INT(tdnn_detection_output_params, keep_top_k, -1),
    TDNN_INT(tdnn_detection_output_params, top_k, -1),
    TDNN_FLOAT(tdnn_detection_output_params, nms_threshold, 0.3F),
    TDNN_FLOAT(tdnn_detection_output_params, eta, 1),
    TDNN_FLOAT(tdnn_detection_output_params, confidence_threshold, 0),
    TDNN_INT(tdnn_detection_output_params, variance_encoded_in_target, 0),
    TDNN_INT(tdnn_detection_output_params, clip, 0),
    TDNN_INT(tdnn_detection_output_params, normalized_bbox, 1),
    TDNN_INT(tdnn_detection_output_params, loc_pred_transposed, 0),
    {0},
};

const tdnn_op tdnn_op_DetectionOutput = {
    .schema = {TDNN_SCHEMA(DetectionOutput, 3, 3, 1, 2, detection_output_attrs,
                           tdnn_detection_output_params),
               .domain = "tinydnn"},
    .infer = output_infer,
    .plan = output_plan,
};

/* ---- DetectionRows: as many rows as there are ---- */

static tdnn_status make_rows(tdnn_exec *ctx, ssd *s, tdnn_scored_box *room)
{
    size_t rows = 0;
    for (size_t i = 0; i < s->images * s->sets; i++) decode_set(s, i);
    for (size_t i = 0; i < s->images * s->classes; i++) select_class(s, i, room);
    for (size_t i = 0; i < s->images; i++) {
        size_t count = 0;
        for (size_t c = 0; c < s->classes; c++) count += s->counts[i * s->classes + c];
        rows += s->p->keep_top_k >= 0 && count > (size_t)s->p->keep_top_k
                    ? (size_t)s->p->keep_top_k
                    : count;
    }
    const tdnn_shape shape = {4, {1, 1, (int64_t)rows, 7}}, scalar = {0};
    TDNN_TRY(tdnn_tensor_create(TDNN_F32, &shape, &ctx->out[0], ctx->err));
    float *out = ctx->out[0]->data;
    for (size_t i = 0; i < s->images; i++) out = put_rows(s, i, merge(s, i), out);
    if (ctx->output_count < 2) return TDNN_OK;
    TDNN_TRY(tdnn_tensor_create(TDNN_I64, &scalar, &ctx->out[1], ctx->err));
    memcpy(ctx->out[1]->data, &shape.dim[2], sizeof shape.dim[2]);
    return TDNN_OK;
}

static tdnn_status rows_exec(tdnn_exec *ctx)
{
    const tdnn_shape *shapes[] = {&ctx->in[0]->shape, &ctx->in[1]->shape, &ctx->in[2]->shape};
    const tdnn_dtype types[] = {ctx->in[0]->dtype, ctx->in[1]->dtype, ctx->in[2]->dtype};
    ssd s;
    size_t bytes;
    TDNN_TRY(check_inputs(ctx->params, shapes, types, ctx->err));
    fill_sizes(&s, ctx->params, ctx->in);
    if (!place(&s, NULL, &bytes)) return TDNN_FAIL(ctx->err, TDNN_ERR_LIMIT, "too many boxes");
    unsigned char *memory = tdnn_alloc(bytes, 1);
    tdnn_scored_box *room = tdnn_alloc(2 * s.priors, sizeof *room);
    tdnn_status status = memory && room ? TDNN_OK : TDNN_NO_MEMORY(ctx->err);
    if (!status) {
        fill_data(&s, ctx->in, memory);
        s.kernels = ctx->kernels;
        status = make_rows(ctx, &s, room);
    }
    tdnn_free(memory);
    tdnn_free(room);
    return status;
}

const tdnn_op tdnn_op_DetectionRows = {
    .schema = {TDNN_SCHEMA(DetectionRows, 3, 3, 1, 2, detection_output_attrs,
                           tdnn_detection_output_params),
               .domain = "tinydnn"},
    .exec = rows_exec,
};

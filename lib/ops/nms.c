/* NonMaxSuppression: per image and class, boxes by falling score, without those that overlap a
 * better one too much.
 */
#include "lib/ops/op.h"
#include "lib/ops/order.h"

#include <math.h>

typedef struct nms_params {
    int64_t center_point_box;
} nms_params;

typedef struct nms_work {
    const float *boxes, *scores; /* of one image; of one of its classes      */
    size_t count;                /* of boxes                                 */
    size_t limit;                /* of boxes to select for a class           */
    float max_overlap, min_score;
    bool centered;
    size_t *candidates, *order, *chosen;
    int64_t *rows; /* the result: image, class, box */
    size_t row_count, row_capacity;
} nms_work;

typedef struct corners {
    float x0, y0, x1, y1;
} corners;

static corners corners_of(const nms_work *w, size_t index)
{
    const float *b = w->boxes + 4 * index;
    if (w->centered)
        return (corners){b[0] - b[2] / 2, b[1] - b[3] / 2, b[0] + b[2] / 2, b[1] + b[3] / 2};
    return (corners){fminf(b[1], b[3]), fminf(b[0], b[2]), fmaxf(b[1], b[3]),
                     fmaxf(b[0], b[2])};
}

static bool overlap_too_much(const nms_work *w, size_t i, size_t k)
{
    const corners a = corners_of(w, i), b = corners_of(w, k);
    const float width = fminf(a.x1, b.x1) - fmaxf(a.x0, b.x0);
    const float height = fminf(a.y1, b.y1) - fmaxf(a.y0, b.y0);
    const float area_a = (a.x1 - a.x0) * (a.y1 - a.y0), area_b = (b.x1 - b.x0) * (b.y1 - b.y0);
    if (!(width > 0) || !(height > 0) || !(area_a > 0) || !(area_b > 0)) return false;
    const float both = width * height;
    return both / (area_a + area_b - both) > w->max_overlap;
}

static bool score_less(const void *context, size_t a, size_t b)
{
    const nms_work *w = context;
    return w->scores[w->candidates[a]] > w->scores[w->candidates[b]];
}

static tdnn_status add_row(nms_work *w, size_t image, size_t class_id, size_t box,
                           tdnn_error *err)
{
    if (w->row_count == w->row_capacity) {
        const size_t capacity = w->row_capacity ? 2 * w->row_capacity : 64;
        int64_t *rows =
            tdnn_realloc(w->rows, w->row_count * 3 * sizeof *rows, capacity, 3 * sizeof *rows);
        if (!rows) return TDNN_NO_MEMORY(err);
        w->rows = rows;
        w->row_capacity = capacity;
    }
    int64_t *row = w->rows + 3 * w->row_count++;
    row[0] = (int64_t)image, row[1] = (int64_t)class_id, row[2] = (int64_t)box;
    return TDNN_OK;
}

static tdnn_status select_class(nms_work *w, size_t image, size_t class_id, tdnn_error *err)
{
    size_t found = 0, chosen = 0;
    for (size_t i = 0; i < w->count; i++)
        if (w->scores[i] > w->min_score) w->candidates[found++] = i;
    TDNN_TRY(tdnn_order_sort(w->order, found, score_less, w, err));
    for (size_t i = 0; i < found && chosen < w->limit; i++) {
        const size_t box = w->candidates[w->order[i]];
        bool keep = true;
        for (size_t k = 0; keep && k < chosen; k++)
            keep = !overlap_too_much(w, w->chosen[k], box);
        if (!keep) continue;
        w->chosen[chosen++] = box;
        TDNN_TRY(add_row(w, image, class_id, box, err));
    }
    return TDNN_OK;
}

/* Optional scalars 2 .. 4. */
static tdnn_status get_number(const tdnn_exec *ctx, size_t index, double otherwise, double *out)
{
    *out = otherwise;
    if (index >= ctx->input_count || !ctx->in[index]) return TDNN_OK;
    const tdnn_tensor *t = ctx->in[index];
    if (tdnn_shape_count(&t->shape) != 1 || !tdnn_dtype_is_real(t->dtype))
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE, "input %zu is no single number", index);
    *out = tdnn_tensor_get_f64(t, 0);
    return TDNN_OK;
}

static tdnn_status nms_prepare(const tdnn_exec *ctx, nms_work *w)
{
    const nms_params *p = ctx->params;
    const tdnn_tensor *boxes = ctx->in[0], *scores = ctx->in[1];
    const int64_t *b = boxes->shape.dim, *s = scores->shape.dim;
    char x[TDNN_SHAPE_TEXT], y[TDNN_SHAPE_TEXT];
    double limit, overlap, score;
    if (boxes->dtype != TDNN_F32 || scores->dtype != TDNN_F32 || boxes->shape.ndim != 3 ||
        scores->shape.ndim != 3 || b[2] != 4 || b[0] != s[0] || b[1] != s[2])
        return TDNN_FAIL(ctx->err, TDNN_ERR_SHAPE,
                         "boxes %s %s and scores %s %s, expected f32, images x boxes x 4 and "
                         "images x classes x boxes",
                         tdnn_dtype_name(boxes->dtype), tdnn_shape_text(&boxes->shape, x),
                         tdnn_dtype_name(scores->dtype), tdnn_shape_text(&scores->shape, y));
    TDNN_TRY(get_number(ctx, 2, 0, &limit));
    TDNN_TRY(get_number(ctx, 3, 0, &overlap));
    TDNN_TRY(get_number(ctx, 4, -INFINITY, &score));
    w->count = (size_t)b[1];
    w->limit = !(limit > 0) ? 0 : limit >= (double)w->count ? w->count : (size_t)limit;
    w->max_overlap = (float)overlap;
    w->min_score = (float)score;
    w->centered = p->center_point_box != 0;
    return TDNN_OK;
}

static tdnn_status nms_run(tdnn_exec *ctx, nms_work *w)
{
    const size_t images = (size_t)ctx->in[1]->shape.dim[0],
                 classes = (size_t)ctx->in[1]->shape.dim[1];
    for (size_t n = 0; n < images; n++) {
        w->boxes = (const float *)ctx->in[0]->data + n * w->count * 4;
        for (size_t c = 0; c < classes; c++) {
            w->scores = (const float *)ctx->in[1]->data + (n * classes + c) * w->count;
            TDNN_TRY(select_class(w, n, c, ctx->err));
        }
    }
    const tdnn_shape shape = {.ndim = 2, .dim = {(int64_t)w->row_count, 3}};
    TDNN_TRY(tdnn_tensor_create(TDNN_I64, &shape, &ctx->out[0], ctx->err));
    int64_t *out = ctx->out[0]->data;
    for (size_t i = 0; i < 3 * w->row_count; i++) out[i] = w->rows[i];
    return TDNN_OK;
}

static tdnn_status nms_exec(tdnn_exec *ctx)
{
    nms_work w = {0};
    TDNN_TRY(nms_prepare(ctx, &w));
    w.candidates = tdnn_alloc(w.count, 3 * sizeof *w.candidates);
    if (!w.candidates) return TDNN_NO_MEMORY(ctx->err);
    w.order = w.candidates + w.count;
    w.chosen = w.order + w.count;
    const tdnn_status status = nms_run(ctx, &w);
    tdnn_free(w.candidates);
    tdnn_free(w.rows);
    return status;
}

static const tdnn_attr nms_attrs[] = {TDNN_INT(nms_params, center_point_box, 0), {0}};

const tdnn_op tdnn_op_NonMaxSuppression = {
    .schema = {TDNN_SCHEMA(NonMaxSuppression, 2, 5, 1, 1, nms_attrs, nms_params)},
    .exec = nms_exec,
};

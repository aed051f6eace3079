/* NonMaxSuppression: per image and class, boxes by falling score, without those that overlap a
 * better one too much. Boxes are compared with the chosen ones near them only, several at once.
 */
#include "lib/ops/op.h"
#include "lib/ops/order.h"

#include <math.h>

enum { MOST_STRIPS = 512, ENTRIES = 4 };

typedef struct nms_params {
    int64_t center_point_box;
} nms_params;

/* Corners and areas, each in an array of its own. */
typedef struct corner_lists {
    float *x0, *y0, *x1, *y1, *area;
} corner_lists;

/* Chosen boxes by where they lie along x: each stands in all strips that it touches, so that two
 * that overlap meet in one. */
typedef struct strips {
    size_t count;                   /* of strips                          */
    float low, scale;               /* strip of x: (x - low) * scale      */
    size_t first[MOST_STRIPS + 1];  /* entries of strip k begin here      */
    size_t filled[MOST_STRIPS];
    corner_lists entries;           /* ENTRIES for each candidate at most */
} strips;

typedef struct nms_work {
    const float *boxes, *scores; /* of one image; of one of its classes      */
    size_t count;                /* of boxes                                 */
    size_t limit;                /* of boxes to select for a class           */
    float max_overlap, min_score;
    bool centered;
    uint64_t *candidates, *spare; /* score above index */
    corner_lists corners;         /* of all boxes of the image */
    float low, range, width;      /* the least x, how far they reach from there, mean width */
    strips strips;
    int64_t *rows; /* the result: image, class, box */
    size_t row_count, row_capacity;
} nms_work;

/* ---- corners ---- */

#define LESSER(a, b) ((a) < (b) ? (a) : (b))
#define GREATER(a, b) ((a) > (b) ? (a) : (b))

static void find_corners(nms_work *w)
{
    const corner_lists *c = &w->corners;
    float low = INFINITY, high = -INFINITY, width = 0;
    for (size_t i = 0; i < w->count; i++) {
        const float *b = w->boxes + 4 * i;
        if (w->centered) {
            c->x0[i] = b[0] - b[2] / 2, c->y0[i] = b[1] - b[3] / 2;
            c->x1[i] = b[0] + b[2] / 2, c->y1[i] = b[1] + b[3] / 2;
        } else {
            c->x0[i] = fminf(b[1], b[3]), c->y0[i] = fminf(b[0], b[2]);
            c->x1[i] = fmaxf(b[1], b[3]), c->y1[i] = fmaxf(b[0], b[2]);
        }
        c->area[i] = (c->x1[i] - c->x0[i]) * (c->y1[i] - c->y0[i]);
        low = LESSER(c->x0[i], low);
        high = GREATER(c->x1[i], high);
        width += c->x1[i] - c->x0[i];
    }
    w->low = low;
    w->range = high - low;
    w->width = width / (float)w->count;
}

/* ---- strips ---- */

static size_t strip_of(const strips *s, float x)
{
    const float at = (x - s->low) * s->scale, last = (float)(s->count - 1);
    if (s->count == 1) return 0;
    return !(at > 0) ? 0 : at < last ? (size_t)at : s->count - 1;
}

/* How many entries all candidates would have; their number by strip in first[k + 1]. */
static size_t count_entries(nms_work *w, size_t found)
{
    strips *s = &w->strips;
    size_t total = 0;
    memset(s->first, 0, (s->count + 1) * sizeof *s->first);
    for (size_t i = 0; i < found; i++) {
        const size_t box = (uint32_t)w->candidates[i];
        if (!(w->corners.area[box] > 0)) continue;
        const size_t begin = strip_of(s, w->corners.x0[box]),
                     end = strip_of(s, w->corners.x1[box]);
        for (size_t k = begin; k <= end; k++) s->first[k + 1]++;
        total += end - begin + 1;
    }
    return total;
}

/* So many that a box of the usual width touches three; one if there is no room for that. */
static void lay_strips(nms_work *w, size_t found)
{
    strips *s = &w->strips;
    const float useful = 2 * w->range / w->width;
    const size_t several = useful >= 2 && useful < MOST_STRIPS ? (size_t)useful : MOST_STRIPS;
    s->count = found < 64 || !(useful >= 2 && isfinite(w->range)) ? 1 : several;
    s->low = w->low;
    s->scale = (float)s->count / w->range;
    if (count_entries(w, found) > ENTRIES * found) {
        s->count = 1;
        count_entries(w, found);
    }
    for (size_t k = 0; k < s->count; k++) {
        s->first[k + 1] += s->first[k];
        s->filled[k] = 0;
    }
}

static void put_into_strips(nms_work *w, size_t box)
{
    strips *s = &w->strips;
    const corner_lists *from = &w->corners, *to = &s->entries;
    const size_t end = strip_of(s, from->x1[box]);
    for (size_t k = strip_of(s, from->x0[box]); k <= end; k++) {
        const size_t at = s->first[k] + s->filled[k]++;
        to->x0[at] = from->x0[box], to->y0[at] = from->y0[box];
        to->x1[at] = from->x1[box], to->y1[at] = from->y1[box];
        to->area[at] = from->area[box];
    }
}

/* Whether the box overlaps one of n entries too much; all areas are above 0. */
static bool meets_one(const nms_work *w, size_t box, size_t first, size_t n)
{
    const corner_lists *c = &w->strips.entries;
    const float *restrict x0 = c->x0 + first, *restrict y0 = c->y0 + first,
                          *restrict x1 = c->x1 + first, *restrict y1 = c->y1 + first,
                          *restrict area = c->area + first;
    const float left = w->corners.x0[box], top = w->corners.y0[box],
                right = w->corners.x1[box], bottom = w->corners.y1[box],
                own = w->corners.area[box], most = w->max_overlap;
    int32_t any = 0;
    for (size_t i = 0; i < n; i++) {
        const float width = LESSER(x1[i], right) - GREATER(x0[i], left);
        const float height = LESSER(y1[i], bottom) - GREATER(y0[i], top);
        const float both = width * height;
        any |= (width > 0) & (height > 0) & (both / (area[i] + own - both) > most);
    }
    return any != 0;
}

/* A box without an area overlaps none. */
static bool is_suppressed(const nms_work *w, size_t box)
{
    enum { BATCH = 32 };
    const strips *s = &w->strips;
    if (!(w->corners.area[box] > 0)) return false;
    const size_t end = strip_of(s, w->corners.x1[box]);
    for (size_t k = strip_of(s, w->corners.x0[box]); k <= end; k++)
        for (size_t i = 0; i < s->filled[k]; i += BATCH)
            if (meets_one(w, box, s->first[k] + i,
                          s->filled[k] - i < BATCH ? s->filled[k] - i : BATCH))
                return true;
    return false;
}

/* ---- selection ---- */

/* Those above the least score; the better, the smaller the number. */
static size_t find_candidates(nms_work *w)
{
    enum { BATCH = 32 };
    size_t found = 0;
    for (size_t i = 0; i < w->count; i += BATCH) {
        const size_t n = w->count - i < BATCH ? w->count - i : BATCH;
        const float *score = w->scores + i;
        int32_t any = 0;
        for (size_t k = 0; k < n; k++) any |= score[k] > w->min_score;
        for (size_t k = 0; any && k < n; k++) {
            w->candidates[found] = (uint64_t)~tdnn_order_key_f32(score[k]) << 32 | (i + k);
            found += score[k] > w->min_score;
        }
    }
    return found;
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
    const size_t found = w->limit ? find_candidates(w) : 0;
    if (!found) return TDNN_OK;
    tdnn_order_radix(w->candidates, w->spare, found);
    lay_strips(w, found);
    for (size_t i = 0, chosen = 0; i < found && chosen < w->limit; i++) {
        const size_t box = (uint32_t)w->candidates[i];
        if (is_suppressed(w, box)) continue;
        if (w->corners.area[box] > 0) put_into_strips(w, box);
        chosen++;
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
    if (b[1] > UINT32_MAX)
        return TDNN_FAIL(ctx->err, TDNN_ERR_LIMIT, "%lld boxes", (long long)b[1]);
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
        find_corners(w);
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

/* The arrays of `lists` in one piece of memory; behind them. */
static float *lay_lists(corner_lists *lists, float *memory, size_t length)
{
    *lists = (corner_lists){memory, memory + length, memory + 2 * length, memory + 3 * length,
                            memory + 4 * length};
    return memory + 5 * length;
}

static tdnn_status nms_exec(tdnn_exec *ctx)
{
    nms_work w = {0};
    tdnn_status status = TDNN_OK;
    TDNN_TRY(nms_prepare(ctx, &w));
    w.candidates = tdnn_alloc(w.count + 1, 2 * sizeof *w.candidates);
    float *lists = tdnn_alloc(w.count, 5 * (1 + ENTRIES) * sizeof *lists);
    if (!w.candidates || !lists) {
        status = TDNN_NO_MEMORY(ctx->err);
        goto fail;
    }
    w.spare = w.candidates + w.count + 1;
    lay_lists(&w.strips.entries, lay_lists(&w.corners, lists, w.count), ENTRIES * w.count);
    status = nms_run(ctx, &w);
fail:
    tdnn_free(w.candidates);
    tdnn_free(lists);
    tdnn_free(w.rows);
    return status;
}

static const tdnn_attr nms_attrs[] = {TDNN_INT(nms_params, center_point_box, 0), {0}};

const tdnn_op tdnn_op_NonMaxSuppression = {
    .schema = {TDNN_SCHEMA(NonMaxSuppression, 2, 5, 1, 1, nms_attrs, nms_params)},
    .exec = nms_exec,
};

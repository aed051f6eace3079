/* From a detector's outputs to boxes on the original images: choose the head's family, decode
 * each image of the batch, suppress overlaps over all of the net's heads together, map back. */
#include "lib/vision/detect.h"

#include "lib/base/tensor.h"
#include "lib/vision/nms.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* In the order of tdnn_head; the first sure match is taken for TDNN_HEAD_AUTO. */
static const tdnn_head_family *const families[] = {
    &tdnn_head_ssd,        &tdnn_head_yolo,      &tdnn_head_yolov5,  &tdnn_head_yolov8,
    &tdnn_head_yolov10,    &tdnn_head_yolox,     &tdnn_head_nanodet, &tdnn_head_picodet,
    &tdnn_head_fastestdet, &tdnn_head_ultraface, &tdnn_head_scrfd,   &tdnn_head_yunet,
};
enum { FAMILY_COUNT = sizeof families / sizeof *families, MAX_OUTPUTS = 64 };

void tdnn_detect_params_init(tdnn_detect_params *params)
{
    *params = (tdnn_detect_params){.confidence = 0.25f, .max_overlap = 0.45f, .clip = true};
}

const char *const *tdnn_head_names(void)
{
    static const char *const names[] = {
        "auto",    "ssd",     "yolo",       "yolov5",    "yolov8", "yolov10", "yolox",
        "nanodet", "picodet", "fastestdet", "ultraface", "scrfd",  "yunet",   NULL};
    return names;
}

/* ---- Lists of detections ---- */

void tdnn_detections_free(tdnn_detections *list)
{
    if (!list) return;
    tdnn_free(list->list);
    *list = (tdnn_detections)TDNN_DETECTIONS_INIT;
}

static tdnn_status reserve_one(tdnn_detections *list, tdnn_error *err)
{
    if (list->count < list->capacity) return TDNN_OK;
    size_t capacity = list->capacity ? list->capacity * 2 : 16;
    tdnn_detection *grown =
        tdnn_realloc(list->list, list->count * sizeof *grown, capacity, sizeof *grown);
    if (!grown) return TDNN_NO_MEMORY(err);
    list->list = grown;
    list->capacity = capacity;
    return TDNN_OK;
}

tdnn_status tdnn_detections_add(tdnn_detections *list, size_t image, tdnn_box box, float score,
                                int class_id, const float *points, int point_count,
                                tdnn_error *err)
{
    if (!isfinite(box.x + box.y + box.width + box.height + score)) return TDNN_OK;
    TDNN_TRY(reserve_one(list, err));
    tdnn_detection *d = &list->list[list->count++];
    *d = (tdnn_detection){box, score, class_id, (int)image, point_count, {0}};
    if (point_count) memcpy(d->points, points, (size_t)point_count * 2 * sizeof *points);
    return TDNN_OK;
}

/* ---- Outputs as tables ---- */

int64_t tdnn_pyramid_cells(const tdnn_heads *h, int levels)
{
    int64_t cells = 0;
    for (int i = 0; i < levels; i++) cells += tdnn_grid_cells(h, 8 << i);
    return cells;
}

const tdnn_table *tdnn_table_find(const tdnn_heads *h, int64_t rows, int64_t columns, int n)
{
    for (size_t i = 0; i < h->count; i++) {
        const tdnn_table *t = &h->tables[i];
        if (t->rows != rows || t->columns != columns || t->map_width) continue;
        if (t->listed && h->batch > 1) continue;
        if (n-- == 0) return t;
    }
    return NULL;
}

/* [rows, columns], [N, rows, columns], [N, 1, rows, columns], or a map [N, columns, height,
 * width]. */
static bool shape_table(tdnn_table *t)
{
    const int64_t *d = t->shape.dim;
    switch (t->shape.ndim) {
    case 2:
        *t = (tdnn_table){t->data, 1, d[0], d[1], d[1], 1, 0, 0, true, t->shape};
        return true;
    case 3:
        *t = (tdnn_table){t->data, d[0], d[1], d[2], d[2], 1, 0, 0, false, t->shape};
        return true;
    case 4:
        *t = d[1] == 1
                 ? (tdnn_table){t->data, d[0], d[2], d[3], d[3], 1, 0, 0, d[3] == 7, t->shape}
                 : (tdnn_table){t->data,     d[0], d[2] * d[3], d[1],  1,
                                d[2] * d[3], d[2], d[3],        false, t->shape};
        return true;
    default: return false;
    }
}

/* Other element types are copied as floats to *copy, which the caller frees. */
static tdnn_status make_table(const tdnn_tensor *output, tdnn_table *t, float **copy,
                              tdnn_error *err)
{
    char text[TDNN_SHAPE_TEXT];
    if (!output || output->kind != TDNN_KIND_TENSOR)
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "the output is no tensor");
    *t = (tdnn_table){.data = output->data, .shape = output->shape};
    int64_t count = tdnn_shape_count(&output->shape);
    if (!shape_table(t) || count <= 0)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "shape %s, expected 2 to 4 dimensions and elements",
                         tdnn_shape_text(&output->shape, text));
    if (output->dtype == TDNN_F32) return TDNN_OK;
    if (!tdnn_dtype_is_float(output->dtype) && !tdnn_dtype_is_int(output->dtype))
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "elements are %s, expected real numbers",
                         tdnn_dtype_name(output->dtype));
    *copy = tdnn_alloc((size_t)count, sizeof **copy);
    if (!*copy) return TDNN_NO_MEMORY(err);
    for (size_t i = 0; i < (size_t)count; i++)
        (*copy)[i] = (float)tdnn_tensor_get_f64(output, i);
    t->data = *copy;
    return TDNN_OK;
}

/* ---- Choosing the family ---- */

static void describe_outputs(const tdnn_heads *h, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < h->count && used + TDNN_SHAPE_TEXT + 2 < size; i++) {
        char shape[TDNN_SHAPE_TEXT];
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "",
                                 tdnn_shape_text(&h->tables[i].shape, shape));
    }
}

static const tdnn_head_family *find_sure(const tdnn_heads *h)
{
    for (size_t i = 0; i < FAMILY_COUNT; i++)
        if (families[i]->match(h) == TDNN_MATCH_SURE) return families[i];
    return NULL;
}

static bool batches_fit(const tdnn_heads *h)
{
    for (size_t i = 0; i < h->count; i++)
        if (!h->tables[i].listed && h->tables[i].batch != (int64_t)h->batch) return false;
    return true;
}

static tdnn_status choose_family(const tdnn_heads *h, tdnn_head head,
                                 const tdnn_head_family **out, tdnn_error *err)
{
    char text[400];
    describe_outputs(h, text, sizeof text);
    *out = NULL;
    if (!batches_fit(h))
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "outputs %s for a batch of %zu images", text,
                         h->batch);
    if (head == TDNN_HEAD_AUTO) {
        *out = find_sure(h);
        if (*out) return TDNN_OK;
        return TDNN_FAIL(err, TDNN_ERR_SHAPE,
                         "no head is known by outputs %s of a %dx%d blob; name one, if it is "
                         "one of ours",
                         text, h->width, h->height);
    }
    const tdnn_head_family *family = families[head - 1];
    if (family->match(h) == TDNN_MATCH_NO)
        return TDNN_FAIL(err, TDNN_ERR_SHAPE, "outputs %s do not fit the head %s, expected %s",
                         text, family->name, family->expects);
    *out = family;
    return TDNN_OK;
}

/* ---- One image ---- */

typedef struct suppression {
    tdnn_box *boxes;
    float *scores;
    int *class_ids;
    size_t *kept, kept_count;
} suppression;

static void suppression_free(suppression *s)
{
    tdnn_free(s->boxes);
    tdnn_free(s->scores);
    tdnn_free(s->class_ids);
    tdnn_free(s->kept);
}

/* The indices of what is left, best first. */
static tdnn_status suppress(const tdnn_detections *found, const tdnn_detect_params *params,
                            bool suppressed, suppression *s, tdnn_error *err)
{
    size_t n = found->count;
    s->boxes = tdnn_alloc(n, sizeof *s->boxes);
    s->scores = tdnn_alloc(n, sizeof *s->scores);
    s->class_ids = tdnn_alloc(n, sizeof *s->class_ids);
    s->kept = tdnn_alloc(n, sizeof *s->kept);
    if (!s->boxes || !s->scores || !s->class_ids || !s->kept) return TDNN_NO_MEMORY(err);
    for (size_t i = 0; i < n; i++) {
        s->boxes[i] = found->list[i].box;
        s->scores[i] = found->list[i].score;
        s->class_ids[i] = found->list[i].class_id;
    }
    tdnn_nms_params nms;
    tdnn_nms_params_init(&nms);
    nms.max_overlap = suppressed || params->max_overlap >= 1 ? INFINITY : params->max_overlap;
    return tdnn_nms(s->boxes, s->scores, params->across_classes ? NULL : s->class_ids, n, &nms,
                    s->kept, &s->kept_count, err);
}

/* From the blob's pixels to those of the original image. */
static tdnn_detection placed_back(tdnn_detection d, const tdnn_placement *p)
{
    d.box.x = (d.box.x - p->offset_x) / p->scale_x;
    d.box.y = (d.box.y - p->offset_y) / p->scale_y;
    d.box.width /= p->scale_x;
    d.box.height /= p->scale_y;
    for (int i = 0; i < d.point_count; i++) {
        d.points[2 * i] = (d.points[2 * i] - p->offset_x) / p->scale_x;
        d.points[2 * i + 1] = (d.points[2 * i + 1] - p->offset_y) / p->scale_y;
    }
    return d;
}

/* false if nothing of it is on the image. */
static bool clip_box(tdnn_box *box, const tdnn_placement *p)
{
    float x1 = fminf(box->x + box->width, (float)p->image_width);
    float y1 = fminf(box->y + box->height, (float)p->image_height);
    box->x = fmaxf(box->x, 0.f);
    box->y = fmaxf(box->y, 0.f);
    box->width = x1 - box->x;
    box->height = y1 - box->y;
    return box->width > 0 && box->height > 0;
}

static tdnn_status append(tdnn_detections *list, const tdnn_detection *d, tdnn_error *err)
{
    return tdnn_detections_add(list, (size_t)d->image, d->box, d->score, d->class_id, d->points,
                               d->point_count, err);
}

static tdnn_status detect_image(const tdnn_heads *h, const tdnn_head_family *family,
                                size_t image, const tdnn_detect_params *params,
                                const tdnn_placement *placement, tdnn_detections *list,
                                tdnn_error *err)
{
    tdnn_detections found = TDNN_DETECTIONS_INIT;
    suppression s = {0};
    tdnn_status status = family->decode(h, image, &found, err);
    if (!status) status = suppress(&found, params, family->suppressed, &s, err);
    if (params->max_detections && s.kept_count > params->max_detections)
        s.kept_count = params->max_detections;
    for (size_t i = 0; !status && i < s.kept_count; i++) {
        tdnn_detection d = placed_back(found.list[s.kept[i]], placement);
        if (!params->clip || clip_box(&d.box, placement)) status = append(list, &d, err);
    }
    suppression_free(&s);
    tdnn_detections_free(&found);
    return status;
}

/* ---- The whole ---- */

static tdnn_status check_arguments(const tdnn_tensor *const *outputs, size_t output_count,
                                   const tdnn_detect_params *params,
                                   const tdnn_placement *placements, size_t placement_count,
                                   tdnn_detections *list, tdnn_error *err)
{
    if (!outputs || !params || !placements || !list)
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT,
                         "`outputs`, `params`, `placements` or `list` is NULL");
    if (!output_count || output_count > MAX_OUTPUTS || !placement_count)
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT,
                         "%zu outputs and %zu placements, expected 1 to %d and at least 1",
                         output_count, placement_count, MAX_OUTPUTS);
    if ((int)params->head < 0 || (int)params->head > FAMILY_COUNT)
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "there is no head %d", (int)params->head);
    if (!(params->confidence >= 0) || !(params->max_overlap >= 0))
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "confidence %g, max_overlap %g: expected >= 0",
                         (double)params->confidence, (double)params->max_overlap);
    for (size_t i = 0; i < placement_count; i++) {
        const tdnn_placement *p = &placements[i];
        bool sized = p->image_width > 0 && p->image_height > 0;
        if (!(p->scale_x > 0) || !(p->scale_y > 0) || !sized || p->blob_width <= 0 ||
            p->blob_height <= 0 || p->blob_width != placements[0].blob_width ||
            p->blob_height != placements[0].blob_height)
            return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "placement %zu is none", i);
    }
    return TDNN_OK;
}

static tdnn_status detect_images(const tdnn_heads *h, const tdnn_detect_params *params,
                                 const tdnn_placement *placements, tdnn_detections *list,
                                 tdnn_error *err)
{
    const tdnn_head_family *family;
    size_t before = list->count;
    tdnn_status status = choose_family(h, params->head, &family, err);
    for (size_t i = 0; !status && i < h->batch; i++)
        status = detect_image(h, family, i, params, &placements[i], list, err);
    if (status) list->count = before;
    return status;
}

tdnn_head tdnn_head_guess(const tdnn_shape *shapes, size_t count, int blob_width,
                          int blob_height)
{
    tdnn_table tables[MAX_OUTPUTS];
    if (!shapes || !count || count > MAX_OUTPUTS || blob_width <= 0 || blob_height <= 0)
        return TDNN_HEAD_AUTO;
    int64_t batch = 1;
    for (size_t i = 0; i < count; i++) {
        tables[i] = (tdnn_table){.shape = shapes[i]};
        if (tdnn_shape_count(&shapes[i]) <= 0 || !shape_table(&tables[i]))
            return TDNN_HEAD_AUTO;
        if (!tables[i].listed) batch = tables[i].batch;
    }
    tdnn_heads heads = {.tables = tables,
                        .count = count,
                        .width = blob_width,
                        .height = blob_height,
                        .batch = (size_t)batch};
    const tdnn_head_family *family = batches_fit(&heads) ? find_sure(&heads) : NULL;
    return family ? family->head : TDNN_HEAD_AUTO;
}

tdnn_status tdnn_detect(const tdnn_tensor *const *outputs, size_t output_count,
                        const tdnn_detect_params *params, const tdnn_placement *placements,
                        size_t placement_count, tdnn_detections *list, tdnn_error *err)
{
    TDNN_TRY(
        check_arguments(outputs, output_count, params, placements, placement_count, list, err));
    tdnn_table tables[MAX_OUTPUTS];
    float *copies[MAX_OUTPUTS] = {NULL};
    tdnn_status status = TDNN_OK;
    for (size_t i = 0; !status && i < output_count; i++) {
        status = make_table(outputs[i], &tables[i], &copies[i], err);
        if (status) tdnn_error_at(err, status, "output %zu", i);
    }
    tdnn_heads heads = {.tables = tables,
                        .count = output_count,
                        .width = placements[0].blob_width,
                        .height = placements[0].blob_height,
                        .batch = placement_count,
                        .confidence = params->confidence};
    if (!status) status = detect_images(&heads, params, placements, list, err);
    for (size_t i = 0; i < output_count; i++) tdnn_free(copies[i]);
    return status;
}

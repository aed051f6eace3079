/* The YOLO families whose rows need no grid: Darknet's region and yolo rows, YOLOv5 to v7,
 * YOLOv8 to v12, and the end-to-end rows of YOLOv10. */
#include "lib/vision/detect.h"

/* ---- Darknet: cx, cy, w, h relative, objectness, class scores times objectness ---- */

static tdnn_match match_darknet(const tdnn_heads *h)
{
    bool listed = true;
    int64_t coarse = tdnn_grid_cells(h, 32);
    for (size_t i = 0; i < h->count; i++) {
        const tdnn_table *t = &h->tables[i];
        if (t->columns < 6 || t->columns != h->tables[0].columns || t->map_width)
            return TDNN_MATCH_NO;
        if (t->column_step != 1 || (t->listed && h->batch > 1)) return TDNN_MATCH_NO;
        listed = listed && t->listed;
    }
    if (listed || h->count > 1) return TDNN_MATCH_SURE;
    bool anchors = h->tables[0].rows % coarse == 0 && h->tables[0].rows / coarse <= 9;
    return anchors && h->batch > 1 ? TDNN_MATCH_SURE : TDNN_MATCH_POSSIBLE;
}

static tdnn_status decode_darknet(const tdnn_heads *h, size_t image, tdnn_detections *out,
                                  tdnn_error *err)
{
    float width = (float)h->width, height = (float)h->height, score;
    for (size_t i = 0; i < h->count; i++) {
        const tdnn_table *t = &h->tables[i];
        for (int64_t r = 0; r < t->rows; r++) {
            const float *row = tdnn_table_row(t, image, r);
            int class_id = tdnn_best_class(row, 1, 5, t->columns - 5, &score);
            if (!(score >= h->confidence && score > 0)) continue;
            tdnn_box box = tdnn_box_centered(row[0] * width, row[1] * height, row[2] * width,
                                             row[3] * height);
            TDNN_TRY(tdnn_detections_add(out, image, box, score, class_id, NULL, 0, err));
        }
    }
    return TDNN_OK;
}

const tdnn_head_family tdnn_head_yolo = {
    .head = TDNN_HEAD_YOLO,
    .name = "yolo",
    .expects = "outputs of [rows, 5 + classes], one for each region or yolo layer",
    .match = match_darknet,
    .decode = decode_darknet,
};

/* ---- YOLOv5: cx, cy, w, h in blob pixels, objectness, classes ---- */

/* Segmentation models have a second output of masks, and end each row with as many factors. */
static int64_t mask_factors(const tdnn_heads *h)
{
    return h->count == 2 && h->tables[1].map_width ? h->tables[1].columns : 0;
}

static bool one_table(const tdnn_heads *h)
{
    const tdnn_table *t = &h->tables[0];
    return (h->count == 1 || mask_factors(h)) && !t->map_width && !(t->listed && h->batch > 1);
}

static tdnn_match match_yolov5(const tdnn_heads *h)
{
    const tdnn_table *t = &h->tables[0];
    if (!one_table(h) || t->columns - mask_factors(h) < 6) return TDNN_MATCH_NO;
    bool anchors =
        t->rows == 3 * tdnn_pyramid_cells(h, 3) || t->rows == 3 * tdnn_pyramid_cells(h, 4);
    return anchors && !t->listed ? TDNN_MATCH_SURE : TDNN_MATCH_POSSIBLE;
}

static tdnn_status decode_yolov5(const tdnn_heads *h, size_t image, tdnn_detections *out,
                                 tdnn_error *err)
{
    const tdnn_table *t = &h->tables[0];
    int64_t classes = t->columns - 5 - mask_factors(h);
    for (int64_t r = 0; r < t->rows; r++) {
        const float *row = tdnn_table_row(t, image, r);
        float score;
        if (!(row[4] >= h->confidence)) continue; /* a score is at most the objectness */
        int class_id = tdnn_best_class(row, 1, 5, classes, &score);
        score *= row[4];
        if (!(score >= h->confidence && score > 0)) continue;
        tdnn_box box = tdnn_box_centered(row[0], row[1], row[2], row[3]);
        TDNN_TRY(tdnn_detections_add(out, image, box, score, class_id, NULL, 0, err));
    }
    return TDNN_OK;
}

const tdnn_head_family tdnn_head_yolov5 = {
    .head = TDNN_HEAD_YOLOV5,
    .name = "yolov5",
    .expects = "one output of [N, boxes, 5 + classes]",
    .match = match_yolov5,
    .decode = decode_yolov5,
};

/* ---- YOLOv8: cx, cy, w, h in blob pixels, classes; usually a column for each box ---- */

typedef struct orientation {
    int64_t boxes, box_step, fields, field_step;
} orientation;

static orientation orient(const tdnn_heads *h)
{
    const tdnn_table *t = &h->tables[0];
    int64_t cells = tdnn_pyramid_cells(h, 3), more = tdnn_pyramid_cells(h, 4);
    bool rows_fit = t->rows == cells || t->rows == more;
    bool columns_fit = t->columns == cells || t->columns == more;
    if (columns_fit || (!rows_fit && t->columns > t->rows))
        return (orientation){t->columns, t->column_step, t->rows, t->row_step};
    return (orientation){t->rows, t->row_step, t->columns, t->column_step};
}

static tdnn_match match_yolov8(const tdnn_heads *h)
{
    const tdnn_table *t = &h->tables[0];
    if (!one_table(h) || orient(h).fields - mask_factors(h) < 5) return TDNN_MATCH_NO;
    int64_t cells = tdnn_pyramid_cells(h, 3), more = tdnn_pyramid_cells(h, 4);
    bool sure = t->columns == cells || t->columns == more;
    return sure ? TDNN_MATCH_SURE : TDNN_MATCH_POSSIBLE;
}

static tdnn_status decode_yolov8(const tdnn_heads *h, size_t image, tdnn_detections *out,
                                 tdnn_error *err)
{
    orientation o = orient(h);
    int64_t s = o.field_step, classes = o.fields - 4 - mask_factors(h);
    const float *start = tdnn_table_row(&h->tables[0], image, 0);
    for (int64_t b = 0; b < o.boxes; b++) {
        const float *row = start + b * o.box_step;
        float score;
        int class_id = tdnn_best_class(row, s, 4, classes, &score);
        if (!(score >= h->confidence && score > 0)) continue;
        tdnn_box box = tdnn_box_centered(row[0], row[s], row[2 * s], row[3 * s]);
        TDNN_TRY(tdnn_detections_add(out, image, box, score, class_id, NULL, 0, err));
    }
    return TDNN_OK;
}

const tdnn_head_family tdnn_head_yolov8 = {
    .head = TDNN_HEAD_YOLOV8,
    .name = "yolov8",
    .expects = "one output of [N, 4 + classes, boxes] or [N, boxes, 4 + classes]",
    .match = match_yolov8,
    .decode = decode_yolov8,
};

/* ---- YOLOv10: x0, y0, x1, y1 in blob pixels, score, class; suppressed in the net ---- */

static tdnn_match match_yolov10(const tdnn_heads *h)
{
    const tdnn_table *t = &h->tables[0];
    if (!one_table(h) || t->columns - mask_factors(h) != 6) return TDNN_MATCH_NO;
    return t->rows == 300 && !t->listed ? TDNN_MATCH_SURE : TDNN_MATCH_POSSIBLE;
}

static tdnn_status decode_yolov10(const tdnn_heads *h, size_t image, tdnn_detections *out,
                                  tdnn_error *err)
{
    const tdnn_table *t = &h->tables[0];
    for (int64_t r = 0; r < t->rows; r++) {
        const float *row = tdnn_table_row(t, image, r);
        if (!(row[4] >= h->confidence && row[4] > 0 && row[5] >= 0 && row[5] < 1e6f)) continue;
        tdnn_box box = tdnn_box_corners(row[0], row[1], row[2], row[3]);
        TDNN_TRY(tdnn_detections_add(out, image, box, row[4], (int)row[5], NULL, 0, err));
    }
    return TDNN_OK;
}

const tdnn_head_family tdnn_head_yolov10 = {
    .head = TDNN_HEAD_YOLOV10,
    .name = "yolov10",
    .expects = "one output of [N, boxes, 6]",
    .suppressed = true,
    .match = match_yolov10,
    .decode = decode_yolov10,
};

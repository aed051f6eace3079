/* Face detectors: SCRFD and YuNet with five landmarks, UltraFace. */
#include "lib/vision/detect.h"

#include <math.h>

enum { LEVELS = 3, POINTS = 5 };

/* ---- SCRFD: scores; sides and points by their distance from the cell's corner ---- */

/* Boxes in each cell: 2 in the published models, 1 in others; 0: no outputs of SCRFD. */
static int64_t scrfd_anchors(const tdnn_heads *h)
{
    if (h->count != 2 * LEVELS && h->count != 3 * LEVELS) return 0;
    int64_t anchors = 2;
    if (!tdnn_table_find(h, 2 * tdnn_grid_cells(h, 8), 4, 0)) anchors = 1;
    for (int i = 0; i < LEVELS; i++) {
        int64_t rows = anchors * tdnn_grid_cells(h, 8 << i);
        if (!tdnn_table_find(h, rows, 1, 0) || !tdnn_table_find(h, rows, 4, 0)) return 0;
        if (h->count == 3 * LEVELS && !tdnn_table_find(h, rows, 2 * POINTS, 0)) return 0;
    }
    return anchors;
}

static tdnn_match match_scrfd(const tdnn_heads *h)
{
    return scrfd_anchors(h) ? TDNN_MATCH_SURE : TDNN_MATCH_NO;
}

static tdnn_status decode_scrfd_level(const tdnn_heads *h, size_t image, int stride,
                                      int64_t anchors, tdnn_detections *out, tdnn_error *err)
{
    int64_t rows = anchors * tdnn_grid_cells(h, stride), across = tdnn_grid_width(h, stride);
    const tdnn_table *scores = tdnn_table_find(h, rows, 1, 0);
    const tdnn_table *sides = tdnn_table_find(h, rows, 4, 0);
    const tdnn_table *marks = tdnn_table_find(h, rows, 2 * POINTS, 0);
    float s = (float)stride, points[2 * POINTS] = {0};
    for (int64_t i = 0; i < rows; i++) {
        float score = tdnn_table_row(scores, image, i)[0];
        if (!(score >= h->confidence && score > 0)) continue;
        float x = (float)(i / anchors % across), y = (float)(i / anchors / across);
        const float *d = tdnn_table_row(sides, image, i);
        tdnn_box box =
            tdnn_box_corners((x - d[0]) * s, (y - d[1]) * s, (x + d[2]) * s, (y + d[3]) * s);
        for (int k = 0; marks && k < 2 * POINTS; k++)
            points[k] = ((k % 2 ? y : x) + tdnn_table_row(marks, image, i)[k]) * s;
        TDNN_TRY(
            tdnn_detections_add(out, image, box, score, 0, points, marks ? POINTS : 0, err));
    }
    return TDNN_OK;
}

static tdnn_status decode_scrfd(const tdnn_heads *h, size_t image, tdnn_detections *out,
                                tdnn_error *err)
{
    for (int i = 0; i < LEVELS; i++)
        TDNN_TRY(decode_scrfd_level(h, image, 8 << i, scrfd_anchors(h), out, err));
    return TDNN_OK;
}

const tdnn_head_family tdnn_head_scrfd = {
    .head = TDNN_HEAD_SCRFD,
    .name = "scrfd",
    .expects = "for each of strides 8, 16, 32 outputs of 1, 4 and perhaps 10 columns, "
               "a row for each anchor",
    .match = match_scrfd,
    .decode = decode_scrfd,
};

/* ---- YuNet: class and object probability, box and points relative to the cell ---- */

static tdnn_match match_yunet(const tdnn_heads *h)
{
    if (h->count != 4 * LEVELS) return TDNN_MATCH_NO;
    for (int i = 0; i < LEVELS; i++) {
        int64_t cells = tdnn_grid_cells(h, 8 << i);
        if (!tdnn_table_find(h, cells, 1, 1) || !tdnn_table_find(h, cells, 4, 0) ||
            !tdnn_table_find(h, cells, 2 * POINTS, 0))
            return TDNN_MATCH_NO;
    }
    return TDNN_MATCH_SURE;
}

static float clamp01(float x) { return x < 0 ? 0 : x > 1 ? 1 : x; }

static tdnn_status decode_yunet_level(const tdnn_heads *h, size_t image, int stride,
                                      tdnn_detections *out, tdnn_error *err)
{
    int64_t cells = tdnn_grid_cells(h, stride), across = tdnn_grid_width(h, stride);
    const tdnn_table *first = tdnn_table_find(h, cells, 1, 0);
    const tdnn_table *second = tdnn_table_find(h, cells, 1, 1);
    const tdnn_table *boxes = tdnn_table_find(h, cells, 4, 0);
    const tdnn_table *marks = tdnn_table_find(h, cells, 2 * POINTS, 0);
    float s = (float)stride, points[2 * POINTS];
    for (int64_t i = 0; i < cells; i++) {
        float score = sqrtf(clamp01(tdnn_table_row(first, image, i)[0]) *
                            clamp01(tdnn_table_row(second, image, i)[0]));
        if (!(score >= h->confidence && score > 0)) continue;
        float x = (float)(i % across), y = (float)(i / across);
        const float *b = tdnn_table_row(boxes, image, i), *m = tdnn_table_row(marks, image, i);
        tdnn_box box =
            tdnn_box_centered((x + b[0]) * s, (y + b[1]) * s, expf(b[2]) * s, expf(b[3]) * s);
        for (int k = 0; k < 2 * POINTS; k++) points[k] = ((k % 2 ? y : x) + m[k]) * s;
        TDNN_TRY(tdnn_detections_add(out, image, box, score, 0, points, POINTS, err));
    }
    return TDNN_OK;
}

static tdnn_status decode_yunet(const tdnn_heads *h, size_t image, tdnn_detections *out,
                                tdnn_error *err)
{
    for (int i = 0; i < LEVELS; i++) TDNN_TRY(decode_yunet_level(h, image, 8 << i, out, err));
    return TDNN_OK;
}

const tdnn_head_family tdnn_head_yunet = {
    .head = TDNN_HEAD_YUNET,
    .name = "yunet",
    .expects =
        "for each of strides 8, 16, 32 outputs of 1, 1, 4 and 10 columns, a row for each cell",
    .match = match_yunet,
    .decode = decode_yunet,
};

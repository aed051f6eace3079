/* Heads whose boxes are told relative to a cell of a grid and in units of its stride: YOLOX and
 * FastestDet. */
#include "lib/vision/detect.h"

#include <math.h>

/* ---- YOLOX: x, y from the cell's corner, log w, log h, objectness, classes ---- */

static int levels_of(const tdnn_heads *h)
{
    int64_t rows = h->tables[0].rows;
    return rows == tdnn_pyramid_cells(h, 3) ? 3 : rows == tdnn_pyramid_cells(h, 4) ? 4 : 0;
}

static tdnn_match match_yolox(const tdnn_heads *h)
{
    const tdnn_table *t = &h->tables[0];
    if (h->count != 1 || t->columns < 6 || t->map_width || !levels_of(h)) return TDNN_MATCH_NO;
    return t->listed && h->batch > 1 ? TDNN_MATCH_NO : TDNN_MATCH_SURE;
}

static tdnn_status decode_yolox_level(const tdnn_heads *h, size_t image, int64_t first,
                                      int stride, tdnn_detections *out, tdnn_error *err)
{
    const tdnn_table *t = &h->tables[0];
    int64_t cells = tdnn_grid_cells(h, stride), across = tdnn_grid_width(h, stride);
    float s = (float)stride;
    for (int64_t i = 0; i < cells; i++) {
        const float *row = tdnn_table_row(t, image, first + i);
        float score;
        if (!(row[4] >= h->confidence)) continue; /* a score is at most the objectness */
        int class_id = tdnn_best_class(row, 1, 5, t->columns - 5, &score);
        score *= row[4];
        if (!(score >= h->confidence && score > 0)) continue;
        float x = (float)(i % across), y = (float)(i / across);
        tdnn_box box = tdnn_box_centered((x + row[0]) * s, (y + row[1]) * s, expf(row[2]) * s,
                                         expf(row[3]) * s);
        TDNN_TRY(tdnn_detections_add(out, image, box, score, class_id, NULL, 0, err));
    }
    return TDNN_OK;
}

static tdnn_status decode_yolox(const tdnn_heads *h, size_t image, tdnn_detections *out,
                                tdnn_error *err)
{
    int64_t first = 0;
    for (int level = 0; level < levels_of(h); level++) {
        TDNN_TRY(decode_yolox_level(h, image, first, 8 << level, out, err));
        first += tdnn_grid_cells(h, 8 << level);
    }
    return TDNN_OK;
}

const tdnn_head_family tdnn_head_yolox = {
    .head = TDNN_HEAD_YOLOX,
    .name = "yolox",
    .expects = "one output of [N, cells at strides 8, 16, 32, 5 + classes]",
    .match = match_yolox,
    .decode = decode_yolox,
};

/* ---- FastestDet: a map of objectness, tanh of x, y, sigmoid of w, h, classes ---- */

static tdnn_match match_fastestdet(const tdnn_heads *h)
{
    const tdnn_table *t = &h->tables[0];
    if (h->count != 1 || !t->map_width || t->columns < 6) return TDNN_MATCH_NO;
    bool stride16 = t->map_width * 16 == h->width && t->map_height * 16 == h->height;
    return stride16 ? TDNN_MATCH_SURE : TDNN_MATCH_POSSIBLE;
}

static float sigmoid(float x) { return 1.f / (1.f + expf(-x)); }

static tdnn_status decode_fastestdet(const tdnn_heads *h, size_t image, tdnn_detections *out,
                                     tdnn_error *err)
{
    const tdnn_table *t = &h->tables[0];
    int64_t s = t->column_step;
    float width = (float)h->width, height = (float)h->height;
    float cell_width = width / (float)t->map_width, cell_height = height / (float)t->map_height;
    for (int64_t i = 0; i < t->rows; i++) {
        const float *cell = tdnn_table_row(t, image, i);
        float probability;
        int class_id = tdnn_best_class(cell, s, 5, t->columns - 5, &probability);
        float score = powf(cell[0], 0.6f) * powf(probability, 0.4f);
        if (!(score >= h->confidence && score > 0)) continue;
        float x = (float)(i % t->map_width) + tanhf(cell[s]);
        float y = (float)(i / t->map_width) + tanhf(cell[2 * s]);
        tdnn_box box =
            tdnn_box_centered(x * cell_width, y * cell_height, sigmoid(cell[3 * s]) * width,
                              sigmoid(cell[4 * s]) * height);
        TDNN_TRY(tdnn_detections_add(out, image, box, score, class_id, NULL, 0, err));
    }
    return TDNN_OK;
}

const tdnn_head_family tdnn_head_fastestdet = {
    .head = TDNN_HEAD_FASTESTDET,
    .name = "fastestdet",
    .expects = "one output of [N, 5 + classes, height / 16, width / 16]",
    .match = match_fastestdet,
    .decode = decode_fastestdet,
};

/* SSD's DetectionOutput: rows of image, class, score, x0, y0, x1, y1, the corners relative to
 * the blob. Unused rows at the end are zero; the net has suppressed overlaps itself. */
#include "lib/vision/detect.h"

static tdnn_match match(const tdnn_heads *h)
{
    const tdnn_table *t = &h->tables[0];
    if (h->count != 1 || t->columns != 7) return TDNN_MATCH_NO;
    bool four = t->shape.ndim == 4 && t->shape.dim[0] == 1 && t->shape.dim[1] == 1;
    return four ? TDNN_MATCH_SURE : t->batch == 1 ? TDNN_MATCH_POSSIBLE : TDNN_MATCH_NO;
}

static tdnn_status decode(const tdnn_heads *h, size_t image, tdnn_detections *out,
                          tdnn_error *err)
{
    const tdnn_table *t = &h->tables[0];
    float width = (float)h->width, height = (float)h->height;
    for (int64_t r = 0; r < t->rows; r++) {
        const float *row = tdnn_table_row(t, 0, r);
        if (row[0] != (float)image || !(row[2] >= h->confidence && row[2] > 0)) continue;
        if (!(row[1] >= 0 && row[1] < 1e6f)) continue;
        tdnn_box box =
            tdnn_box_corners(row[3] * width, row[4] * height, row[5] * width, row[6] * height);
        TDNN_TRY(tdnn_detections_add(out, image, box, row[2], (int)row[1], NULL, 0, err));
    }
    return TDNN_OK;
}

const tdnn_head_family tdnn_head_ssd = {
    .head = TDNN_HEAD_SSD,
    .name = "ssd",
    .expects = "one output of [1, 1, boxes, 7]",
    .suppressed = true,
    .match = match,
    .decode = decode,
};

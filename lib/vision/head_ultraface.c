/* UltraFace: scores of background and face, and boxes. The ONNX models give relative corners;
 * the Caffe ones leave out the last layer and give SSD offsets from prior boxes. */
#include "lib/vision/detect.h"

#include <math.h>

enum { LEVELS = 4 };

static const struct {
    int stride, count;
    float sizes[3]; /* of the square priors, in blob pixels */
} levels[LEVELS] = {
    {8, 3, {10, 16, 24}}, {16, 2, {32, 48}}, {32, 2, {64, 96}}, {64, 3, {128, 192, 256}}};

static int64_t prior_count(const tdnn_heads *h)
{
    int64_t count = 0;
    for (int i = 0; i < LEVELS; i++)
        count += levels[i].count * tdnn_grid_cells(h, levels[i].stride);
    return count;
}

static tdnn_match match(const tdnn_heads *h)
{
    if (h->count != 2 || h->tables[0].rows != h->tables[1].rows) return TDNN_MATCH_NO;
    int64_t rows = h->tables[0].rows;
    if (!tdnn_table_find(h, rows, 2, 0) || !tdnn_table_find(h, rows, 4, 0))
        return TDNN_MATCH_NO;
    return rows == prior_count(h) ? TDNN_MATCH_SURE : TDNN_MATCH_POSSIBLE;
}

/* Corners are ordered in every row; offsets are not, except by an accident of thousands of
 * rows. */
static bool are_corners(const tdnn_table *boxes, size_t image)
{
    for (int64_t i = 0; i < boxes->rows; i++) {
        const float *b = tdnn_table_row(boxes, image, i);
        if (!(b[0] <= b[2] && b[1] <= b[3])) return false;
    }
    return true;
}

/* The prior of a row, relative to the blob: centre and size. */
static void find_prior(const tdnn_heads *h, int64_t row, float prior[4])
{
    int i = 0;
    for (; i < LEVELS - 1; i++) {
        int64_t rows = levels[i].count * tdnn_grid_cells(h, levels[i].stride);
        if (row < rows) break;
        row -= rows;
    }
    int64_t cell = row / levels[i].count, across = tdnn_grid_width(h, levels[i].stride);
    float stride = (float)levels[i].stride, size = levels[i].sizes[row % levels[i].count];
    float width = (float)h->width, height = (float)h->height;
    prior[0] = fminf(((float)(cell % across) + 0.5f) * stride / width, 1.f);
    prior[1] = fminf(((float)(cell / across) + 0.5f) * stride / height, 1.f);
    prior[2] = fminf(size / width, 1.f);
    prior[3] = fminf(size / height, 1.f);
}

static tdnn_box relative_box(const tdnn_heads *h, const float *b, int64_t row, bool corners)
{
    if (corners) return tdnn_box_corners(b[0], b[1], b[2], b[3]);
    float p[4]; /* variances of 0.1 and 0.2 */
    find_prior(h, row, p);
    return tdnn_box_centered(p[0] + b[0] * 0.1f * p[2], p[1] + b[1] * 0.1f * p[3],
                             p[2] * expf(b[2] * 0.2f), p[3] * expf(b[3] * 0.2f));
}

static tdnn_status decode(const tdnn_heads *h, size_t image, tdnn_detections *out,
                          tdnn_error *err)
{
    int64_t rows = h->tables[0].rows;
    const tdnn_table *scores = tdnn_table_find(h, rows, 2, 0);
    const tdnn_table *boxes = tdnn_table_find(h, rows, 4, 0);
    bool corners = rows != prior_count(h) || are_corners(boxes, image);
    float width = (float)h->width, height = (float)h->height;
    for (int64_t i = 0; i < rows; i++) {
        float score = tdnn_table_row(scores, image, i)[1];
        if (!(score >= h->confidence && score > 0)) continue;
        tdnn_box box = relative_box(h, tdnn_table_row(boxes, image, i), i, corners);
        box = (tdnn_box){box.x * width, box.y * height, box.width * width, box.height * height};
        TDNN_TRY(tdnn_detections_add(out, image, box, score, 0, NULL, 0, err));
    }
    return TDNN_OK;
}

const tdnn_head_family tdnn_head_ultraface = {
    .head = TDNN_HEAD_ULTRAFACE,
    .name = "ultraface",
    .expects = "outputs of [N, boxes, 2] and [N, boxes, 4]",
    .match = match,
    .decode = decode,
};

/* NanoDet and PicoDet: for each stride class scores, and for each side of the box a
 * distribution over its distance from the cell's centre (Generalized Focal Loss, Li et al.,
 * 2020). */
#include "lib/vision/detect.h"

#include <math.h>

typedef struct level {
    const tdnn_table *scores, *sides;
    int stride, bins;
} level;

/* Two outputs have as many rows as the level has cells: scores, then sides, unless only the
 * first divides into four. */
static bool find_level(const tdnn_heads *h, int stride, level *out)
{
    const tdnn_table *found[2] = {NULL, NULL};
    int64_t cells = tdnn_grid_cells(h, stride);
    int count = 0;
    for (size_t i = 0; i < h->count; i++) {
        if (h->tables[i].rows != cells || h->tables[i].map_width) continue;
        if (h->tables[i].listed && h->batch > 1) return false;
        if (count == 2) return false;
        found[count++] = &h->tables[i];
    }
    if (count != 2) return false;
    bool swapped = found[1]->columns % 4 != 0;
    *out =
        (level){found[swapped], found[!swapped], stride, (int)(found[!swapped]->columns / 4)};
    return out->sides->columns % 4 == 0 && out->bins >= 2 && out->bins <= 64;
}

static tdnn_match match(const tdnn_heads *h, int levels)
{
    level l;
    if (h->count != 2 * (size_t)levels) return TDNN_MATCH_NO;
    for (int i = 0; i < levels; i++)
        if (!find_level(h, 8 << i, &l)) return TDNN_MATCH_NO;
    return TDNN_MATCH_SURE;
}

/* The expected distance, in cells. */
static float expectation(const float *logits, int64_t step, int bins)
{
    float most = logits[0], sum = 0, weighted = 0;
    for (int i = 1; i < bins; i++)
        if (logits[i * step] > most) most = logits[i * step];
    for (int i = 0; i < bins; i++) {
        float p = expf(logits[i * step] - most);
        sum += p;
        weighted += p * (float)i;
    }
    return weighted / sum;
}

static tdnn_status decode_level(const tdnn_heads *h, const level *l, size_t image,
                                tdnn_detections *out, tdnn_error *err)
{
    int64_t across = tdnn_grid_width(h, l->stride), step = l->sides->column_step;
    float stride = (float)l->stride;
    for (int64_t i = 0; i < l->scores->rows; i++) {
        float score, side[4];
        int class_id = tdnn_best_class(tdnn_table_row(l->scores, image, i),
                                       l->scores->column_step, 0, l->scores->columns, &score);
        if (!(score >= h->confidence && score > 0)) continue;
        const float *row = tdnn_table_row(l->sides, image, i);
        for (int k = 0; k < 4; k++)
            side[k] = expectation(row + k * l->bins * step, step, l->bins) * stride;
        float x = ((float)(i % across) + 0.5f) * stride,
              y = ((float)(i / across) + 0.5f) * stride;
        tdnn_box box = tdnn_box_corners(x - side[0], y - side[1], x + side[2], y + side[3]);
        TDNN_TRY(tdnn_detections_add(out, image, box, score, class_id, NULL, 0, err));
    }
    return TDNN_OK;
}

static tdnn_status decode(const tdnn_heads *h, size_t image, tdnn_detections *out,
                          tdnn_error *err)
{
    level l;
    for (int i = 0; i < (int)(h->count / 2); i++)
        if (find_level(h, 8 << i, &l)) TDNN_TRY(decode_level(h, &l, image, out, err));
    return TDNN_OK;
}

static tdnn_match match_nanodet(const tdnn_heads *h) { return match(h, 3); }
static tdnn_match match_picodet(const tdnn_heads *h) { return match(h, 4); }

const tdnn_head_family tdnn_head_nanodet = {
    .head = TDNN_HEAD_NANODET,
    .name = "nanodet",
    .expects =
        "for each of strides 8, 16, 32 outputs of [N, cells, classes], [N, cells, 4 * bins]",
    .match = match_nanodet,
    .decode = decode,
};

const tdnn_head_family tdnn_head_picodet = {
    .head = TDNN_HEAD_PICODET,
    .name = "picodet",
    .expects =
        "for each of strides 8 to 64 outputs of [N, cells, classes], [N, cells, 4 * bins]",
    .match = match_picodet,
    .decode = decode,
};

/* Detector heads: how the outputs of a family of detectors are recognised and decoded.
 *
 * One file per family ends in a const tdnn_head_family; detect.c chooses one, suppresses
 * overlaps and brings the boxes back to the original images. */
#ifndef TDNN_VISION_DETECT_H
#define TDNN_VISION_DETECT_H

#include "lib/base/mem.h"

/* An output seen as one table for each image of the batch. */
typedef struct tdnn_table {
    const float *data;
    int64_t batch, rows, columns;
    int64_t row_step, column_step; /* elements */
    int64_t map_height,
        map_width; /* rows = map_height * map_width, where the output is a map */
    bool listed;   /* one table for the whole batch: 2 dimensions, or SSD's 4  */
    tdnn_shape shape;
} tdnn_table;

typedef struct tdnn_heads {
    const tdnn_table *tables;
    size_t count;
    int width, height; /* of the blob */
    size_t batch;
    float confidence;
} tdnn_heads;

/* POSSIBLE: can be decoded when asked for; SURE: nothing else looks so. */
typedef enum tdnn_match { TDNN_MATCH_NO, TDNN_MATCH_POSSIBLE, TDNN_MATCH_SURE } tdnn_match;

typedef struct tdnn_head_family {
    tdnn_head head;
    const char *name;
    const char *expects; /* for the message when the outputs do not fit */
    bool suppressed;     /* the net has suppressed overlaps itself      */
    tdnn_match (*match)(const tdnn_heads *heads);
    /* Appends what reaches the confidence, in pixels of the blob. */
    tdnn_status (*decode)(const tdnn_heads *heads, size_t image, tdnn_detections *out,
                          tdnn_error *err);
} tdnn_head_family;

extern const tdnn_head_family tdnn_head_ssd, tdnn_head_yolo, tdnn_head_yolov5, tdnn_head_yolov8,
    tdnn_head_yolov10, tdnn_head_yolox, tdnn_head_nanodet, tdnn_head_picodet,
    tdnn_head_fastestdet, tdnn_head_ultraface, tdnn_head_scrfd, tdnn_head_yunet;

static inline const float *tdnn_table_row(const tdnn_table *t, size_t image, int64_t row)
{
    return t->data + ((int64_t)image * t->rows * t->columns + row * t->row_step);
}

/* The best of columns first .. first + count - 1 of a row. */
static inline int tdnn_best_class(const float *row, int64_t step, int64_t first, int64_t count,
                                  float *score)
{
    int64_t best = 0;
    const float *at = row + first * step;
    for (int64_t c = 1; c < count; c++)
        if (at[c * step] > at[best * step]) best = c;
    *score = at[best * step];
    return (int)best;
}

static inline tdnn_box tdnn_box_centered(float cx, float cy, float width, float height)
{
    return (tdnn_box){cx - width / 2, cy - height / 2, width, height};
}
static inline tdnn_box tdnn_box_corners(float x0, float y0, float x1, float y1)
{
    return (tdnn_box){x0, y0, x1 - x0, y1 - y0};
}

/* Cells of a feature map at this stride. */
static inline int64_t tdnn_grid_width(const tdnn_heads *h, int stride)
{
    return (h->width + stride - 1) / stride;
}
static inline int64_t tdnn_grid_cells(const tdnn_heads *h, int stride)
{
    return tdnn_grid_width(h, stride) * ((h->height + stride - 1) / stride);
}
/* Cells of `levels` maps at strides 8, 16, 32, ... */
int64_t tdnn_pyramid_cells(const tdnn_heads *h, int levels);

/* The n-th output (from 0) with so many rows and columns; NULL if there is none. */
const tdnn_table *tdnn_table_find(const tdnn_heads *h, int64_t rows, int64_t columns, int n);

/* Appends a detection of `image` unless a number in it is no finite number. `points` may be
 * NULL. */
tdnn_status tdnn_detections_add(tdnn_detections *list, size_t image, tdnn_box box, float score,
                                int class_id, const float *points, int point_count,
                                tdnn_error *err);

#endif

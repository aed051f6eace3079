/* Boxes with scores: what the ends of detectors share. Boxes are x0, y0, x1, y1. */
#ifndef TDNN_OPS_BOXES_H
#define TDNN_OPS_BOXES_H

#include "tinydnn.h"

typedef struct tdnn_scored_box {
    float score;
    int32_t class_id, box; /* box: its index */
} tdnn_scored_box;

/* Best first, stable. `spare` is as long as `list`. */
void tdnn_boxes_sort(tdnn_scored_box *list, tdnn_scored_box *spare, size_t count);

typedef struct tdnn_suppression {
    float threshold; /* intersection over union up to which both boxes stay                */
    float
        eta; /* < 1: the threshold shrinks by it after each box that is kept while above 0.5 */
    float pixel; /* 1: coordinates are pixels, the last one included; else 0           */
} tdnn_suppression;

/* Goes through sorted candidates and keeps those that do not overlap a kept one too much, until
 * `most` are kept. How many they are. `kept` may not be `sorted`. */
size_t tdnn_boxes_suppress(const tdnn_suppression *how, const float *boxes,
                           const tdnn_scored_box *sorted, size_t count, size_t most,
                           tdnn_scored_box *kept);

#endif

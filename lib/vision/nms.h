/* Greedy suppression, whatever the boxes are. */
#ifndef TDNN_VISION_NMS_H
#define TDNN_VISION_NMS_H

#include "lib/base/mem.h"

/* Intersection over union of boxes a and b of some array. */
typedef float (*tdnn_overlap_fn)(const void *boxes, size_t a, size_t b);

/* What tdnn_nms and tdnn_nms_rotated share; checks the parameters. */
tdnn_status tdnn_nms_run(tdnn_overlap_fn overlap, const void *boxes, const float *scores,
                         const int *class_ids, size_t count, const tdnn_nms_params *params,
                         size_t *kept, size_t *kept_count, tdnn_error *err);

#endif

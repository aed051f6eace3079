/* Strided views: see plan_view.c. */
#ifndef TDNN_RUNTIME_PLAN_VIEW_H
#define TDNN_RUNTIME_PLAN_VIEW_H

#include "lib/runtime/plan.h"

/* Element [i0, i1 ...] of a value is `factor` times that at offset + i0 stride[0] + ... of plan
 * value `base`, in elements. */
typedef struct tdnn_strided_view {
    int32_t base;
    size_t offset;
    float factor;
    tdnn_shape shape;
    int64_t stride[TDNN_MAX_DIMS];
} tdnn_strided_view;

/* One for each plan value of f32, of itself if nothing better is known. */
tdnn_status tdnn_planner_views(tdnn_planner *p, tdnn_strided_view **out);
/* Of a value in itself. */
tdnn_strided_view tdnn_strided_view_whole(const tdnn_planner *p, int32_t value);
/* The same elements under another shape; false if strides cannot say that. */
bool tdnn_strided_view_reshape(tdnn_strided_view *v, const tdnn_shape *to);
/* Input `i` of a node is a known number of f32. */
bool tdnn_plan_scalar(const tdnn_planner *p, const tdnn_plan_node *n, size_t i, float *out);

#endif

/* Pooling: what the fast path for f32 planes and the general path share. */
#ifndef TDNN_OPS_POOL_H
#define TDNN_OPS_POOL_H

#include "lib/ops/window.h"

typedef enum tdnn_pool_kind { TDNN_POOL_MAX, TDNN_POOL_AVERAGE, TDNN_POOL_LP } tdnn_pool_kind;

typedef struct tdnn_pooling {
    tdnn_pool_kind kind;
    tdnn_windows windows;
    bool count_pads;   /* average: positions in the padding count */
    bool column_major; /* indices of maxima: the first axis runs fastest */
    double p;          /* Lp */
} tdnn_pooling;

/* How many positions of window `out` on an axis count. */
int64_t tdnn_pool_count(const tdnn_window_axis *axis, int64_t out, bool count_pads);
/* Any rank and type; with indices if the step has a second output. */
tdnn_status tdnn_pool_plan_any(tdnn_plan_ctx *ctx, const tdnn_pooling *pooling);

#endif

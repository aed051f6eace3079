/* Tensors of indices: 32- or 64-bit integers, negative ones counting from the end. */
#ifndef TDNN_OPS_INDEX_H
#define TDNN_OPS_INDEX_H

#include "lib/ops/op.h"

typedef struct tdnn_indices {
    const void *data;
    bool narrow; /* 32 bits */
} tdnn_indices;

static inline tdnn_indices tdnn_indices_of(const tdnn_tensor *t)
{
    return (tdnn_indices){t->data, t->dtype == TDNN_I32};
}

/* Index i for an axis of `length` > 0. One that is out of range, which a plan finds only among
 * constants, becomes the nearest that is not: running cannot fail, and must not read elsewhere.
 */
static inline int64_t tdnn_index_at(tdnn_indices list, size_t i, int64_t length)
{
    int64_t k = list.narrow ? ((const int32_t *)list.data)[i] : ((const int64_t *)list.data)[i];
    if (k < 0) k += length;
    return k < 0 ? 0 : k >= length ? length - 1 : k;
}

/* Type of input `index`, and that no index is meant for an empty axis. For infer. */
tdnn_status tdnn_infer_indices(tdnn_infer *ctx, size_t index);
/* Constant indices must be in range for an axis of `length`. Others pass. For plan. */
tdnn_status tdnn_plan_indices(tdnn_plan_ctx *ctx, size_t index, int64_t length);
/* The plan of Gather: output 0 is input 0 where input 1 points along the axis. */
tdnn_status tdnn_plan_gather(tdnn_plan_ctx *ctx, int64_t along);

#endif

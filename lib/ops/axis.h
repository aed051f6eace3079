/* A tensor seen along one axis: outer x length x inner. */
#ifndef TDNN_OPS_AXIS_H
#define TDNN_OPS_AXIS_H

#include "lib/ops/op.h"

typedef struct tdnn_along {
    size_t outer, length, inner;
} tdnn_along;

/* `axis` is resolved already. */
static inline tdnn_along tdnn_along_axis(const tdnn_shape *shape, int axis)
{
    tdnn_along a = {1, (size_t)shape->dim[axis], 1};
    for (int i = 0; i < axis; i++) a.outer *= (size_t)shape->dim[i];
    for (int i = axis + 1; i < shape->ndim; i++) a.inner *= (size_t)shape->dim[i];
    return a;
}

#endif

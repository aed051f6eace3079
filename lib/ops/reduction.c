/* Axes to reduce, as few merged dimensions. */
#include "lib/ops/reduction.h"

tdnn_status tdnn_axes_mask(const tdnn_few *axes, int ndim, unsigned *mask, tdnn_error *err)
{
    *mask = 0;
    for (size_t i = 0; i < axes->count; i++) {
        int axis;
        TDNN_TRY(tdnn_axis_resolve(axes->at[i], ndim, &axis, err));
        if (*mask & 1u << axis)
            return TDNN_FAIL(err, TDNN_ERR_SHAPE, "axis %d is listed twice", axis);
        *mask |= 1u << axis;
    }
    if (axes->count == 0) *mask = (1u << ndim) - 1u;
    return TDNN_OK;
}

tdnn_shape tdnn_reduced_shape(const tdnn_shape *shape, unsigned axes, bool keep)
{
    tdnn_shape out = {0};
    for (int i = 0; i < shape->ndim; i++) {
        if (!(axes & 1u << i))
            out.dim[out.ndim++] = shape->dim[i];
        else if (keep)
            out.dim[out.ndim++] = 1;
    }
    return out;
}

tdnn_reduction tdnn_reduction_make(const tdnn_shape *shape, unsigned axes)
{
    tdnn_reduction r = {.run = 1, .run_reduced = true, .kept = 1, .reduced = 1};
    int first = TDNN_MAX_DIMS; /* entries first .. of dim are made so far, from the last on */
    size_t stride = 1;
    bool has_run = false;
    for (int i = shape->ndim - 1; i >= 0; i--) {
        const size_t extent = (size_t)shape->dim[i];
        const bool reduced = (axes & 1u << i) != 0;
        if (extent == 1) continue;
        if (!has_run || (first == TDNN_MAX_DIMS && reduced == r.run_reduced)) {
            r.run *= extent;
            r.run_reduced = reduced;
            has_run = true;
        } else if (first < TDNN_MAX_DIMS && r.dim[first].reduced == reduced) {
            r.dim[first].extent *= extent;
        } else {
            first--;
            r.dim[first].extent = extent;
            r.dim[first].stride = stride;
            r.dim[first].reduced = reduced;
        }
        stride *= extent;
    }
    r.ndim = TDNN_MAX_DIMS - first;
    for (int i = 0; i < r.ndim; i++) {
        r.dim[i] = r.dim[first + i];
        if (r.dim[i].reduced)
            r.reduced *= r.dim[i].extent;
        else
            r.kept *= r.dim[i].extent;
    }
    return r;
}

size_t tdnn_reduction_offset(const tdnn_reduction *r, size_t index, bool reduced)
{
    size_t offset = 0;
    for (int i = r->ndim - 1; i >= 0 && index; i--) {
        if (r->dim[i].reduced != reduced) continue;
        offset += index % r->dim[i].extent * r->dim[i].stride;
        index /= r->dim[i].extent;
    }
    return offset;
}

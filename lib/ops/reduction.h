/* Which axes of a tensor are reduced, with neighbours of one kind merged. */
#ifndef TDNN_OPS_REDUCTION_H
#define TDNN_OPS_REDUCTION_H

#include "lib/ops/move.h"

/* Runs of `run` neighbouring elements, that are all reduced to one, or all kept. The other
 * dimensions alternate. */
typedef struct tdnn_reduction {
    size_t run;
    bool run_reduced;
    int ndim; /* besides the run */
    struct {
        size_t extent, stride; /* stride in elements */
        bool reduced;
    } dim[TDNN_MAX_DIMS];
    size_t kept, reduced; /* products of the extents in dim of either kind */
} tdnn_reduction;

/* `axes` of `shape`, a bit each. No dimension is 0. */
tdnn_reduction tdnn_reduction_make(const tdnn_shape *shape, unsigned axes);
/* Where run number `index` begins, counted over the kept, or over the reduced, entries of dim.
 */
size_t tdnn_reduction_offset(const tdnn_reduction *r, size_t index, bool reduced);

/* Axes as bits; all of them if the list is empty or not given. */
tdnn_status tdnn_axes_mask(const tdnn_few *axes, int ndim, unsigned *mask, tdnn_error *err);
/* The shape that remains. */
tdnn_shape tdnn_reduced_shape(const tdnn_shape *shape, unsigned axes, bool keep);

#endif

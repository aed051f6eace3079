/* The geometry of a Resize: what each output index reads along each axis. */
#ifndef TDNN_OPS_RESIZE_H
#define TDNN_OPS_RESIZE_H

#include "lib/ops/move.h"

enum {
    TDNN_COORDS_HALF_PIXEL,
    TDNN_COORDS_HALF_PIXEL_SYMMETRIC,
    TDNN_COORDS_PYTORCH_HALF_PIXEL,
    TDNN_COORDS_ALIGN_CORNERS,
    TDNN_COORDS_ASYMMETRIC,
    TDNN_COORDS_TF_HALF_PIXEL_FOR_NN,
    TDNN_COORDS_TF_CROP_AND_RESIZE
};

typedef struct tdnn_resize_axis {
    int64_t in, out;
    double scale;
    double roi_begin, roi_end; /* of TF_CROP_AND_RESIZE, relative */
    bool resized;              /* false: each index reads itself  */
} tdnn_resize_axis;

/* Contents of the inputs, NULL where absent. Fills an axis for each dimension of `shape`. */
tdnn_status tdnn_resize_axes(const tdnn_resize_params *p, const tdnn_shape *shape,
                             const tdnn_tensor *roi, const tdnn_tensor *scales,
                             const tdnn_tensor *sizes, tdnn_resize_axis *out, tdnn_error *err);

/* Elements that output index i is made of: index and weight, `taps` of each. False if it lies
 * outside of what is read (TF_CROP_AND_RESIZE): the extrapolation value takes its place. */
size_t tdnn_resize_tap_count(const tdnn_resize_params *p, const tdnn_resize_axis *axis);
bool tdnn_resize_taps(const tdnn_resize_params *p, const tdnn_resize_axis *axis, int64_t i,
                      size_t taps, int64_t *index, double *weight);

#endif

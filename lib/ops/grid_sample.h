/* GridSample: what the general path and the one for f32 share. */
#ifndef TDNN_OPS_GRID_SAMPLE_H
#define TDNN_OPS_GRID_SAMPLE_H

#include "lib/ops/op.h"

enum { SAMPLE_LINEAR, SAMPLE_NEAREST, SAMPLE_CUBIC };
enum { PAD_ZEROS, PAD_BORDER, PAD_REFLECTION };
enum { TDNN_SAMPLE_AXES = 3, TDNN_SAMPLE_TAPS = 64 };

typedef struct tdnn_sample_params {
    int64_t mode, padding_mode, align_corners;
} tdnn_sample_params;

/* All elements that one place is made of; returns how many. The grid's numbers are in the
 * opposite order of the axes: x, y, z. */
size_t tdnn_sample_place(const tdnn_sample_params *p, const tdnn_shape *in, const float *place,
                         size_t offset[TDNN_SAMPLE_TAPS], float weight[TDNN_SAMPLE_TAPS]);
/* Data and grid of f32. */
tdnn_status tdnn_sample_plan_f32(tdnn_plan_ctx *ctx);

#endif

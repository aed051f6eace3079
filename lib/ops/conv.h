/* What the ways of computing a convolution share. */
#ifndef TDNN_OPS_CONV_H
#define TDNN_OPS_CONV_H

#include "lib/ops/activation.h"
#include "lib/ops/window.h"

enum { CONV_X, CONV_W, CONV_B, CONV_RESIDUAL };

static inline tdnn_tensor *tdnn_step_input(const tdnn_step *step, size_t index)
{
    return index < step->input_count ? step->in[index] : NULL;
}
static inline const float *tdnn_step_floats(const tdnn_step *step, size_t index)
{
    const tdnn_tensor *t = tdnn_step_input(step, index);
    return t ? t->data : NULL;
}

/* The problem in a kernel's terms; false unless it has two spatial axes. */
bool tdnn_conv_describe(const tdnn_conv_params *params, const tdnn_shape *x, const tdnn_shape *w,
                        const tdnn_shape *y, bool residual, tdnn_conv *out);

/* The output's shape, or what is wrong. */
tdnn_status tdnn_conv_shape(const tdnn_conv_params *params, const tdnn_shape *x,
                            const tdnn_shape *w, tdnn_shape *y, tdnn_error *err);

/* Whether a convolution of so many plain channels reads them as they are. With more, reordering
 * the input is cheaper than reading it channel by channel. */
static inline bool tdnn_conv_is_first(int64_t channels) { return channels <= 16; }

/* Layouts of input and output say which method: blocked or plain. */
tdnn_status tdnn_conv_plan_blocked(tdnn_plan_ctx *ctx);
tdnn_status tdnn_conv_plan_plain(tdnn_plan_ctx *ctx);
/* One or three axes by the blocked kernels, between plain values; *done is false where they do
 * not serve. */
tdnn_status tdnn_conv_plan_volume(tdnn_plan_ctx *ctx, bool *done);
/* The best method for an input of that layout; its kernel; " winograd". */
tdnn_conv_method tdnn_conv_choose(const tdnn_plan_ctx *ctx, const tdnn_conv *c,
                                  tdnn_layout input);
tdnn_conv_fn *tdnn_conv_kernel(const tdnn_kernels *k, tdnn_conv_method method);
const char *tdnn_conv_method_name(tdnn_conv_method method);
/* For other floats than f32, and for more than three axes; also transposed. */
tdnn_status tdnn_conv_plan_wide(tdnn_plan_ctx *ctx, const tdnn_windows *windows, size_t groups,
                                bool transposed, const tdnn_activation *activation);

/* A kernel's name for people, in the plan's memory: "LEFT LEVEL". NULL if memory is refused. */
const char *tdnn_plan_kernel_name(tdnn_plan_ctx *ctx, const char *left, bool bf16);

#endif

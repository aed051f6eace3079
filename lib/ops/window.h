/* Where the windows of convolutions and pooling lie on each spatial axis. */
#ifndef TDNN_OPS_WINDOW_H
#define TDNN_OPS_WINDOW_H

#include "lib/ops/op.h"

typedef struct tdnn_window_axis {
    int64_t in, out; /* elements                                            */
    int64_t kernel, stride, dilation;
    int64_t pad, pad_end;
    int64_t reach;   /* elements from a window's first to behind its last one */
} tdnn_window_axis;

typedef struct tdnn_windows {
    int rank; /* spatial axes: of a tensor N, C, D1 .. Drank */
    tdnn_window_axis axis[TDNN_MAX_DIMS];
} tdnn_windows;

/* Reads the lists of `window` for a tensor of shape `x` and checks them. `weights`: the shape of
 * the convolution's weights, which tells the kernel; NULL: window->kernel_shape must be there.
 * Everything but `out` and automatic padding. */
tdnn_status tdnn_windows_read(const tdnn_window *window, const tdnn_shape *x,
                              const tdnn_shape *weights, tdnn_windows *out, tdnn_error *err);
/* The same, and the output's size and the padding. `ceil_mode`: round the size up, but let no
 * window start behind the input and its leading padding. */
tdnn_status tdnn_windows_resolve(const tdnn_window *window, const tdnn_shape *x,
                                 const tdnn_shape *weights, bool ceil_mode, tdnn_windows *out,
                                 tdnn_error *err);

/* Rows of an attribute list, for a parameter struct T with a field `window`. */
#define TDNN_WINDOW_INTS(T, field)                                                               \
    {.name = #field, .type = TDNN_ATTR_INTS, .offset = offsetof(T, window.field)}
#define TDNN_WINDOW_ATTRS(T)                                                                     \
    TDNN_WINDOW_INTS(T, kernel_shape), TDNN_WINDOW_INTS(T, strides),                             \
        TDNN_WINDOW_INTS(T, dilations), TDNN_WINDOW_INTS(T, pads),                               \
        {.name = "auto_pad", .type = TDNN_ATTR_ENUM, .offset = offsetof(T, window.auto_pad),     \
         .choices = tdnn_auto_pad_names}

#endif

/* Structs that kernels take as arguments. Numbers only; the caller fills them while planning. */
#ifndef TDNN_KERNELS_TYPES_H
#define TDNN_KERNELS_TYPES_H

#include <stddef.h>
#include <stdint.h>

typedef enum tdnn_act_kind {
    TDNN_ACTIVATE_NONE,
    TDNN_ACTIVATE_CLIP,        /* min(max(x, alpha), beta); Relu: 0, infinity; NaN stays   */
    TDNN_ACTIVATE_LEAKY,       /* x < 0 ? alpha * x : x                                    */
    TDNN_ACTIVATE_SIGMOID,     /* 1 / (1 + e^-x)                                           */
    TDNN_ACTIVATE_TANH,
    TDNN_ACTIVATE_SILU,        /* x * sigmoid(alpha * x); Swish has alpha 1                */
    TDNN_ACTIVATE_HARDSIGMOID, /* min(max(alpha * x + beta, 0), 1)                         */
    TDNN_ACTIVATE_HARDSWISH,   /* x * min(max(alpha * x + beta, 0), 1); ONNX: 1/6 and 1/2  */
    TDNN_ACTIVATE_MISH,        /* x * tanh(log(1 + e^x))                                   */
    TDNN_ACTIVATE_GELU,        /* x/2 * (1 + erf(x / sqrt 2))                              */
    TDNN_ACTIVATE_GELU_TANH,   /* its approximation by tanh                                */
    TDNN_ACTIVATE_ELU,         /* x < 0 ? alpha * (e^x - 1) : x                            */
    TDNN_ACTIVATE_SELU,        /* beta * (x < 0 ? alpha * (e^x - 1) : x)                   */
    TDNN_ACTIVATE_SOFTPLUS,    /* log(1 + e^x)                                             */
    TDNN_ACTIVATE_KINDS
} tdnn_act_kind;

typedef struct tdnn_act {
    tdnn_act_kind kind;
    float alpha, beta;
} tdnn_act;

/* The windows of a convolution with up to three spatial axes; unused ones come first, with
 * ones. */
typedef struct tdnn_unfold {
    size_t channels;
    size_t in[3], out[3], kernel[3], stride[3], dilation[3], pad[3];
} tdnn_unfold;

/* Pooling of one plane: a channel (lanes 1), or a block of channels, whose lanes lie side by
 * side. */
typedef struct tdnn_pool {
    size_t lanes;
    size_t ih, iw, oh, ow;
    size_t kh, kw, stride_h, stride_w, dilation_h, dilation_w;
    size_t pad_top, pad_left;
    size_t line; /* lanes 1: floats of scratch: a row with its padding */
    const float *count_h, *count_w; /* average: what a sum in row oy, column ox is divided by is
                                       count_h[oy] * count_w[ox] */
} tdnn_pool;

#define TDNN_I16_COLUMNS 32 /* columns of integer matrix products come in such groups */

/* Rows of which each becomes its softmax; strides in floats. */
typedef struct tdnn_softmax_rows {
    size_t rows, n;
    size_t y_stride, x_stride, mask_stride;
} tdnn_softmax_rows;

#define TDNN_X8_LANES 16 /* columns of a panel of packed 8-bit weights */

/* Products of rows of bytes by packed 8-bit weights, summed in 32 bits. A row is read at each
 * of `taps` offsets: 4 `quads` bytes there, or, for products channel by channel, 16 of each
 * panel. */
typedef struct tdnn_dot {
    const size_t *tap; /* bytes from where a row points */
    size_t taps, quads, panels;
} tdnn_dot;

/* y = (sum - offset) * factor + shift, by lanes; then, with `step`, the nearest of the values
 * that a byte stands for: (low .. high - zero) * step. */
typedef struct tdnn_rescale {
    const int32_t *offset;
    const float *factor, *shift; /* shift: NULL: none */
    float step;                  /* 0: any value      */
    int zero, low, high;
} tdnn_rescale;

#define TDNN_COPY_DIMS 16

/* Element [i0, i1 ...] at from + i0 * from[0] + ... goes to to + i0 * to[0] + ... */
typedef struct tdnn_copy {
    size_t size; /* bytes of an element, any number                        */
    int ndim;    /* 0: one element                                         */
    size_t count[TDNN_COPY_DIMS];
    ptrdiff_t to[TDNN_COPY_DIMS], from[TDNN_COPY_DIMS]; /* strides in bytes */
} tdnn_copy;

/* Output element [i0, i1 ...], dense, is read at from + table[0][i0] + table[1][i1] + ... */
typedef struct tdnn_lookup {
    size_t size; /* bytes of an element, any number */
    int ndim;    /* at least 1                      */
    size_t count[TDNN_COPY_DIMS];
    const ptrdiff_t *table[TDNN_COPY_DIMS]; /* offsets in bytes */
} tdnn_lookup;

/* Which elements make element i of the result: index[k * count + i], k = 0 .. taps-1. */
typedef struct tdnn_taps {
    size_t count, taps;
    const int32_t *index;
    const float *weight;
} tdnn_taps;

/* One block of channels put together from others: lane l of each pixel is lane index[l] of the
 * source whose mask has bit l; no mask has it: 0. */
typedef struct tdnn_lanes {
    size_t block, sources; /* lanes of a block: 8 or 16; at most 16 sources */
    int32_t index[16];
    uint16_t mask[16]; /* per source */
} tdnn_lanes;

#endif

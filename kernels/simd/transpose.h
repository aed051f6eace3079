/* Transposition of 32-bit elements in squares that are held in registers; `square` transposes
 * one of SIDE x SIDE, strides in floats. What is left over on the right and below goes the
 * generic way. */
#ifndef TDNN_KERNELS_SIMD_TRANSPOSE_H
#define TDNN_KERNELS_SIMD_TRANSPOSE_H

#include "kernels/generic/copy.h"

/* Columns of squares first, so that SIDE rows of the output are written from end to end. */
#define TRANSPOSE_BY_SQUARES(name, SIDE, square)                                                 \
    static void name(void *to, size_t to_stride, const void *from, size_t from_stride,           \
                     size_t rows, size_t columns)                                                \
    {                                                                                            \
        const size_t high = rows - rows % SIDE, wide = columns - columns % SIDE;                 \
        if ((to_stride | from_stride) % 4) {                                                     \
            tdnn_transpose_x32_generic(to, to_stride, from, from_stride, rows, columns);         \
            return;                                                                              \
        }                                                                                        \
        for (size_t c = 0; c < wide; c += SIDE)                                                  \
            for (size_t r = 0; r < high; r += SIDE)                                              \
                square((float *)(void *)((char *)to + c * to_stride + r * 4), to_stride / 4,     \
                       (const float *)(const void *)((const char *)from + r * from_stride +      \
                                                     c * 4),                                     \
                       from_stride / 4);                                                         \
        tdnn_transpose_x32_generic((char *)to + high * 4, to_stride,                             \
                                   (const char *)from + high * from_stride, from_stride,         \
                                   rows - high, wide);                                           \
        tdnn_transpose_x32_generic((char *)to + wide * to_stride, to_stride,                     \
                                   (const char *)from + wide * 4, from_stride, rows,             \
                                   columns - wide);                                              \
    }

#endif

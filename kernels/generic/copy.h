/* What the levels' versions of the strided copy share. */
#ifndef TDNN_KERNELS_GENERIC_COPY_H
#define TDNN_KERNELS_GENERIC_COPY_H

#include "kernels/kernels.h"

/* The strided copy, with the given transposition of 32-bit elements. */
void tdnn_copy_strided(void *to, const void *from, const tdnn_copy *copy,
                       tdnn_transpose_fn *x32);
void tdnn_transpose_x32_generic(void *to, size_t to_stride, const void *from,
                                size_t from_stride, size_t rows, size_t columns);

#endif

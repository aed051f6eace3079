/* Mean and variance of elements of any float type. */
#ifndef TDNN_OPS_MOMENTS_H
#define TDNN_OPS_MOMENTS_H

#include "lib/ops/convert.h"

typedef struct tdnn_moments {
    double mean, variance; /* of the whole population */
} tdnn_moments;

/* Of n neighbouring elements, the first at element `first`. Two passes: no digits cancel. */
tdnn_moments tdnn_moments_of(const tdnn_kernels *kernels, const void *data, tdnn_dtype type,
                             size_t first, size_t n);
/* The mean of the squares of n neighbouring elements. */
double tdnn_mean_square(const tdnn_kernels *kernels, const void *data, tdnn_dtype type,
                        size_t first, size_t n);

#endif

/* What an Einsum's equation says: each dimension of each operand, and of the result, has a
 * label. */
#ifndef TDNN_GRAPH_EINSUM_H
#define TDNN_GRAPH_EINSUM_H

#include "lib/base/tensor.h"

enum {
    TDNN_EINSUM_LETTERS = 52, /* then the ellipsis' dimensions, aligned at its end */
    TDNN_EINSUM_LABELS = TDNN_EINSUM_LETTERS + TDNN_MAX_DIMS,
    TDNN_EINSUM_OPERANDS = 64
};

typedef struct tdnn_einsum_term {
    int count, label[2 * TDNN_MAX_DIMS];
} tdnn_einsum_term;

typedef struct tdnn_einsum {
    size_t operands;
    tdnn_einsum_term term[TDNN_EINSUM_OPERANDS], result; /* the result has no label twice */
    int64_t extent[TDNN_EINSUM_LABELS]; /* a dimension of 1 fits any extent        */
    int uses[TDNN_EINSUM_LABELS];       /* how many dimensions of operands have it */
} tdnn_einsum;

/* The equation for operands of these shapes; errors are the model's. */
tdnn_status tdnn_einsum_read(const char *equation, const tdnn_shape *const *shapes, size_t count,
                             tdnn_einsum *out, tdnn_error *err);

#endif

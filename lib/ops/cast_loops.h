/* Casts between the commonest types of whole bytes: no halves, nothing unsigned above 8 bits. */
#ifndef TDNN_OPS_CAST_LOOPS_H
#define TDNN_OPS_CAST_LOOPS_H

#include "tinydnn.h"

#include <stddef.h>

/* n elements, as Cast says; no overlap. */
typedef void tdnn_cast_fn(void *y, const void *x, size_t n);

/* NULL: none for these types. */
tdnn_cast_fn *tdnn_cast_loop(tdnn_dtype from, tdnn_dtype to);

#endif

/* Putting elements in order. */
#ifndef TDNN_OPS_ORDER_H
#define TDNN_OPS_ORDER_H

#include "lib/ops/convert.h"

/* Elements as unsigned numbers in the same order: f64 by their bits, signs turned; -0 equals 0,
 * and every NaN comes last. Any real type. */
void tdnn_order_keys(uint64_t *to, tdnn_run from, size_t n);

/* Sorts 0 .. count-1 into `order`, stable. `less` compares two of them. */
typedef bool tdnn_less_fn(const void *context, size_t a, size_t b);
tdnn_status tdnn_order_sort(size_t *order, size_t count, tdnn_less_fn *less,
                            const void *context, tdnn_error *err);

#endif

/* Putting elements in order. */
#ifndef TDNN_OPS_ORDER_H
#define TDNN_OPS_ORDER_H

#include "lib/ops/convert.h"

#include <string.h>

/* Elements as unsigned numbers in the same order: f64 by their bits, signs turned; -0 equals 0,
 * and every NaN comes last. Any real type. */
void tdnn_order_keys(uint64_t *to, tdnn_run from, size_t n);

/* An f32 in 32 bits by the same rule. */
static inline uint32_t tdnn_order_key_f32(float x)
{
    uint32_t bits;
    if (x != x) return UINT32_MAX;
    x += 0.0f; /* -0 becomes 0 */
    memcpy(&bits, &x, sizeof bits);
    return bits >> 31 ? ~bits : bits | UINT32_C(1) << 31;
}

/* The first of x that equals `value`; n - 1 at most. */
size_t tdnn_find_f32(const float *x, size_t n, float value);

/* Sorts numbers, ascending; `spare` has room for as many. */
void tdnn_order_radix(uint64_t *keys, uint64_t *spare, size_t count);

/* Sorts 0 .. count-1 into `order`, stable. `less` compares two of them. */
typedef bool tdnn_less_fn(const void *context, size_t a, size_t b);
tdnn_status tdnn_order_sort(size_t *order, size_t count, tdnn_less_fn *less,
                            const void *context, tdnn_error *err);

#endif

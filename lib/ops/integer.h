/* Integer products: what matrices and convolutions of 8-bit numbers share. */
#ifndef TDNN_OPS_INTEGER_H
#define TDNN_OPS_INTEGER_H

#include "lib/ops/op.h"

/* Values of 8-bit inputs less their zero points, n of them, `step` elements apart. */
void tdnn_widen_i16(int16_t *to, size_t to_step, const void *from, tdnn_dtype type,
                    size_t from_step, int zero, size_t n);
/* Element `index` of a scale, a zero point: the only one there is, or one for each row, column
 * or channel. An absent zero point is 0. */
float tdnn_scale_at(const tdnn_tensor *scale, size_t index);
int tdnn_zero_at(const tdnn_tensor *zero, size_t index);

/* What DynamicQuantizeLinear makes of numbers from `low` to `high`, which takes in 0. A range
 * of nothing but 0 has the scale 1. */
void tdnn_dynamic_scale(float low, float high, float *scale, int *zero);

/* n sums to bytes: y = saturate(round(sum * factor) + zero). */
void tdnn_requantize_row(void *y, tdnn_dtype type, const int32_t *sum, size_t n, int32_t bias,
                         float factor, int zero);

/* Types u8 or i8, or an error that says what the input is. */
tdnn_status tdnn_expect_bytes(const tdnn_info *in, const char *what, tdnn_error *err);
/* One element, or `count` of them. Absent (NULL) is fine. */
tdnn_status tdnn_expect_one_or(const tdnn_info *in, int64_t count, const char *what,
                               tdnn_error *err);

#endif

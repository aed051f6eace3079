/* Widening of bytes, scales and zero points, and the way back. */
#include "lib/ops/integer.h"
#include "lib/ops/convert.h"

#include <math.h>

void tdnn_widen_i16(int16_t *to, size_t to_step, const void *from, tdnn_dtype type,
                    size_t from_step, int zero, size_t n)
{
    const uint8_t *u = from;
    const int8_t *i = from;
    if (type == TDNN_U8)
        for (size_t k = 0; k < n; k++) to[k * to_step] = (int16_t)(u[k * from_step] - zero);
    else
        for (size_t k = 0; k < n; k++) to[k * to_step] = (int16_t)(i[k * from_step] - zero);
}

float tdnn_scale_at(const tdnn_tensor *scale, size_t index)
{
    double v;
    const size_t at = tdnn_shape_count(&scale->shape) == 1 ? 0 : index;
    tdnn_load_f64(&v, tdnn_run_of(scale->data, scale->dtype, at, 1), 1);
    return (float)v;
}

int tdnn_zero_at(const tdnn_tensor *zero, size_t index)
{
    if (!zero) return 0;
    const size_t at = tdnn_shape_count(&zero->shape) == 1 ? 0 : index;
    return zero->dtype == TDNN_U8 ? ((const uint8_t *)zero->data)[at]
                                  : ((const int8_t *)zero->data)[at];
}

void tdnn_dynamic_scale(float low, float high, float *scale, int *zero)
{
    low = fminf(low, 0), high = fmaxf(high, 0);
    *scale = (high - low) / 255;
    if (*scale == 0) *scale = 1;
    *zero = (int)rintf(fminf(fmaxf(0 - low / *scale, 0), 255));
}

void tdnn_requantize_row(void *y, tdnn_dtype type, const int32_t *sum, size_t n, int32_t bias,
                         float factor, int zero)
{
    const float low = type == TDNN_I8 ? -128 : 0, high = low + 255;
    uint8_t *to = y;
    for (size_t i = 0; i < n; i++) {
        const int32_t total = (int32_t)((uint32_t)sum[i] + (uint32_t)bias);
        const float v = rintf((float)total * factor) + (float)zero;
        to[i] = (uint8_t)(int)(v > low ? (v < high ? v : high) : low);
    }
}

tdnn_status tdnn_expect_bytes(const tdnn_info *in, const char *what, tdnn_error *err)
{
    if (in->dtype == TDNN_U8 || in->dtype == TDNN_I8) return TDNN_OK;
    return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "%s of type %s, expected u8 or i8", what,
                     tdnn_dtype_name(in->dtype));
}

tdnn_status tdnn_expect_one_or(const tdnn_info *in, int64_t count, const char *what,
                               tdnn_error *err)
{
    if (!in) return TDNN_OK;
    const int64_t have = tdnn_shape_count(&in->shape);
    if (have == 1 || have == count) return TDNN_OK;
    return TDNN_FAIL(err, TDNN_ERR_SHAPE, "%s has %lld elements, expected 1 or %lld", what,
                     (long long)have, (long long)count);
}

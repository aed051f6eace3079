/* Element types: their names, their widths, and what the bits of one element mean. */
#include "lib/base/tensor.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const struct {
    const char *name;
    int bits;
} dtypes[TDNN_DTYPE_COUNT] = {
    [TDNN_NONE] = {"none", 0},
    [TDNN_F32] = {"f32", 32},
    [TDNN_U8] = {"u8", 8},
    [TDNN_I8] = {"i8", 8},
    [TDNN_U16] = {"u16", 16},
    [TDNN_I16] = {"i16", 16},
    [TDNN_I32] = {"i32", 32},
    [TDNN_I64] = {"i64", 64},
    [TDNN_STRING] = {"string", 0},
    [TDNN_BOOL] = {"bool", 8},
    [TDNN_F16] = {"f16", 16},
    [TDNN_F64] = {"f64", 64},
    [TDNN_U32] = {"u32", 32},
    [TDNN_U64] = {"u64", 64},
    [TDNN_C64] = {"c64", 64},
    [TDNN_C128] = {"c128", 128},
    [TDNN_BF16] = {"bf16", 16},
    [TDNN_F8E4M3FN] = {"f8e4m3fn", 8},
    [TDNN_F8E4M3FNUZ] = {"f8e4m3fnuz", 8},
    [TDNN_F8E5M2] = {"f8e5m2", 8},
    [TDNN_F8E5M2FNUZ] = {"f8e5m2fnuz", 8},
    [TDNN_U4] = {"u4", 4},
    [TDNN_I4] = {"i4", 4},
    [TDNN_F4E2M1] = {"f4e2m1", 4},
    [TDNN_F8E8M0] = {"f8e8m0", 8},
    [TDNN_U2] = {"u2", 2},
    [TDNN_I2] = {"i2", 2},
};

const char *tdnn_dtype_name(tdnn_dtype dtype)
{
    return (unsigned)dtype < TDNN_DTYPE_COUNT ? dtypes[dtype].name : "?";
}

int tdnn_dtype_bits(tdnn_dtype dtype)
{
    return (unsigned)dtype < TDNN_DTYPE_COUNT ? dtypes[dtype].bits : 0;
}

/* A sign bit, `exponent` bits and `fraction` bits; how the largest exponent is read differs. */
typedef enum specials {
    IEEE,   /* all ones: infinity, or not a number                  */
    FINITE, /* a number like any other                              */
    FN,     /* a number, except that all ones in the fraction is NaN */
    FNUZ    /* a number; minus zero is the only NaN                  */
} specials;

static double decode_float(unsigned bits, int exponent, int fraction, int bias, specials rule)
{
    unsigned top = (1U << exponent) - 1;
    unsigned f = bits & ((1U << fraction) - 1), e = bits >> fraction & top;
    bool negative = bits >> (exponent + fraction) & 1;
    if (rule == IEEE && e == top) {
        if (f) return (double)NAN;
        return negative ? -(double)INFINITY : (double)INFINITY;
    }
    if (rule == FN && e == top && f == (1U << fraction) - 1) return (double)NAN;
    if (rule == FNUZ && negative && e == 0 && f == 0) return (double)NAN;
    double value = e ? ldexp(1 + ldexp(f, -fraction), (int)e - bias)
                     : ldexp(f, 1 - bias - fraction);
    return negative ? -value : value;
}

static double decode_bf16(unsigned bits)
{
    uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, sizeof value);
    return (double)value;
}

/* Element `index` of `bits`-wide ones, the first in a byte's lowest bits. */
static unsigned narrow_element(const void *data, size_t index, unsigned bits)
{
    size_t per_byte = 8 / bits;
    unsigned byte = ((const unsigned char *)data)[index / per_byte];
    return byte >> (index % per_byte * bits) & ((1U << bits) - 1);
}

int64_t tdnn_tensor_get_i64(const tdnn_tensor *tensor, size_t index)
{
    const void *data = tensor->data;
    switch (tensor->dtype) {
    case TDNN_BOOL:
    case TDNN_U8: return ((const uint8_t *)data)[index];
    case TDNN_I8: return ((const int8_t *)data)[index];
    case TDNN_U16: return ((const uint16_t *)data)[index];
    case TDNN_I16: return ((const int16_t *)data)[index];
    case TDNN_U32: return ((const uint32_t *)data)[index];
    case TDNN_I32: return ((const int32_t *)data)[index];
    case TDNN_U64: return (int64_t)((const uint64_t *)data)[index];
    case TDNN_I64: return ((const int64_t *)data)[index];
    case TDNN_U4: return narrow_element(data, index, 4);
    case TDNN_I4: return (int64_t)(narrow_element(data, index, 4) ^ 8U) - 8;
    case TDNN_U2: return narrow_element(data, index, 2);
    case TDNN_I2: return (int64_t)(narrow_element(data, index, 2) ^ 2U) - 2;
    default: assert(!"an integer or bool tensor"); return 0;
    }
}

double tdnn_tensor_get_f64(const tdnn_tensor *tensor, size_t index)
{
    const void *data = tensor->data;
    const uint8_t *bytes = data;
    const uint16_t *words = data;
    switch (tensor->dtype) {
    case TDNN_F32: return (double)((const float *)data)[index];
    case TDNN_F64: return ((const double *)data)[index];
    case TDNN_F16: return decode_float(words[index], 5, 10, 15, IEEE);
    case TDNN_BF16: return decode_bf16(words[index]);
    case TDNN_F8E4M3FN: return decode_float(bytes[index], 4, 3, 7, FN);
    case TDNN_F8E4M3FNUZ: return decode_float(bytes[index], 4, 3, 8, FNUZ);
    case TDNN_F8E5M2: return decode_float(bytes[index], 5, 2, 15, IEEE);
    case TDNN_F8E5M2FNUZ: return decode_float(bytes[index], 5, 2, 16, FNUZ);
    case TDNN_F4E2M1: return decode_float(narrow_element(data, index, 4), 2, 1, 1, FINITE);
    case TDNN_F8E8M0: /* an exponent and nothing else */
        return bytes[index] == 255 ? (double)NAN : ldexp(1, bytes[index] - 127);
    case TDNN_U64: return (double)((const uint64_t *)data)[index];
    default: return (double)tdnn_tensor_get_i64(tensor, index);
    }
}

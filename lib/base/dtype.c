/* Element types: their names, their widths, and what the bits of one element mean. */
#include "lib/base/narrow.h"
#include "lib/base/tensor.h"

#include <assert.h>

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
    default: assert(false); return 0; /* no integer or bool tensor */
    }
}

double tdnn_tensor_get_f64(const tdnn_tensor *tensor, size_t index)
{
    const void *data = tensor->data;
    switch (tensor->dtype) {
    case TDNN_F32: return (double)((const float *)data)[index];
    case TDNN_F64: return ((const double *)data)[index];
    case TDNN_F16:
    case TDNN_BF16: return tdnn_narrow_decode(tensor->dtype, ((const uint16_t *)data)[index]);
    case TDNN_F8E4M3FN:
    case TDNN_F8E4M3FNUZ:
    case TDNN_F8E5M2:
    case TDNN_F8E5M2FNUZ:
    case TDNN_F8E8M0: return tdnn_narrow_decode(tensor->dtype, ((const uint8_t *)data)[index]);
    case TDNN_F4E2M1: return tdnn_narrow_decode(TDNN_F4E2M1, narrow_element(data, index, 4));
    case TDNN_U64: return (double)((const uint64_t *)data)[index];
    default: return (double)tdnn_tensor_get_i64(tensor, index);
    }
}

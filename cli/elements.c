/* elements.c - reads and fills tensors element by element: slow, for every type, for reports.
 */
#include "cli/elements.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

size_t element_count(const tdnn_tensor *tensor)
{
    int64_t count = tdnn_shape_count(tdnn_tensor_shape(tensor));

    return count < 0 ? 0 : (size_t)count;
}

bool element_is_float(tdnn_dtype dtype)
{
    switch (dtype) {
    case TDNN_F16:
    case TDNN_BF16:
    case TDNN_F32:
    case TDNN_F64:
    case TDNN_C64:
    case TDNN_C128:
    case TDNN_F8E4M3FN:
    case TDNN_F8E4M3FNUZ:
    case TDNN_F8E5M2:
    case TDNN_F8E5M2FNUZ:
    case TDNN_F4E2M1:
    case TDNN_F8E8M0: return true;
    default: return false;
    }
}

size_t number_count(const tdnn_tensor *tensor)
{
    tdnn_dtype dtype = tdnn_tensor_dtype(tensor);

    return element_count(tensor) * (dtype == TDNN_C64 || dtype == TDNN_C128 ? 2 : 1);
}

/* A binary float of `ebits` and `mbits`. `ieee`: the top exponent holds infinities and NaNs;
 * else every exponent is finite, and the caller has dealt with the format's own NaN. */
static double small_float(unsigned bits, int ebits, int mbits, int bias, bool ieee)
{
    unsigned mantissa = bits & ((1u << mbits) - 1),
             exponent = bits >> mbits & ((1u << ebits) - 1);
    double sign = bits >> (ebits + mbits) & 1 ? -1.0 : 1.0;

    if (ieee && exponent == (1u << ebits) - 1) return mantissa ? NAN : sign * (double)INFINITY;
    if (exponent == 0) return sign * ldexp(mantissa, 1 - bias - mbits);
    return sign * ldexp(mantissa + (1u << mbits), (int)exponent - bias - mbits);
}

/* Element `index` of a type that is narrower than a byte; the first is in the lowest bits. */
static unsigned packed_at(const unsigned char *data, size_t index, unsigned bits)
{
    return (unsigned)data[index * bits / 8] >> (index * bits % 8) & ((1u << bits) - 1);
}

static double signed_bits(unsigned value, unsigned bits)
{
    return value >> (bits - 1) ? (double)value - (double)(1u << bits) : (double)value;
}

static double byte_float(tdnn_dtype dtype, unsigned bits)
{
    switch (dtype) {
    case TDNN_F8E4M3FN: return (bits & 0x7F) == 0x7F ? NAN : small_float(bits, 4, 3, 7, false);
    case TDNN_F8E4M3FNUZ: return bits == 0x80 ? NAN : small_float(bits, 4, 3, 8, false);
    case TDNN_F8E5M2: return small_float(bits, 5, 2, 15, true);
    case TDNN_F8E5M2FNUZ: return bits == 0x80 ? NAN : small_float(bits, 5, 2, 16, false);
    default: return bits == 0xFF ? NAN : ldexp(1.0, (int)bits - 127); /* F8E8M0 */
    }
}

double number_at(const tdnn_tensor *tensor, size_t index)
{
    const void *data = tdnn_tensor_const_data(tensor);

    switch (tdnn_tensor_dtype(tensor)) {
    case TDNN_F32:
    case TDNN_C64: return (double)((const float *)data)[index];
    case TDNN_F64:
    case TDNN_C128: return ((const double *)data)[index];
    case TDNN_F16: return small_float(((const uint16_t *)data)[index], 5, 10, 15, true);
    case TDNN_BF16: return small_float(((const uint16_t *)data)[index], 8, 7, 127, true);
    case TDNN_BOOL:
    case TDNN_U8: return ((const uint8_t *)data)[index];
    case TDNN_I8: return ((const int8_t *)data)[index];
    case TDNN_U16: return ((const uint16_t *)data)[index];
    case TDNN_I16: return ((const int16_t *)data)[index];
    case TDNN_U32: return ((const uint32_t *)data)[index];
    case TDNN_I32: return ((const int32_t *)data)[index];
    case TDNN_U64: return (double)((const uint64_t *)data)[index];
    case TDNN_I64: return (double)((const int64_t *)data)[index];
    case TDNN_U4: return packed_at(data, index, 4);
    case TDNN_I4: return signed_bits(packed_at(data, index, 4), 4);
    case TDNN_U2: return packed_at(data, index, 2);
    case TDNN_I2: return signed_bits(packed_at(data, index, 2), 2);
    case TDNN_F4E2M1: return small_float(packed_at(data, index, 4), 2, 1, 1, false);
    case TDNN_F8E4M3FN:
    case TDNN_F8E4M3FNUZ:
    case TDNN_F8E5M2:
    case TDNN_F8E5M2FNUZ:
    case TDNN_F8E8M0:
        return byte_float(tdnn_tensor_dtype(tensor), ((const uint8_t *)data)[index]);
    default: return 0.0;
    }
}

const char *type_text(tdnn_kind kind, tdnn_dtype dtype, char *text, size_t size)
{
    static const char *const kinds[] = {"", "sequence of ", "optional "};

    snprintf(text, size, "%s%s", kinds[kind], tdnn_dtype_name(dtype));
    return text;
}

number_summary numbers_summarise(const tdnn_tensor *tensor)
{
    number_summary s = {NAN, NAN, NAN, 0};
    bool numeric = tdnn_tensor_kind(tensor) == TDNN_KIND_TENSOR &&
                   tdnn_tensor_dtype(tensor) != TDNN_STRING;
    size_t count = numeric ? number_count(tensor) : 0;
    double sum = 0.0;

    for (size_t i = 0; i < count; i++) {
        double value = number_at(tensor, i);

        if (isnan(value)) {
            s.nan_count++;
            continue;
        }
        if (!(value >= s.minimum)) s.minimum = value;
        if (!(value <= s.maximum)) s.maximum = value;
        sum += value;
    }
    if (count > s.nan_count) s.mean = sum / (double)(count - s.nan_count);
    return s;
}

/* Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014. */
static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* The upper half of a float32 in [0, 1): that is a bfloat16; a float16 is made by scaling. */
static uint16_t half_of_unit(uint64_t random)
{
    unsigned mantissa = (unsigned)(random & 0x3FF), exponent = 14;

    for (random >>= 10; exponent > 0 && (random & 1); random >>= 1) exponent--;
    return (uint16_t)(exponent << 10 | mantissa);
}

void numbers_randomise(tdnn_tensor *tensor, uint64_t *state)
{
    tdnn_dtype dtype = tdnn_tensor_dtype(tensor);
    void *data = tdnn_tensor_data(tensor);
    size_t count = number_count(tensor), size = count ? tdnn_tensor_bytes(tensor) / count : 0;

    for (size_t i = 0; data && i < count; i++) {
        uint64_t random = splitmix64(state);
        float unit = (float)(random >> 40) * 0x1p-24f;
        uint32_t word;

        if (dtype == TDNN_F32 || dtype == TDNN_C64)
            ((float *)data)[i] = unit;
        else if (dtype == TDNN_F64 || dtype == TDNN_C128)
            ((double *)data)[i] = (double)(random >> 11) * 0x1p-53;
        else if (dtype == TDNN_F16)
            ((uint16_t *)data)[i] = half_of_unit(random);
        else if (dtype == TDNN_BF16) {
            memcpy(&word, &unit, sizeof word);
            ((uint16_t *)data)[i] = (uint16_t)(word >> 16);
        } else if (dtype == TDNN_BOOL)
            ((uint8_t *)data)[i] = (uint8_t)(random >> 63);
        else if (size == 1)
            ((uint8_t *)data)[i] = (uint8_t)(random >> 56);
        else if (dtype == TDNN_U16 || dtype == TDNN_I16)
            ((uint16_t *)data)[i] = 1;
        else if (dtype == TDNN_U32 || dtype == TDNN_I32)
            ((uint32_t *)data)[i] = 1;
        else if (dtype == TDNN_U64 || dtype == TDNN_I64)
            ((uint64_t *)data)[i] = 1;
    }
}

void numbers_ramp(tdnn_tensor *tensor)
{
    size_t count = element_count(tensor);
    float *data = tdnn_tensor_data(tensor);

    for (size_t i = 0; i < count; i++) data[i] = (float)((double)i / (double)count);
}

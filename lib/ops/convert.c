/* Loads and stores of every element type, as f64 or i64. */
#include "lib/ops/convert.h"

/* X(enumerator, C type) */
#define INTEGERS(X)                                                                            \
    X(TDNN_U8, uint8_t)                                                                        \
    X(TDNN_I8, int8_t)                                                                         \
    X(TDNN_U16, uint16_t)                                                                      \
    X(TDNN_I16, int16_t)                                                                       \
    X(TDNN_U32, uint32_t)                                                                      \
    X(TDNN_I32, int32_t)                                                                       \
    X(TDNN_I64, int64_t)

static unsigned bits_get(const void *data, size_t index, unsigned bits)
{
    const size_t per_byte = 8 / bits;
    const unsigned byte = ((const uint8_t *)data)[index / per_byte];
    return byte >> (index % per_byte * bits) & ((1u << bits) - 1u);
}

static void bits_set(void *data, size_t index, unsigned bits, unsigned value)
{
    const size_t per_byte = 8 / bits;
    uint8_t *byte = (uint8_t *)data + index / per_byte;
    const unsigned shift = (unsigned)(index % per_byte) * bits, mask = ((1u << bits) - 1u)
                                                                       << shift;
    *byte = (uint8_t)((*byte & ~mask) | (value << shift & mask));
}

/* One element of a float type of 8 bits or fewer. */
static unsigned narrow_get(const tdnn_run *r, size_t index)
{
    return r->type == TDNN_F4E2M1 ? bits_get(r->data, index, 4)
                                  : ((const uint8_t *)r->data)[index];
}

void tdnn_load_i64(int64_t *to, tdnn_run r, size_t n)
{
    switch (r.type) {
#define LOAD(E, T)                                                                             \
    case E: {                                                                                  \
        const T *from = (const T *)r.data + r.first;                                           \
        for (size_t i = 0; i < n; i++) to[i] = (int64_t)from[i * r.step];                      \
        return;                                                                                \
    }
        INTEGERS(LOAD)
        LOAD(TDNN_U64, uint64_t)
#undef LOAD
    case TDNN_BOOL:
        for (size_t i = 0; i < n; i++)
            to[i] = ((const uint8_t *)r.data)[r.first + i * r.step] != 0;
        return;
    case TDNN_U4:
    case TDNN_I4:
    case TDNN_U2:
    case TDNN_I2: {
        const unsigned bits = r.type == TDNN_U4 || r.type == TDNN_I4 ? 4 : 2;
        const unsigned sign = r.type == TDNN_I4 || r.type == TDNN_I2 ? 1u << (bits - 1) : 0;
        for (size_t i = 0; i < n; i++)
            to[i] =
                (int64_t)(bits_get(r.data, r.first + i * r.step, bits) ^ sign) - (int64_t)sign;
        return;
    }
    default: return;
    }
}

void tdnn_store_i64(tdnn_run r, const int64_t *from, size_t n)
{
    switch (r.type) {
#define STORE(E, T)                                                                            \
    case E: {                                                                                  \
        T *to = (T *)r.data + r.first;                                                         \
        for (size_t i = 0; i < n; i++) to[i * r.step] = (T)from[i];                            \
        return;                                                                                \
    }
        INTEGERS(STORE)
        STORE(TDNN_U64, uint64_t)
#undef STORE
    case TDNN_BOOL:
        for (size_t i = 0; i < n; i++) ((uint8_t *)r.data)[r.first + i * r.step] = from[i] != 0;
        return;
    case TDNN_U4:
    case TDNN_I4:
    case TDNN_U2:
    case TDNN_I2: {
        const unsigned bits = r.type == TDNN_U4 || r.type == TDNN_I4 ? 4 : 2;
        for (size_t i = 0; i < n; i++)
            bits_set(r.data, r.first + i * r.step, bits, (unsigned)from[i]);
        return;
    }
    default: return;
    }
}

static void load_f64_of_i64(double *to, tdnn_run r, size_t n)
{
    int64_t part[64];
    for (size_t done = 0; done < n;) {
        const size_t count = n - done < 64 ? n - done : 64;
        tdnn_load_i64(part, r, count);
        for (size_t i = 0; i < count; i++)
            to[done + i] = r.type == TDNN_U64 ? (double)(uint64_t)part[i] : (double)part[i];
        r.first += count * r.step;
        done += count;
    }
}

void tdnn_load_f64(double *to, tdnn_run r, size_t n)
{
    switch (r.type) {
    case TDNN_F32:
        for (size_t i = 0; i < n; i++)
            to[i] = (double)((const float *)r.data)[r.first + i * r.step];
        return;
    case TDNN_F64:
        for (size_t i = 0; i < n; i++) to[i] = ((const double *)r.data)[r.first + i * r.step];
        return;
    case TDNN_F16:
        for (size_t i = 0; i < n; i++)
            to[i] = (double)tdnn_f16_to_f32(((const uint16_t *)r.data)[r.first + i * r.step]);
        return;
    case TDNN_BF16:
        for (size_t i = 0; i < n; i++)
            to[i] = (double)tdnn_bf16_to_f32(((const uint16_t *)r.data)[r.first + i * r.step]);
        return;
    default:
        if (tdnn_dtype_is_float(r.type)) {
            for (size_t i = 0; i < n; i++)
                to[i] = tdnn_narrow_decode(r.type, narrow_get(&r, r.first + i * r.step));
        } else {
            load_f64_of_i64(to, r, n);
        }
        return;
    }
}

static void store_f64_to_i64(tdnn_run r, const double *from, size_t n)
{
    static const struct {
        int64_t low, high;
    } range[TDNN_DTYPE_COUNT] = {
        [TDNN_U8] = {0, UINT8_MAX},          [TDNN_I8] = {INT8_MIN, INT8_MAX},
        [TDNN_U16] = {0, UINT16_MAX},        [TDNN_I16] = {INT16_MIN, INT16_MAX},
        [TDNN_U32] = {0, UINT32_MAX},        [TDNN_I32] = {INT32_MIN, INT32_MAX},
        [TDNN_I64] = {INT64_MIN, INT64_MAX},
    };
    const bool packed = tdnn_dtype_bits(r.type) < 8;
    int64_t part[64];
    for (size_t done = 0; done < n;) {
        const size_t count = n - done < 64 ? n - done : 64;
        for (size_t i = 0; i < count; i++) {
            const double x = from[done + i];
            if (r.type == TDNN_BOOL)
                part[i] = x != 0;
            else if (r.type == TDNN_U64)
                part[i] = (int64_t)tdnn_u64_of_f64(x);
            else if (packed)
                part[i] = tdnn_i64_of_f64(x, INT64_MIN, INT64_MAX);
            else
                part[i] = tdnn_i64_of_f64(x, range[r.type].low, range[r.type].high);
        }
        tdnn_store_i64(r, part, count);
        r.first += count * r.step;
        done += count;
    }
}

void tdnn_store_narrow(tdnn_run r, const double *from, size_t n, bool saturate,
                       tdnn_rounding rounding)
{
    const bool half = tdnn_dtype_is_half(r.type);
    for (size_t i = 0; i < n; i++) {
        const size_t at = r.first + i * r.step;
        const unsigned code = tdnn_narrow_encode(r.type, from[i], saturate && !half, rounding);
        if (r.type == TDNN_F4E2M1)
            bits_set(r.data, at, 4, code);
        else if (half)
            ((uint16_t *)r.data)[at] = (uint16_t)code;
        else
            ((uint8_t *)r.data)[at] = (uint8_t)code;
    }
}

void tdnn_store_f64(tdnn_run r, const double *from, size_t n)
{
    if (r.type == TDNN_F32) {
        for (size_t i = 0; i < n; i++) ((float *)r.data)[r.first + i * r.step] = (float)from[i];
    } else if (r.type == TDNN_F64) {
        for (size_t i = 0; i < n; i++) ((double *)r.data)[r.first + i * r.step] = from[i];
    } else if (tdnn_dtype_is_float(r.type)) {
        tdnn_store_narrow(r, from, n, true, TDNN_ROUND_UP);
    } else {
        store_f64_to_i64(r, from, n);
    }
}

void tdnn_widen_f32(const tdnn_kernels *k, float *to, const void *from, tdnn_dtype type,
                    size_t first, size_t n)
{
    if (type == TDNN_F16) {
        k->widen_f16(to, (const uint16_t *)from + first, n);
    } else if (type == TDNN_BF16) {
        for (size_t i = 0; i < n; i++)
            to[i] = tdnn_bf16_to_f32(((const uint16_t *)from)[first + i]);
    } else if (n) {
        memcpy(to, (const float *)from + first, n * sizeof *to);
    }
}

void tdnn_narrow_f32(const tdnn_kernels *k, void *to, tdnn_dtype type, size_t first,
                     const float *from, size_t n)
{
    if (type == TDNN_F16) {
        k->narrow_f16((uint16_t *)to + first, from, n);
    } else if (type == TDNN_BF16) {
        for (size_t i = 0; i < n; i++) ((uint16_t *)to)[first + i] = tdnn_f32_to_bf16(from[i]);
    } else if (n) {
        memcpy((float *)to + first, from, n * sizeof *from);
    }
}

void tdnn_get_f32(const tdnn_kernels *k, float *to, const tdnn_tensor *from, size_t first,
                  size_t n)
{
    if (from->dtype == TDNN_F64)
        for (size_t i = 0; i < n; i++) to[i] = (float)((const double *)from->data)[first + i];
    else
        tdnn_widen_f32(k, to, from->data, from->dtype, first, n);
}

void tdnn_put_f32(const tdnn_kernels *k, tdnn_tensor *to, size_t first, const float *from,
                  size_t n)
{
    if (to->dtype == TDNN_F64)
        for (size_t i = 0; i < n; i++) ((double *)to->data)[first + i] = (double)from[i];
    else
        tdnn_narrow_f32(k, to->data, to->dtype, first, from, n);
}

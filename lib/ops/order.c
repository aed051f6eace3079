/* Order-preserving keys, and a merge sort of indices. */
#include "lib/ops/order.h"

#include <string.h>

static uint64_t key_of_f64(double x)
{
    uint64_t bits;
    if (x != x) return UINT64_MAX;
    if (x == 0) x = 0;
    memcpy(&bits, &x, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

void tdnn_order_keys(uint64_t *to, tdnn_run from, size_t n)
{
    enum { CHUNK = 128 };
    for (size_t i = 0; i < n; i += CHUNK) {
        const size_t part = n - i < CHUNK ? n - i : CHUNK;
        const tdnn_run run = {from.data, from.type, from.first + i * from.step, from.step};
        if (tdnn_dtype_is_integral(from.type)) {
            const uint64_t turn = from.type == TDNN_U64 ? 0 : UINT64_C(1) << 63;
            int64_t x[CHUNK];
            tdnn_load_i64(x, run, part);
            for (size_t k = 0; k < part; k++) to[i + k] = (uint64_t)x[k] ^ turn;
        } else {
            double x[CHUNK];
            tdnn_load_f64(x, run, part);
            for (size_t k = 0; k < part; k++) to[i + k] = key_of_f64(x[k]);
        }
    }
}

size_t tdnn_find_f32(const float *x, size_t n, float value)
{
    enum { BLOCK = 16 };
    size_t at = 0;
    for (; at + BLOCK <= n; at += BLOCK) {
        int32_t any = 0;
        for (size_t i = 0; i < BLOCK; i++) any |= x[at + i] == value;
        if (any) break;
    }
    while (at + 1 < n && x[at] != value) at++;
    return at;
}

void tdnn_order_radix(uint64_t *keys, uint64_t *spare, size_t count)
{
    uint64_t *from = keys, *to = spare;
    uint64_t same = 0; /* bits that differ anywhere */
    for (size_t i = 1; i < count; i++) same |= keys[i] ^ keys[0];
    for (unsigned shift = 0; shift < 64; shift += 8) {
        size_t start[256] = {0}, next = 0;
        if (!(same >> shift & 255)) continue;
        for (size_t i = 0; i < count; i++) start[from[i] >> shift & 255]++;
        for (size_t b = 0; b < 256; b++) {
            const size_t n = start[b];
            start[b] = next;
            next += n;
        }
        for (size_t i = 0; i < count; i++) to[start[from[i] >> shift & 255]++] = from[i];
        uint64_t *t = from;
        from = to, to = t;
    }
    if (from != keys) memcpy(keys, from, count * sizeof *keys);
}

static void merge(const size_t *from, size_t *to, size_t begin, size_t middle, size_t end,
                  tdnn_less_fn *less, const void *context)
{
    size_t a = begin, b = middle;
    for (size_t i = begin; i < end; i++) {
        const bool second = a == middle || (b < end && less(context, from[b], from[a]));
        to[i] = second ? from[b++] : from[a++];
    }
}

tdnn_status tdnn_order_sort(size_t *order, size_t count, tdnn_less_fn *less,
                            const void *context, tdnn_error *err)
{
    size_t *other = tdnn_alloc(count, sizeof *other), *from = order, *to = other;
    if (!other) return TDNN_NO_MEMORY(err);
    for (size_t i = 0; i < count; i++) order[i] = i;
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t begin = 0; begin < count; begin += 2 * width) {
            const size_t middle = count - begin < width ? count : begin + width;
            const size_t end = count - middle < width ? count : middle + width;
            merge(from, to, begin, middle, end, less, context);
        }
        size_t *t = from;
        from = to, to = t;
    }
    if (from != order) memcpy(order, from, count * sizeof *order);
    tdnn_free(other);
    return TDNN_OK;
}

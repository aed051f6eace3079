/* Products of rows of bytes by packed weights on vectors, and what becomes of their sums. Four
 * products of bytes are added in each 32-bit lane: by one instruction where the CPU has it,
 * else as two pairs of 16-bit numbers, since no sum may saturate. */
#ifndef TDNN_KERNELS_SIMD_DOT_H
#define TDNN_KERNELS_SIMD_DOT_H

#include "kernels/kernels.h"
#include "kernels/simd/quantize.h"
#include "kernels/simd/tile.h"

#if defined(__AVX512VNNI__)
enum { ROWS = 6 }; /* by 4 panels, in 32 registers */
#else
enum { ROWS = 4 }; /* pairs need twice the registers for factors */
#endif
enum { LANES = TDNN_X8_LANES, PARTS = LANES / V_LANES }; /* PARTS: vectors that a panel has */

/* ---- bytes ---- */

static void quantize_lanes(uint8_t *y, size_t y_step, const float *x, size_t x_step, size_t count,
                           size_t lanes, float scale, int zero)
{
    const v_divisor by = v_divide_by(scale);
    const v_f32 z = v_set1((float)zero), low = v_set1(0), high = v_set1(255);
    for (size_t i = 0; i < count; i++, x += x_step, y += y_step)
        for (size_t l = 0; l < lanes; l += V_LANES) {
            const size_t n = lanes - l;
            const v_f32 from = n < V_LANES ? v_load_n(x + l, n) : v_load(x + l);
            const v_f32 q = v_min(v_max(v_add(v_round_quotient(from, &by), z), low), high);
            uint8_t part[V_LANES];
            v_to_x8(n < V_LANES ? part : y + l, q);
            for (size_t k = 0; n < V_LANES && k < n; k++) y[l + k] = part[k];
        }
}

/* ---- products ---- */

/* `rows` rows by `panels` panels. */
INLINE void dot_tile(int32_t *sums, const uint8_t *const *rows, const int8_t *w,
                     const tdnn_dot *d, size_t stride, size_t count, size_t panels)
{
    v_i32 sum[8][4 * PARTS];
    const uint8_t *at[8];
    const size_t each = d->taps * d->quads * LANES * 4;
    V_UNROLL
    for (size_t i = 0; i < count; i++) V_UNROLL
    for (size_t v = 0; v < panels * PARTS; v++) sum[i][v] = vi_zero();
    for (size_t t = 0; t < d->taps; t++) {
        V_UNROLL
        for (size_t i = 0; i < count; i++) at[i] = rows[i] + d->tap[t];
        for (size_t q = 0; q < d->quads; q++, w += LANES * 4) {
            v_bytes column[4 * PARTS];
            V_UNROLL
            for (size_t v = 0; v < panels * PARTS; v++)
                column[v] =
                    v_signed_bytes(vi_load(w + v / PARTS * each + v % PARTS * V_LANES * 4));
            V_UNROLL
            for (size_t i = 0; i < count; i++) {
                const v_bytes quad = v_unsigned_bytes(vi_quad(at[i] + 4 * q));
                V_UNROLL
                for (size_t v = 0; v < panels * PARTS; v++)
                    sum[i][v] = vi_dot(sum[i][v], quad, column[v]);
            }
        }
    }
    V_UNROLL
    for (size_t i = 0; i < count; i++) V_UNROLL
    for (size_t v = 0; v < panels * PARTS; v++)
        vi_store(sums + (v / PARTS * stride + i) * LANES + v % PARTS * V_LANES, sum[i][v]);
}

/* All rows by a constant number of panels, `most` rows at a time. */
INLINE void dot_panels(int32_t *sums, const uint8_t *const *rows, size_t count, const int8_t *w,
                       const tdnn_dot *d, size_t panels, size_t most)
{
    size_t i = 0;
    for (; i + most <= count; i += most)
        dot_tile(sums + i * LANES, rows + i, w, d, count, most, panels);
    if (most > 4 && i + 4 <= count) {
        dot_tile(sums + i * LANES, rows + i, w, d, count, 4, panels);
        i += 4;
    }
    if (most > 2 && i + 2 <= count) {
        dot_tile(sums + i * LANES, rows + i, w, d, count, 2, panels);
        i += 2;
    }
    for (; i < count; i++) dot_tile(sums + i * LANES, rows + i, w, d, count, 1, panels);
}

static void dot_x8(int32_t *sums, const uint8_t *const *rows, size_t count, const void *weights,
                   const tdnn_dot *d)
{
    const int8_t *w = weights;
    const size_t each = d->taps * d->quads * LANES * 4;
    size_t left = d->panels;
#if V_LANES == 16
    for (; left >= 4; left -= 4, w += 4 * each, sums += 4 * count * LANES)
        dot_panels(sums, rows, count, w, d, 4, ROWS);
    if (left == 3) dot_panels(sums, rows, count, w, d, 3, ROWS);
    if (left == 2) dot_panels(sums, rows, count, w, d, 2, 8);
    if (left == 1) dot_panels(sums, rows, count, w, d, 1, 8);
#else
    for (; left > 0; left--, w += each, sums += count * LANES)
        dot_panels(sums, rows, count, w, d, 1, ROWS);
#endif
}

INLINE void depthwise_tile(int32_t *sums, const uint8_t *const *rows, const int16_t *w,
                           const tdnn_dot *d, size_t first, size_t count)
{
    v_i32 sum[8][PARTS];
    V_UNROLL
    for (size_t i = 0; i < count; i++) V_UNROLL
    for (size_t v = 0; v < PARTS; v++) sum[i][v] = vi_zero();
    for (size_t t = 0; t < d->taps; t++) {
        const size_t at = d->tap[t] + first;
        V_UNROLL
        for (size_t v = 0; v < PARTS; v++) {
            /* one product in each lane: the upper half of x is zero */
            const v_i32 weight = vi_of_i16(w + t * LANES + v * V_LANES);
            V_UNROLL
            for (size_t i = 0; i < count; i++)
                sum[i][v] = vi_madd(sum[i][v], vi_of_u8(rows[i] + at + v * V_LANES), weight);
        }
    }
    V_UNROLL
    for (size_t i = 0; i < count; i++) V_UNROLL
    for (size_t v = 0; v < PARTS; v++) vi_store(sums + i * LANES + v * V_LANES, sum[i][v]);
}

static void depthwise_x8(int32_t *sums, const uint8_t *const *rows, size_t count,
                         const void *weights, const tdnn_dot *d)
{
    const int16_t *w = weights;
    for (size_t p = 0; p < d->panels; p++, w += d->taps * LANES, sums += count * LANES) {
        size_t i = 0;
        for (; i + 8 / PARTS <= count; i += 8 / PARTS)
            depthwise_tile(sums + i * LANES, rows + i, w, d, p * LANES, 8 / PARTS);
        for (; i < count; i++) depthwise_tile(sums + i * LANES, rows + i, w, d, p * LANES, 1);
    }
}

/* ---- sums ---- */

static void subtract_outer_x32(int32_t *sums, const int32_t *rows, size_t count,
                               const int32_t *lanes)
{
    for (size_t v = 0; v < PARTS; v++) {
        const v_i32 lane = vi_load(lanes + v * V_LANES);
        for (size_t i = 0; i < count; i++) {
            int32_t *to = sums + i * LANES + v * V_LANES;
            vi_store(to, vi_sub(vi_load(to), vi_mul(vi_set1(rows[i * LANES]), lane)));
        }
    }
}

typedef struct rescaling {
    v_i32 offset;
    v_f32 factor, shift, low, high;
    v_divisor by;
    int shifted, stepped;
} rescaling;

INLINE v_f32 rescale(v_i32 sum, const rescaling *r)
{
    v_f32 v = v_mul(v_of_i32(vi_sub(sum, r->offset)), r->factor);
    if (r->shifted) v = v_add(v, r->shift);
    if (!r->stepped) return v;
    return v_mul(v_min(v_max(v_round_quotient(v, &r->by), r->low), r->high), r->by.scale);
}

INLINE v_i32 load_ints(const int32_t *from, size_t n)
{
    int32_t all[V_LANES] = {0};
    if (n >= V_LANES) return vi_load(from);
    for (size_t k = 0; k < n; k++) all[k] = from[k];
    return vi_load(all);
}

static void rescale_x32(float *y, size_t y_step, const int32_t *sums, size_t count, size_t lanes,
                        const tdnn_rescale *how)
{
    for (size_t l = 0; l < lanes; l += V_LANES) {
        const size_t n = lanes - l < V_LANES ? lanes - l : V_LANES;
        const rescaling r = {
            .offset = load_ints(how->offset + l, n),
            .factor = v_load_n(how->factor + l, n),
            .shift = how->shift ? v_load_n(how->shift + l, n) : v_set1(0),
            .low = v_set1((float)(how->low - how->zero)),
            .high = v_set1((float)(how->high - how->zero)),
            .by = v_divide_by(how->step),
            .shifted = how->shift != NULL, .stepped = how->step != 0,
        };
        for (size_t i = 0; i < count; i++) {
            const v_f32 v = rescale(vi_load(sums + i * LANES + l), &r);
            if (n < V_LANES)
                v_store_n(y + i * y_step + l, v, n);
            else
                v_store(y + i * y_step + l, v);
        }
    }
}

static void fill_dot(tdnn_kernels *t)
{
    t->quantize_lanes = quantize_lanes;
    t->dot_x8 = dot_x8;
    t->depthwise_x8 = depthwise_x8;
    t->subtract_outer_x32 = subtract_outer_x32;
    t->rescale_x32 = rescale_x32;
}

#endif

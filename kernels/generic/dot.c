/* Products of rows of bytes, and what becomes of their sums, in portable C. */
#include "kernels/kernels.h"

#include <math.h>

enum { LANES = TDNN_X8_LANES };

static void quantize_lanes(uint8_t *y, size_t y_step, const float *x, size_t x_step, size_t count,
                           size_t lanes, float scale, int zero)
{
    for (size_t i = 0; i < count; i++)
        for (size_t l = 0; l < lanes; l++) {
            const float r = rintf(x[i * x_step + l] / scale) + (float)zero;
            y[i * y_step + l] = (uint8_t)(r < 0 || r != r ? 0 : r > 255 ? 255 : (int)r);
        }
}

/* The sums of unsigned numbers are those of signed ones, without overflow in C's sense. */
static void dot_x8(int32_t *sums, const uint8_t *const *rows, size_t count, const void *weights,
                   const tdnn_dot *d)
{
    const int8_t *w = weights;
    for (size_t p = 0; p < d->panels; p++, w += d->taps * d->quads * LANES * 4)
        for (size_t i = 0; i < count; i++)
            for (size_t lane = 0; lane < LANES; lane++) {
                uint32_t sum = 0;
                for (size_t t = 0; t < d->taps; t++)
                    for (size_t k = 0; k < 4 * d->quads; k++)
                        sum += (uint32_t)(rows[i][d->tap[t] + k] *
                                          w[((t * d->quads + k / 4) * LANES + lane) * 4 + k % 4]);
                sums[(p * count + i) * LANES + lane] = (int32_t)sum;
            }
}

static void depthwise_x8(int32_t *sums, const uint8_t *const *rows, size_t count,
                         const void *weights, const tdnn_dot *d)
{
    const int16_t *w = weights;
    for (size_t p = 0; p < d->panels; p++, w += d->taps * LANES)
        for (size_t i = 0; i < count; i++)
            for (size_t lane = 0; lane < LANES; lane++) {
                uint32_t sum = 0;
                for (size_t t = 0; t < d->taps; t++)
                    sum +=
                        (uint32_t)(rows[i][d->tap[t] + p * LANES + lane] * w[t * LANES + lane]);
                sums[(p * count + i) * LANES + lane] = (int32_t)sum;
            }
}

static void subtract_outer_x32(int32_t *sums, const int32_t *rows, size_t count,
                               const int32_t *lanes)
{
    for (size_t i = 0; i < count; i++)
        for (size_t l = 0; l < LANES; l++)
            sums[i * LANES + l] = (int32_t)((uint32_t)sums[i * LANES + l] -
                                            (uint32_t)rows[i * LANES] * (uint32_t)lanes[l]);
}

static void rescale_x32(float *y, size_t y_step, const int32_t *sums, size_t count, size_t lanes,
                        const tdnn_rescale *how)
{
    const float low = (float)(how->low - how->zero), high = (float)(how->high - how->zero);
    for (size_t i = 0; i < count; i++)
        for (size_t l = 0; l < lanes; l++) {
            const uint32_t sum = (uint32_t)sums[i * LANES + l] - (uint32_t)how->offset[l];
            float v = (float)(int32_t)sum * how->factor[l];
            if (how->shift) v += how->shift[l];
            if (how->step != 0) {
                const float r = rintf(v / how->step);
                v = (r > low ? r < high ? r : high : low) * how->step;
            }
            y[i * y_step + l] = v;
        }
}

void tdnn_fill_dot_generic(tdnn_kernels *t);
void tdnn_fill_dot_generic(tdnn_kernels *t)
{
    t->quantize_lanes = quantize_lanes;
    t->dot_x8 = dot_x8;
    t->depthwise_x8 = depthwise_x8;
    t->subtract_outer_x32 = subtract_outer_x32;
    t->rescale_x32 = rescale_x32;
}

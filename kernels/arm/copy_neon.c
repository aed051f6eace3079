/* Transposition of 32-bit elements in squares of 4 x 4, and blocks of eight channels by table
 * lookup. */
#include "kernels/simd/transpose.h"

#include <arm_neon.h>

static void square(float *to, size_t to_stride, const float *from, size_t from_stride)
{
    const float32x4_t a = vld1q_f32(from), b = vld1q_f32(from + from_stride);
    const float32x4_t c = vld1q_f32(from + 2 * from_stride),
                      d = vld1q_f32(from + 3 * from_stride);
    const float32x4x2_t ab = vtrnq_f32(a, b), cd = vtrnq_f32(c, d);
    vst1q_f32(to, vcombine_f32(vget_low_f32(ab.val[0]), vget_low_f32(cd.val[0])));
    vst1q_f32(to + to_stride, vcombine_f32(vget_low_f32(ab.val[1]), vget_low_f32(cd.val[1])));
    vst1q_f32(to + 2 * to_stride,
              vcombine_f32(vget_high_f32(ab.val[0]), vget_high_f32(cd.val[0])));
    vst1q_f32(to + 3 * to_stride,
              vcombine_f32(vget_high_f32(ab.val[1]), vget_high_f32(cd.val[1])));
}

TRANSPOSE_BY_SQUARES(transpose_neon, 4, square)

static void copy_neon(void *to, const void *from, const tdnn_copy *copy)
{
    tdnn_copy_strided(to, from, copy, transpose_neon);
}

enum { MOST_SOURCES = 8 };

/* Of each output lane the four bytes that it comes from, in a table of eight floats; a byte
 * that no lookup finds is 0, so that what is not this source's stays out of the sum. */
static void lane_bytes(uint8_t *bytes, const tdnn_lanes *lanes, size_t source)
{
    for (size_t lane = 0; lane < 8; lane++)
        for (size_t byte = 0; byte < 4; byte++)
            bytes[lane * 4 + byte] = lanes->mask[source] >> lane & 1
                                         ? (uint8_t)((lanes->index[lane] & 7) * 4 + (int)byte)
                                         : 255;
}

static void lanes_neon(float *to, const float *const *from, const tdnn_lanes *lanes,
                       size_t pixels)
{
    uint8_t bytes[MOST_SOURCES][32];
    for (size_t s = 0; s < lanes->sources; s++) lane_bytes(bytes[s], lanes, s);
    for (size_t p = 0; p < pixels * 8; p += 8) {
        uint8x16_t low = vdupq_n_u8(0), high = low;
        for (size_t s = 0; s < lanes->sources; s++) {
            const uint8x16x2_t x = {{vreinterpretq_u8_f32(vld1q_f32(from[s] + p)),
                                     vreinterpretq_u8_f32(vld1q_f32(from[s] + p + 4))}};
            low = vorrq_u8(low, vqtbl2q_u8(x, vld1q_u8(bytes[s])));
            high = vorrq_u8(high, vqtbl2q_u8(x, vld1q_u8(bytes[s] + 16)));
        }
        vst1q_f32(to + p, vreinterpretq_f32_u8(low));
        vst1q_f32(to + p + 4, vreinterpretq_f32_u8(high));
    }
}

void tdnn_fill_copy_neon(tdnn_kernels *t);
void tdnn_fill_copy_neon(tdnn_kernels *t)
{
    t->copy = copy_neon;
    t->transpose_x32 = transpose_neon;
    t->lanes_f32 = lanes_neon;
}

/* Arithmetic and functions on f32 arrays, and float16 to and from f32, in portable C. */
#include "kernels/kernels.h"

#include <math.h>
#include <string.h>

#define BINARY(name, formula)                                                                  \
    static void name(float *y, const float *a, size_t a_step, const float *b, size_t b_step,   \
                     size_t n)                                                                 \
    {                                                                                          \
        for (size_t i = 0; i < n; i++) {                                                       \
            const float p = a[i * a_step], q = b[i * b_step];                                  \
            y[i] = formula;                                                                    \
        }                                                                                      \
    }
BINARY(add, p + q)
BINARY(sub, p - q)
BINARY(mul, p *q)
BINARY(div_, p / q)
BINARY(max, p > q || p != p ? p : q)
BINARY(min, p < q || p != p ? p : q)

#define UNARY(name, formula)                                                                   \
    static void name(float *y, const float *x, size_t n)                                       \
    {                                                                                          \
        for (size_t i = 0; i < n; i++) y[i] = formula;                                         \
    }
UNARY(exp_, expf(x[i]))
UNARY(log_, logf(x[i]))
UNARY(erf_, erff(x[i]))
UNARY(sqrt_, sqrtf(x[i]))
UNARY(floor_, floorf(x[i]))
UNARY(ceil_, ceilf(x[i]))
UNARY(round_, rintf(x[i]))
UNARY(sin_, sinf(x[i]))
UNARY(cos_, cosf(x[i]))
UNARY(atan_, atanf(x[i]))
UNARY(asin_, asinf(x[i]))
UNARY(acos_, acosf(x[i]))

static void affine(float *y, const float *x, size_t n, float scale, float shift)
{
    for (size_t i = 0; i < n; i++) y[i] = x[i] * scale + shift;
}

static void normalize(float *y, const float *x, const float *scale, const float *shift,
                      size_t n, float center, float factor)
{
    for (size_t i = 0; i < n; i++) {
        float v = (x[i] - center) * factor;
        if (scale) v *= scale[i];
        if (shift) v += shift[i];
        y[i] = v;
    }
}

static float bits_float(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static uint32_t float_bits(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static void widen_f16(float *y, const uint16_t *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const uint32_t sign = (x[i] & 0x8000u) << 16, rest = x[i] & 0x7fffu;
        if (rest >= 0x7c00u) { /* infinity, or NaN made quiet */
            const uint32_t quiet = rest > 0x7c00u ? 0x400000u : 0;
            y[i] = bits_float(sign | 0x7f800000u | quiet | (rest & 0x3ffu) << 13);
        } else if (rest < 0x400u) { /* a multiple of 2^-24 */
            y[i] = bits_float(sign | float_bits((float)rest * 0x1p-24f));
        } else {
            y[i] = bits_float(sign | ((rest << 13) + (112u << 23)));
        }
    }
}

static void narrow_f16(uint16_t *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const uint32_t u = float_bits(x[i]), sign = u >> 16 & 0x8000u, a = u & 0x7fffffffu;
        uint32_t code;
        if (a > 0x7f800000u)
            code = 0x7e00u | (a >> 13 & 0x3ffu);
        else if (a >= 0x47800000u)
            code = 0x7c00u;
        else if (a <
                 0x38800000u) /* below 2^-14: adding 1/2 leaves the rounded multiple of 2^-24 */
            code = float_bits(bits_float(a) + 0.5f) - 0x3f000000u;
        else
            code = (a - (112u << 23) + 0xfffu + (a >> 13 & 1u)) >> 13;
        y[i] = (uint16_t)(sign | code);
    }
}

void tdnn_fill_elementwise_generic(tdnn_kernels *t);
void tdnn_fill_elementwise_generic(tdnn_kernels *t)
{
    t->add_f32 = add;
    t->sub_f32 = sub;
    t->mul_f32 = mul;
    t->div_f32 = div_;
    t->max_f32 = max;
    t->min_f32 = min;
    t->exp_f32 = exp_;
    t->log_f32 = log_;
    t->erf_f32 = erf_;
    t->sqrt_f32 = sqrt_;
    t->floor_f32 = floor_;
    t->ceil_f32 = ceil_;
    t->round_f32 = round_;
    t->sin_f32 = sin_;
    t->cos_f32 = cos_;
    t->atan_f32 = atan_;
    t->asin_f32 = asin_;
    t->acos_f32 = acos_;
    t->affine_f32 = affine;
    t->normalize_f32 = normalize;
    t->widen_f16 = widen_f16;
    t->narrow_f16 = narrow_f16;
}

/* Narrow floating-point formats, all by one description: widths, bias, and what the top codes
 * mean. */
#include "lib/base/narrow.h"

#include <math.h>

/* What a format has beyond finite numbers. FN: a single NaN at the top and no infinity; FNUZ: a
 * single NaN in place of negative zero; FINITE: neither. */
typedef enum specials { IEEE, FN, FNUZ, FINITE } specials;

typedef struct format {
    int exponent_bits, mantissa_bits, bias;
    specials specials;
    unsigned largest; /* code of the largest finite number */
} format;

static const format formats[TDNN_DTYPE_COUNT] = {
    [TDNN_F16] = {5, 10, 15, IEEE, 0x7bff}, [TDNN_BF16] = {8, 7, 127, IEEE, 0x7f7f},
    [TDNN_F8E4M3FN] = {4, 3, 7, FN, 0x7e},  [TDNN_F8E4M3FNUZ] = {4, 3, 8, FNUZ, 0x7f},
    [TDNN_F8E5M2] = {5, 2, 15, IEEE, 0x7b}, [TDNN_F8E5M2FNUZ] = {5, 2, 16, FNUZ, 0x7f},
    [TDNN_F4E2M1] = {2, 1, 1, FINITE, 0x7},
};

static unsigned sign_bit(const format *f)
{
    return 1u << (f->exponent_bits + f->mantissa_bits);
}

static unsigned nan_code(const format *f)
{
    switch (f->specials) {
    case IEEE: return f->largest + 1u + (1u << (f->mantissa_bits - 1));
    case FN: return f->largest + 1u;
    case FNUZ:
    case FINITE: break; /* negative zero; ONNX's reference does so too where there is no NaN */
    }
    return sign_bit(f);
}

double tdnn_narrow_decode(tdnn_dtype type, unsigned code)
{
    if (type == TDNN_F8E8M0) return code == 0xff ? NAN : ldexp(1.0, (int)code - 127);
    const format *f = &formats[type];
    const unsigned sign = code & sign_bit(f), rest = code & (sign_bit(f) - 1u);
    if (f->specials == FNUZ && code == sign_bit(f)) return NAN;
    double value;
    if (rest > f->largest) {
        value = f->specials == IEEE && rest == f->largest + 1u ? INFINITY : NAN;
    } else {
        const int exponent = (int)(rest >> f->mantissa_bits);
        const unsigned mantissa = rest & ((1u << f->mantissa_bits) - 1u);
        const unsigned implied = exponent ? 1u << f->mantissa_bits : 0;
        value = ldexp((double)(mantissa | implied),
                      (exponent ? exponent : 1) - f->bias - f->mantissa_bits);
    }
    return sign ? -value : value;
}

static unsigned overflow(const format *f, bool saturate)
{
    if (saturate || f->specials == FINITE) return f->largest;
    return f->specials == IEEE ? f->largest + 1u : nan_code(f);
}

/* Nothing but a biased exponent: no sign, no zero. */
static unsigned encode_e8m0(double value, bool saturate, tdnn_rounding rounding)
{
    if (isnan(value) || value < 0) return 0xff;
    if (isinf(value)) return saturate ? 0xfe : 0xff;
    if (value == 0) return 0;
    int exponent;
    const double mantissa =
        frexp(value, &exponent); /* value = mantissa 2^exponent, in [1/2, 1) */
    exponent -= 1;
    if (rounding == TDNN_ROUND_UP ? mantissa > 0.5
                                  : rounding == TDNN_ROUND_NEAREST && mantissa >= 0.75)
        exponent += 1;
    if (exponent < -127) return 0;
    if (exponent > 127) return saturate ? 0xfe : 0xff;
    return (unsigned)(exponent + 127);
}

unsigned tdnn_narrow_encode(tdnn_dtype type, double value, bool saturate,
                            tdnn_rounding rounding)
{
    if (type == TDNN_F8E8M0) return encode_e8m0(value, saturate, rounding);
    const format *f = &formats[type];
    unsigned sign = signbit(value) ? sign_bit(f) : 0, code;
    if (isnan(value)) return sign | nan_code(f);
    if (isinf(value)) {
        code = overflow(f, saturate);
    } else {
        int exponent;
        const double a = fabs(value);
        frexp(a, &exponent);
        exponent -= 1;
        if (a == 0 || exponent < 1 - f->bias) exponent = 1 - f->bias;
        /* In units of the last place; a carry into the next exponent comes out right by itself.
         */
        const double units = nearbyint(ldexp(a, f->mantissa_bits - exponent));
        const double implied = ldexp(1.0, f->mantissa_bits);
        const double place =
            units < implied
                ? units
                : ldexp((double)(exponent + f->bias), f->mantissa_bits) + units - implied;
        code = place > (double)f->largest ? overflow(f, saturate) : (unsigned)place;
    }
    if (f->specials == FNUZ && (code == 0 || code == nan_code(f))) sign = 0;
    return sign | code;
}

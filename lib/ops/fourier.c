/* Powers of two by J. Cooley and J. Tukey (1965); any other length as a convolution with a
 * chirp, which powers of two can do (L. Bluestein, 1968).
 */
#include "lib/ops/fourier.h"

#include <math.h>

static tdnn_complex times(tdnn_complex a, tdnn_complex b)
{
    return (tdnn_complex){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

static tdnn_complex turned(double part)
{
    const double angle = -2 * 3.14159265358979323846 * part;
    return (tdnn_complex){cos(angle), sin(angle)};
}

static bool is_power_of_two(size_t n) { return n && (n & (n - 1)) == 0; }

bool tdnn_fourier_sizes(size_t length, size_t *tables, size_t *scratch)
{
    if (length > SIZE_MAX / 256) return false;
    size_t padded = 1;
    const size_t least = is_power_of_two(length) ? length : 2 * length;
    while (padded < least) padded *= 2;
    *tables = padded / 2 + 1;
    *scratch = 0;
    if (is_power_of_two(length)) return true;
    *tables += length + padded;
    *scratch = padded;
    return true;
}

static void power_of_two(const tdnn_complex *roots, size_t n, tdnn_complex *x)
{
    for (size_t i = 1, j = 0; i < n; i++) { /* bits of the index in reverse */
        size_t bit = n / 2;
        for (; j & bit; bit /= 2) j ^= bit;
        j ^= bit;
        if (i < j) {
            const tdnn_complex t = x[i];
            x[i] = x[j], x[j] = t;
        }
    }
    for (size_t half = 1; half < n; half *= 2) {
        const size_t stride = n / (2 * half);
        for (size_t begin = 0; begin < n; begin += 2 * half) {
            for (size_t k = 0; k < half; k++) {
                const tdnn_complex a = x[begin + k],
                                   b = times(x[begin + k + half], roots[k * stride]);
                x[begin + k] = (tdnn_complex){a.re + b.re, a.im + b.im};
                x[begin + k + half] = (tdnn_complex){a.re - b.re, a.im - b.im};
            }
        }
    }
}

void tdnn_fourier_init(tdnn_fourier *f, size_t length, tdnn_complex *tables)
{
    size_t count, padded;
    *f = (tdnn_fourier){.length = length};
    if (length == 0 || !tdnn_fourier_sizes(length, &count, &padded)) return;
    const bool chirped = padded > 0;
    f->padded = chirped ? padded : length;
    for (size_t k = 0; k < f->padded / 2 + 1; k++)
        tables[k] = turned((double)k / (double)f->padded);
    f->roots = tables;
    if (!chirped) return;
    tdnn_complex *chirp = tables + f->padded / 2 + 1, *filter = chirp + length;
    for (size_t k = 0; k < length; k++) /* k^2 modulo 2 n: large angles would lose digits */
        chirp[k] =
            turned((double)((unsigned long long)k * k % (2 * length)) / (double)(2 * length));
    for (size_t k = 0; k < f->padded; k++) filter[k] = (tdnn_complex){0, 0};
    for (size_t k = 0; k < length; k++) {
        const tdnn_complex c = {chirp[k].re, -chirp[k].im};
        filter[k] = c;
        if (k) filter[f->padded - k] = c;
    }
    power_of_two(f->roots, f->padded, filter);
    f->chirp = chirp;
    f->filter = filter;
}

static void forward(const tdnn_fourier *f, tdnn_complex *x, tdnn_complex *scratch)
{
    if (!f->chirp) {
        power_of_two(f->roots, f->length, x);
        return;
    }
    for (size_t k = 0; k < f->padded; k++)
        scratch[k] = k < f->length ? times(x[k], f->chirp[k]) : (tdnn_complex){0, 0};
    power_of_two(f->roots, f->padded, scratch);
    for (size_t k = 0; k < f->padded; k++) { /* the conjugate, for the way back */
        const tdnn_complex t = times(scratch[k], f->filter[k]);
        scratch[k] = (tdnn_complex){t.re, -t.im};
    }
    power_of_two(f->roots, f->padded, scratch);
    for (size_t k = 0; k < f->length; k++) {
        const tdnn_complex t = {scratch[k].re / (double)f->padded,
                                -scratch[k].im / (double)f->padded};
        x[k] = times(t, f->chirp[k]);
    }
}

void tdnn_fourier_run(const tdnn_fourier *f, tdnn_complex *x, bool inverse,
                      tdnn_complex *scratch)
{
    if (f->length == 0) return;
    for (size_t k = 0; inverse && k < f->length; k++) x[k].im = -x[k].im;
    forward(f, x, scratch);
    for (size_t k = 0; inverse && k < f->length; k++) {
        x[k].re /= (double)f->length;
        x[k].im /= -(double)f->length;
    }
}

/* The discrete Fourier transform of any length, in double precision. */
#ifndef TDNN_OPS_FOURIER_H
#define TDNN_OPS_FOURIER_H

#include "lib/base/mem.h"

typedef struct tdnn_complex {
    double re, im;
} tdnn_complex;

/* Of a length: roots of unity and, unless it is a power of two, what Bluestein's method needs.
 */
typedef struct tdnn_fourier {
    size_t length, padded;              /* padded: the power of two that is transformed */
    const tdnn_complex *roots;          /* padded / 2 of them: e^(-2 pi i k / padded)  */
    const tdnn_complex *chirp, *filter; /* NULL: length is a power of two     */
} tdnn_fourier;

/* How many complex numbers the tables take, and the scratch of a transform; false if too many.
 */
bool tdnn_fourier_sizes(size_t length, size_t *tables, size_t *scratch);
void tdnn_fourier_init(tdnn_fourier *f, size_t length, tdnn_complex *tables);
/* In place. The inverse is divided by the length. */
void tdnn_fourier_run(const tdnn_fourier *f, tdnn_complex *x, bool inverse,
                      tdnn_complex *scratch);

#endif

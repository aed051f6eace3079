/* Numbers in text, the same in every locale. */
#ifndef TDNN_BASE_NUMBER_H
#define TDNN_BASE_NUMBER_H

#include <stddef.h>

/* Reads a decimal number with optional sign, fraction and exponent, or "inf", "infinity", "nan"
 * in any case, at the start of `text`, which has `length` bytes. Returns how many bytes it
 * took, 0 if there is no number. Correctly rounded. */
size_t tdnn_number_parse(const char *text, size_t length, double *out);

#endif

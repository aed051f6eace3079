/* elements.h - the elements of a tensor of any type, seen as numbers. */
#ifndef TINYDNN_CLI_ELEMENTS_H
#define TINYDNN_CLI_ELEMENTS_H

#include "tinydnn.h"

size_t element_count(const tdnn_tensor *tensor);
/* True for the floating types, complex ones included. */
bool element_is_float(tdnn_dtype dtype);
/* Numbers in a tensor: its elements, or twice as many if they are complex. */
size_t number_count(const tdnn_tensor *tensor);
/* One of them; 0 for strings. Integers beyond 2^53 are rounded. */
double number_at(const tdnn_tensor *tensor, size_t index);

/* A type as it is written in reports: "f32", "sequence of f32", "optional f32". Into `text`. */
const char *type_text(tdnn_kind kind, tdnn_dtype dtype, char *text, size_t size);

typedef struct number_summary {
    double minimum, maximum, mean; /* of what is not NaN; NaN if there is none */
    size_t nan_count;
} number_summary;
number_summary numbers_summarise(const tdnn_tensor *tensor);

/* Fills with uniform numbers: floats in [0, 1), bytes over their range, bools; other integers
 * are 1. */
void numbers_randomise(tdnn_tensor *tensor, uint64_t *state);
/* Fills a tensor of n floats with 0/n, 1/n ... (n-1)/n. */
void numbers_ramp(tdnn_tensor *tensor);

#endif

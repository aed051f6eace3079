/* What the passes that make ConvQuantized share. */
#ifndef TDNN_PASSES_QUANTIZED_H
#define TDNN_PASSES_QUANTIZED_H

#include "lib/passes/match.h"

typedef struct tdnn_quantized {
    const tdnn_node *conv; /* Conv or ConvInteger, whose window counts */
    tdnn_id in[TDNN_CONVQ_INPUTS];
} tdnn_quantized;

/* The tensor of a constant; NULL if the value is absent or none. */
const tdnn_tensor *tdnn_quantized_constant(const tdnn_match *m, tdnn_id id);
/* Input `index`, or TDNN_ABSENT. */
static inline tdnn_id tdnn_input_of(const tdnn_node *node, size_t index)
{
    return index < node->input_count ? node->inputs[index] : TDNN_ABSENT;
}
static inline bool tdnn_is_bytes(const tdnn_tensor *t)
{
    return t && (t->dtype == TDNN_U8 || t->dtype == TDNN_I8);
}
/* Inputs 1 and 2 are a constant scale of f32 and a constant zero point of bytes, one of each;
 * the latter may be absent. */
bool tdnn_quantized_one_scale(const tdnn_match *m, const tdnn_node *node);
/* Constants of equal contents, or both absent. */
bool tdnn_quantized_same(const tdnn_match *m, tdnn_id a, tdnn_id b);
/* `node` becomes the ConvQuantized. */
tdnn_status tdnn_quantized_become(tdnn_match *m, tdnn_node *node, const tdnn_quantized *f);

#endif

/* Random numbers as numpy's RandomState draws them, so that a seed gives what ONNX's reference
 * gives: MT19937 (M. Matsumoto, T. Nishimura, 1998).
 */
#ifndef TDNN_OPS_RANDOM_H
#define TDNN_OPS_RANDOM_H

#include "lib/ops/op.h"

typedef struct tdnn_random {
    uint32_t state[624];
    size_t at;
    double spare; /* the second of a pair of normal ones */
    bool has_spare;
} tdnn_random;

/* Without a seed, one is made from the clock. */
void tdnn_random_seed(tdnn_random *r, bool given, double seed);
double tdnn_random_uniform(tdnn_random *r); /* 0 <= x < 1, 53 bits */
double tdnn_random_normal(tdnn_random *r);  /* mean 0, deviation 1 */

#endif

/* compare.h - is a tensor what it should be? */
#ifndef TINYDNN_CLI_COMPARE_H
#define TINYDNN_CLI_COMPARE_H

#include "tinydnn.h"

typedef struct compare_rules {
    double rtol, atol;   /* a number passes if |got - want| <= atol + rtol * |want|     */
    bool either;         /* ... or rather if <= the larger of atol and rtol * |want|    */
    double of_greatest;  /* > 0: also within this share of the greatest |want|          */
    bool halves_are_far; /* 16-bit floats: at least atol 1e-3 and rtol 1e-2             */
    bool ones_in_front;  /* leading dimensions of 1 do not count                        */
    bool any_value;      /* only type and shape                                         */
} compare_rules;

typedef struct comparison {
    bool equal;
    double difference;  /* the greatest |got - want| of finite numbers                 */
    double relative;    /* that, divided by the greatest |want|                        */
    size_t by_greatest; /* numbers that pass only by `of_greatest`                    */
    size_t count;
    char text[480]; /* what is wrong, if not equal                                 */
} comparison;

comparison compare_tensors(const tdnn_tensor *got, const tdnn_tensor *want,
                           const compare_rules *rules);
/* Type, shape and every bit of every element. */
bool compare_bits(const tdnn_tensor *a, const tdnn_tensor *b);

#endif

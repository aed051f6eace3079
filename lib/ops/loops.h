/* Loops over elements that the compiler turns into vector instructions: operands that move and
 * operands that stand still get loops of their own, and no element depends on another.
 */
#ifndef TDNN_OPS_LOOPS_H
#define TDNN_OPS_LOOPS_H

#include <stddef.h>

/* The result may lie over an operand that moves along with it, which the compiler cannot know
 * to be harmless. */
#if defined(__clang__)
/* Divisions of integers have no vector instructions, which clang warns of. */
#pragma clang diagnostic ignored "-Wpass-failed"
#define TDNN_PARALLEL _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define TDNN_PARALLEL _Pragma("GCC ivdep")
#else
#define TDNN_PARALLEL
#endif

#define TDNN_EACH(n) TDNN_PARALLEL for (size_t i = 0; i < (n); i++)

/* y[i] = formula(T, W, p, q) of elements p of `a` and q of `b`, steps 0 or 1; R is y's type. */
#define TDNN_EACH_PAIR(y, R, T, W, a, a_step, b, b_step, n, formula)                           \
    do {                                                                                       \
        if ((a_step) && (b_step)) {                                                            \
            TDNN_EACH (n) {                                                                    \
                const T p = (a)[i], q = (b)[i];                                                \
                (y)[i] = (R)(formula(T, W, p, q));                                             \
            }                                                                                  \
        } else if (a_step) {                                                                   \
            const T q = *(b);                                                                  \
            TDNN_EACH (n) {                                                                    \
                const T p = (a)[i];                                                            \
                (y)[i] = (R)(formula(T, W, p, q));                                             \
            }                                                                                  \
        } else {                                                                               \
            const T p = *(a);                                                                  \
            TDNN_EACH (n) {                                                                    \
                const T q = (b)[i * (b_step)];                                                 \
                (y)[i] = (R)(formula(T, W, p, q));                                             \
            }                                                                                  \
        }                                                                                      \
    } while (0)

#endif

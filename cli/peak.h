/* peak.h - what this machine can do at best, measured: what a share of the limit is a share of.
 */
#ifndef TINYDNN_CLI_PEAK_H
#define TINYDNN_CLI_PEAK_H

#include <stdbool.h>

typedef struct machine_peak {
    double flops; /* multiply-adds of floats from registers, each two; a second, one thread */
    double amx;   /* of bf16 products in tiles; 0: none                                     */
    double near;  /* bytes read and written a second by a copy inside the L2 cache          */
    double far;   /* by a copy through memory                                               */
} machine_peak;

/* The best of many short loops: about 0.1 s. `level` as in tdnn_cpu_level(), NULL: the best. */
machine_peak peak_measure(const char *level);

/* Operations a second of one loop. */
double peak_flops(const char *level);
double peak_amx(void);
/* Of a copy of `bytes` bytes, the best of `runs`; 0 if there is no memory. */
double peak_copy(unsigned long bytes, int runs);

#endif

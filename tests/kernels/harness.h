/* The state of one check and of one benchmark row; for the harness itself only. */
#ifndef TDNN_TESTS_KERNELS_HARNESS_H
#define TDNN_TESTS_KERNELS_HARNESS_H

#include "tests/kernels/check.h"

enum { CHECK_MAX_BLOCKS = 64 };

struct block {
    unsigned char *base, *end; /* readable part; an unreadable page follows */
    size_t mapped;
    unsigned char *data;       /* of an output, else unset */
    size_t data_bytes;         /* of an output, else 0     */
};

struct tdnn_check {
    const char *name;
    tdnn_cpu level;
    double tolerance; /* ulps */
    uint64_t state;   /* of the random numbers */
    size_t failures;
    struct block blocks[CHECK_MAX_BLOCKS];
    size_t block_count;
};

typedef struct bench_peak {
    double flops, bytes; /* a second */
} bench_peak;

struct tdnn_bench {
    const char *name;
    tdnn_cpu level;
    bench_peak peak;
    void *buffers[64];
    size_t buffer_count;
    /* the row that is being timed */
    int phase;
    uint64_t begin, best, total;
    size_t calls, batch;
};

bench_peak bench_measure_peak(tdnn_cpu level);

#endif

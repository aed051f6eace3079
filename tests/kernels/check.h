/* What the check program offers to the checks of kernel families.
 *
 * A check calls one variant of a kernel on many sizes and compares with a reference: the generic
 * kernel, or loops of its own. Inputs end at an unreadable page, so that reading too far crashes;
 * outputs lie between canaries, so that writing too far is seen. Each check runs in a process of
 * its own; the seed is printed and can be given again.
 */
#ifndef TDNN_TESTS_KERNELS_CHECK_H
#define TDNN_TESTS_KERNELS_CHECK_H

#include "kernels/kernels.h"

typedef struct tdnn_check tdnn_check;
typedef struct tdnn_bench tdnn_bench;

/* ---- Buffers and random numbers. Freed together by check_reset. ---- */

/* Ends at an unreadable page; zeroed. */
void *check_input(tdnn_check *c, size_t bytes);
/* Between canaries; filled with a pattern that is a NaN as f32. */
void *check_output(tdnn_check *c, size_t bytes);
void check_reset(tdnn_check *c);

uint64_t check_random(tdnn_check *c);
size_t check_below(tdnn_check *c, size_t n); /* 0 .. n-1 */
float check_uniform(tdnn_check *c, float low, float high);

typedef enum check_fill_kind {
    CHECK_FILL_UNIT,    /* -1 .. 1                                                  */
    CHECK_FILL_WIDE,    /* all magnitudes from denormal to huge, zeros of both signs */
    CHECK_FILL_SPECIAL, /* the same, with infinities and NaN in between              */
    CHECK_FILL_KINDS
} check_fill_kind;
void check_fill_f32(tdnn_check *c, float *x, size_t n, check_fill_kind kind);
const float *check_input_f32(tdnn_check *c, size_t n, check_fill_kind kind);

/* ---- Verdicts ---- */

tdnn_cpu check_level(const tdnn_check *c);   /* of the variant that is being checked */
double check_tolerance(const tdnn_check *c); /* from the kernel's row                */

/* Are all of got within tolerance * FLT_EPSILON * max(|want|, scale) of want? NaN equals NaN. The
 * rest describes the case for the message. Returns false after the first failures, to stop early. */
bool check_f32(tdnn_check *c, const float *got, const float *want, size_t n, double scale,
               const char *format, ...) __attribute__((format(printf, 6, 7)));
bool check_f64(tdnn_check *c, const double *got, const double *want, size_t n, double scale,
               const char *format, ...) __attribute__((format(printf, 6, 7)));
bool check_bytes(tdnn_check *c, const void *got, const void *want, size_t bytes,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Any other condition. */
bool check_true(tdnn_check *c, bool condition, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- Benchmarks ---- */

/* while (bench_go(b, flops, bytes, "%zu", n)) call(); runs the call until its time is known, then
 * prints it. flops and bytes are those of one call; 0: not of interest. */
bool bench_go(tdnn_bench *b, double flops, double bytes, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void *bench_buffer(tdnn_bench *b, size_t bytes);  /* zeroed          */
float *bench_floats(tdnn_bench *b, size_t count); /* random, -1 .. 1 */
/* Frees the buffers; done after each family too. */
void bench_release(tdnn_bench *b);

/* ---- The families' checks and benchmarks ---- */

#define TDNN_CHECK_DECLARE(family, result, arguments)                                            \
    void check_##family(tdnn_check *c, tdnn_##family##_fn *variant,                              \
                        tdnn_##family##_fn *generic, const tdnn_kernels *table);                 \
    void bench_##family(tdnn_bench *b, tdnn_##family##_fn *variant, const tdnn_kernels *table);
TDNN_KERNEL_FAMILIES(TDNN_CHECK_DECLARE)
#undef TDNN_CHECK_DECLARE

#endif

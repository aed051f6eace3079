/* What every cmocka program here includes: cmocka wants these four before it. */
#ifndef TDNN_TEST_H
#define TDNN_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

/* The CPU levels that a processor of this kind may have; those behind the first TEST_LEVELS differ
 * from the ones before with --precision fast only. */
#if defined(__aarch64__)
static const char *const test_levels[] = {"generic", "neon"};
enum { TEST_LEVELS = 2 };
#else
static const char *const test_levels[] = {"generic", "avx2", "avx512", "avx512vnni", "avx512bf16", "amx"};
enum { TEST_LEVELS = 4 };
#endif
enum { TEST_ALL_LEVELS = sizeof test_levels / sizeof *test_levels };

/* A failure prints the library's own message. */
#define assert_ok(call, err)                                                                   \
    do {                                                                                       \
        tdnn_status ok_ = (call);                                                              \
        if (ok_ != TDNN_OK) fail_msg("%s: %s: %s", #call, (err).where, (err).message);         \
    } while (0)

#define assert_status(call, wanted)                                                            \
    do {                                                                                       \
        tdnn_status got_ = (call);                                                             \
        if (got_ != (wanted))                                                                  \
            fail_msg("%s: status '%s', expected '%s'", #call, tdnn_status_name(got_),          \
                     tdnn_status_name(wanted));                                                \
    } while (0)

#endif

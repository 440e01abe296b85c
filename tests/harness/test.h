/* What every test includes: cmocka, comparisons that print both operands, and skipping. */
#ifndef MDS_TESTS_HARNESS_TEST_H
#define MDS_TESTS_HARNESS_TEST_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"

/* |got − want| ≤ atol + rtol·|want|; NaN never passes. */
#define CHECK_NEAR(got, want, rtol, atol)                                                          \
    do {                                                                                           \
        const double got_ = (got), want_ = (want);                                                 \
        if (!(fabs(got_ - want_) <= (atol) + (rtol)*fabs(want_)))                                  \
            fail_msg("%s = %.17g, %s = %.17g, difference %.3g", #got, got_, #want, want_,          \
                     got_ - want_);                                                                \
    } while (0)

#define CHECK_OK(call)                                                                             \
    do {                                                                                           \
        const mds_status status_ = (call);                                                         \
        if (status_ != MDS_OK)                                                                     \
            fail_msg("%s: %s: %s", #call, mds_status_text(status_), mds_error());                  \
    } while (0)

/* The call fails with `want`, and its message contains `words`. */
#define CHECK_FAILS(call, want, words)                                                             \
    do {                                                                                           \
        mds_error_clear();                                                                         \
        const mds_status status_ = (call);                                                         \
        if (status_ != (want))                                                                     \
            fail_msg("%s: got '%s' (%s), want '%s'", #call, mds_status_text(status_), mds_error(), \
                     mds_status_text(want));                                                       \
        if (!strstr(mds_error(), words))                                                           \
            fail_msg("%s: message '%s' lacks '%s'", #call, mds_error(), words);                    \
    } while (0)

/* Ends the program as skipped (CTest's 77) when there is no reference data. */
#define SKIP_WITHOUT_DATA()                                                                        \
    do {                                                                                           \
        if (!mds_test_data()) {                                                                    \
            printf("skipped: MDSWEEP_TEST_DATA does not name the folder of reference data\n");     \
            exit(77);                                                                              \
        }                                                                                          \
    } while (0)

/* The folder of reference data (environment MDSWEEP_TEST_DATA), or NULL. */
static inline const char *mds_test_data(void)
{
    const char *path = getenv("MDSWEEP_TEST_DATA");

    return path && *path ? path : NULL;
}

#endif

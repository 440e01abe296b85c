/* Host clock: CLOCK_MONOTONIC_RAW, not slewed by NTP. Seconds are doubles, instants are int64 ns.
 */
#ifndef MDS_BASE_CLOCK_H
#define MDS_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t mds_clock_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Seconds since the epoch, for time stamps only, never for durations. */
static inline double mds_clock_epoch_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif

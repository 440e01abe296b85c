#include "stats/trend.h"

#include <math.h>
#include <stdlib.h>

/* Fewer samples cannot tell a leak from noise: the second half must be testable on its own. */
enum { LEAK_POINTS = 10 };

static bool grows(const mds_trend *trend, double p_value)
{
    return trend->lo > 0.0 && trend->p_value < p_value;
}

/* A leak goes on; an allocator that takes its blocks early, or once, does not. The whole series
 * must grow significantly *and* so must its second half alone, so that growth which has ended is
 * not extrapolated. Both tests count correlated samples as fewer, because a single jump leaves
 * residuals that are nothing but correlated. The slope that is extrapolated is the smaller one. */
static mds_status slope_verdict(const double *step, const double *bytes, size_t n, double tolerance,
                                double horizon, mds_trend *whole, bool *leak)
{
    mds_status status;
    const size_t half = n / 2;
    mds_trend later;
    double z;

    *leak = false;
    MDS_TRY(mds_trend_test_correlated(step, bytes, n, whole));
    if (n < LEAK_POINTS || !grows(whole, 0.01))
        goto out;
    MDS_TRY(mds_trend_test_correlated(step + half, bytes + half, n - half, &later));
    if (!grows(&later, 0.05) || fmin(whole->slope, later.slope) * horizon < tolerance)
        goto out;
    MDS_TRY(mds_trend_without_jump(step + half, bytes + half, n - half, &z));
    *leak = z > 1.6448536269514722; /* one-sided 5 % */
out:
    return status;
}

mds_status mds_stats_leak(const double *step, const double *bytes, size_t n, double tolerance_bytes,
                          double horizon_steps, mds_leak *out)
{
    *out = (mds_leak){.initial = NAN,
                      .final = NAN,
                      .peak = NAN,
                      .delta = NAN,
                      .trend = {.slope = NAN, .lo = NAN, .hi = NAN, .p_value = NAN}};
    if (n == 0)
        return MDS_OK;

    double *kept = malloc(2 * n * sizeof *kept);

    if (!kept)
        return mds_fail(MDS_ERR_NOMEM, "leak: no memory for a copy of %zu samples", n);

    /* A sample that could not be taken is NaN, and says nothing about the others. */
    double *kept_bytes = kept + n;
    size_t count = 0;
    mds_status status = MDS_OK;

    for (size_t i = 0; i < n; ++i) {
        if (!isfinite(step[i]) || !isfinite(bytes[i]))
            continue;
        kept[count] = step[i];
        kept_bytes[count++] = bytes[i];
    }
    if (count > 0) {
        out->initial = kept_bytes[0];
        out->final = kept_bytes[count - 1];
        out->peak = mds_stats_moments(kept_bytes, count).max;
        out->delta = out->final - out->initial;

        bool slope_leak;

        status = slope_verdict(kept, kept_bytes, count, tolerance_bytes, horizon_steps, &out->trend,
                               &slope_leak);
        out->leak = out->delta > tolerance_bytes || slope_leak;
    }
    free(kept);
    return status;
}

#include "stats/stats.h"

#include <math.h>
#include <stdlib.h>

/* Lags looked at before the series is coarsened: keeps the cost linear in n for slow series. */
enum { LAGS_PER_LEVEL = 256 };

static double covariance(const double *d, size_t n, size_t lag)
{
    double sum = 0.0;

    for (size_t i = 0; i + lag < n; ++i)
        sum += d[i] * d[i + lag];
    return sum / (double)n;
}

/* The sum of Geyer's Γ_m = γ(2m) + γ(2m+1) over γ(0), as long as they are positive; false when it
 * has not ended within the lags of a level. */
static bool positive_sum(const double *d, size_t n, double *sum)
{
    const double variance = covariance(d, n, 0);

    *sum = 0.5;
    if (!(variance > 0.0))
        return true;

    double total = 0.0;

    for (size_t lag = 0; lag + 1 < n; lag += 2) {
        if (lag >= LAGS_PER_LEVEL && n > 4 * LAGS_PER_LEVEL) {
            *sum = total / variance;
            return false;
        }

        const double pair = covariance(d, n, lag) + covariance(d, n, lag + 1);

        if (!(pair > 0.0))
            break;
        total += pair;
    }
    *sum = total / variance;
    return true;
}

double mds_stats_autocorrelation_time(const double *x, size_t n)
{
    const mds_moments moments = mds_stats_moments(x, n);

    /* A constant has no correlation to measure, only the rounding of its mean. */
    if (n < 2 || moments.max == moments.min)
        return 0.5;

    double *d = malloc(n * sizeof *d);

    if (!d)
        return 0.5 * (double)n; /* Without memory nothing is known: claim one sample, not n. */

    for (size_t i = 0; i < n; ++i)
        d[i] = x[i] - moments.mean;

    double sum = 0.5, scale = 1.0;

    while (!positive_sum(d, n, &sum)) {
        /* Averaging pairs halves every time; at correlations this long nothing else is lost. */
        n /= 2;
        for (size_t i = 0; i < n; ++i)
            d[i] = 0.5 * (d[2 * i] + d[2 * i + 1]);
        scale *= 2.0;
    }
    free(d);

    const double tau = scale * (sum - 0.5);

    return tau > 0.5 ? tau : 0.5;
}

#include "stats/stats.h"

#include <math.h>

mds_moments mds_stats_moments(const double *x, size_t n)
{
    mds_moments out = {.mean = NAN, .std = NAN, .min = NAN, .max = NAN, .cv = NAN};

    if (n == 0)
        return out;

    double sum = 0.0;

    for (size_t i = 0; i < n; ++i)
        sum += x[i];

    /* Two passes, and the mean is corrected by the mean residual: latencies are nearly equal
     * numbers, where the one-pass formula loses the variance to cancellation. */
    const double guess = sum / (double)n;
    double residual = 0.0, squares = 0.0;

    out.min = out.max = x[0];
    for (size_t i = 0; i < n; ++i) {
        const double d = x[i] - guess;

        residual += d;
        squares += d * d;
        if (x[i] < out.min || isnan(x[i]))
            out.min = x[i];
        if (x[i] > out.max || isnan(x[i]))
            out.max = x[i];
    }
    out.mean = guess + residual / (double)n;
    if (isnan(out.mean))
        out.min = out.max = out.mean;
    if (n > 1) {
        const double variance = (squares - residual * residual / (double)n) / (double)(n - 1);

        out.std = variance > 0.0 || isnan(variance) ? sqrt(variance) : 0.0;
        if (out.mean != 0.0)
            out.cv = out.std / fabs(out.mean);
    }
    return out;
}

#include "stats/trend.h"

#include "stats/order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double normal_975 = 1.959963984540054;

/* The points used: every `stride`-th. */
static size_t thin(size_t n, size_t *stride)
{
    *stride = (n + MDS_TREND_POINTS - 1) / MDS_TREND_POINTS;
    return (n + *stride - 1) / *stride;
}

/* Σ t(t−1)(2t+5) over the groups of t equal values; sorts y. */
static double tie_term(double *y, size_t n)
{
    double sum = 0.0;

    mds_sort(y, n);
    for (size_t i = 0; i < n;) {
        size_t end = i + 1;

        while (end < n && y[end] == y[i])
            ++end;

        const double t = (double)(end - i);

        if (t > 1.0)
            sum += t * (t - 1.0) * (2.0 * t + 5.0);
        i = end;
    }
    return sum;
}

/* Slopes of all pairs with different x into `slope`; returns their number, and Kendall's S. */
static size_t pair_slopes(const double *x, const double *y, size_t points, size_t stride,
                          double *slope, double *s)
{
    size_t count = 0;
    int64_t balance = 0;

    for (size_t i = 0; i < points; ++i) {
        const double xi = x[i * stride], yi = y[i * stride];

        for (size_t j = i + 1; j < points; ++j) {
            const double dx = x[j * stride] - xi, dy = y[j * stride] - yi;

            if (dx == 0.0)
                continue;
            slope[count++] = dy / dx;
            balance += ((dy > 0.0) - (dy < 0.0)) * (dx > 0.0 ? 1 : -1);
        }
    }
    *s = (double)balance;
    return count;
}

/* Median and interval: Sen, J. Am. Stat. Assoc. 63, 1379 (1968),
 * doi:10.1080/01621459.1968.10480934, §3: the slopes whose ranks lie 1.96 standard deviations of S
 * around the middle. */
static void rank_slopes(double *slope, size_t count, double deviation, mds_trend *out)
{
    const double margin = normal_975 * deviation;
    const double lower = floor(((double)count - margin) / 2.0); /* ranks from 1 */
    const double upper = ceil(((double)count + margin) / 2.0) + 1.0;

    out->slope = mds_median(slope, count);
    out->lo = lower < 1.0 ? -INFINITY : mds_select(slope, count, (size_t)lower - 1);
    out->hi = upper > (double)count ? INFINITY : mds_select(slope, count, (size_t)upper - 1);
}

mds_status mds_trend_test(const double *x, const double *y, size_t n, double inflation,
                          mds_trend *out)
{
    *out = (mds_trend){.slope = NAN, .lo = NAN, .hi = NAN, .p_value = NAN};
    for (size_t i = 0; i < n; ++i)
        if (!isfinite(x[i]) || !isfinite(y[i]))
            return MDS_OK;
    if (n < 2)
        return MDS_OK;

    size_t stride;
    const size_t points = thin(n, &stride);
    double *slope = malloc(points * (points - 1) / 2 * sizeof *slope);

    if (!slope)
        return mds_fail(MDS_ERR_NOMEM, "trend: no memory for the slopes of %zu points", points);

    double s;
    const size_t count = pair_slopes(x, y, points, stride, slope, &s);

    if (count > 0) {
        double *sorted = malloc(points * sizeof *sorted);

        if (!sorted) {
            free(slope);
            return mds_fail(MDS_ERR_NOMEM, "trend: no memory for %zu points", points);
        }
        for (size_t i = 0; i < points; ++i)
            sorted[i] = y[i * stride];

        const double k = (double)points;
        const double variance = inflation *
                                (k * (k - 1.0) * (2.0 * k + 5.0) - tie_term(sorted, points)) / 18.0;

        free(sorted);
        rank_slopes(slope, count, sqrt(variance), out);

        /* Kendall (1975) with the continuity correction; all values equal is no trend at all. */
        const double z = variance > 0.0 ? fmax(fabs(s) - 1.0, 0.0) / sqrt(variance) : 0.0;

        out->p_value = erfc(z / sqrt(2.0));
    }
    free(slope);
    return MDS_OK;
}

mds_status mds_stats_theil_sen(const double *x, const double *y, size_t n, mds_trend *out)
{
    return mds_trend_test(x, y, n, 1.0, out);
}

mds_status mds_trend_test_correlated(const double *x, const double *y, size_t n, mds_trend *out)
{
    mds_status status = mds_trend_test(x, y, n, 1.0, out);

    if (status != MDS_OK || !isfinite(out->slope))
        return status;

    size_t stride;
    const size_t points = thin(n, &stride);
    double *residual = malloc(points * sizeof *residual);

    if (!residual)
        return mds_fail(MDS_ERR_NOMEM, "trend: no memory for %zu residuals", points);

    double largest = 0.0, range = 0.0;

    for (size_t i = 0; i < points; ++i) {
        residual[i] = (y[i * stride] - y[0]) - out->slope * (x[i * stride] - x[0]);
        largest = fmax(largest, fabs(residual[i] - residual[0]));
        range = fmax(range, fabs(y[i * stride] - y[0]));
    }

    /* Residuals of an exact line are rounding errors, whose correlation means nothing. */
    double inflation = 1.0;

    if (largest > 1e-9 * range)
        inflation = 2.0 * mds_stats_autocorrelation_time(residual, points);
    free(residual);
    return inflation > 1.0 ? mds_trend_test(x, y, n, inflation, out) : MDS_OK;
}

/* The first index behind the cut that separates the means best. */
static size_t largest_jump(const double *y, size_t n, size_t stride)
{
    double total = 0.0, before = 0.0, best = -1.0;
    size_t at = 1;

    for (size_t i = 0; i < n; ++i)
        total += y[i * stride] - y[0];
    for (size_t i = 1; i < n; ++i) {
        before += y[(i - 1) * stride] - y[0];

        /* Between-group sum of squares, up to a factor. */
        const double k = (double)i, rest = (double)(n - i);
        const double difference = (total - before) / rest - before / k;
        const double between = k * rest * difference * difference;

        if (between > best) {
            best = between;
            at = i;
        }
    }
    return at;
}

mds_status mds_trend_without_jump(const double *x, const double *y, size_t n, double *z)
{
    *z = 0.0;
    if (n < 3)
        return MDS_OK;

    size_t stride;
    const size_t points = thin(n, &stride), cut = largest_jump(y, points, stride);
    double *sorted = malloc(points * sizeof *sorted);

    if (!sorted)
        return mds_fail(MDS_ERR_NOMEM, "trend: no memory for %zu points", points);

    double s = 0.0, variance = 0.0;

    for (int side = 0; side < 2; ++side) {
        const size_t begin = side ? cut : 0, end = side ? points : cut;
        const double k = (double)(end - begin);

        for (size_t i = begin; i < end; ++i) {
            for (size_t j = i + 1; j < end; ++j) {
                const double dy = (y[j * stride] - y[i * stride]) * (x[j * stride] - x[i * stride]);

                s += (dy > 0.0) - (dy < 0.0);
            }
            sorted[i - begin] = y[i * stride];
        }
        variance += (k * (k - 1.0) * (2.0 * k + 5.0) - tie_term(sorted, end - begin)) / 18.0;
    }
    free(sorted);
    if (variance > 0.0)
        *z = copysign(fmax(fabs(s) - 1.0, 0.0), s) / sqrt(variance);
    return MDS_OK;
}

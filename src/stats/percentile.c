#include "stats/stats.h"

#include "stats/order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double mds_stats_percentile_sorted(const double *sorted, size_t n, double q)
{
    if (n == 0 || isnan(q))
        return NAN;

    /* The operations, and their order, are those of NumPy's `linear` method, so that a table made
     * here and one made with numpy.percentile() agree to the last bit. */
    const double position = (double)(n - 1) * (q / 100.0);

    if (!(position > 0.0))
        return sorted[0];
    if (position >= (double)(n - 1))
        return sorted[n - 1];

    const size_t below = (size_t)position;
    const double fraction = position - (double)below;
    const double a = sorted[below], b = sorted[below + 1];

    return fraction < 0.5 ? a + (b - a) * fraction : b - (b - a) * (1.0 - fraction);
}

mds_status mds_stats_percentiles(const double *x, size_t n, const double *q, int k, double *out)
{
    for (int i = 0; i < k; ++i)
        out[i] = NAN;
    if (n == 0)
        return MDS_OK;
    for (size_t i = 0; i < n; ++i)
        if (isnan(x[i]))
            return MDS_OK; /* A percentile of numbers that are not all numbers is not one either. */

    double *sorted = malloc(n * sizeof *sorted);

    if (!sorted)
        return mds_fail(MDS_ERR_NOMEM, "percentiles: no memory for a copy of %zu values", n);
    memcpy(sorted, x, n * sizeof *sorted);
    mds_sort(sorted, n);
    for (int i = 0; i < k; ++i)
        out[i] = mds_stats_percentile_sorted(sorted, n, q[i]);
    free(sorted);
    return MDS_OK;
}

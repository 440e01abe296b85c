#include "stats/stats.h"

#include "stats/order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

mds_status mds_stats_median_interval(const double *x, size_t n, double n_eff, double *lo,
                                     double *hi)
{
    *lo = *hi = NAN;
    if (n == 0 || !(n_eff > 0.0))
        return MDS_OK;
    for (size_t i = 0; i < n; ++i)
        if (isnan(x[i]))
            return MDS_OK;

    double *sorted = malloc(n * sizeof *sorted);

    if (!sorted)
        return mds_fail(MDS_ERR_NOMEM, "median interval: no memory for a copy of %zu values", n);
    memcpy(sorted, x, n * sizeof *sorted);
    mds_sort(sorted, n);

    /* Of n_eff independent values, a binomial number with mean n_eff/2 and standard deviation
     * √n_eff/2 lies below the median. Correlated samples have the ranks of n values but the
     * uncertainty of n_eff, so the width is taken as a fraction of the sample. */
    const double width = 1.959963984540054 / (2.0 * sqrt(n_eff));
    const double below = floor((double)n * (0.5 - width));
    const double above = ceil((double)n * (0.5 + width)) + 1.0;

    *lo = sorted[below < 1.0 ? 0 : (size_t)below - 1];
    *hi = sorted[above > (double)n ? n - 1 : (size_t)above - 1];
    free(sorted);
    return MDS_OK;
}

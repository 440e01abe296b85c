/* The trend test behind mds_stats_theil_sen(), with the correction that correlated samples need;
 * internal to stats. */
#ifndef MDS_STATS_TREND_H
#define MDS_STATS_TREND_H

#include "stats/stats.h"

enum { MDS_TREND_POINTS = 2000 }; /* above, every k-th is used */

/* `inflation` ≥ 1 multiplies the variance of Kendall's S, as Hamed & Rao (J. Hydrol. 204, 182
 * (1998), doi:10.1016/S0022-1694(97)00125-X) do for correlated series: n/n_eff samples tell what
 * one does. It widens the interval and raises the p-value. 1 gives the textbook test. */
mds_status mds_trend_test(const double *x, const double *y, size_t n, double inflation,
                          mds_trend *out);

/* The same with the inflation measured: 2τ of the residuals about the Theil–Sen line. */
mds_status mds_trend_test_correlated(const double *x, const double *y, size_t n, mds_trend *out);

/* Whether y still rises once its largest jump is taken out: the series is cut where the means of
 * the two sides differ most, and Kendall's S of the two sides is pooled (Hirsch, Slack & Smith,
 * Water Resour. Res. 18, 107 (1982), doi:10.1029/WR018i001p00107, with the sides as the strata).
 * `z` gets S less the continuity correction over its standard deviation: positive for a rise, 0 for
 * none. */
mds_status mds_trend_without_jump(const double *x, const double *y, size_t n, double *z);

#endif

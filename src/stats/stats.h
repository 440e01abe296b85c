/* Statistics on plain arrays: pure functions, no state. Formulas and references in docs/metrics.md.
 */
#ifndef MDS_STATS_STATS_H
#define MDS_STATS_STATS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mds_moments {
    double mean, std, min, max, cv; /* std with n − 1; NaN when undefined */
} mds_moments;

mds_moments mds_stats_moments(const double *x, size_t n);

/* Percentiles by linear interpolation (Hyndman & Fan 1996, definition 7, as NumPy's default).
 * q (k) in percent, out (k). Sorts a copy; MDS_ERR_NOMEM. NaN for n = 0. */
mds_status mds_stats_percentiles(const double *x, size_t n, const double *q, int k, double *out);
/* The same on data already sorted ascending. */
double mds_stats_percentile_sorted(const double *sorted, size_t n, double q);

/* Ordinary least squares y = a + b x. */
typedef struct mds_line {
    double intercept, slope, slope_stderr, rms;
} mds_line;
mds_line mds_stats_line(const double *x, const double *y, size_t n);

/* Theil–Sen slope with its two-sided 95 % interval (Sen 1968) and the Mann–Kendall p-value
 * (two-sided, tie-corrected). Above 2000 points every k-th is used, so that the cost stays bounded.
 * With very few points an end of the interval may be infinite; all NaN for fewer than 2 points or a
 * value that is not finite. */
typedef struct mds_trend {
    double slope, lo, hi, p_value;
} mds_trend;
mds_status mds_stats_theil_sen(const double *x, const double *y, size_t n, mds_trend *out);

/* The leak verdict on a memory series: growth beyond the tolerance, or a significant positive slope
 * that would reach it within `horizon` steps. Bytes over steps; samples that are NaN are left out.
 * Significant: 10 samples or more rise with the lower end of the interval above 0 and p < 0.01, the
 * second half does so too (p < 0.05) and still rises without its largest jump. `trend` is that of
 * the whole series, its interval and p-value corrected for correlated samples (stats/trend.h). */
typedef struct mds_leak {
    double initial, final, peak, delta;
    mds_trend trend;
    bool leak;
} mds_leak;
mds_status mds_stats_leak(const double *step, const double *bytes, size_t n, double tolerance_bytes,
                          double horizon_steps, mds_leak *out);

/* Integrated autocorrelation time (initial positive sequence, Geyer 1992), at least 0.5; the
 * effective number of samples is n / (2 τ). */
double mds_stats_autocorrelation_time(const double *x, size_t n);

/* 95 % interval of the median by order statistics on n_eff samples (binomial, normal
 * approximation). */
mds_status mds_stats_median_interval(const double *x, size_t n, double n_eff, double *lo,
                                     double *hi);

/* t(N) = t0 + a N^b by weighted least squares over (n, t) points, with b's 95 % interval from the
 * bootstrap over points' residuals (fixed seed). Fewer than 4 distinct sizes: t0 = 0 (a power law);
 * fewer than 2: all NaN. The interval is NaN when there are no more points than parameters. Times
 * that are not positive numbers are left out; `points` counts those used. t0 ≥ 0, a ≥ 0, 0 ≤ b ≤ 4.
 */
typedef struct mds_scaling {
    double t0, a, b, b_lo, b_hi, r2;
    int points;
} mds_scaling;
mds_status mds_stats_scaling(const double *n, const double *t, int count, mds_scaling *out);

/* Energy drift of a conserved quantity e (count) at times t_ps, of n_atoms atoms. */
typedef struct mds_drift {
    double initial, final, relative, slope_meV_atom_ps, rms_meV_atom, std_eV;
} mds_drift;
mds_drift mds_stats_drift(const double *t_ps, const double *e, size_t count, int n_atoms);

#endif

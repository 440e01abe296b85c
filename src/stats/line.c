#include "stats/stats.h"

#include <math.h>

mds_line mds_stats_line(const double *x, const double *y, size_t n)
{
    mds_line out = {.intercept = NAN, .slope = NAN, .slope_stderr = NAN, .rms = NAN};

    if (n == 0)
        return out;

    double x_mean = 0.0, y_mean = 0.0;

    for (size_t i = 0; i < n; ++i) {
        x_mean += (x[i] - x[0]) / (double)n;
        y_mean += (y[i] - y[0]) / (double)n;
    }
    x_mean += x[0];
    y_mean += y[0];

    double sxx = 0.0, sxy = 0.0;

    for (size_t i = 0; i < n; ++i) {
        sxx += (x[i] - x_mean) * (x[i] - x_mean);
        sxy += (x[i] - x_mean) * (y[i] - y_mean);
    }
    if (!(sxx > 0.0))
        return out; /* one abscissa does not make a line */
    out.slope = sxy / sxx;
    out.intercept = y_mean - out.slope * x_mean;

    double squares = 0.0;

    for (size_t i = 0; i < n; ++i) {
        const double r = (y[i] - y_mean) - out.slope * (x[i] - x_mean);

        squares += r * r;
    }
    out.rms = sqrt(squares / (double)n);
    if (n > 2)
        out.slope_stderr = sqrt(squares / (double)(n - 2) / sxx);
    return out;
}

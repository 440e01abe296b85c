#include "stats/order.h"

#include <math.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

void mds_sort(double *x, size_t n)
{
    qsort(x, n, sizeof *x, ascending);
}

static void swap(double *a, double *b)
{
    const double t = *a;

    *a = *b;
    *b = t;
}

double mds_select(double *x, size_t n, size_t k)
{
    size_t lo = 0, hi = n - 1;

    while (lo < hi) {
        const size_t mid = lo + (hi - lo) / 2;

        /* Median of three as the pivot, so that sorted input is not the worst case. */
        if (x[mid] < x[lo])
            swap(&x[mid], &x[lo]);
        if (x[hi] < x[lo])
            swap(&x[hi], &x[lo]);
        if (x[hi] < x[mid])
            swap(&x[hi], &x[mid]);

        const double pivot = x[mid];
        size_t below = lo, at = lo, above = hi + 1;

        /* Three ways, because ties are the usual case here: memory is counted in pages. */
        while (at < above) {
            if (x[at] < pivot)
                swap(&x[at++], &x[below++]);
            else if (x[at] > pivot)
                swap(&x[at], &x[--above]);
            else
                ++at;
        }
        if (k < below)
            hi = below - 1;
        else if (k >= above)
            lo = above;
        else
            break;
    }
    return x[k];
}

double mds_median(double *x, size_t n)
{
    if (n == 0)
        return NAN;

    const double upper = mds_select(x, n, n / 2);

    if (n % 2 == 1)
        return upper;

    double lower = x[0];

    for (size_t i = 1; i < n / 2; ++i)
        if (x[i] > lower)
            lower = x[i];
    return lower + (upper - lower) / 2.0;
}

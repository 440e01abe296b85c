/* Sorting and selection of plain doubles without NaN; internal to stats. */
#ifndef MDS_STATS_ORDER_H
#define MDS_STATS_ORDER_H

#include <stddef.h>

/* Ascending, in place. */
void mds_sort(double *x, size_t n);

/* The k-th smallest (from 0), which ends at x[k] with nothing larger before it and nothing smaller
 * behind it; reorders x. Linear time on average. */
double mds_select(double *x, size_t n, size_t k);

/* The median; reorders x. NaN for n = 0. */
double mds_median(double *x, size_t n);

#endif

/* Two results files, case by case: what became slower. */
#ifndef MDS_REPORT_COMPARE_H
#define MDS_REPORT_COMPARE_H

#include "report/table.h"
#include "store/reader.h"

typedef struct mds_comparison {
    int compared, slower, faster, same, unclear;
    int regressions;               /* surely slower, and by more than the threshold */
    int only_in_base, only_in_new; /* finished cases without a counterpart */
} mds_comparison;

/* Pairs the finished cases by key, so that only cases of the same physics, steps and options meet.
 * The ratio is new median over base median; its interval comes from the two medians' 95 %
 * intervals, taken against each other, which is wider than 95 %. SLOWER or FASTER: the interval
 * lies beyond `margin` (0.02: 2 %) of 1; SAME: within it; else UNCLEAR. A regression is SLOWER with
 * a ratio above `threshold`. `table` (uninitialised) gets a row per pair, slowest first.
 * MDS_ERR_USAGE when no case is in both files. */
mds_status mds_compare(const mds_results *base, const mds_results *new, double threshold,
                       double margin, mds_table *table, mds_comparison *out);

#endif

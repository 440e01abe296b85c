/* Rows of the results grouped for the tables: a series is (system, protocol, model); a point of it
 * is one size, its repeats together. A statistic of a point is the median over its finished
 * repeats: percentiles are never averaged. */
#ifndef MDS_REPORT_GROUP_H
#define MDS_REPORT_GROUP_H

#include "store/reader.h"

typedef struct mds_point {
    int series;         /* index of the series */
    const mds_row *row; /* first row: names and sizes */
    int first, count;   /* rows of the results */
    int done;           /* finished repeats */
} mds_point;

typedef struct mds_groups {
    const mds_results *results; /* borrowed */
    mds_point *points;          /* by series, then by size */
    int point_count, series_count;
} mds_groups;

mds_status mds_groups_init(mds_groups *groups, const mds_results *results);
void mds_groups_fini(mds_groups *groups);

/* Median over the finished repeats of a metric, of a component's time; NaN when there is none. */
double mds_point_metric(const mds_groups *groups, const mds_point *point, mds_metric metric);
double mds_point_component(const mds_groups *groups, const mds_point *point, mds_region region);
/* Of a component's work per step, by formula. */
double mds_point_flop(const mds_groups *groups, const mds_point *point, mds_region region);
double mds_point_bytes(const mds_groups *groups, const mds_point *point, mds_region region);

/* The model's name as tables show it: synthetic weights are marked. */
const char *mds_row_model(const mds_row *row, char *out, size_t size);
/* "silicon/64/nve/reference/r0" */
char *mds_row_label(const mds_row *row, char *out, size_t size);

#endif

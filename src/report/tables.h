/* The builders of the single tables; report.c lists them. */
#ifndef MDS_REPORT_TABLES_H
#define MDS_REPORT_TABLES_H

#include "report/group.h"
#include "report/report.h"

typedef struct mds_report_class {
    const char *name, *title;
    const mds_table_column *columns;
    int column_count;
    mds_status (*fill)(const mds_results *results, const mds_groups *groups, mds_table *table);
    /* Rows that creation of the file makes room for; 0: the table is not kept in the file. */
    int64_t (*rows)(int64_t cases, int64_t points);
} mds_report_class;

extern const mds_report_class mds_table_scaling, mds_table_fits, mds_table_hotspots,
    mds_table_recommendations, mds_table_targets, mds_table_latency, mds_table_memory,
    mds_table_energy, mds_table_comparison, mds_table_power, mds_table_failures;

/* Shared by the targets table and the verdict. NaN: the target does not concern this case. */
double mds_row_target_value(const mds_row *row, int target);

#endif

/* Targets: what the configuration asks for against what each case did. */
#include "report/tables.h"

#include "store/layout.h"

#include <math.h>
#include <string.h>

static const mds_table_column target_columns[] = {
    {"target", "target", 32, NULL, "1", "target"},
    {"limit", "limit", 0, "%.4g", "1", "limit, in the target's unit"},
    {"unit", "unit", 8, NULL, "1", "unit of the limit and the worst value"},
    {"checked", "cases", 0, "%.0f", "1", "cases the target concerns"},
    {"missed", "missed", 0, "%.0f", "1", "cases that miss it"},
    {"worst", "worst", 0, "%.4g", "1", "worst value"},
    {"worst_case", "worst case", 160, NULL, "1", "case of the worst value"},
    {"verdict", "verdict", 8, NULL, "1", "PASS or FAIL"},
};

/* Which statistic a target bounds. Energy drift is a matter of NVE with a conservative model and
 * real weights; anything else has no verdict. */
double mds_row_target_value(const mds_row *row, int target)
{
    const double *v = row->record.value;
    const char *key = mds_target_get(target)->key;

    if (row->status != MDS_CASE_DONE)
        return NAN;
    if (strcmp(key, "mean_ms") == 0)
        return 1e3 * v[MDS_METRIC_LATENCY_MEAN];
    if (strcmp(key, "p95_over_mean") == 0)
        return v[MDS_METRIC_LATENCY_P95] / v[MDS_METRIC_LATENCY_MEAN];
    if (strcmp(key, "p99_over_mean") == 0)
        return v[MDS_METRIC_LATENCY_P99] / v[MDS_METRIC_LATENCY_MEAN];
    if (strcmp(key, "memory_delta_MB") == 0)
        return 1e-6 * v[MDS_METRIC_MEMORY_DELTA];
    if (strcmp(key, "us_per_atom") == 0)
        return v[MDS_METRIC_US_PER_ATOM];
    if (strcmp(key, "cv") == 0)
        return v[MDS_METRIC_LATENCY_CV];
    if (strcmp(key, "energy_drift") == 0 && strncmp(row->protocol, "nve", 3) == 0 &&
        row->conservative == 1 && row->synthetic != 1)
        return fabs(v[MDS_METRIC_ENERGY_DRIFT]);
    return NAN;
}

static mds_status fill_targets(const mds_results *results, const mds_groups *groups,
                               mds_table *table)
{
    (void)groups;
    for (int t = 0; t < mds_target_count(); ++t) {
        const double limit = mds_target_value(&results->targets, t);
        int checked = 0, missed = 0;
        const mds_row *worst = NULL;
        double worst_value = NAN;
        char label[192] = "-";

        for (int i = 0; i < results->count; ++i) {
            const double value = mds_row_target_value(&results->rows[i], t);

            if (!isfinite(value))
                continue;
            checked += 1;
            missed += value > limit;
            if (!worst || value > worst_value) {
                worst = &results->rows[i];
                worst_value = value;
            }
        }
        if (worst)
            mds_row_label(worst, label, sizeof label);
        mds_table_add_text(table, mds_target_get(t)->key);
        mds_table_add_number(table, limit);
        mds_table_add_text(table, mds_target_get(t)->unit);
        mds_table_add_number(table, checked);
        mds_table_add_number(table, missed);
        mds_table_add_number(table, worst_value);
        mds_table_add_text(table, label);
        mds_table_add_text(table, !checked ? "-" : missed ? "FAIL" : "PASS");
    }
    return MDS_OK;
}

static int64_t target_rows(int64_t cases, int64_t points)
{
    (void)cases, (void)points;
    return mds_target_count();
}

const mds_report_class mds_table_targets = {
    .columns = target_columns,
    .column_count = sizeof target_columns / sizeof target_columns[0],
    .fill = fill_targets,
    .rows = target_rows,
};

/* What the hardware said while the cases ran: power, clocks, and the statistics with and without
 * the steps that it gave reason to doubt. */
#include "report/tables.h"

#include <math.h>

static const mds_table_column power_columns[] = {
    {"case", "case", 160, NULL, "1", "system/size/protocol/model/repeat"},
    {"source", "source", 64, NULL, "1", "where the readings came from, or why there are none"},
    {"power_W", "W", 0, "%.1f", "W", "mean power of the device over the steady steps"},
    {"energy_per_step_J", "J/step", 0, "%.3g", "J", "energy of the device per step"},
    {"ns_per_day_per_W", "ns/day/W", 0, "%.4g", "ns/day/W", "simulated time per day and watt"},
    {"clock_min_MHz", "MHz min", 0, "%.0f", "MHz", "lowest clock"},
    {"temperature_max_C", "C max", 0, "%.0f", "degree_Celsius", "highest temperature"},
    {"flagged", "flagged", 0, "%.0f", "1", "steady steps throttled or preempted"},
    {"mean_ms", "mean ms", 0, "%.5f", "ms", "mean step latency"},
    {"clean_mean_ms", "without", 0, "%.5f", "ms", "the same without flagged steps"},
    {"p99_ms", "P99 ms", 0, "%.5f", "ms", "99th percentile"},
    {"clean_p99_ms", "without", 0, "%.5f", "ms", "the same without flagged steps"},
};

static mds_status fill_power(const mds_results *results, const mds_groups *groups, mds_table *table)
{
    static const struct {
        mds_metric metric;
        double scale;
    } columns[] = {
        {MDS_METRIC_POWER_MEAN, 1.0},         {MDS_METRIC_ENERGY_STEP, 1.0},
        {MDS_METRIC_NS_DAY_WATT, 1.0},        {MDS_METRIC_CLOCK_MIN, 1.0},
        {MDS_METRIC_TEMPERATURE_DEVICE, 1.0}, {MDS_METRIC_FLAGGED, 1.0},
        {MDS_METRIC_LATENCY_MEAN, 1e3},       {MDS_METRIC_CLEAN_MEAN, 1e3},
        {MDS_METRIC_LATENCY_P99, 1e3},        {MDS_METRIC_CLEAN_P99, 1e3},
    };

    (void)groups;
    for (int i = 0; i < results->count; ++i) {
        const mds_row *row = &results->rows[i];
        char label[192];

        if (row->status != MDS_CASE_DONE)
            continue;
        mds_table_add_text(table, mds_row_label(row, label, sizeof label));
        mds_table_add_text(table, row->telemetry[0] ? row->telemetry : "none: not asked for");
        for (size_t k = 0; k < sizeof columns / sizeof columns[0]; ++k)
            mds_table_add_number(table, columns[k].scale * row->record.value[columns[k].metric]);
    }
    return MDS_OK;
}

const mds_report_class mds_table_power = {
    .columns = power_columns,
    .column_count = sizeof power_columns / sizeof power_columns[0],
    .fill = fill_power,
};

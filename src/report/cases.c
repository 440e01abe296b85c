/* Tables with one line per case: latency, memory, energy, and what did not run. */
#include "report/tables.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct metric_column {
    mds_metric metric;
    double scale;
} metric_column;

static void add_case(const mds_row *row, const metric_column *columns, size_t count,
                     mds_table *table)
{
    char label[192];

    mds_table_add_text(table, mds_row_label(row, label, sizeof label));
    for (size_t k = 0; k < count; ++k)
        mds_table_add_number(table, columns[k].scale * row->record.value[columns[k].metric]);
}

static const mds_table_column latency_columns[] = {
    {"case", "case", 160, NULL, "1", "system/size/protocol/model/repeat"},
    {"mean_ms", "mean ms", 0, "%.5f", "ms", "mean step latency"},
    {"median_ms", "median ms", 0, "%.5f", "ms", "median step latency"},
    {"median_lo_ms", "95 % from", 0, "%.5f", "ms", "lower end of the median's 95 % interval"},
    {"median_hi_ms", "to", 0, "%.5f", "ms", "upper end of the median's 95 % interval"},
    {"std_ms", "std ms", 0, "%.5f", "ms", "standard deviation"},
    {"min_ms", "min ms", 0, "%.5f", "ms", "smallest"},
    {"max_ms", "max ms", 0, "%.5f", "ms", "largest"},
    {"p95_ms", "P95 ms", 0, "%.5f", "ms", "95th percentile"},
    {"p99_ms", "P99 ms", 0, "%.5f", "ms", "99th percentile"},
    {"cv", "CV", 0, "%.3f", "1", "coefficient of variation"},
    {"n_eff", "n eff", 0, "%.0f", "1", "effective number of independent samples"},
    {"first_ms", "first ms", 0, "%.5f", "ms", "first step"},
    {"setup_s", "set-up s", 0, "%.3f", "s", "time from the command to the first step"},
    {"total_s", "total s", 0, "%.3f", "s", "time of the steady steps"},
};

static mds_status fill_latency(const mds_results *results, const mds_groups *groups,
                               mds_table *table)
{
    static const metric_column columns[] = {
        {MDS_METRIC_LATENCY_MEAN, 1e3},
        {MDS_METRIC_LATENCY_MEDIAN, 1e3},
        {MDS_METRIC_LATENCY_MEDIAN_LO, 1e3},
        {MDS_METRIC_LATENCY_MEDIAN_HI, 1e3},
        {MDS_METRIC_LATENCY_STD, 1e3},
        {MDS_METRIC_LATENCY_MIN, 1e3},
        {MDS_METRIC_LATENCY_MAX, 1e3},
        {MDS_METRIC_LATENCY_P95, 1e3},
        {MDS_METRIC_LATENCY_P99, 1e3},
        {MDS_METRIC_LATENCY_CV, 1.0},
        {MDS_METRIC_LATENCY_N_EFF, 1.0},
        {MDS_METRIC_LATENCY_FIRST, 1e3},
        {MDS_METRIC_SETUP, 1.0},
        {MDS_METRIC_TOTAL, 1.0},
    };

    (void)groups;
    for (int i = 0; i < results->count; ++i)
        if (results->rows[i].status == MDS_CASE_DONE)
            add_case(&results->rows[i], columns, sizeof columns / sizeof columns[0], table);
    return MDS_OK;
}

const mds_report_class mds_table_latency = {
    .columns = latency_columns,
    .column_count = sizeof latency_columns / sizeof latency_columns[0],
    .fill = fill_latency,
};

static const mds_table_column memory_columns[] = {
    {"case", "case", 160, NULL, "1", "system/size/protocol/model/repeat"},
    {"engine_peak_MB", "engine MB", 0, "%.3f", "MB", "engine allocator, peak"},
    {"device_peak_MB", "device MB", 0, "%.3f", "MB", "device memory of this process, peak"},
    {"process_peak_MB", "driver MB", 0, "%.1f", "MB", "that by the driver's account, peak"},
    {"rss_initial_MB", "RSS from", 0, "%.1f", "MB", "resident set, first steady step"},
    {"rss_final_MB", "to MB", 0, "%.1f", "MB", "resident set, last steady step"},
    {"rss_peak_MB", "peak MB", 0, "%.1f", "MB", "resident set, peak"},
    {"delta_MB", "delta MB", 0, "%.3f", "MB", "largest growth over the steady part"},
    {"slope_B", "slope B/step", 0, "%.1f", "B", "Theil-Sen slope of the fastest growing"},
    {"leak", "leak", 8, NULL, "1", "verdict"},
};

static mds_status fill_memory(const mds_results *results, const mds_groups *groups,
                              mds_table *table)
{
    static const metric_column columns[] = {
        {MDS_METRIC_ENGINE_PEAK, 1e-6},  {MDS_METRIC_DEVICE_PEAK, 1e-6},
        {MDS_METRIC_PROCESS_PEAK, 1e-6}, {MDS_METRIC_RSS_INITIAL, 1e-6},
        {MDS_METRIC_RSS_FINAL, 1e-6},    {MDS_METRIC_RSS_PEAK, 1e-6},
        {MDS_METRIC_MEMORY_DELTA, 1e-6}, {MDS_METRIC_LEAK_SLOPE, 1.0},
    };

    (void)groups;
    for (int i = 0; i < results->count; ++i) {
        const mds_row *row = &results->rows[i];

        if (row->status != MDS_CASE_DONE)
            continue;
        add_case(row, columns, sizeof columns / sizeof columns[0], table);
        const double leak = row->record.value[MDS_METRIC_LEAK];
        mds_table_add_text(table, isnan(leak) ? "-" : leak == 1.0 ? "LEAK" : "no");
    }
    return MDS_OK;
}

const mds_report_class mds_table_memory = {
    .columns = memory_columns,
    .column_count = sizeof memory_columns / sizeof memory_columns[0],
    .fill = fill_memory,
};

static const mds_table_column energy_columns[] = {
    {"case", "case", 160, NULL, "1", "system/size/protocol/model/repeat"},
    {"initial_eV", "E0 eV", 0, "%.6f", "eV", "conserved quantity, first steady step"},
    {"final_eV", "E end eV", 0, "%.6f", "eV", "conserved quantity, last steady step"},
    {"drift_rel", "drift rel", 0, "%.2e", "1", "(E_end - E_0)/|E_0|"},
    {"slope_meV_atom_ps", "slope meV/atom/ps", 0, "%.2e", "meV/ps", "least-squares slope per atom"},
    {"rms_meV_atom", "rms meV/atom", 0, "%.2e", "meV", "rms about the line, per atom"},
    {"temperature_K", "T K", 0, "%.1f", "K", "mean temperature"},
    {"temperature_std_K", "+- K", 0, "%.1f", "K", "standard deviation of the temperature"},
    {"pressure_GPa", "P GPa", 0, "%.3f", "GPa", "mean pressure"},
    {"verdict", "verdict", 24, NULL, "1", "energy conservation"},
};

static const char *energy_verdict(const mds_results *results, const mds_row *row)
{
    if (row->synthetic == 1)
        return "synthetic: none";
    if (strncmp(row->protocol, "nve", 3) != 0)
        return "-";
    if (row->conservative != 1)
        return "not conservative";
    const double drift = fabs(row->record.value[MDS_METRIC_ENERGY_DRIFT]);
    if (isnan(drift))
        return "-";
    return drift > results->targets.energy_drift ? "DRIFT" : "conserved";
}

static mds_status fill_energy(const mds_results *results, const mds_groups *groups,
                              mds_table *table)
{
    static const metric_column columns[] = {
        {MDS_METRIC_ENERGY_INITIAL, 1.0},  {MDS_METRIC_ENERGY_FINAL, 1.0},
        {MDS_METRIC_ENERGY_DRIFT, 1.0},    {MDS_METRIC_ENERGY_SLOPE, 1.0},
        {MDS_METRIC_ENERGY_RMS, 1.0},      {MDS_METRIC_TEMPERATURE_MEAN, 1.0},
        {MDS_METRIC_TEMPERATURE_STD, 1.0}, {MDS_METRIC_PRESSURE_MEAN, 1.0},
    };

    (void)groups;
    for (int i = 0; i < results->count; ++i) {
        const mds_row *row = &results->rows[i];

        if (row->status != MDS_CASE_DONE || !row->integrates)
            continue;
        add_case(row, columns, sizeof columns / sizeof columns[0], table);
        mds_table_add_text(table, energy_verdict(results, row));
    }
    return MDS_OK;
}

const mds_report_class mds_table_energy = {
    .columns = energy_columns,
    .column_count = sizeof energy_columns / sizeof energy_columns[0],
    .fill = fill_energy,
};

static const mds_table_column failure_columns[] = {
    {"case", "case", 160, NULL, "1", "system/size/protocol/model/repeat"},
    {"status", "status", 8, NULL, "1", "status"},
    {"steps_done", "steps", 0, "%.0f", "1", "steps recorded before the end"},
    {"attempt", "attempt", 0, "%.0f", "1", "attempts begun"},
    {"reason", "reason", 256, NULL, "1", "reason"},
};

static mds_status fill_failures(const mds_results *results, const mds_groups *groups,
                                mds_table *table)
{
    char label[192];

    (void)groups;
    for (int i = 0; i < results->count; ++i) {
        const mds_row *row = &results->rows[i];

        if (row->status != MDS_CASE_FAILED && row->status != MDS_CASE_SKIPPED)
            continue;
        mds_table_add_text(table, mds_row_label(row, label, sizeof label));
        mds_table_add_text(table, mds_case_status_name((mds_case_status)row->status));
        mds_table_add_number(table, (double)row->done[MDS_POOL_STEPS]);
        mds_table_add_number(table, (double)row->attempt);
        mds_table_add_text(table, row->reason);
    }
    return MDS_OK;
}

static int64_t failure_rows(int64_t cases, int64_t points)
{
    (void)points;
    return cases;
}

const mds_report_class mds_table_failures = {
    .columns = failure_columns,
    .column_count = sizeof failure_columns / sizeof failure_columns[0],
    .fill = fill_failures,
    .rows = failure_rows,
};

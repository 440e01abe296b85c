/* The scaling table and the fits behind it. */
#include "report/tables.h"

#include "stats/stats.h"

#include <math.h>
#include <stdlib.h>

static const mds_table_column scaling_columns[] = {
    {"system", "system", 48, NULL, "1", "system"},
    {"protocol", "protocol", 48, NULL, "1", "protocol"},
    {"model", "model", 64, NULL, "1", "model"},
    {"n_atoms", "atoms", 0, "%.0f", "1", "number of atoms"},
    {"repeats", "runs", 0, "%.0f", "1", "finished repeats"},
    {"mean_ms", "mean ms", 0, "%.5f", "ms", "mean step latency"},
    {"median_ms", "median ms", 0, "%.5f", "ms", "median step latency"},
    {"p95_ms", "P95 ms", 0, "%.5f", "ms", "95th percentile of the step latency"},
    {"p99_ms", "P99 ms", 0, "%.5f", "ms", "99th percentile of the step latency"},
    {"cv", "CV", 0, "%.3f", "1", "coefficient of variation of the step latency"},
    {"steps_per_s", "steps/s", 0, "%.0f", "1/s", "steps per second"},
    {"ns_per_day", "ns/day", 0, "%.2f", "ns/day", "simulated time per day"},
    {"us_per_atom", "us/atom", 0, "%.3f", "us", "median step latency per atom"},
};

static mds_status fill_scaling(const mds_results *results, const mds_groups *groups,
                               mds_table *table)
{
    char model[96];

    (void)results;
    for (int i = 0; i < groups->point_count; ++i) {
        const mds_point *p = &groups->points[i];
        static const struct {
            mds_metric metric;
            double scale;
        } columns[] = {
            {MDS_METRIC_LATENCY_MEAN, 1e3}, {MDS_METRIC_LATENCY_MEDIAN, 1e3},
            {MDS_METRIC_LATENCY_P95, 1e3},  {MDS_METRIC_LATENCY_P99, 1e3},
            {MDS_METRIC_LATENCY_CV, 1.0},   {MDS_METRIC_STEPS_PER_S, 1.0},
            {MDS_METRIC_NS_PER_DAY, 1.0},   {MDS_METRIC_US_PER_ATOM, 1.0},
        };

        if (p->done == 0)
            continue;
        mds_table_add_text(table, p->row->system);
        mds_table_add_text(table, p->row->protocol);
        mds_table_add_text(table, mds_row_model(p->row, model, sizeof model));
        mds_table_add_number(table, (double)p->row->n_atoms);
        mds_table_add_number(table, p->done);
        for (size_t k = 0; k < sizeof columns / sizeof columns[0]; ++k)
            mds_table_add_number(table,
                                 columns[k].scale * mds_point_metric(groups, p, columns[k].metric));
    }
    return MDS_OK;
}

static int64_t scaling_rows(int64_t cases, int64_t points)
{
    (void)cases;
    return points;
}

const mds_report_class mds_table_scaling = {
    .columns = scaling_columns,
    .column_count = sizeof scaling_columns / sizeof scaling_columns[0],
    .fill = fill_scaling,
    .rows = scaling_rows,
};

static const mds_table_column fits_columns[] = {
    {"system", "system", 48, NULL, "1", "system"},
    {"protocol", "protocol", 48, NULL, "1", "protocol"},
    {"model", "model", 64, NULL, "1", "model"},
    {"sizes", "sizes", 0, "%.0f", "1", "number of sizes"},
    {"t0_us", "t0 us", 0, "%.2f", "us", "constant part of the step"},
    {"a_us", "a us", 0, "%.4g", "us", "prefactor of the power law"},
    {"b", "b", 0, "%.3f", "1", "exponent of the power law"},
    {"b_lo", "b low", 0, "%.3f", "1", "lower end of b's 95 % interval"},
    {"b_hi", "b high", 0, "%.3f", "1", "upper end of b's 95 % interval"},
    {"r2", "R2", 0, "%.5f", "1", "coefficient of determination"},
};

static mds_status add_fit(const mds_groups *groups, const mds_point *first, int count,
                          mds_table *table)
{
    double *n = calloc((size_t)count, sizeof *n), *t = calloc((size_t)count, sizeof *t);
    mds_scaling fit;
    char model[96];
    int used = 0;
    mds_status status = MDS_OK;

    if (!n || !t) {
        status = mds_fail(MDS_ERR_NOMEM, "no memory for a scaling fit");
        goto out;
    }
    for (int i = 0; i < count; ++i) {
        const double median = mds_point_metric(groups, &first[i], MDS_METRIC_LATENCY_MEDIAN);

        if (!isfinite(median))
            continue;
        n[used] = (double)first[i].row->n_atoms;
        t[used++] = median;
    }
    if (used < 2) /* one size is no scaling */
        goto out;
    MDS_TRY(mds_stats_scaling(n, t, used, &fit));
    mds_table_add_text(table, first->row->system);
    mds_table_add_text(table, first->row->protocol);
    mds_table_add_text(table, mds_row_model(first->row, model, sizeof model));
    mds_table_add_number(table, fit.points);
    mds_table_add_number(table, 1e6 * fit.t0);
    mds_table_add_number(table, 1e6 * fit.a);
    mds_table_add_number(table, fit.b);
    mds_table_add_number(table, fit.b_lo);
    mds_table_add_number(table, fit.b_hi);
    /* As many parameters as points: the curve goes through them, which says nothing. */
    mds_table_add_number(table, isnan(fit.b_lo) ? NAN : fit.r2);
out:
    free(n);
    free(t);
    return status;
}

static mds_status fill_fits(const mds_results *results, const mds_groups *groups, mds_table *table)
{
    (void)results;
    for (int i = 0; i < groups->point_count;) {
        int end = i + 1;

        while (end < groups->point_count && groups->points[end].series == groups->points[i].series)
            ++end;
        const mds_status status = add_fit(groups, &groups->points[i], end - i, table);
        if (status != MDS_OK)
            return status;
        i = end;
    }
    return MDS_OK;
}

const mds_report_class mds_table_fits = {
    .columns = fits_columns,
    .column_count = sizeof fits_columns / sizeof fits_columns[0],
    .fill = fill_fits,
    .rows = scaling_rows,
};

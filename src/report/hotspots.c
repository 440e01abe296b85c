/* Where a step's time goes, and what making a part of it twice as fast would bring (Amdahl). */
#include "report/tables.h"

#include <math.h>
#include <stdlib.h>

static const double hot_share = 0.10;

static const mds_table_column hotspot_columns[] = {
    {"system", "system", 48, NULL, "1", "system"},
    {"protocol", "protocol", 48, NULL, "1", "protocol"},
    {"model", "model", 64, NULL, "1", "model"},
    {"n_atoms", "atoms", 0, "%.0f", "1", "number of atoms"},
    {"component", "component", 32, NULL, "1", "component of the step"},
    {"ms", "ms", 0, "%.5f", "ms", "time of the component per step"},
    {"share", "share", 0, "%.3f", "1", "part of the step"},
    {"gain_if_2x", "gain if 2x", 0, "%.2f", "1",
     "speed-up of the step if the component were twice as fast"},
    {"gflop_s", "GFLOP/s", 0, "%.1f", "1/ns", "operations of the component, by formula, per time"},
    {"flop_share", "of peak", 0, "%.2f", "1", "part of the measured peak of a matrix product"},
    {"gb_s", "GB/s", 0, "%.1f", "B/ns", "bytes it cannot do without, by formula, per time"},
    {"bytes_share", "of peak", 0, "%.2f", "1", "part of the measured peak of a copy"},
    {"residual", "residual", 0, "%.3f", "1", "part of the step that no component accounts for"},
};

/* Only networks say what they compute. */
enum { RATES_FIRST = 8, RATES_END = 12 };

typedef struct hotspot {
    mds_region region;
    double seconds;
} hotspot;

static int longest_first(const void *left, const void *right)
{
    const double a = ((const hotspot *)left)->seconds, b = ((const hotspot *)right)->seconds;

    return (a < b) - (a > b);
}

static void add_rates(const mds_groups *groups, const mds_point *point, mds_region region,
                      double seconds, mds_table *table)
{
    const double flop = mds_point_flop(groups, point, region);
    const double bytes = mds_point_bytes(groups, point, region);
    const double flop_s = flop > 0.0 ? flop / seconds : NAN;
    const double bytes_s = bytes > 0.0 ? bytes / seconds : NAN;

    mds_table_add_number(table, 1e-9 * flop_s);
    mds_table_add_number(table, flop_s / mds_point_metric(groups, point, MDS_METRIC_PEAK_FLOP));
    mds_table_add_number(table, 1e-9 * bytes_s);
    mds_table_add_number(table, bytes_s / mds_point_metric(groups, point, MDS_METRIC_PEAK_BYTES));
}

static void add_point(const mds_groups *groups, const mds_point *point, mds_table *table)
{
    const double step = mds_point_metric(groups, point, MDS_METRIC_COMPONENT_STEP);
    const double residual = mds_point_metric(groups, point, MDS_METRIC_COMPONENT_RESIDUAL);
    hotspot hot[MDS_REGION_COUNT];
    char model[96];
    int count = 0;

    if (!(step > 0.0))
        return;
    for (int region = 0; region < MDS_REGION_COUNT; ++region) {
        const double seconds = mds_point_component(groups, point, (mds_region)region);

        if (seconds > hot_share * step)
            hot[count++] = (hotspot){(mds_region)region, seconds};
    }
    qsort(hot, (size_t)count, sizeof *hot, longest_first);
    for (int i = 0; i < count; ++i) {
        const double share = hot[i].seconds / step;

        mds_table_add_text(table, point->row->system);
        mds_table_add_text(table, point->row->protocol);
        mds_table_add_text(table, mds_row_model(point->row, model, sizeof model));
        mds_table_add_number(table, (double)point->row->n_atoms);
        mds_table_add_text(table, mds_region_key(hot[i].region));
        mds_table_add_number(table, 1e3 * hot[i].seconds);
        mds_table_add_number(table, share);
        mds_table_add_number(table, 1.0 / (1.0 - 0.5 * share));
        add_rates(groups, point, hot[i].region, hot[i].seconds, table);
        mds_table_add_number(table, residual / step);
    }
}

/* The largest finished size of a series stands for it: small sizes are bound by overhead. */
static mds_status fill_hotspots(const mds_results *results, const mds_groups *groups,
                                mds_table *table)
{
    (void)results;
    table->optional_first = RATES_FIRST;
    table->optional_end = RATES_END;
    for (int i = 0; i < groups->point_count;) {
        const mds_point *largest = NULL;
        int end = i;

        for (; end < groups->point_count && groups->points[end].series == groups->points[i].series;
             ++end)
            if (groups->points[end].done > 0)
                largest = &groups->points[end];
        if (largest)
            add_point(groups, largest, table);
        i = end;
    }
    return MDS_OK;
}

static int64_t hotspot_rows(int64_t cases, int64_t points)
{
    (void)cases;
    return points * 9; /* components above a tenth of the whole: at most nine */
}

const mds_report_class mds_table_hotspots = {
    .columns = hotspot_columns,
    .column_count = sizeof hotspot_columns / sizeof hotspot_columns[0],
    .fill = fill_hotspots,
    .rows = hotspot_rows,
};

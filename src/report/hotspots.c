/* Where a step's time goes, and what making a part of it twice as fast would bring (Amdahl). */
#include "report/tables.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    {"residual", "residual", 0, "%.3f", "1", "part of the step that no component accounts for"},
};

typedef struct hotspot {
    mds_region region;
    double seconds;
} hotspot;

static int longest_first(const void *left, const void *right)
{
    const double a = ((const hotspot *)left)->seconds, b = ((const hotspot *)right)->seconds;

    return (a < b) - (a > b);
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
        mds_table_add_number(table, residual / step);
    }
}

/* The largest finished size of a series stands for it: small sizes are bound by overhead. */
static mds_status fill_hotspots(const mds_results *results, const mds_groups *groups,
                                mds_table *table)
{
    (void)results;
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

static const mds_table_column recommendation_columns[] = {
    {"case", "case", 160, NULL, "1", "system/size/protocol/model/repeat"},
    {"finding", "finding", 24, NULL, "1", "kind of the finding"},
    {"text", "what to do", 256, NULL, "1", "the finding with its numbers"},
};

static void add_finding(mds_table *table, const char *label, const char *finding, const char *text)
{
    mds_table_add_text(table, label);
    mds_table_add_text(table, finding);
    mds_table_add_text(table, text);
}

/* What is wrong whatever the size: leaks, late lists, memory. */
static void check_soundness(const mds_row *row, const char *label, mds_table *table)
{
    const double *v = row->record.value;
    char text[256];

    if (v[MDS_METRIC_LEAK] == 1.0) {
        snprintf(text, sizeof text,
                 "memory grew by %.2f MB, slope %.0f B/step: find what is allocated per step",
                 1e-6 * v[MDS_METRIC_MEMORY_DELTA], v[MDS_METRIC_LEAK_SLOPE]);
        add_finding(table, label, "leak", text);
    }
    /* Replayed frames may lie far apart; only a trajectory can outrun its list. */
    if (v[MDS_METRIC_DANGEROUS] > 0.0 && row->integrates) {
        snprintf(text, sizeof text,
                 "%.0f neighbour list builds came too late: larger skin or smaller time step",
                 v[MDS_METRIC_DANGEROUS]);
        add_finding(table, label, "dangerous builds", text);
    }
    if (v[MDS_METRIC_ENGINE_PEAK] > 1e9) {
        snprintf(text, sizeof text, "engine peak %.2f GB, %.0f kB per atom: high for MD",
                 1e-9 * v[MDS_METRIC_ENGINE_PEAK],
                 1e-3 * v[MDS_METRIC_ENGINE_PEAK] / (double)row->n_atoms);
        add_finding(table, label, "memory", text);
    }
}

static void check_speed(const mds_row *row, const char *label, mds_table *table)
{
    const double *v = row->record.value;
    const double mean = v[MDS_METRIC_LATENCY_MEAN], p99 = v[MDS_METRIC_LATENCY_P99];
    const double step = v[MDS_METRIC_COMPONENT_STEP];
    char text[256];

    if (p99 > 2.0 * mean) {
        snprintf(text, sizeof text, "P99 %.5f ms is %.1f times the mean: look for rare slow steps",
                 1e3 * p99, p99 / mean);
        add_finding(table, label, "tail", text);
    } else if (v[MDS_METRIC_LATENCY_CV] > 0.20) {
        snprintf(text, sizeof text, "CV %.2f: steps differ; fix clocks, bind cores, or run longer",
                 v[MDS_METRIC_LATENCY_CV]);
        add_finding(table, label, "unsteady", text);
    }
    for (int region = 0; region < MDS_REGION_COUNT; ++region) {
        const double share = row->record.component_s[region] / step;

        if (share > 0.50) {
            snprintf(text, sizeof text,
                     "%s takes %.0f %% of the step: twice as fast there is %.2f times overall",
                     mds_region_key((mds_region)region), 100.0 * share, 1.0 / (1.0 - 0.5 * share));
            add_finding(table, label, "hotspot", text);
        }
    }
}

/* The first finished repeat of a point stands for all; speed is judged at a series' largest size.
 */
static mds_status fill_recommendations(const mds_results *results, const mds_groups *groups,
                                       mds_table *table)
{
    char label[192];

    for (int i = 0; i < groups->point_count; ++i) {
        const mds_point *p = &groups->points[i];
        const bool largest = i + 1 == groups->point_count ||
                             groups->points[i + 1].series != p->series;

        for (int k = 0; k < p->count; ++k) {
            const mds_row *row = &results->rows[p->first + k];

            if (row->status != MDS_CASE_DONE)
                continue;
            mds_row_label(row, label, sizeof label);
            check_soundness(row, label, table);
            if (largest && strcmp(row->engine, "null") != 0)
                check_speed(row, label, table);
            break;
        }
    }
    return MDS_OK;
}

static int64_t recommendation_rows(int64_t cases, int64_t points)
{
    (void)cases;
    return points * 6;
}

const mds_report_class mds_table_recommendations = {
    .columns = recommendation_columns,
    .column_count = sizeof recommendation_columns / sizeof recommendation_columns[0],
    .fill = fill_recommendations,
    .rows = recommendation_rows,
};

/* What is worth looking at, the worst first. */
#include "report/tables.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const mds_table_column columns[] = {
    {"case", "case", 160, NULL, "1", "system/size/protocol/model/repeat"},
    {"finding", "finding", 24, NULL, "1", "kind of the finding"},
    {"text", "what to do", 256, NULL, "1", "the finding with its numbers"},
};

/* In the order in which they are shown. */
typedef enum kind { LEAK, DANGEROUS, MEMORY, TAIL, HOTSPOT, UNSTEADY } kind;

typedef struct finding {
    kind kind;
    double weight; /* larger is worse, within a kind */
    int order;     /* of discovery: equals stay in the order of the matrix */
    const mds_row *row;
    char text[256];
} finding;

typedef struct findings {
    finding *list; /* (room) */
    int count, room;
} findings;

enum { PER_CASE = 6 }; /* leak, dangerous, memory, tail or unsteady, a hotspot */

static void add(findings *all, kind what, double weight, const mds_row *row, const char *format,
                ...) __attribute__((format(printf, 5, 6)));

static void add(findings *all, kind what, double weight, const mds_row *row, const char *format,
                ...)
{
    va_list args;

    if (all->count == all->room)
        return;
    finding *f = &all->list[all->count];

    *f = (finding){.kind = what, .weight = weight, .order = all->count++, .row = row};
    va_start(args, format);
    vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
}

/* What is wrong whatever the size: leaks, late lists, memory. */
static void check_soundness(findings *all, const mds_row *row)
{
    const double *v = row->record.value;
    const double slope = v[MDS_METRIC_LEAK_SLOPE], dangerous = v[MDS_METRIC_DANGEROUS];
    const double peak = v[MDS_METRIC_ENGINE_PEAK];

    if (v[MDS_METRIC_LEAK] == 1.0)
        add(all, LEAK, slope, row,
            "memory grew by %.2f MB, slope %.0f B/step: find what is allocated per step",
            1e-6 * v[MDS_METRIC_MEMORY_DELTA], slope);
    /* Replayed frames may lie far apart; only a trajectory can outrun its list. */
    if (dangerous > 0.0 && row->integrates)
        add(all, DANGEROUS, dangerous, row,
            "%.0f neighbour list builds came too late: larger skin or smaller time step",
            dangerous);
    if (peak > 1e9)
        add(all, MEMORY, peak, row, "engine peak %.2f GB, %.0f kB per atom: high for MD",
            1e-9 * peak, 1e-3 * peak / (double)row->n_atoms);
}

static void check_speed(findings *all, const mds_row *row)
{
    const double *v = row->record.value;
    const double mean = v[MDS_METRIC_LATENCY_MEAN], p99 = v[MDS_METRIC_LATENCY_P99];
    const double cv = v[MDS_METRIC_LATENCY_CV], step = v[MDS_METRIC_COMPONENT_STEP];

    if (p99 > 2.0 * mean)
        add(all, TAIL, p99 / mean, row,
            "P99 %.5f ms is %.1f times the mean: look for rare slow steps", 1e3 * p99, p99 / mean);
    else if (cv > 0.20)
        add(all, UNSTEADY, cv, row, "CV %.2f: steps differ; fix clocks, bind cores, or run longer",
            cv);
    for (int region = 0; region < MDS_REGION_COUNT; ++region) {
        const double share = row->record.component_s[region] / step;

        if (share > 0.50)
            add(all, HOTSPOT, share, row,
                "%s takes %.0f %% of the step: twice as fast there is %.2f times overall",
                mds_region_key((mds_region)region), 100.0 * share, 1.0 / (1.0 - 0.5 * share));
    }
}

static int worst_first(const void *left, const void *right)
{
    const finding *a = left, *b = right;

    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

/* The first finished repeat of a point stands for all; speed is judged at a series' largest size.
 */
static void check_point(findings *all, const mds_results *results, const mds_point *point,
                        bool largest)
{
    for (int k = 0; k < point->count; ++k) {
        const mds_row *row = &results->rows[point->first + k];

        if (row->status != MDS_CASE_DONE)
            continue;
        check_soundness(all, row);
        if (largest && strcmp(row->engine, "null") != 0)
            check_speed(all, row);
        return;
    }
}

static mds_status fill(const mds_results *results, const mds_groups *groups, mds_table *table)
{
    static const char *const words[] = {[LEAK] = "leak",       [DANGEROUS] = "dangerous builds",
                                        [MEMORY] = "memory",   [TAIL] = "tail",
                                        [HOTSPOT] = "hotspot", [UNSTEADY] = "unsteady"};
    findings all = {.room = groups->point_count * PER_CASE};
    char label[192];

    all.list = calloc((size_t)all.room + 1, sizeof *all.list);
    if (!all.list)
        return mds_fail(MDS_ERR_NOMEM, "no memory for the recommendations");
    for (int i = 0; i < groups->point_count; ++i)
        check_point(&all, results, &groups->points[i],
                    i + 1 == groups->point_count ||
                        groups->points[i + 1].series != groups->points[i].series);
    qsort(all.list, (size_t)all.count, sizeof *all.list, worst_first);
    for (int i = 0; i < all.count; ++i) {
        mds_table_add_text(table, mds_row_label(all.list[i].row, label, sizeof label));
        mds_table_add_text(table, words[all.list[i].kind]);
        mds_table_add_text(table, all.list[i].text);
    }
    free(all.list);
    return MDS_OK;
}

static int64_t rows(int64_t cases, int64_t points)
{
    (void)cases;
    return points * PER_CASE;
}

const mds_report_class mds_table_recommendations = {
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .fill = fill,
    .rows = rows,
};

#include "report/group.h"

#include "stats/stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPEATS_MAX = 1024 };

static bool same_series(const mds_row *a, const mds_row *b)
{
    return strcmp(a->system, b->system) == 0 && strcmp(a->protocol, b->protocol) == 0 &&
           strcmp(a->model, b->model) == 0;
}

static int compare_points(const void *left, const void *right)
{
    const mds_point *a = left, *b = right;

    if (a->series != b->series)
        return a->series < b->series ? -1 : 1;
    if (a->row->n_atoms != b->row->n_atoms)
        return a->row->n_atoms < b->row->n_atoms ? -1 : 1;
    return (a->first > b->first) - (a->first < b->first);
}

/* The series of `row`, in order of first appearance; `first` holds a point of each. */
static int series_of(const mds_row *row, const mds_row **first, int *count)
{
    for (int i = *count - 1; i >= 0; --i)
        if (same_series(first[i], row))
            return i;
    first[*count] = row;
    return (*count)++;
}

mds_status mds_groups_init(mds_groups *groups, const mds_results *results)
{
    const size_t n = (size_t)results->count + 1;
    const mds_row **first = calloc(n, sizeof *first);

    *groups = (mds_groups){.results = results, .points = calloc(n, sizeof *groups->points)};
    if (!groups->points || !first) {
        free(first);
        mds_groups_fini(groups);
        return mds_fail(MDS_ERR_NOMEM, "no memory to group %d cases", results->count);
    }
    for (int i = 0; i < results->count; ++i) {
        const mds_row *row = &results->rows[i];
        mds_point *last = groups->point_count ? &groups->points[groups->point_count - 1] : NULL;

        /* Repeats follow each other in the matrix. */
        if (!last || !same_series(last->row, row) ||
            last->row->n_atoms_asked != row->n_atoms_asked) {
            last = &groups->points[groups->point_count++];
            *last = (mds_point){.row = row, .first = i};
            last->series = series_of(row, first, &groups->series_count);
        }
        last->count += 1;
        last->done += row->status == MDS_CASE_DONE;
    }
    qsort(groups->points, (size_t)groups->point_count, sizeof *groups->points, compare_points);
    free(first);
    return MDS_OK;
}

void mds_groups_fini(mds_groups *groups)
{
    free(groups->points);
    groups->points = NULL;
}

static double median_of(const mds_groups *groups, const mds_point *point, size_t offset)
{
    double value[REPEATS_MAX], median = NAN;
    const double half = 50.0;
    size_t n = 0;

    for (int i = 0; i < point->count && n < REPEATS_MAX; ++i) {
        const mds_row *row = &groups->results->rows[point->first + i];
        double x;

        memcpy(&x, (const char *)row + offset, sizeof x);
        if (row->status == MDS_CASE_DONE && isfinite(x))
            value[n++] = x;
    }
    if (n == 0 || mds_stats_percentiles(value, n, &half, 1, &median) != MDS_OK)
        return NAN;
    return median;
}

double mds_point_metric(const mds_groups *groups, const mds_point *point, mds_metric metric)
{
    return median_of(groups, point, offsetof(mds_row, record.value) + metric * sizeof(double));
}

double mds_point_component(const mds_groups *groups, const mds_point *point, mds_region region)
{
    return median_of(groups, point,
                     offsetof(mds_row, record.component_s) + region * sizeof(double));
}

double mds_point_flop(const mds_groups *groups, const mds_point *point, mds_region region)
{
    return median_of(groups, point,
                     offsetof(mds_row, record.component_flop) + region * sizeof(double));
}

double mds_point_bytes(const mds_groups *groups, const mds_point *point, mds_region region)
{
    return median_of(groups, point,
                     offsetof(mds_row, record.component_bytes) + region * sizeof(double));
}

const char *mds_row_model(const mds_row *row, char *out, size_t size)
{
    if (row->synthetic != 1)
        return row->model;
    snprintf(out, size, "%s (SYNTHETIC)", row->model);
    return out;
}

char *mds_row_label(const mds_row *row, char *out, size_t size)
{
    snprintf(out, size, "%s/%lld/%s/%s/r%lld%s", row->system, (long long)row->n_atoms_asked,
             row->protocol, row->model, (long long)row->repeat,
             row->synthetic == 1 ? " (SYNTHETIC)" : "");
    return out;
}

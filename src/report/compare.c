#include "report/compare.h"

#include "report/group.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const mds_table_column columns[] = {
    {"case", "case", 160, NULL, "1", "system/size/protocol/model/repeat"},
    {"base_ms", "base ms", 0, "%.5f", "ms", "median step latency of the base"},
    {"new_ms", "new ms", 0, "%.5f", "ms", "median step latency of the new run"},
    {"ratio", "new/base", 0, "%.3f", "1", "ratio of the medians"},
    {"ratio_lo", "from", 0, "%.3f", "1", "lower end of the ratio's interval"},
    {"ratio_hi", "to", 0, "%.3f", "1", "upper end of the ratio's interval"},
    {"verdict", "verdict", 16, NULL, "1",
     "SLOWER, FASTER, SAME or UNCLEAR; REGRESSION above the threshold"},
};

typedef struct pair {
    const mds_row *base, *new;
    double ratio, lo, hi;
} pair;

static int by_key(const void *left, const void *right)
{
    const mds_row *const *a = left, *const *b = right;

    return strcmp((*a)->key, (*b)->key);
}

static int slowest_first(const void *left, const void *right)
{
    const pair *a = left, *b = right;

    if (a->ratio != b->ratio)
        return a->ratio > b->ratio ? -1 : 1;
    return strcmp(a->new->key, b->new->key);
}

static bool is_timed(const mds_row *row)
{
    return row->status == MDS_CASE_DONE && row->record.value[MDS_METRIC_LATENCY_MEDIAN] > 0.0;
}

/* The finished rows of a file, sorted by key; heap. */
static const mds_row **finished_rows(const mds_results *results, int *count)
{
    const mds_row **rows = calloc((size_t)results->count + 1, sizeof *rows);

    *count = 0;
    for (int i = 0; rows && i < results->count; ++i)
        if (is_timed(&results->rows[i]))
            rows[(*count)++] = &results->rows[i];
    if (rows)
        qsort(rows, (size_t)*count, sizeof *rows, by_key);
    return rows;
}

/* A short run may have no interval; then the median stands for itself. */
static double metric(const mds_row *row, mds_metric id)
{
    const double value = row->record.value[id];

    return value > 0.0 ? value : row->record.value[MDS_METRIC_LATENCY_MEDIAN];
}

static pair make_pair(const mds_row *base, const mds_row *new)
{
    return (pair){
        .base = base,
        .new = new,
        .ratio = metric(new, MDS_METRIC_LATENCY_MEDIAN) / metric(base, MDS_METRIC_LATENCY_MEDIAN),
        .lo = metric(new, MDS_METRIC_LATENCY_MEDIAN_LO) /
              metric(base, MDS_METRIC_LATENCY_MEDIAN_HI),
        .hi = metric(new, MDS_METRIC_LATENCY_MEDIAN_HI) /
              metric(base, MDS_METRIC_LATENCY_MEDIAN_LO),
    };
}

static const char *judge(const pair *p, double threshold, double margin, mds_comparison *out)
{
    out->compared += 1;
    if (p->lo > 1.0 + margin) {
        out->slower += 1;
        if (p->ratio <= threshold)
            return "SLOWER";
        out->regressions += 1;
        return "REGRESSION";
    }
    if (p->hi < 1.0 - margin) {
        out->faster += 1;
        return "FASTER";
    }
    if (p->lo >= 1.0 - margin && p->hi <= 1.0 + margin) {
        out->same += 1;
        return "SAME";
    }
    out->unclear += 1;
    return "UNCLEAR";
}

static void add_rows(pair *pairs, int count, double threshold, double margin, mds_table *table,
                     mds_comparison *out)
{
    char label[192];

    qsort(pairs, (size_t)count, sizeof *pairs, slowest_first);
    for (int i = 0; i < count; ++i) {
        mds_table_add_text(table, mds_row_label(pairs[i].new, label, sizeof label));
        mds_table_add_number(table, 1e3 * metric(pairs[i].base, MDS_METRIC_LATENCY_MEDIAN));
        mds_table_add_number(table, 1e3 * metric(pairs[i].new, MDS_METRIC_LATENCY_MEDIAN));
        mds_table_add_number(table, pairs[i].ratio);
        mds_table_add_number(table, pairs[i].lo);
        mds_table_add_number(table, pairs[i].hi);
        mds_table_add_text(table, judge(&pairs[i], threshold, margin, out));
    }
}

mds_status mds_compare(const mds_results *base, const mds_results *new, double threshold,
                       double margin, mds_table *table, mds_comparison *out)
{
    int base_count, new_count, count = 0;
    const mds_row **base_rows = finished_rows(base, &base_count);
    const mds_row **new_rows = finished_rows(new, &new_count);
    pair *pairs = calloc((size_t) new->count + 1, sizeof *pairs);
    mds_status status = MDS_OK;

    *out = (mds_comparison){0};
    mds_table_init(table, "compare", "Comparison: median step latency, slowest first", columns,
                   sizeof columns / sizeof columns[0]);
    if (!base_rows || !new_rows || !pairs) {
        status = mds_fail(MDS_ERR_NOMEM, "no memory to compare %d cases", new->count);
        goto out;
    }
    for (int i = 0, j = 0; i < base_count && j < new_count;) {
        const int order = strcmp(base_rows[i]->key, new_rows[j]->key);

        if (order == 0)
            pairs[count++] = make_pair(base_rows[i++], new_rows[j++]);
        else if (order < 0)
            ++i;
        else
            ++j;
    }
    out->only_in_base = base_count - count;
    out->only_in_new = new_count - count;
    if (count == 0)
        status = mds_fail(MDS_ERR_USAGE,
                          "%s and %s have no finished case in common: only cases with the same "
                          "system, protocol, model, sizes, steps and options are compared",
                          base->path, new->path);
    else
        add_rows(pairs, count, threshold, margin, table, out);
    if (status == MDS_OK && table->failed)
        status = mds_fail(MDS_ERR_NOMEM, "no memory for the comparison");
out:
    free(base_rows);
    free(new_rows);
    free(pairs);
    if (status != MDS_OK)
        mds_table_fini(table);
    return status;
}

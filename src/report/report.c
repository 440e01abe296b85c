#include "report/report.h"

#include "base/text.h"
#include "report/tables.h"
#include "store/layout.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const mds_report_class *const classes[MDS_REPORT_COUNT] = {
    [MDS_REPORT_SCALING] = &mds_table_scaling,
    [MDS_REPORT_FITS] = &mds_table_fits,
    [MDS_REPORT_HOTSPOTS] = &mds_table_hotspots,
    [MDS_REPORT_RECOMMENDATIONS] = &mds_table_recommendations,
    [MDS_REPORT_TARGETS] = &mds_table_targets,
    [MDS_REPORT_LATENCY] = &mds_table_latency,
    [MDS_REPORT_MEMORY] = &mds_table_memory,
    [MDS_REPORT_ENERGY] = &mds_table_energy,
    [MDS_REPORT_COMPARISON] = &mds_table_comparison,
    [MDS_REPORT_POWER] = &mds_table_power,
    [MDS_REPORT_FAILURES] = &mds_table_failures,
};

static const char *const names[MDS_REPORT_COUNT] = {
#define MDS_REPORT_NAME(id, name, title) name,
    MDS_REPORT_LIST(MDS_REPORT_NAME)
#undef MDS_REPORT_NAME
};

static const char *const titles[MDS_REPORT_COUNT] = {
#define MDS_REPORT_TITLE(id, name, title) title,
    MDS_REPORT_LIST(MDS_REPORT_TITLE)
#undef MDS_REPORT_TITLE
};

/* What the end of a run shows; the case tables are longer and asked for by name. */
static const mds_report_id standard[] = {MDS_REPORT_SCALING,  MDS_REPORT_FITS,
                                         MDS_REPORT_HOTSPOTS, MDS_REPORT_RECOMMENDATIONS,
                                         MDS_REPORT_TARGETS,  MDS_REPORT_FAILURES};

const char *mds_report_name(mds_report_id id)
{
    return names[id];
}

mds_status mds_report_parse(const char *word, mds_report_id *out)
{
    for (int i = 0; i < MDS_REPORT_COUNT; ++i)
        if (strcmp(names[i], word) == 0) {
            *out = (mds_report_id)i;
            return MDS_OK;
        }
    const char *near = mds_nearest_word(word, names, MDS_REPORT_COUNT);
    char all[256] = "";
    for (int i = 0; i < MDS_REPORT_COUNT; ++i) {
        const size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", names[i]);
    }
    if (near)
        return mds_fail(MDS_ERR_USAGE, "unknown table '%s', did you mean '%s'?", word, near);
    return mds_fail(MDS_ERR_USAGE, "unknown table '%s': %s", word, all);
}

static mds_status build(mds_report_id id, const mds_results *results, const mds_groups *groups,
                        mds_table *out)
{
    const mds_report_class *class = classes[id];

    mds_table_init(out, names[id], titles[id], class->columns, class->column_count);
    mds_status status = class->fill(results, groups, out);
    if (status == MDS_OK && out->failed)
        status = mds_fail(MDS_ERR_NOMEM, "no memory for table %s", names[id]);
    if (status != MDS_OK)
        mds_table_fini(out);
    return status;
}

mds_status mds_report_build(mds_report_id id, const mds_results *results, mds_table *out)
{
    mds_groups groups;
    mds_status status = mds_groups_init(&groups, results);

    if (status != MDS_OK)
        return status;
    status = build(id, results, &groups, out);
    mds_groups_fini(&groups);
    return status;
}

void mds_report_verdict(const mds_results *results, mds_verdict *out)
{
    double busy = 0.0;

    *out = (mds_verdict){0};
    for (int i = 0; i < results->count; ++i) {
        const mds_row *row = &results->rows[i];
        bool missed = false, checked = false;

        out->done += row->status == MDS_CASE_DONE;
        out->failed += row->status == MDS_CASE_FAILED;
        out->skipped += row->status == MDS_CASE_SKIPPED;
        out->pending += row->status == MDS_CASE_PENDING || row->status == MDS_CASE_RUNNING;
        /* A resumed file also has cases of earlier launches. */
        if (isfinite(row->t_end) && row->t_start >= results->t_start)
            busy += row->t_end - row->t_start;
        for (int t = 0; t < mds_target_count(); ++t) {
            const double value = mds_row_target_value(row, t);

            if (!isfinite(value))
                continue;
            checked = true;
            if (value > mds_target_value(&results->targets, t)) {
                missed = true;
                out->physics_missed += strcmp(mds_target_get(t)->key, "energy_drift") == 0;
            }
        }
        out->checked += checked;
        out->missed += missed;
    }
    out->efficiency = busy / (results->ranks * (results->t_end - results->t_start));
}

void mds_report_header(const mds_results *results, mds_strbuf *out)
{
    mds_verdict verdict;
    char duration[32];

    mds_report_verdict(results, &verdict);
    mds_strbuf_add(out, "%s: %d cases: %d done, %d failed, %d skipped", results->name,
                   results->count, verdict.done, verdict.failed, verdict.skipped);
    if (verdict.pending)
        mds_strbuf_add(out, ", %d not run", verdict.pending);
    if (isfinite(results->t_end))
        mds_strbuf_add(
            out, "; %s on %d rank%s, busy %.1f %%",
            mds_format_duration(results->t_end - results->t_start, duration, sizeof duration),
            results->ranks, results->ranks == 1 ? "" : "s", 100.0 * verdict.efficiency);
    mds_strbuf_add(out, "\nresults: %s\n", results->path);
}

static void write_json_header(const mds_results *results, mds_strbuf *out)
{
    mds_verdict verdict;

    mds_report_verdict(results, &verdict);
    mds_strbuf_add(out, "{\"schema_name\": \"mdsweep-report\", \"schema_version\": \"%s\", ",
                   MDS_SCHEMA_VERSION);
    mds_strbuf_add(out, "\"name\": ");
    mds_strbuf_add_json(out, results->name);
    mds_strbuf_add(out, ", \"file\": ");
    mds_strbuf_add_json(out, results->path);
    mds_strbuf_add(out,
                   ", \"cases\": %d, \"done\": %d, \"failed\": %d, \"skipped\": %d, "
                   "\"not_run\": %d, \"ranks\": %d, \"seconds\": ",
                   results->count, verdict.done, verdict.failed, verdict.skipped, verdict.pending,
                   results->ranks);
    mds_strbuf_add_json_number(out, results->t_end - results->t_start);
    mds_strbuf_add(out, ", \"busy_fraction\": ");
    mds_strbuf_add_json_number(out, verdict.efficiency);
    mds_strbuf_add(out, ", \"tables\": [");
}

/* A long list of recommendations would push everything else off the screen. */
static void write_standard(mds_table *table, mds_report_id id, mds_format format, const char *path,
                           mds_strbuf *out)
{
    enum { SHOWN = 20 };
    const int rows = mds_table_rows(table), cells = table->cell_count;
    const bool for_people = format == MDS_FORMAT_TEXT || format == MDS_FORMAT_MD;
    const bool shorten = id == MDS_REPORT_RECOMMENDATIONS && for_people && rows > SHOWN + 1;

    if (shorten)
        table->cell_count = SHOWN * table->column_count;
    mds_table_write(table, format, out);
    table->cell_count = cells;
    if (shorten)
        mds_strbuf_add(out, "%s%d more: mdsweep report %s --table recommendations\n",
                       format == MDS_FORMAT_MD ? "\n" : "", rows - SHOWN, path);
}

mds_status mds_report_write(const mds_results *results, mds_format format, mds_strbuf *out)
{
    mds_groups groups;
    mds_status status = mds_groups_init(&groups, results);
    bool first = true;

    if (status != MDS_OK)
        return status;
    if (format == MDS_FORMAT_JSON)
        write_json_header(results, out);
    else if (format != MDS_FORMAT_CSV)
        mds_report_header(results, out);
    for (size_t i = 0; i < sizeof standard / sizeof standard[0] && status == MDS_OK; ++i) {
        mds_table table;

        status = build(standard[i], results, &groups, &table);
        if (status != MDS_OK)
            break;
        if (mds_table_rows(&table) > 0) {
            if (format == MDS_FORMAT_JSON)
                mds_strbuf_add(out, "%s\n", first ? "" : ",");
            else if (format != MDS_FORMAT_CSV || !first)
                mds_strbuf_add(out, "\n");
            write_standard(&table, standard[i], format, results->path, out);
            first = false;
        }
        mds_table_fini(&table);
    }
    if (format == MDS_FORMAT_JSON)
        mds_strbuf_add(out, "]}\n");
    mds_groups_fini(&groups);
    if (status == MDS_OK && out->failed)
        status = mds_fail(MDS_ERR_NOMEM, "no memory for the report");
    return status;
}

/* Sizes of the matrix counted as the tables will group them. */
static int64_t point_count(const mds_matrix *matrix)
{
    int64_t points = 0;

    for (int i = 0; i < matrix->count; ++i) {
        const mds_case *a = &matrix->cases[i], *b = i ? &matrix->cases[i - 1] : NULL;

        points += !b || a->system != b->system || a->protocol != b->protocol ||
                  a->model != b->model || a->size != b->size;
    }
    return points;
}

mds_status mds_report_layouts(const mds_matrix *matrix, mds_summary_layout **out, int *count)
{
    mds_summary_layout *layouts = calloc(MDS_REPORT_COUNT, sizeof *layouts);

    *out = layouts;
    *count = 0;
    if (!layouts)
        return mds_fail(MDS_ERR_NOMEM, "no memory for the summary");
    for (int id = 0; id < MDS_REPORT_COUNT; ++id) {
        const mds_report_class *class = classes[id];

        if (!class->rows)
            continue;
        mds_summary_column *columns = calloc((size_t) class->column_count, sizeof *columns);
        if (!columns) {
            mds_report_layouts_free(layouts, *count);
            *out = NULL;
            return mds_fail(MDS_ERR_NOMEM, "no memory for the summary");
        }
        for (int c = 0; c < class->column_count; ++c) {
            snprintf(columns[c].name, sizeof columns[c].name, "%s", class->columns[c].key);
            snprintf(columns[c].long_name, sizeof columns[c].long_name, "%s",
                     class->columns[c].long_name);
            columns[c].unit = class->columns[c].unit;
            columns[c].width = class->columns[c].width;
        }
        layouts[(*count)++] =
            (mds_summary_layout){.name = names[id],
                                 .columns = columns,
                                 .column_count = class->column_count,
                                 .rows = class->rows(matrix->count, point_count(matrix))};
    }
    return MDS_OK;
}

void mds_report_layouts_free(mds_summary_layout *layouts, int count)
{
    for (int i = 0; layouts && i < count; ++i)
        free((void *)(uintptr_t)layouts[i].columns);
    free(layouts);
}

static mds_status store_column(const mds_table *table, int c, mds_store *store)
{
    const int rows = mds_table_rows(table);
    const mds_table_column *column = &table->columns[c];
    const size_t size = column->width ? (size_t)column->width : sizeof(double);
    char *cells = calloc((size_t)rows + 1, size);
    mds_summary_column target = {.width = column->width, .unit = column->unit};

    if (!cells)
        return mds_fail(MDS_ERR_NOMEM, "no memory for a summary column");
    snprintf(target.name, sizeof target.name, "%s", column->key);
    for (int r = 0; r < rows; ++r) {
        const mds_table_cell *cell = mds_table_at(table, r, c);

        if (column->width)
            snprintf(cells + (size_t)r * size, size, "%s", cell->text ? cell->text : "");
        else
            memcpy(cells + (size_t)r * size, &cell->number, size);
    }
    const mds_status status = mds_store_write_summary(store, table->name, &target, cells, rows);
    free(cells);
    return status;
}

mds_status mds_report_store(const mds_results *results, mds_store *store)
{
    mds_groups groups;
    mds_status status = mds_groups_init(&groups, results);

    for (int id = 0; id < MDS_REPORT_COUNT && status == MDS_OK; ++id) {
        mds_table table;

        if (!classes[id]->rows)
            continue;
        status = build((mds_report_id)id, results, &groups, &table);
        for (int c = 0; status == MDS_OK && c < table.column_count; ++c)
            status = store_column(&table, c, store);
        mds_table_fini(&table);
    }
    mds_groups_fini(&groups);
    return status;
}

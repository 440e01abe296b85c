/* Commands that read: plan, check, report, status. */
#include "cli/commands.h"

#include "base/clock.h"
#include "base/text.h"
#include "cli/plan_text.h"
#include "report/group.h"
#include "report/report.h"
#include "store/store.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static mds_status format_of(const mds_args *args, mds_format *format)
{
    const char *word = mds_args_value(args, "format");

    *format = MDS_FORMAT_TEXT;
    return word ? mds_format_parse(word, format) : MDS_OK;
}

static int plan_command(const mds_args *args)
{
    mds_study study;
    mds_matrix matrix;
    mds_binding binding;
    mds_strbuf text = {0};
    mds_format format;
    long ranks;

    if (format_of(args, &format) != MDS_OK ||
        mds_args_int(args, "ranks", 1, 1000000, 1, &ranks) != MDS_OK)
        return mds_cli_fail(MDS_ERR_USAGE);
    int code = mds_cli_load(args, &study, &matrix, &binding);
    if (code != 0)
        return code;
    const mds_status status = mds_plan_text(&study, &matrix, (int)ranks, format, &text);
    code = status == MDS_OK ? mds_cli_print(&text) : mds_cli_fail(status);
    mds_strbuf_fini(&text);
    mds_matrix_fini(&matrix);
    mds_study_fini(&study);
    return code;
}

static const mds_flag plan_flags[] = {
    MDS_CLI_CONFIG_FLAGS,
    {"ranks", 0, "N", "place the cases on N ranks (default 1)"},
    {"format", 0, "WORD", "text, json, csv or md"},
    {0},
};

const mds_command mds_command_plan = {
    .name = "plan",
    .synopsis = "plan CONFIG [options]",
    .summary = "the expanded matrix: cases, ranks, predicted time, memory, file size",
    .flags = plan_flags,
    .positional_min = 1,
    .positional_max = 1,
    .run = plan_command,
};

static int check_command(const mds_args *args)
{
    mds_study study;
    mds_matrix matrix;
    mds_binding binding;
    mds_strbuf text = {0};
    int code = mds_cli_load(args, &study, &matrix, &binding);

    if (code != 0)
        return code;
    mds_strbuf_add(&text, "%s: ok, %d cases, %d to run, %d skipped\n", args->positional[0],
                   matrix.count, matrix.runnable, matrix.count - matrix.runnable);
    code = mds_cli_print(&text);
    mds_strbuf_fini(&text);
    mds_matrix_fini(&matrix);
    mds_study_fini(&study);
    return code;
}

static const mds_flag check_flags[] = {MDS_CLI_CONFIG_FLAGS, {0}};

const mds_command mds_command_check = {
    .name = "check",
    .synopsis = "check CONFIG [options]",
    .summary = "validate a configuration; every problem in one pass, exit 78",
    .flags = check_flags,
    .positional_min = 1,
    .positional_max = 1,
    .run = check_command,
};

static mds_status write_one(const mds_results *results, const char *name, mds_format format,
                            mds_strbuf *text)
{
    mds_report_id id;
    mds_table table;
    mds_status status = mds_report_parse(name, &id);

    if (status == MDS_OK)
        status = mds_report_build(id, results, &table);
    if (status != MDS_OK)
        return status;
    mds_table_write(&table, format, text);
    if (format == MDS_FORMAT_JSON)
        mds_strbuf_add(text, "\n");
    mds_table_fini(&table);
    return MDS_OK;
}

static int report_command(const mds_args *args)
{
    mds_results results = {0};
    mds_strbuf text = {0};
    mds_format format;
    mds_verdict verdict;
    mds_report_id id;
    mds_status status = MDS_OK;
    int count, code = 0;
    const char *const *tables = mds_args_values(args, "table", &count);

    MDS_TRY(format_of(args, &format));
    for (int i = 0; i < count; ++i)
        MDS_TRY(mds_report_parse(tables[i], &id));
    MDS_TRY(mds_results_read(args->positional[0], &results));
    if (count == 0)
        MDS_TRY(mds_report_write(&results, format, &text));
    for (int i = 0; i < count; ++i) {
        if (i && format != MDS_FORMAT_JSON)
            mds_strbuf_add(&text, "\n");
        MDS_TRY(write_one(&results, tables[i], format, &text));
    }
    code = mds_cli_print(&text);
    mds_report_verdict(&results, &verdict);
    if (code == 0 && mds_args_given(args, "gate"))
        code = verdict.physics_missed ? 5 : verdict.missed ? 3 : 0;
out:
    if (status != MDS_OK)
        code = mds_cli_fail(status);
    mds_strbuf_fini(&text);
    mds_results_fini(&results);
    return code;
}

static const mds_flag report_flags[] = {
    {"format", 0, "WORD", "text, json, csv or md"},
    {"table", 't', "NAME", "one table instead of the standard report; repeatable"},
    {"gate", 0, NULL, "exit 3 when a target is missed, 5 when energy drift is"},
    {0},
};

const mds_command mds_command_report = {
    .name = "report",
    .synopsis = "report FILE [options]",
    .summary = "the tables again, from the results file alone",
    .details =
        "tables: scaling, fits, hotspots, recommendations, targets, latency, memory, energy,\n"
        "comparison, power, failures. Without --table: all of them that are not one line per case.",
    .flags = report_flags,
    .positional_min = 1,
    .positional_max = 1,
    .run = report_command,
};

static void add_unfinished(const mds_row *row, bool in_use, mds_strbuf *out)
{
    char label[192], text[32];

    mds_strbuf_add(out, "%s: %s on rank %lld (%s), %lld of %lld steps",
                   in_use ? "running" : "interrupted", mds_row_label(row, label, sizeof label),
                   (long long)row->rank, row->host, (long long)row->done[MDS_POOL_STEPS],
                   (long long)row->count[MDS_POOL_STEPS]);
    if (in_use)
        mds_strbuf_add(out, ", for %s",
                       mds_format_duration(mds_clock_epoch_s() - row->t_start, text, sizeof text));
    mds_strbuf_add(out, "\n");
}

/* Predicted seconds done and left give the pace, of the present launch alone: between launches
 * nothing ran. */
static void add_status(const mds_results *results, bool in_use, mds_strbuf *out)
{
    mds_verdict verdict;
    double last = NAN, done_s = 0.0, left_s = 0.0;
    int ended = 0;
    char eta[32];

    mds_report_verdict(results, &verdict);
    mds_strbuf_add(out, "%s: %d cases: %d done, %d failed, %d skipped, %d to do%s\n", results->name,
                   results->count, verdict.done, verdict.failed, verdict.skipped, verdict.pending,
                   isfinite(results->t_end) ? "; ended" : "");
    for (int i = 0; i < results->count; ++i) {
        const mds_row *row = &results->rows[i];
        const bool is_over = row->status == MDS_CASE_DONE || row->status == MDS_CASE_FAILED;

        if (row->status == MDS_CASE_RUNNING)
            add_unfinished(row, in_use, out);
        if (is_over && row->t_start >= results->t_start) {
            last = fmax(last, row->t_end);
            done_s += row->predicted_s;
            ended += 1;
        } else if (!is_over && row->status != MDS_CASE_SKIPPED) {
            left_s += row->predicted_s;
        }
    }
    const double took_s = last - results->t_start;
    if (verdict.pending && !in_use)
        mds_strbuf_add(out, "no run is writing it; --resume goes on\n");
    else if (verdict.pending && done_s > 0.0 && took_s > 0.0)
        mds_strbuf_add(out, "ETA: %s; %.2f cases/s so far\n",
                       mds_format_duration(took_s * left_s / done_s, eta, sizeof eta),
                       ended / took_s);
}

static int status_command(const mds_args *args)
{
    mds_results results = {0};
    mds_strbuf text = {0};
    const mds_status status = mds_results_read(args->positional[0], &results);

    if (status != MDS_OK)
        return mds_cli_fail(status);
    add_status(&results, mds_store_in_use(args->positional[0]), &text);
    const int code = mds_cli_print(&text);
    mds_strbuf_fini(&text);
    mds_results_fini(&results);
    return code;
}

static const mds_flag status_flags[] = {{0}};

const mds_command mds_command_status = {
    .name = "status",
    .synopsis = "status FILE",
    .summary = "what is done, running, failed and to do, also while the sweep runs",
    .flags = status_flags,
    .positional_min = 1,
    .positional_max = 1,
    .run = status_command,
};

/* `mdsweep compare BASE NEW`: exit 3 on a regression. */
#include "cli/commands.h"

#include "report/compare.h"

#include <math.h>
#include <stdlib.h>

static mds_status ratio_of(const mds_args *args, const char *flag, double lo, double hi,
                           double preset, double *out)
{
    const char *text = mds_args_value(args, flag);
    char *end = NULL;

    *out = preset;
    if (!text)
        return MDS_OK;
    *out = strtod(text, &end);
    if (end == text || *end || !(*out >= lo && *out <= hi))
        return mds_fail(MDS_ERR_USAGE, "--%s %s: a number from %g to %g is right", flag, text, lo,
                        hi);
    return MDS_OK;
}

static int compare_command(const mds_args *args)
{
    mds_results base = {0}, new = {0};
    mds_table table = {0};
    mds_comparison found = {0};
    mds_strbuf text = {0};
    mds_format format = MDS_FORMAT_TEXT;
    double threshold, margin;
    mds_status status = MDS_OK;
    int code = 0;
    const char *word = mds_args_value(args, "format");

    if (word)
        MDS_TRY(mds_format_parse(word, &format));
    MDS_TRY(ratio_of(args, "threshold", 1.0, 1000.0, 1.10, &threshold));
    MDS_TRY(ratio_of(args, "margin", 0.0, 1.0, 0.02, &margin));
    MDS_TRY(mds_results_read(args->positional[0], &base));
    MDS_TRY(mds_results_read(args->positional[1], &new));
    MDS_TRY(mds_compare(&base, &new, threshold, margin, &table, &found));
    mds_table_write(&table, format, &text);
    if (format == MDS_FORMAT_JSON)
        mds_strbuf_add(&text, "\n");
    if (format == MDS_FORMAT_TEXT)
        mds_strbuf_add(
            &text,
            "\n%d cases compared: %d slower (%d by more than %g), %d faster, %d the same, "
            "%d unclear; only in one file: %d + %d\n",
            found.compared, found.slower, found.regressions, threshold, found.faster, found.same,
            found.unclear, found.only_in_base, found.only_in_new);
    code = mds_cli_print(&text);
    if (code == 0 && found.regressions > 0)
        code = 3;
out:
    if (status != MDS_OK)
        code = mds_cli_fail(status);
    mds_table_fini(&table);
    mds_strbuf_fini(&text);
    mds_results_fini(&base);
    mds_results_fini(&new);
    return code;
}

static const mds_flag compare_flags[] = {
    {"threshold", 0, "RATIO", "slower by more than this is a regression (default 1.10)"},
    {"margin", 0, "FRACTION", "differences below this are none (default 0.02)"},
    {"format", 0, "WORD", "text, json, csv or md"},
    {0},
};

const mds_command mds_command_compare = {
    .name = "compare",
    .synopsis = "compare BASE NEW [options]",
    .summary = "two runs, case by case; exit 3 on a regression",
    .details =
        "Cases are paired by key: same physics, same steps, same options. A verdict needs the\n"
        "95 % intervals of the two medians apart by more than the margin.",
    .flags = compare_flags,
    .positional_min = 2,
    .positional_max = 2,
    .run = compare_command,
};

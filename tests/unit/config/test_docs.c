/* The tables of docs/configuration.md are those of the program: every key has its row there, with
 * its type, unit, default and bounds, and there is no row of a key that is gone. */
#include "harness/test.h"

#include "base/text.h"
#include "case/study_keys.h"

static char *text;

/* "| `steps` | whole number | 1000 | 1 to 1000000000 | steady steps that are timed |" */
static void make_row(const mds_field *f, char *out, size_t size)
{
    const mds_option *o = &f->option;
    char preset[64] = "", bounds[120] = "", low[40], high[40];

    if (o->type == MDS_OPTION_TEXT)
        snprintf(preset, sizeof preset, "%s", o->preset_text ? o->preset_text : "");
    else if (!isnan(o->preset))
        mds_format_real(o->preset, preset, sizeof preset);
    if (o->type != MDS_OPTION_TEXT)
        snprintf(bounds, sizeof bounds, "%s to %s%s%s", mds_format_real(o->min, low, sizeof low),
                 mds_format_real(o->max, high, sizeof high), o->unit ? " " : "",
                 o->unit ? o->unit : "");
    for (int i = 0; o->choices && o->choices[i]; ++i) {
        const size_t used = strlen(bounds);
        snprintf(bounds + used, sizeof bounds - used, "%s%s", i ? ", " : "", o->choices[i]);
    }
    snprintf(out, size, "| `%s` | %s | %s | %s | %s |\n", o->key,
             o->type == MDS_OPTION_TEXT  ? "text"
             : o->type == MDS_OPTION_INT ? "whole number"
                                         : "number",
             preset, bounds, o->help);
}

static int check_table(const mds_field *table)
{
    int rows = 0;

    for (const mds_field *f = table; f->option.key; ++f, ++rows) {
        char row[512];

        make_row(f, row, sizeof row);
        if (!strstr(text, row))
            fail_msg("docs/configuration.md lacks the row\n%s", row);
    }
    return rows;
}

static void every_key_has_its_row(void **unused)
{
    int rows = 0, wanted = 0;

    (void)unused;
    wanted += check_table(mds_sweep_fields);
    wanted += check_table(mds_run_fields);
    wanted += check_table(mds_output_fields);
    wanted += check_table(mds_targets_fields);
    for (const char *p = text; (p = strstr(p, "\n| `")); ++p)
        ++rows;
    assert_int_equal(rows, wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_key_has_its_row)};

    if (mds_read_file(MDS_SOURCE_DIR "/docs/configuration.md", &text, NULL) != MDS_OK) {
        fprintf(stderr, "%s\n", mds_error());
        return 1;
    }
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(text);
    return failed;
}

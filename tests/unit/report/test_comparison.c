/* The comparison table: which case is set beside which, and what is said where a number is not
 * known. Rows are made here; nothing is measured. */
#include "harness/test.h"
#include "report/report.h"
#include "report/tables.h"

enum { ROWS_MAX = 16 };

static mds_row rows[ROWS_MAX];
static mds_results results;

static mds_row *add(const char *protocol, const char *model, int size, double mean_ms)
{
    mds_row *row = &rows[results.count++];

    assert_true(results.count <= ROWS_MAX);
    memset(row, 0, sizeof *row);
    snprintf(row->system, sizeof row->system, "silicon");
    snprintf(row->protocol, sizeof row->protocol, "%s", protocol);
    snprintf(row->model, sizeof row->model, "%s", model);
    snprintf(row->teacher, sizeof row->teacher, "reference");
    row->n_atoms_asked = row->n_atoms = size;
    row->integrates = strcmp(protocol, "replay") != 0;
    row->status = MDS_CASE_DONE;
    for (int i = 0; i < MDS_METRIC_COUNT; ++i)
        row->record.value[i] = NAN;
    row->record.value[MDS_METRIC_LATENCY_MEAN] = 1e-3 * mean_ms;
    row->record.value[MDS_METRIC_LATENCY_P95] = 2e-3 * mean_ms;
    row->record.value[MDS_METRIC_US_PER_ATOM] = 900.0 * mean_ms / size; /* of the median */
    return row;
}

static void set_drift(mds_row *row, double drift, double slope)
{
    row->record.value[MDS_METRIC_ENERGY_DRIFT] = drift;
    row->record.value[MDS_METRIC_ENERGY_SLOPE] = slope;
}

static void set_error(mds_row *row, double rmse, double relative)
{
    snprintf(row->compared_to, sizeof row->compared_to, "reference");
    row->record.value[MDS_METRIC_FORCE_RMSE] = rmse;
    row->record.value[MDS_METRIC_FORCE_ERROR] = relative;
}

static int column_of(const mds_table *table, const char *key)
{
    for (int c = 0; c < table->column_count; ++c)
        if (strcmp(table->columns[c].key, key) == 0)
            return c;
    fail_msg("no column %s", key);
    return -1;
}

/* The row of (protocol, model, size); -1: none. */
static int row_of(const mds_table *table, const char *protocol, const char *model, int size)
{
    for (int r = 0; r < mds_table_rows(table); ++r)
        if (strcmp(mds_table_at(table, r, column_of(table, "protocol"))->text, protocol) == 0 &&
            strcmp(mds_table_at(table, r, column_of(table, "model"))->text, model) == 0 &&
            mds_table_at(table, r, column_of(table, "n_atoms"))->number == size)
            return r;
    return -1;
}

static double number(const mds_table *table, int row, const char *key)
{
    assert_true(row >= 0);
    return mds_table_at(table, row, column_of(table, key))->number;
}

static const char *notes(const mds_table *table, int row)
{
    assert_true(row >= 0);
    return mds_table_at(table, row, column_of(table, "notes"))->text;
}

static int begin(void **state)
{
    (void)state;
    memset(&results, 0, sizeof results);
    results.rows = rows;
    return 0;
}

static void test_figures_come_from_the_right_cases(void **state)
{
    mds_table table;

    (void)state;
    set_drift(add("nve", "reference", 64, 0.5), 1e-6, 0.001);
    set_drift(add("nve", "student", 64, 0.125), 2e-6, 0.002);
    set_drift(add("nvt", "student", 64, 0.25), 7e-3, 7.0); /* of a thermostat: not to be shown */
    add("nvt", "reference", 64, 2.0);
    add("replay", "reference", 64, 0.4);
    set_error(add("replay", "student", 64, 0.1), 0.032, 0.041);
    set_drift(add("nve", "student", 128, 9.0), 5e-6, 0.005);
    CHECK_OK(mds_report_build(MDS_REPORT_COMPARISON, &results, &table));
    assert_int_equal(mds_table_rows(&table), 7);
    /* The teacher comes first. */
    assert_int_equal(row_of(&table, "nve", "reference", 64), 0);
    assert_int_equal(row_of(&table, "nve", "student", 64), 1);

    const int nve = row_of(&table, "nve", "student", 64);
    CHECK_NEAR(number(&table, nve, "mean_ms"), 0.125, 1e-12, 0.0);
    CHECK_NEAR(number(&table, nve, "p95_ms"), 0.25, 1e-12, 0.0);
    CHECK_NEAR(number(&table, nve, "speedup"), 4.0, 1e-12, 0.0);
    CHECK_NEAR(number(&table, nve, "force_rmse_meV_A"), 32.0, 1e-12, 0.0);
    CHECK_NEAR(number(&table, nve, "force_error_rel"), 0.041, 1e-12, 0.0);
    CHECK_NEAR(number(&table, nve, "energy_drift_rel"), 2e-6, 1e-12, 0.0);
    assert_string_equal(notes(&table, nve), "");

    /* Times of its own protocol, energies of NVE. */
    const int nvt = row_of(&table, "nvt", "student", 64);
    CHECK_NEAR(number(&table, nvt, "speedup"), 8.0, 1e-12, 0.0);
    CHECK_NEAR(number(&table, nvt, "energy_slope_meV_atom_ps"), 0.002, 1e-12, 0.0);

    const int teacher = row_of(&table, "nve", "reference", 64);
    CHECK_NEAR(number(&table, teacher, "speedup"), 1.0, 1e-12, 0.0);
    assert_true(isnan(number(&table, teacher, "force_rmse_meV_A")));
    assert_string_equal(notes(&table, teacher), "teacher");

    /* Another size has no teacher and no replay. */
    const int large = row_of(&table, "nve", "student", 128);
    assert_true(isnan(number(&table, large, "speedup")));
    assert_true(isnan(number(&table, large, "force_error_rel")));
    CHECK_NEAR(number(&table, large, "energy_drift_rel"), 5e-6, 1e-12, 0.0);
    assert_string_equal(notes(&table, large), "no-teacher, no-replay");
    mds_table_fini(&table);
}

static void test_repeats_by_their_median(void **state)
{
    static const double means[] = {3.0, 1.0, 2.0};
    mds_table table;

    (void)state;
    add("nve", "reference", 64, 8.0);
    for (int i = 0; i < 3; ++i)
        add("nve", "student", 64, means[i])->repeat = i;
    add("nve", "student", 64, 1000.0)->status = MDS_CASE_FAILED;
    CHECK_OK(mds_report_build(MDS_REPORT_COMPARISON, &results, &table));
    const int row = row_of(&table, "nve", "student", 64);
    CHECK_NEAR(number(&table, row, "repeats"), 3.0, 0.0, 0.0);
    CHECK_NEAR(number(&table, row, "mean_ms"), 2.0, 1e-12, 0.0);
    CHECK_NEAR(number(&table, row, "speedup"), 4.0, 1e-12, 0.0);
    mds_table_fini(&table);
}

static void test_what_is_not_known(void **state)
{
    mds_table table;

    (void)state;
    add("replay", "reference", 32, 1.0);
    add("replay", "student", 32, 1.0); /* ran, but nothing was compared */
    set_error(add("replay", "made-up", 32, 0.5), NAN, NAN);
    rows[2].synthetic = 1;
    rows[2].compared_to[0] = '\0';
    add("nve", "student", 32, 1.0); /* without energies */
    add("nve", "reference", 32, 1.0)->status = MDS_CASE_FAILED;
    CHECK_OK(mds_report_build(MDS_REPORT_COMPARISON, &results, &table));
    assert_string_equal(notes(&table, row_of(&table, "replay", "student", 32)),
                        "not-compared, no-energy");
    assert_string_equal(notes(&table, row_of(&table, "replay", "made-up (SYNTHETIC)", 32)),
                        "synthetic, no-nve");
    assert_string_equal(notes(&table, row_of(&table, "replay", "reference", 32)),
                        "teacher, no-nve");
    assert_string_equal(notes(&table, row_of(&table, "nve", "student", 32)),
                        "no-teacher, not-compared, no-energy");
    assert_int_equal(row_of(&table, "nve", "reference", 32), -1);
    mds_table_fini(&table);
}

/* A force error against another model than today's teacher is not the one asked for. */
static void test_another_teacher(void **state)
{
    mds_table table;

    (void)state;
    add("replay", "ani-2x", 96, 1.0);
    set_error(add("replay", "student", 96, 0.5), 0.1, 0.1);
    for (int i = 0; i < results.count; ++i)
        snprintf(rows[i].teacher, sizeof rows[i].teacher, "ani-2x");
    CHECK_OK(mds_report_build(MDS_REPORT_COMPARISON, &results, &table));
    const int row = row_of(&table, "replay", "student", 96);
    CHECK_NEAR(number(&table, row, "speedup"), 2.0, 1e-12, 0.0);
    assert_true(isnan(number(&table, row, "force_rmse_meV_A")));
    assert_string_equal(notes(&table, row), "not-compared, no-nve");
    mds_table_fini(&table);
}

static void test_nothing_to_compare(void **state)
{
    mds_table table;

    (void)state;
    add("nve", "reference", 32, 1.0);
    CHECK_OK(mds_report_build(MDS_REPORT_COMPARISON, &results, &table));
    assert_int_equal(mds_table_rows(&table), 0);
    assert_null(table.notes);
    mds_table_fini(&table);
    add("nve", "student", 32, 1.0);
    rows[0].teacher[0] = rows[1].teacher[0] = '\0'; /* sweep.teacher = "" */
    CHECK_OK(mds_report_build(MDS_REPORT_COMPARISON, &results, &table));
    assert_int_equal(mds_table_rows(&table), 0);
    mds_table_fini(&table);
}

static void test_legend(void **state)
{
    mds_table table;
    mds_strbuf text = {0};

    (void)state;
    add("nve", "reference", 32, 1.0);
    add("nve", "student", 32, 1.0);
    CHECK_OK(mds_report_build(MDS_REPORT_COMPARISON, &results, &table));
    mds_table_write(&table, MDS_FORMAT_TEXT, &text);
    assert_non_null(strstr(mds_strbuf_text(&text), "\nteacher: what the others"));
    assert_non_null(strstr(mds_strbuf_text(&text), "\nno-replay: "));
    assert_null(strstr(mds_strbuf_text(&text), "synthetic: "));
    mds_strbuf_clear(&text);
    mds_table_write(&table, MDS_FORMAT_MD, &text);
    assert_non_null(strstr(mds_strbuf_text(&text), "\n* no-replay: "));
    mds_strbuf_clear(&text);
    mds_table_write(&table, MDS_FORMAT_JSON, &text);
    assert_non_null(strstr(mds_strbuf_text(&text), "], \"notes\": \"teacher: what"));
    mds_strbuf_fini(&text);
    mds_table_fini(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_figures_come_from_the_right_cases, begin),
        cmocka_unit_test_setup(test_repeats_by_their_median, begin),
        cmocka_unit_test_setup(test_what_is_not_known, begin),
        cmocka_unit_test_setup(test_another_teacher, begin),
        cmocka_unit_test_setup(test_nothing_to_compare, begin),
        cmocka_unit_test_setup(test_legend, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

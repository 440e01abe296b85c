/* What a profiler is told of a case (--nvtx): ranges that nest, close on every way out, and carry
 * the names of the documentation. The shim writes the calls down; on a GPU this only shows that a
 * case runs with them. */
#include "unit/case/study_fixture.h"

#include <stdlib.h>
#include <unistd.h>

enum { DEPTH = 8 };

/* What was found in the shim's log. */
typedef struct account {
    int depth, deepest, cases, phases, steps, components, steady_steps;
    int starts, stops;
    int steps_recorded; /* between start and stop */
    long long next_step;
    char open[DEPTH][300];
} account;

static void on_push(account *a, const char *name)
{
    long long number;

    assert_true(a->depth < DEPTH);
    snprintf(a->open[a->depth], sizeof a->open[0], "%s", name);
    if (strncmp(name, "case ", 5) == 0) {
        assert_int_equal(a->depth, 0);
        ++a->cases;
    } else if (sscanf(name, "step [%lld]", &number) == 1) {
        assert_int_equal(a->depth, 2);
        assert_true(number == a->next_step++);
        ++a->steps;
        a->steady_steps += strcmp(a->open[1], "steady") == 0;
        a->steps_recorded += a->starts > a->stops;
    } else if (strncmp(name, "component ", 10) == 0) {
        assert_int_equal(a->depth, 3);
        assert_string_equal(a->open[1], "components");
        ++a->components;
    } else {
        assert_int_equal(a->depth, 1);
        ++a->phases;
    }
    ++a->depth;
    a->deepest = a->depth > a->deepest ? a->depth : a->deepest;
}

static void on_line(account *a, const char *text)
{
    if (strncmp(text, "push ", 5) == 0)
        on_push(a, text + 5);
    else if (strcmp(text, "pop") == 0)
        assert_true(a->depth-- > 0);
    else if (strcmp(text, "start") == 0) {
        assert_int_equal(a->depth, 1);
        ++a->starts;
    } else if (strcmp(text, "stop") == 0)
        assert_int_equal(++a->stops, a->starts);
    else
        fail_msg("'%s' in the log", text);
}

/* Empties the log too. False: there is none. */
static bool read_log(const char *path, account *out)
{
    FILE *file = fopen(path, "r");
    char line[512];
    int pid, begin;

    memset(out, 0, sizeof *out);
    if (!file)
        return false;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        assert_int_equal(sscanf(line, "%d %n", &pid, &begin), 1);
        assert_int_equal(pid, getpid());
        on_line(out, line + begin);
    }
    fclose(file);
    unlink(path);
    assert_int_equal(out->depth, 0);
    return true;
}

static const char *log_path(void)
{
    return getenv("MDS_SHIM_MARKS");
}

static void ranges_nest(void **state)
{
    static const char *const devices[] = {"cuda:0", "cpu"};

    (void)state;
    for (int k = 0; k < 4; ++k) {
        const bool gpu = k % 2 == 0, timed = k < 2;
        account a;
        fixture f;

        fixture_init(&f, "silicon", 8, "nve", "lj");
        f.study.nvtx = true;
        f.point.run.timing = timed ? MDS_TIMING_EVENT : MDS_TIMING_OFF;
        CHECK_OK(fixture_run(&f, devices[k % 2]));
        fixture_fini(&f);
        if (!read_log(log_path(), &a))
            return;
        assert_int_equal(a.cases, 1);
        assert_int_equal(a.phases, 4);
        assert_int_equal(a.steps, 1 + 5 + 40 + 6);
        assert_int_equal(a.steady_steps, 40);
        assert_int_equal(a.deepest, 4);
        /* lj has a list, forces, integrate twice and observe: four kinds or more in each step. */
        assert_true(a.components >= 4 * 6);
        assert_int_equal(a.starts, gpu);
        assert_int_equal(a.stops, gpu);
        assert_int_equal(a.steps_recorded, gpu ? 40 : 0);
    }
}

/* Whichever step goes wrong, in whichever phase: all ranges are closed, and the profiler stopped.
 */
static void a_failed_case_leaves_nothing_open(void **state)
{
    static const int at[] = {1, 4, 30, 46, 49};

    (void)state;
    for (size_t k = 0; k < sizeof at / sizeof at[0]; ++k) {
        account a;
        fixture f;

        fixture_init(&f, "silicon", 8, "nve", "fault");
        fixture_set_engine(&f, "fault", "kind", "nan");
        snprintf(f.model.set[1].key, sizeof f.model.set->key, "at_step");
        f.model.set[1].number = at[k];
        f.model.set_count = 2;
        f.study.nvtx = true;
        assert_int_equal(fixture_run(&f, "cuda:0"), MDS_ERR_NUMERIC);
        fixture_fini(&f);
        if (!read_log(log_path(), &a))
            return;
        assert_int_equal(a.cases, 1);
        assert_true(a.steps >= at[k]);
        assert_int_equal(a.starts, at[k] > 6);
        assert_int_equal(a.stops, a.starts);
    }
}

static void nothing_is_said_unless_asked_for(void **state)
{
    account a;
    fixture f;

    (void)state;
    fixture_init(&f, "silicon", 8, "nve", "lj");
    CHECK_OK(fixture_run(&f, "cuda:0"));
    fixture_fini(&f);
    assert_false(read_log(log_path(), &a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_nest),
        cmocka_unit_test(a_failed_case_leaves_nothing_open),
        cmocka_unit_test(nothing_is_said_unless_asked_for),
    };
    mds_device *device = NULL;
    char path[64];

    if (mds_device_open("cuda:0", &device) != MDS_OK) {
        printf("skipped: %s\n", mds_error());
        return 77;
    }
    mds_device_close(device);
    if (mds_marks_lacking()) {
        printf("skipped: %s\n", mds_marks_lacking());
        return 77;
    }
    snprintf(path, sizeof path, "/tmp/mds-marks-%d", (int)getpid());
    setenv("MDS_SHIM_MARKS", path, 1);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}

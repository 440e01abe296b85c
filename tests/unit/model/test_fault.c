/* The faults happen at their step and not before; those that end a process are watched from
 * outside. */
#include "harness/test.h"

#include "model/model.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { AT_STEP = 3, STEPS = 6 };

typedef struct bench {
    mds_device *device;
    mds_structure structure;
    mds_state state;
    mds_model *model;
} bench;

static void set_up(bench *b, const char *device, const char *kind)
{
    mds_model_spec spec;

    memset(b, 0, sizeof *b);
    CHECK_OK(mds_device_open(device, &b->device));
    CHECK_OK(mds_structure_init(&b->structure, 4, false));
    CHECK_OK(mds_box_set_orthogonal(&b->structure.box, 5.0, 5.0, 5.0));
    mds_species_add(&b->structure.species, 14);
    for (int i = 0; i < 4; ++i)
        b->structure.mass[i] = b->structure.species.mass[0];
    CHECK_OK(mds_state_init(&b->state, b->device, &b->structure));
    CHECK_OK(mds_model_spec_init(&spec, "broken", "fault", MDS_PRECISION_AUTO));
    CHECK_OK(mds_options_set_text(&spec.options, "kind", kind));
    CHECK_OK(mds_options_set_number(&spec.options, "at_step", AT_STEP));
    CHECK_OK(mds_options_set_number(&spec.options, "sleep_us", strcmp(kind, "sleep") ? 0 : 100));
    CHECK_OK(mds_model_create(&spec, b->device, &b->model));
    CHECK_OK(mds_model_prepare(b->model, &b->state));
}

static void tear_down(bench *b)
{
    mds_model_destroy(b->model);
    mds_state_fini(&b->state);
    mds_structure_fini(&b->structure);
    mds_device_close(b->device);
}

/* The first `steps` calls; the status of the last. */
static mds_status run(bench *b, int steps)
{
    mds_status status = MDS_OK;

    for (int i = 0; i < steps && status == MDS_OK; ++i)
        status = mds_model_compute(b->model, &b->state, MDS_WANT_VIRIAL);
    return status;
}

static void statuses_come_at_their_step(void **state)
{
    static const struct {
        const char *kind, *words;
        mds_status status;
    } cases[] = {
        {"oom", "", MDS_ERR_NOMEM},
        {"device", "on purpose", MDS_ERR_DEVICE},
        {"lost", "on purpose", MDS_ERR_DEVICE_LOST},
        {"error", "on purpose", MDS_ERR_INTERNAL},
        {"nan", "not finite", MDS_ERR_NUMERIC},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        bench b;

        set_up(&b, "cpu", cases[i].kind);
        CHECK_OK(run(&b, AT_STEP));
        CHECK_FAILS(run(&b, 1), cases[i].status, cases[i].words);
        /* A new preparation counts from the start. */
        CHECK_OK(mds_model_prepare(b.model, &b.state));
        CHECK_OK(run(&b, AT_STEP));
        tear_down(&b);
    }
}

static void harmless_kinds_give_zero_forces(void **state)
{
    static const char *const kinds[] = {"none", "sleep", "leak", "leak-malloc"};

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
        bench b;

        set_up(&b, "cpu", kinds[i]);
        CHECK_OK(run(&b, STEPS));
        CHECK_NEAR(b.state.s->potential_eV, 0.0, 0.0, 0.0);
        for (int k = 0; k < 12; ++k)
            CHECK_NEAR(b.state.f[k], 0.0, 0.0, 0.0);
        tear_down(&b);
    }
}

static void leak_grows_by_a_kilobyte_per_step(void **state)
{
    static const char *const devices[] = {"cpu", "sim"};

    (void)state;
    for (int d = 0; d < 2; ++d) {
        mds_device_memory before, after;
        bench b;

        set_up(&b, devices[d], "leak");
        CHECK_OK(run(&b, AT_STEP));
        mds_device_get_memory(b.device, &before);
        CHECK_OK(run(&b, 5));
        mds_device_get_memory(b.device, &after);
        assert_int_equal(after.used - before.used, 5 * 1024);
        tear_down(&b);
    }
}

/* How a child ends that runs this kind. `patience_s` > 0: it is killed after so long. */
static int ending(const char *kind, unsigned patience_s)
{
    int how = 0;
    bench b;

    set_up(&b, "cpu", kind);
    fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL); /* cmocka's handler would report a failed test */
        signal(SIGSEGV, SIG_DFL);
        if (patience_s)
            alarm(patience_s);
        if (run(&b, AT_STEP) != MDS_OK)
            _exit(90);
        run(&b, 1);
        _exit(91); /* survived */
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    tear_down(&b);
    return how;
}

static void processes_end_as_asked(void **state)
{
    int how;

    (void)state;
    how = ending("segv", 0);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGSEGV);
    how = ending("abort", 0);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGABRT);
    how = ending("exit", 0);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 3);
    how = ending("hang", 1);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGALRM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses_come_at_their_step),
        cmocka_unit_test(harmless_kinds_give_zero_forces),
        cmocka_unit_test(leak_grows_by_a_kilobyte_per_step),
        cmocka_unit_test(processes_end_as_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

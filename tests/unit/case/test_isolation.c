/* Whole cases in a worker process, with the model that misbehaves on purpose: what the rank hears
 * of them, and which samples it is left with. */
#include "study_fixture.h"

#include "base/clock.h"
#include "case/record.h"
#include "case/worker.h"

#include <poll.h>

enum { PATIENCE_MS = 20000 };

static mds_status body(void *context, int index, int attempt, mds_samples *samples)
{
    fixture *f = context;

    return mds_case_run(&f->study, &f->point, index, attempt, "cpu", f->cache, samples);
}

static mds_worker *start(fixture *f)
{
    mds_worker_config config = {.body = body, .context = f, .isolated = true};
    mds_worker *worker;

    for (int pool = 0; pool < MDS_POOL_COUNT; ++pool)
        config.capacity[pool] = mds_case_rows(&f->point, (mds_pool)pool);
    CHECK_OK(mds_worker_create(&config, &worker));
    return worker;
}

static mds_worker_event run(mds_worker *worker, double timeout_s)
{
    struct pollfd news = {.fd = mds_worker_fd(worker), .events = POLLIN};

    CHECK_OK(mds_worker_run(worker, 0, 1, timeout_s));
    for (int64_t end = mds_clock_ns() + PATIENCE_MS * INT64_C(1000000); mds_clock_ns() < end;) {
        const mds_worker_event event = mds_worker_poll(worker);

        if (event != MDS_WORKER_NOTHING)
            return event;
        poll(&news, 1, 20);
    }
    fail_msg("no news from the worker");
    return MDS_WORKER_NOTHING;
}

/* The fault strikes at step 10: after the first step, five of warm-up and three steady ones. */
static void a_fault_costs_one_case_and_keeps_its_samples(void **state)
{
    static const struct {
        const char *kind;
        mds_failure failure;
        const char *reason;
    } faults[] = {
        {"segv", MDS_FAILURE_CRASHED, "crashed: SIGSEGV in steady step 4"},
        {"abort", MDS_FAILURE_CRASHED, "crashed: SIGABRT in steady step 4"},
        {"exit", MDS_FAILURE_EXITED, "exited: code 3 in steady step 4"},
        {"hang", MDS_FAILURE_TIMEOUT, "(in steady step 4)"},
        {"nan", MDS_FAILURE_NAN, "nan: steady step 4: "},
        {"oom", MDS_FAILURE_OOM, "oom: steady step 4: "},
        {"lost", MDS_FAILURE_DEVICE_LOST, "device lost: steady step 4: "},
        {"error", MDS_FAILURE_ERROR, "error: steady step 4: "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; ++i) {
        fixture f;
        mds_record record;

        fixture_init(&f, "silicon", 8, "nve", "broken");
        fixture_set_engine(&f, "fault", "kind", faults[i].kind);
        mds_worker *worker = start(&f);

        for (int again = 0; again < 2; ++again) {
            assert_int_equal(run(worker, 0.5), MDS_WORKER_FAILED);
            assert_int_equal(mds_worker_failure(worker), faults[i].failure);
            if (!strstr(mds_worker_reason(worker), faults[i].reason))
                fail_msg("%s: '%s'", faults[i].kind, mds_worker_reason(worker));
            const mds_samples *samples = mds_worker_samples(worker);

            assert_int_equal(mds_samples_rows(samples, MDS_POOL_STEPS), 9);
            assert_int_equal(samples->header->steady_done, 3);
            CHECK_OK(mds_record_summarize(&f.study, &f.point, samples, &record));
            assert_true(record.value[MDS_METRIC_LATENCY_MEAN] > 0);
        }
        mds_worker_destroy(worker);
        fixture_fini(&f);
    }
}

static void a_sound_case_arrives_whole(void **state)
{
    fixture f;

    (void)state;
    fixture_init(&f, "silicon", 64, "nvt", "reference");
    mds_worker *worker = start(&f);

    for (int again = 0; again < 3; ++again) {
        assert_int_equal(run(worker, 60), MDS_WORKER_DONE);
        const mds_samples *samples = mds_worker_samples(worker);

        assert_int_equal(mds_samples_rows(samples, MDS_POOL_STEPS), 46);
        assert_int_equal(mds_samples_rows(samples, MDS_POOL_COMPONENTS), 6);
        assert_string_equal(samples->header->engine, "sw");
    }
    mds_worker_destroy(worker);
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fault_costs_one_case_and_keeps_its_samples),
        cmocka_unit_test(a_sound_case_arrives_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

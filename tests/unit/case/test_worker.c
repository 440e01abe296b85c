/* The worker process under every kind of misfortune, with a body made for it. No test measures a
 * time; the waits are upper bounds that only a broken program reaches. */
#include "case/worker.h"

#include "base/clock.h"
#include "harness/test.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000 };

enum deed {
    FINE,
    SEGV,
    ABORT,
    FPE,
    BUS,
    EXIT_3,
    EXIT_0,
    HANG,
    HANG_DEAF, /* ignores SIGTERM */
    NOT_A_NUMBER,
    NO_MEMORY,
    DEVICE,
    OTHER,
    KILLED,
    SILENT_ERROR,
    TELL_PID, /* as its one sample */
    CORE_LIMIT
};

static void put(mds_samples *samples, mds_pool pool, int64_t value)
{
    mds_cell row[64] = {{.i8 = 0}};

    row[0].i8 = value;
    mds_samples_append(samples, pool, row);
}

static _Noreturn void hang(void)
{
    for (;;)
        pause();
}

static void get_killed(int number)
{
    raise(number);
    hang();
}

/* `index` is the deed. Everybody first takes two warm-up steps and eleven steady ones. */
static mds_status body(void *context, int index, int attempt, mds_samples *samples)
{
    assert(context);
    assert(attempt == samples->header->attempt);
    mds_samples_beat(samples, MDS_PHASE_SETUP);
    put(samples, MDS_POOL_MEMORY, getpid());
    samples->header->warmup_done = 2;
    mds_samples_beat(samples, MDS_PHASE_STEADY);
    samples->header->steady_done = 11;
    switch ((enum deed)index) {
    case SEGV:
        get_killed(SIGSEGV);
        break;
    case ABORT:
        abort();
    case FPE:
        get_killed(SIGFPE);
        break;
    case BUS:
        get_killed(SIGBUS);
        break;
    case KILLED:
        get_killed(SIGKILL);
        break;
    case EXIT_3:
        _exit(3);
    case EXIT_0:
        _exit(0);
    case HANG_DEAF:
        signal(SIGTERM, SIG_IGN);
        hang();
    case HANG:
        hang();
    case NOT_A_NUMBER:
        return mds_fail(MDS_ERR_NUMERIC, "energy is not a number at step 12");
    case NO_MEMORY:
        return mds_fail(MDS_ERR_NOMEM, "out of memory: 3 GiB for pairs");
    case DEVICE:
        return mds_fail(MDS_ERR_DEVICE, "illegal address");
    case OTHER:
        return mds_fail(MDS_ERR_IO, "no such file");
    case SILENT_ERROR:
        return MDS_ERR_UNSUPPORTED;
    case CORE_LIMIT: {
        struct rlimit limit;

        getrlimit(RLIMIT_CORE, &limit);
        put(samples, MDS_POOL_COMPONENTS, (int64_t)limit.rlim_cur);
        break;
    }
    case TELL_PID:
    case FINE:
        break;
    }
    mds_samples_beat(samples, MDS_PHASE_FINISHED);
    return MDS_OK;
}

static mds_worker *start(bool isolated)
{
    static int there;
    const mds_worker_config config = {
        .body = body, .context = &there, .capacity = {4, 4, 4, 4}, .isolated = isolated};
    mds_worker *worker;

    CHECK_OK(mds_worker_create(&config, &worker));
    return worker;
}

static mds_worker_event wait_for_end(mds_worker *worker)
{
    struct pollfd news = {.fd = mds_worker_fd(worker), .events = POLLIN};

    for (int64_t end = mds_clock_ns() + PATIENCE_MS * INT64_C(1000000); mds_clock_ns() < end;) {
        const mds_worker_event event = mds_worker_poll(worker);

        if (event != MDS_WORKER_NOTHING)
            return event;
        poll(&news, 1, 20);
    }
    fail_msg("no news from the worker");
    return MDS_WORKER_NOTHING;
}

static mds_worker_event run(mds_worker *worker, enum deed deed, double timeout_s)
{
    CHECK_OK(mds_worker_run(worker, deed, 1, timeout_s));
    return wait_for_end(worker);
}

static void check_fine(mds_worker *worker)
{
    assert_int_equal(run(worker, FINE, 10), MDS_WORKER_DONE);
    assert_int_equal(mds_worker_failure(worker), MDS_FAILURE_NONE);
    assert_string_equal(mds_worker_reason(worker), "");
    assert_int_equal(mds_samples_rows(mds_worker_samples(worker), MDS_POOL_MEMORY), 1);
}

static void check_failure(mds_worker *worker, mds_failure failure, const char *reason)
{
    assert_int_equal(mds_worker_failure(worker), failure);
    assert_string_equal(mds_worker_reason(worker), reason);
    /* the samples up to there */
    assert_int_equal(mds_samples_rows(mds_worker_samples(worker), MDS_POOL_MEMORY), 1);
}

static pid_t parent_of(pid_t pid)
{
    char path[64], text[512];
    int parent = 0;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");

    if (!file)
        return 0;
    if (fgets(text, sizeof text, file) && strrchr(text, ')'))
        sscanf(strrchr(text, ')') + 1, " %*c %d", &parent);
    fclose(file);
    return parent;
}

/* Gone, or a zombie that only its adoptive parent has not collected yet. */
static bool is_dead(pid_t pid)
{
    char path[64], text[512], state = 'X';

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");

    if (!file)
        return true;
    if (fgets(text, sizeof text, file) && strrchr(text, ')'))
        sscanf(strrchr(text, ')') + 1, " %c", &state);
    fclose(file);
    return state == 'Z' || state == 'X';
}

static void check_dies(pid_t pid)
{
    for (int ms = 0; ms < PATIENCE_MS && !is_dead(pid); ms += 5)
        poll(NULL, 0, 5);
    assert_true(is_dead(pid));
}

static int open_files(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    while (readdir(folder))
        ++count;
    closedir(folder);
    return count;
}

/* --- tests --- */

static void runs_cases_one_after_the_other(void **state)
{
    mds_worker *worker = start(true);

    (void)state;
    assert_true(mds_worker_pid(worker) > 0 && mds_worker_pid(worker) != getpid());
    for (int i = 0; i < 3; ++i) {
        check_fine(worker);
        const int64_t pid =
            mds_samples_column(mds_worker_samples(worker), MDS_POOL_MEMORY, 0)[0].i8;

        assert_int_equal(pid, mds_worker_pid(worker));
        assert_int_equal(mds_worker_poll(worker), MDS_WORKER_NOTHING);
    }
    mds_worker_destroy(worker);
}

static void every_end_has_its_class(void **state)
{
    static const struct {
        enum deed deed;
        mds_failure failure;
        const char *reason;
    } ends[] = {
        {SEGV, MDS_FAILURE_CRASHED, "crashed: SIGSEGV in steady step 12"},
        {ABORT, MDS_FAILURE_CRASHED, "crashed: SIGABRT in steady step 12"},
        {FPE, MDS_FAILURE_CRASHED, "crashed: SIGFPE in steady step 12"},
        {BUS, MDS_FAILURE_CRASHED, "crashed: SIGBUS in steady step 12"},
        {EXIT_3, MDS_FAILURE_EXITED, "exited: code 3 in steady step 12"},
        {EXIT_0, MDS_FAILURE_EXITED, "exited: code 0 in steady step 12"},
        {KILLED, MDS_FAILURE_OOM,
         "oom: SIGKILL in steady step 12 (the system's out-of-memory killer?)"},
        {NOT_A_NUMBER, MDS_FAILURE_NAN, "nan: energy is not a number at step 12"},
        {NO_MEMORY, MDS_FAILURE_OOM, "oom: out of memory: 3 GiB for pairs"},
        {DEVICE, MDS_FAILURE_DEVICE, "device: illegal address"},
        {OTHER, MDS_FAILURE_ERROR, "error: no such file"},
        {SILENT_ERROR, MDS_FAILURE_ERROR, "error: not supported"},
    };
    mds_worker *worker = start(true);

    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; ++i) {
        assert_int_equal(run(worker, ends[i].deed, 10), MDS_WORKER_FAILED);
        check_failure(worker, ends[i].failure, ends[i].reason);
        if (i % 2)
            check_fine(worker); /* else: two failures in a row */
    }
    mds_worker_destroy(worker);
}

static void device_errors_get_a_fresh_process(void **state)
{
    mds_worker *worker = start(true);
    const pid_t before = mds_worker_pid(worker);

    (void)state;
    assert_int_equal(run(worker, NOT_A_NUMBER, 10), MDS_WORKER_FAILED);
    check_fine(worker);
    assert_int_equal(mds_worker_pid(worker), before); /* nothing is wrong with the process */
    assert_int_equal(run(worker, DEVICE, 10), MDS_WORKER_FAILED);
    check_fine(worker);
    assert_true(mds_worker_pid(worker) > 0 && mds_worker_pid(worker) != before);
    mds_worker_destroy(worker);
}

static void watchdog_ends_a_hang(void **state)
{
    mds_worker *worker = start(true);

    (void)state;
    assert_int_equal(run(worker, HANG, 0.3), MDS_WORKER_FAILED);
    check_failure(worker, MDS_FAILURE_TIMEOUT, mds_worker_reason(worker));
    assert_true(strncmp(mds_worker_reason(worker), "timeout: no step for ", 21) == 0);
    assert_non_null(strstr(mds_worker_reason(worker), "(in steady step 12)"));
    check_fine(worker);
    mds_worker_destroy(worker);
}

static void cancel_ends_a_case(void **state)
{
    static const enum deed deeds[] = {HANG, HANG_DEAF};
    mds_worker *worker = start(true);

    (void)state;
    mds_worker_cancel(worker); /* idle: nothing to do */
    for (int i = 0; i < 2; ++i) {
        CHECK_OK(mds_worker_run(worker, deeds[i], 1, 60));
        while (mds_samples_rows(mds_worker_samples(worker), MDS_POOL_MEMORY) == 0)
            poll(NULL, 0, 2);
        mds_worker_cancel(worker);
        mds_worker_cancel(worker);
        assert_int_equal(wait_for_end(worker), MDS_WORKER_FAILED);
        check_failure(worker, MDS_FAILURE_CANCELLED, "cancelled: in steady step 12");
        check_fine(worker);
    }
    mds_worker_destroy(worker);
}

static void a_second_case_is_refused_while_one_runs(void **state)
{
    mds_worker *worker = start(true);

    (void)state;
    CHECK_OK(mds_worker_run(worker, HANG, 1, 0.2));
    CHECK_FAILS(mds_worker_run(worker, FINE, 1, 1), MDS_ERR_INTERNAL, "busy");
    assert_int_equal(wait_for_end(worker), MDS_WORKER_FAILED);
    mds_worker_destroy(worker);
}

static void an_idle_worker_may_be_killed(void **state)
{
    mds_worker *worker = start(true);

    (void)state;
    for (int i = 0; i < 3; ++i) {
        const pid_t pid = mds_worker_pid(worker);

        kill(pid, SIGKILL);
        if (i == 0)
            check_dies(pid);
        if (i < 2)
            check_fine(worker); /* i = 1: perhaps before its death is known */
        else
            assert_int_equal(mds_worker_poll(worker), MDS_WORKER_NOTHING);
    }
    mds_worker_destroy(worker);
}

static void outside_signals_do_not_end_it(void **state)
{
    static const int numbers[] = {SIGINT, SIGUSR1, SIGUSR2, SIGHUP, SIGQUIT, SIGPIPE};
    mds_worker *worker = start(true);
    const pid_t pid = mds_worker_pid(worker), server = parent_of(pid);

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; ++i) {
        kill(pid, numbers[i]);
        kill(server, numbers[i]);
    }
    kill(server, SIGTERM);
    check_fine(worker);
    assert_int_equal(mds_worker_pid(worker), pid);
    mds_worker_destroy(worker);
}

/* Slurm's SIGTERM reaches every process of a step, also the worker. */
static void terminated_from_outside_is_cancelled(void **state)
{
    mds_worker *worker = start(true);

    (void)state;
    CHECK_OK(mds_worker_run(worker, HANG, 1, 60));
    while (mds_samples_rows(mds_worker_samples(worker), MDS_POOL_MEMORY) == 0)
        poll(NULL, 0, 2);
    kill(mds_worker_pid(worker), SIGTERM);
    assert_int_equal(wait_for_end(worker), MDS_WORKER_FAILED);
    check_failure(worker, MDS_FAILURE_CANCELLED, "cancelled: SIGTERM in steady step 12");
    mds_worker_destroy(worker);
}

static void death_of_the_server_is_an_error_not_a_hang(void **state)
{
    (void)state;
    for (int busy = 0; busy < 2; ++busy) {
        mds_worker *worker = start(true);
        const pid_t pid = mds_worker_pid(worker), server = parent_of(pid);

        if (busy)
            CHECK_OK(mds_worker_run(worker, HANG, 1, 60));
        kill(server, SIGKILL);
        check_dies(server);
        check_dies(pid);
        if (busy) {
            assert_int_equal(wait_for_end(worker), MDS_WORKER_FAILED);
            assert_int_equal(mds_worker_failure(worker), MDS_FAILURE_ERROR);
            assert_non_null(strstr(mds_worker_reason(worker), "server process ended"));
        }
        CHECK_FAILS(mds_worker_run(worker, FINE, 1, 1), MDS_ERR_INTERNAL, "no more cases");
        assert_int_equal(mds_worker_poll(worker), MDS_WORKER_NOTHING);
        mds_worker_destroy(worker);
    }
}

/* A rank in a child of ours, which is then killed without warning. */
static void worker_dies_with_its_rank(void **state)
{
    int report[2];
    pid_t pids[2];

    (void)state;
    assert_int_equal(pipe2(report, O_CLOEXEC), 0);
    fflush(NULL);
    const pid_t rank = fork();

    if (rank == 0) {
        mds_worker *worker = start(true);

        mds_worker_run(worker, HANG_DEAF, 1, 0);
        while (mds_samples_rows(mds_worker_samples(worker), MDS_POOL_MEMORY) == 0)
            poll(NULL, 0, 2);
        pids[0] = mds_worker_pid(worker);
        pids[1] = parent_of(pids[0]);
        (void)!write(report[1], pids, sizeof pids);
        hang();
    }
    assert_int_equal(read(report[0], pids, sizeof pids), sizeof pids);
    assert_int_equal(pids[1] > 0, 1);
    kill(rank, SIGKILL);
    assert_int_equal(waitpid(rank, NULL, 0), rank);
    check_dies(pids[0]);
    check_dies(pids[1]);
    close(report[0]);
    close(report[1]);
}

static void two_hundred_cases_leak_nothing(void **state)
{
    const int before = open_files();
    mds_worker *worker = start(true);
    const int running = open_files();

    (void)state;
    for (int i = 0; i < 200; ++i) {
        const bool bad = i % 10 == 3;

        assert_int_equal(run(worker, bad ? SEGV : FINE, 10),
                         bad ? MDS_WORKER_FAILED : MDS_WORKER_DONE);
    }
    assert_int_equal(open_files(), running);
    mds_worker_destroy(worker);
    assert_int_equal(open_files(), before);
    /* neither a child nor a zombie of one */
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void destroy_ends_a_running_case(void **state)
{
    mds_worker *worker = start(true);
    const pid_t pid = mds_worker_pid(worker);

    (void)state;
    CHECK_OK(mds_worker_run(worker, HANG_DEAF, 1, 0));
    while (mds_samples_rows(mds_worker_samples(worker), MDS_POOL_MEMORY) == 0)
        poll(NULL, 0, 2);
    mds_worker_destroy(worker);
    assert_true(is_dead(pid));
    mds_worker_destroy(NULL);
}

static void worker_leaves_no_core_files(void **state)
{
    mds_worker *worker = start(true);

    (void)state;
    assert_int_equal(run(worker, CORE_LIMIT, 10), MDS_WORKER_DONE);
    assert_true(mds_samples_column(mds_worker_samples(worker), MDS_POOL_COMPONENTS, 0)[0].i8 <= 1);
    mds_worker_destroy(worker);
}

static void without_isolation_it_runs_here(void **state)
{
    mds_worker *worker = start(false);

    (void)state;
    assert_int_equal(mds_worker_fd(worker), -1);
    assert_int_equal(mds_worker_pid(worker), 0);
    CHECK_OK(mds_worker_run(worker, FINE, 1, 10));
    assert_int_equal(mds_worker_poll(worker), MDS_WORKER_DONE);
    assert_int_equal(mds_samples_column(mds_worker_samples(worker), MDS_POOL_MEMORY, 0)[0].i8,
                     getpid());
    assert_int_equal(mds_worker_poll(worker), MDS_WORKER_NOTHING);
    CHECK_OK(mds_worker_run(worker, NOT_A_NUMBER, 1, 10));
    assert_int_equal(mds_worker_poll(worker), MDS_WORKER_FAILED);
    check_failure(worker, MDS_FAILURE_NAN, "nan: energy is not a number at step 12");
    mds_worker_destroy(worker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_cases_one_after_the_other),
        cmocka_unit_test(every_end_has_its_class),
        cmocka_unit_test(device_errors_get_a_fresh_process),
        cmocka_unit_test(watchdog_ends_a_hang),
        cmocka_unit_test(cancel_ends_a_case),
        cmocka_unit_test(a_second_case_is_refused_while_one_runs),
        cmocka_unit_test(an_idle_worker_may_be_killed),
        cmocka_unit_test(outside_signals_do_not_end_it),
        cmocka_unit_test(terminated_from_outside_is_cancelled),
        cmocka_unit_test(death_of_the_server_is_an_error_not_a_hang),
        cmocka_unit_test(worker_dies_with_its_rank),
        cmocka_unit_test(two_hundred_cases_leak_nothing),
        cmocka_unit_test(destroy_ends_a_running_case),
        cmocka_unit_test(worker_leaves_no_core_files),
        cmocka_unit_test(without_isolation_it_runs_here),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

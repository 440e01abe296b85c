/* The thread that syncs: which tickets it calls done, and that nobody waits for what never comes.
 * Its fdatasync() is the one below, which can be held up and made to fail. */
#include "harness/test.h"

#include "store/sync.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>

enum { PATIENCE_MS = 60000 };

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int begun, may_end; /* syncs; one that began waits until as many may end */
    int error;
    sigset_t blocked; /* by the thread that syncs */
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

int fdatasync(int fd)
{
    (void)fd;
    pthread_mutex_lock(&disk.lock);
    const int mine = ++disk.begun;
    pthread_sigmask(SIG_BLOCK, NULL, &disk.blocked);
    pthread_cond_broadcast(&disk.changed);
    while (disk.may_end < mine)
        pthread_cond_wait(&disk.changed, &disk.lock);
    const int error = disk.error;
    pthread_mutex_unlock(&disk.lock);
    errno = error;
    return error ? -1 : 0;
}

static void set_disk(int may_end, int error)
{
    pthread_mutex_lock(&disk.lock);
    disk.may_end = may_end;
    disk.error = error;
    pthread_cond_broadcast(&disk.changed);
    pthread_mutex_unlock(&disk.lock);
}

static void await_begun(int count)
{
    pthread_mutex_lock(&disk.lock);
    while (disk.begun < count)
        pthread_cond_wait(&disk.changed, &disk.lock);
    pthread_mutex_unlock(&disk.lock);
}

static int reset(void **state)
{
    (void)state;
    disk.begun = 0;
    set_disk(1 << 30, 0);
    return 0;
}

static int64_t look(mds_syncer *syncer, int64_t ticket, bool wait)
{
    int error = -1;
    const int64_t done = mds_syncer_done(syncer, ticket, wait, &error);

    assert_int_equal(error, 0);
    return done;
}

static void await_news(const mds_syncer *syncer)
{
    struct pollfd news = {.fd = mds_syncer_fd(syncer), .events = POLLIN};

    assert_int_equal(poll(&news, 1, PATIENCE_MS), 1);
}

static void test_a_sync_is_for_what_was_asked_before_it_began(void **state)
{
    mds_syncer *syncer;

    (void)state;
    set_disk(0, 0);
    CHECK_OK(mds_syncer_create(0, &syncer));
    const int64_t first = mds_syncer_request(syncer);
    await_begun(1);
    const int64_t second = mds_syncer_request(syncer), third = mds_syncer_request(syncer);
    assert_true(look(syncer, third, false) < first); /* begun is not done */
    set_disk(1, 0);
    assert_int_equal(look(syncer, first, true), first);
    assert_true(look(syncer, third, false) < second); /* that sync began too early for them */
    set_disk(2, 0);
    assert_int_equal(look(syncer, third, true), third);
    assert_int_equal(disk.begun, 2); /* one for both */
    mds_syncer_destroy(syncer);
}

static void test_who_does_not_wait_is_told_by_the_descriptor(void **state)
{
    mds_syncer *syncer;
    int64_t ticket = 0;

    (void)state;
    CHECK_OK(mds_syncer_create(0, &syncer));
    for (int i = 0; i < 5; ++i) {
        ticket = mds_syncer_request(syncer);
        while (look(syncer, ticket, false) < ticket)
            await_news(syncer);
    }
    struct pollfd news = {.fd = mds_syncer_fd(syncer), .events = POLLIN};
    assert_int_equal(poll(&news, 1, 0), 0); /* all was looked at: no cause to wake anybody */
    mds_syncer_destroy(syncer);
}

/* Were one call to wake it lost, each of these would take the pause; were two, for ever. */
static void test_waiting_wakes_the_thread_in_any_state(void **state)
{
    mds_syncer *syncer;

    (void)state;
    CHECK_OK(mds_syncer_create(0, &syncer));
    for (int i = 0; i < 20000; ++i) {
        const int64_t ticket = mds_syncer_request(syncer);

        assert_int_equal(look(syncer, ticket, true), ticket);
    }
    assert_int_equal(disk.begun, 20000);
    mds_syncer_destroy(syncer);
}

static void test_many_that_do_not_wait_share_a_sync(void **state)
{
    mds_syncer *syncer;
    int64_t ticket = 0;

    (void)state;
    CHECK_OK(mds_syncer_create(0, &syncer));
    for (int i = 0; i < 1000; ++i)
        ticket = mds_syncer_request(syncer);
    assert_int_equal(look(syncer, ticket, true), ticket);
    /* The first alone, perhaps, those of the pause, and the last: 1000 requests take far less time
     * than 100 pauses. */
    assert_true(disk.begun < 100);
    mds_syncer_destroy(syncer);
}

static void test_an_error_ends_the_waiting_and_stays(void **state)
{
    mds_syncer *syncer;
    int error = 0;

    (void)state;
    CHECK_OK(mds_syncer_create(0, &syncer));
    assert_int_equal(look(syncer, mds_syncer_request(syncer), true), 1);
    set_disk(1 << 30, ENOSPC);
    mds_syncer_done(syncer, mds_syncer_request(syncer), true, &error);
    assert_int_equal(error, ENOSPC);
    set_disk(1 << 30, 0); /* as Linux does, which tells of an error once */
    mds_syncer_done(syncer, mds_syncer_request(syncer), true, &error);
    assert_int_equal(error, ENOSPC);
    mds_syncer_destroy(syncer);
}

static void test_it_can_be_ended_at_any_time(void **state)
{
    mds_syncer *syncer;

    (void)state;
    mds_syncer_destroy(NULL);
    for (int requests = 0; requests < 200; ++requests) {
        CHECK_OK(mds_syncer_create(0, &syncer));
        for (int i = 0; i < requests % 4; ++i)
            (void)mds_syncer_request(syncer);
        if (requests % 3 == 0)
            (void)look(syncer, 1, requests % 4 > 0);
        mds_syncer_destroy(syncer);
    }
}

/* A signal to the process must interrupt the rank's sleep, and no other thread's. */
static void test_signals_are_not_for_the_thread(void **state)
{
    static const int numbers[] = {SIGUSR1, SIGTERM, SIGINT, SIGALRM, SIGCHLD};
    sigset_t before, after;
    mds_syncer *syncer;

    (void)state;
    pthread_sigmask(SIG_BLOCK, NULL, &before);
    CHECK_OK(mds_syncer_create(0, &syncer));
    pthread_sigmask(SIG_BLOCK, NULL, &after);
    (void)look(syncer, mds_syncer_request(syncer), true);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; ++i) {
        assert_int_equal(sigismember(&disk.blocked, numbers[i]), 1);
        assert_int_equal(sigismember(&after, numbers[i]), sigismember(&before, numbers[i]));
    }
    mds_syncer_destroy(syncer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_sync_is_for_what_was_asked_before_it_began, reset),
        cmocka_unit_test_setup(test_who_does_not_wait_is_told_by_the_descriptor, reset),
        cmocka_unit_test_setup(test_waiting_wakes_the_thread_in_any_state, reset),
        cmocka_unit_test_setup(test_many_that_do_not_wait_share_a_sync, reset),
        cmocka_unit_test_setup(test_an_error_ends_the_waiting_and_stays, reset),
        cmocka_unit_test_setup(test_it_can_be_ended_at_any_time, reset),
        cmocka_unit_test_setup(test_signals_are_not_for_the_thread, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

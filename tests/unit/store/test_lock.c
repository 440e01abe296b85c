/* The lock of a results file: one run at a time, and those who only ask are in nobody's way. */
#include "harness/test.h"

#include "store/store.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/file.h>
#include <unistd.h>

typedef struct place {
    char folder[64], path[80], lock[96];
} place;

static int make_place(void **state)
{
    place *p = calloc(1, sizeof *p);

    snprintf(p->folder, sizeof p->folder, "/tmp/mdsweep-lock-XXXXXX");
    if (!mkdtemp(p->folder))
        return -1;
    snprintf(p->path, sizeof p->path, "%s/a.h5", p->folder);
    snprintf(p->lock, sizeof p->lock, "%s.lock", p->path);
    *state = p;
    return 0;
}

static int remove_place(void **state)
{
    place *p = *state;

    unlink(p->lock);
    rmdir(p->folder);
    free(p);
    return 0;
}

static void test_one_run_at_a_time(void **state)
{
    const place *p = *state;
    int first, second;

    assert_false(mds_store_in_use(p->path)); /* nor does asking make a lock file */
    assert_int_equal(access(p->lock, F_OK), -1);
    CHECK_OK(mds_store_lock(p->path, &first));
    assert_true(mds_store_in_use(p->path));
    CHECK_FAILS(mds_store_lock(p->path, &second), MDS_ERR_IO, "another run is writing this file");
    assert_int_equal(second, -1);
    mds_store_unlock(first);
    assert_false(mds_store_in_use(p->path));
    CHECK_OK(mds_store_lock(p->path, &second));
    mds_store_unlock(second);
    mds_store_unlock(-1);
}

static void test_a_place_that_is_not_there(void **state)
{
    int fd;

    (void)state;
    CHECK_FAILS(mds_store_lock("/nowhere/at/all.h5", &fd), MDS_ERR_IO, "/nowhere/at/all.h5.lock");
    assert_false(mds_store_in_use("/nowhere/at/all.h5"));
}

static void *release_soon(void *fd)
{
    (void)poll(NULL, 0, 50); /* far less than the run is willing to wait */
    close(*(int *)fd);
    return NULL;
}

static void test_who_only_asks_does_not_turn_a_run_away(void **state)
{
    const place *p = *state;
    pthread_t thread;
    int asking, fd;

    CHECK_OK(mds_store_lock(p->path, &fd));
    mds_store_unlock(fd);
    asking = open(p->lock, O_RDONLY | O_CLOEXEC);
    assert_int_equal(flock(asking, LOCK_SH), 0);
    assert_int_equal(pthread_create(&thread, NULL, release_soon, &asking), 0);
    CHECK_OK(mds_store_lock(p->path, &fd));
    pthread_join(thread, NULL);
    mds_store_unlock(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_run_at_a_time, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_a_place_that_is_not_there, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_who_only_asks_does_not_turn_a_run_away, make_place,
                                        remove_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A team of threads: each does its part of every round exactly once, also when it slept between. */
#include "device/team.h"
#include "harness/test.h"

#include <unistd.h>

enum { SIZE = 5, TURNS = 400 };

typedef struct count {
    int done[SIZE];
    int round;
} count;

static void work(void *context, int t)
{
    count *c = context;

    /* Nobody is a round ahead: what the caller wrote before run() is seen by all. */
    if (c->done[t] == c->round)
        ++c->done[t];
}

static void test_rounds(void **state)
{
    (void)state;
    for (int size = 1; size <= SIZE; ++size) {
        mds_team *team;
        count c = {{0}, 0};

        CHECK_OK(mds_team_create(size, &team));
        assert_int_equal(mds_team_size(team), size);
        for (c.round = 0; c.round < TURNS; ++c.round) {
            mds_team_run(team, work, &c);
            if (c.round % 100 == 50)
                usleep(2000); /* long enough that they go to sleep */
        }
        for (int t = 0; t < SIZE; ++t)
            assert_int_equal(c.done[t], t < size ? TURNS : 0);
        mds_team_destroy(team);
    }
    mds_team_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rounds)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

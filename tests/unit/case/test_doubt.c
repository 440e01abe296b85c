/* Which steps are flagged as interrupted: never more than the kernel took the core away, and none
 * that is as long as others. */
#include "case/trial.h"

#include "harness/test.h"

#include <stdlib.h>

/* A ring of `count` steps of `step_s`, of which number `odd` takes `odd_s`; as if the core had been
 * taken away `preemptions` times since. */
static int flagged(int count, double step_s, int odd, double odd_s, long preemptions)
{
    mds_trial *trial = calloc(1, sizeof *trial);
    int found = 0;

    assert_non_null(trial);
    for (int k = 0; k < count; ++k)
        trial->ring.wall_s[k] = k == odd ? odd_s : step_s;
    trial->ring.count = count;
    /* The kernel's count may only grow between here and the look. */
    trial->preemptions = mds_trial_preemptions() - preemptions;
    mds_trial_flag_doubtful(trial, count);
    for (int k = 0; k < count; ++k)
        if (trial->ring.flags[k] & MDS_STEP_PREEMPTED)
            found += k == odd ? 1 : 100;
    free(trial);
    return found;
}

static void the_longest_step_is_the_one(void **state)
{
    (void)state;
    assert_int_equal(flagged(13, 7e-6, 5, 200e-6, 1), 1);
    assert_int_equal(flagged(13, 7e-6, 0, 25e-6, 3), 1); /* no other step was long */
    assert_int_equal(flagged(1, 0, 0, 300e-6, 1), 1);    /* alone, with nothing to compare with */
    assert_int_equal(flagged(1, 0, 0, 9e-6, 1), 0);      /* as long as a step is */
    assert_int_equal(flagged(13, 7e-6, 5, 15e-6, 1), 0); /* a list build */
}

/* Slow steps are all asked about. */
static void slow_steps_need_not_stand_out(void **state)
{
    (void)state;
    assert_int_equal(flagged(4, 40e-6, 2, 41e-6, 1) % 100, 1); /* the machine may add its own */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_step_is_the_one),
        cmocka_unit_test(slow_steps_need_not_stand_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

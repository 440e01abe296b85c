/* The dispenser: everything once, in order, without what is done, skipped or too long. */
#include "sweep_fixture.h"

#include "sweep/queue.h"

/* Six cases with costs; case 4 is skipped. The order is the schedule's. */
static mds_case cases[6];
static int order[6] = {3, 0, 5, 1, 2, 4};
static const mds_matrix matrix = {.count = 6, .cases = cases, .order = order, .runnable = 5};

static void setup_cases(void)
{
    static const double costs[6] = {40, 20, 10, 50, 0, 30};

    memset(cases, 0, sizeof cases);
    for (int i = 0; i < 6; ++i)
        cases[i].cost_s = costs[i];
    cases[4].status = MDS_CASE_SKIPPED;
}

static void all_in_order(void **unused)
{
    static const int want[] = {3, 0, 5, 1, 2, -1, -1};
    mds_queue q;

    (void)unused;
    CHECK_OK(mds_queue_init(&q, &matrix, NULL));
    assert_int_equal(q.left, 5);
    for (int i = 0; i < 7; ++i)
        assert_int_equal(mds_queue_take(&q, INFINITY), want[i]);
    assert_int_equal(q.left, 0);
    mds_queue_fini(&q);
}

static void what_is_done_is_not_handed_out(void **unused)
{
    const bool finished[6] = {false, true, false, true, false, false};
    mds_queue q;

    (void)unused;
    CHECK_OK(mds_queue_init(&q, &matrix, finished));
    assert_int_equal(q.left, 3);
    assert_int_equal(mds_queue_take(&q, INFINITY), 0);
    assert_int_equal(mds_queue_take(&q, INFINITY), 5);
    assert_int_equal(mds_queue_take(&q, INFINITY), 2);
    assert_int_equal(mds_queue_take(&q, INFINITY), -1);
    mds_queue_fini(&q);
}

/* Near the end of an allocation the long cases wait and the short ones still go out. */
static void what_does_not_fit_is_passed_over(void **unused)
{
    mds_queue q;

    (void)unused;
    CHECK_OK(mds_queue_init(&q, &matrix, NULL));
    assert_int_equal(mds_queue_take(&q, 35.0), 5);
    assert_int_equal(mds_queue_take(&q, 15.0), 2);
    assert_int_equal(mds_queue_take(&q, 15.0), -1);
    assert_int_equal(q.left, 3);
    assert_int_equal(mds_queue_take(&q, 50.0), 3); /* equal fits */
    assert_int_equal(mds_queue_take(&q, INFINITY), 0);
    assert_int_equal(mds_queue_take(&q, INFINITY), 1);
    assert_int_equal(mds_queue_take(&q, INFINITY), -1);
    mds_queue_fini(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_in_order),
        cmocka_unit_test(what_is_done_is_not_handed_out),
        cmocka_unit_test(what_does_not_fit_is_passed_over),
    };

    setup_cases();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

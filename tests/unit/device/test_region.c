#include "device/region.h"

#include "base/clock.h"
#include "harness/test.h"

static void names_are_complete_and_distinct(void **state)
{
    (void)state;
    for (int i = 0; i < MDS_REGION_COUNT; ++i) {
        assert_true(mds_region_key((mds_region)i)[0] != '\0');
        assert_true(mds_region_text((mds_region)i)[0] != '\0');
        for (int j = 0; j < i; ++j)
            assert_string_not_equal(mds_region_key((mds_region)i), mds_region_key((mds_region)j));
    }
    assert_string_equal(mds_region_key(MDS_REGION_COUNT), "unknown");
}

static void off_or_absent_costs_nothing_and_sees_nothing(void **state)
{
    mds_regions regions = {0};

    (void)state;
    mds_region_begin(NULL, MDS_REGION_FORCES);
    mds_region_end(NULL, MDS_REGION_FORCES);
    mds_region_begin(&regions, MDS_REGION_FORCES);
    mds_region_end(&regions, MDS_REGION_FORCES);
    assert_false(regions.seen[MDS_REGION_FORCES]);
    assert_true(regions.seconds[MDS_REGION_FORCES] == 0);
}

static void spin_ns(int64_t ns)
{
    const int64_t end = mds_clock_ns() + ns;

    while (mds_clock_ns() < end)
        ;
}

/* The sum of the regions can neither be less than what was spent inside nor more than the whole. */
static void regions_add_up_within_the_step(void **state)
{
    mds_regions regions = {.on = true};

    (void)state;
    mds_regions_reset(&regions);
    const int64_t begin = mds_clock_ns();

    for (int i = 0; i < 3; ++i) {
        mds_region_begin(&regions, MDS_REGION_NEIGHBOR);
        spin_ns(20000);
        mds_region_end(&regions, MDS_REGION_NEIGHBOR);
        mds_region_begin(&regions, MDS_REGION_FORCES);
        spin_ns(40000);
        mds_region_end(&regions, MDS_REGION_FORCES);
    }
    const double whole = 1e-9 * (double)(mds_clock_ns() - begin);
    const double neighbor = regions.seconds[MDS_REGION_NEIGHBOR];
    const double forces = regions.seconds[MDS_REGION_FORCES];

    assert_true(neighbor >= 60e-6 && forces >= 120e-6);
    assert_true(neighbor + forces <= whole);
    assert_true(regions.seen[MDS_REGION_NEIGHBOR] && !regions.seen[MDS_REGION_THERMOSTAT]);
    mds_regions_reset(&regions);
    assert_true(regions.seconds[MDS_REGION_FORCES] == 0 && regions.seen[MDS_REGION_FORCES]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_complete_and_distinct),
        cmocka_unit_test(off_or_absent_costs_nothing_and_sees_nothing),
        cmocka_unit_test(regions_add_up_within_the_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

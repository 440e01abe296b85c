#include "md/box.h"

#include "base/rng.h"
#include "harness/test.h"

static const bool all[3] = {true, true, true};

static double uniform(uint64_t index)
{
    const mds_philox_block b = mds_rng_block(41, MDS_RNG_TEST, 0, index, 0);

    return mds_uniform(b.word[0], b.word[1]);
}

static double dot(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static void derives_members(void **unused)
{
    const double h[3][3] = {{2, 0, 0}, {1, 3, 0}, {0.5, 0.5, 4}};
    mds_box box;

    (void)unused;
    CHECK_OK(mds_box_set(&box, h, all));
    CHECK_NEAR(box.volume, 24.0, 1e-15, 0.0);
    CHECK_NEAR(box.height[2], 4.0, 1e-15, 0.0);
    /* height of b over the plane of a and c: volume / |c × a| = 24 / |(0, 8, −1)| */
    CHECK_NEAR(box.height[1], 24.0 / sqrt(65.0), 1e-15, 0.0);
    for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j) {
            double sum = 0.0;

            for (int k = 0; k < 3; ++k)
                sum += box.h[i][k] * box.inverse[k][j];
            CHECK_NEAR(sum, i == j, 0.0, 1e-15);
        }
    CHECK_OK(mds_box_set_orthogonal(&box, 3, 4, 5));
    CHECK_NEAR(box.volume, 60.0, 1e-15, 0.0);
}

static void completes_missing_vectors(void **unused)
{
    const double cases[5][3][3] = {
        {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}}, {{3, 1, 0}, {0, 4, 1}, {0, 0, 0}},
        {{0, 0, 0}, {2, 2, 2}, {0, 0, 0}}, {{0, 0, 0}, {0, 4, 1}, {3, 1, 0}},
        {{0, 0, 7}, {0, 0, 0}, {5, 0, 0}},
    };

    (void)unused;
    for (int c = 0; c < 5; ++c) {
        bool periodic[3];
        mds_box box;

        for (int k = 0; k < 3; ++k)
            periodic[k] = dot(cases[c][k], cases[c][k]) > 0.0;
        CHECK_OK(mds_box_set(&box, cases[c], periodic));
        assert_true(box.volume == 0.0);
        for (int k = 0; k < 3; ++k) {
            if (periodic[k]) {
                assert_memory_equal(box.h[k], cases[c][k], sizeof box.h[k]);
                continue;
            }
            CHECK_NEAR(dot(box.h[k], box.h[k]), 1.0, 1e-14, 0.0);
            CHECK_NEAR(box.height[k], 1.0, 1e-14, 0.0);
            CHECK_NEAR(dot(box.h[k], box.h[(k + 1) % 3]), 0.0, 0.0, 1e-14);
            CHECK_NEAR(dot(box.h[k], box.h[(k + 2) % 3]), 0.0, 0.0, 1e-14);
        }
    }
}

static void refuses_bad_cells(void **unused)
{
    const double flat[3][3] = {{1, 0, 0}, {0, 1, 0}, {1, 1, 0}};
    const double zero[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 0}};
    const double nan[3][3] = {{1, 0, 0}, {0, NAN, 0}, {0, 0, 1}};
    const double inf[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, INFINITY, 1}};
    const double huge[3][3] = {{1e200, 0, 0}, {0, 1e200, 0}, {0, 0, 1}};
    mds_box box;

    (void)unused;
    CHECK_FAILS(mds_box_set(&box, flat, all), MDS_ERR_CONFIG, "singular");
    CHECK_FAILS(mds_box_set(&box, zero, all), MDS_ERR_CONFIG, "cell vector c is zero");
    CHECK_FAILS(mds_box_set(&box, nan, all), MDS_ERR_CONFIG, "cell vector b has a component");
    CHECK_FAILS(mds_box_set(&box, inf, all), MDS_ERR_CONFIG, "cell vector c has a component");
    assert_true(mds_box_set(&box, huge, all) == MDS_ERR_CONFIG);
}

static void random_cell(uint64_t seed, double h[3][3])
{
    for (int i = 0; i < 3; ++i)
        for (int k = 0; k < 3; ++k)
            h[i][k] = 10.0 * (uniform(seed * 9 + (uint64_t)(3 * i + k)) - 0.5);
}

static void restricts_by_a_rotation(void **unused)
{
    int left_handed = 0;

    (void)unused;
    for (uint64_t c = 0; c < 200; ++c) {
        double h[3][3], q[3][3];
        mds_box box, restricted;

        random_cell(c, h);
        if (mds_box_set(&box, (const double(*)[3])h, all) != MDS_OK)
            continue;
        CHECK_OK(mds_box_restrict(&box, &restricted, q));
        assert_true(restricted.h[0][1] == 0.0 && restricted.h[0][2] == 0.0);
        assert_true(restricted.h[1][2] == 0.0);
        for (int i = 0; i < 3; ++i)
            assert_true(restricted.h[i][i] > 0.0);
        const double det = q[0][0] * (q[1][1] * q[2][2] - q[1][2] * q[2][1]) -
                           q[0][1] * (q[1][0] * q[2][2] - q[1][2] * q[2][0]) +
                           q[0][2] * (q[1][0] * q[2][1] - q[1][1] * q[2][0]);
        left_handed += det < 0.0;
        for (int i = 0; i < 3; ++i)
            for (int j = 0; j < 3; ++j) {
                double turned = 0.0;

                for (int k = 0; k < 3; ++k)
                    turned += h[i][k] * q[k][j];
                /* A dozen roundings of numbers below 10; near-flat cells lose a few digits more. */
                CHECK_NEAR(turned, restricted.h[i][j], 0.0, 1e-11);
                CHECK_NEAR(dot(q[i], q[j]), i == j, 0.0, 1e-10);
            }
    }
    assert_in_range(left_handed, 60, 140); /* half of them; 1e-7 of false alarm */
}

static void leaves_a_restricted_cell_alone(void **unused)
{
    const double h[3][3] = {{4.2, 0, 0}, {1.1, 3.3, 0}, {-0.7, 0.9, 5.1}};
    double q[3][3];
    mds_box box, restricted;

    (void)unused;
    CHECK_OK(mds_box_set(&box, h, all));
    CHECK_OK(mds_box_restrict(&box, &restricted, q));
    assert_memory_equal(restricted.h, box.h, sizeof box.h);
    for (int i = 0; i < 3; ++i)
        for (int k = 0; k < 3; ++k)
            assert_true(q[i][k] == (i == k));
}

static void converts_both_ways(void **unused)
{
    (void)unused;
    for (uint64_t c = 0; c < 50; ++c) {
        double h[3][3], r[3], s[3];
        mds_box box;

        random_cell(c, h);
        if (mds_box_set(&box, (const double(*)[3])h, all) != MDS_OK || box.volume < 1.0)
            continue;
        for (int k = 0; k < 3; ++k)
            r[k] = s[k] = 50.0 * uniform(1000 + c * 3 + (uint64_t)k);
        mds_box_to_fractional(&box, s, s); /* in place */
        mds_box_to_cartesian(&box, s, s);
        for (int k = 0; k < 3; ++k) /* fractional parts reach 1e3 in flat cells */
            CHECK_NEAR(s[k], r[k], 0.0, 1e-10);
    }
}

/* Among all translations up to `most` cells. */
static double shortest(const mds_box *box, const double d[3], int most)
{
    const int n[3] = {box->periodic[0] ? most : 0, box->periodic[1] ? most : 0,
                      box->periodic[2] ? most : 0};
    double best = INFINITY;

    for (int i = -n[0]; i <= n[0]; ++i)
        for (int j = -n[1]; j <= n[1]; ++j)
            for (int k = -n[2]; k <= n[2]; ++k) {
                double t[3];

                for (int c = 0; c < 3; ++c)
                    t[c] = d[c] + i * box->h[0][c] + j * box->h[1][c] + k * box->h[2][c];
                best = fmin(best, dot(t, t));
            }
    return sqrt(best);
}

static void finds_the_shortest_image(void **unused)
{
    const double cells[][3][3] = {
        {{4, 0, 0}, {0, 5, 0}, {0, 0, 6}},    {{4, 0, 0}, {1.9, 5, 0}, {-2, 2.4, 6}},
        {{0, 2, 2}, {2, 0, 2}, {2, 2, 0}},    {{4, 0, 0}, {9, 3, 0}, {-7, 8, 5}},
        {{1, -2, 3}, {4, 1, -1}, {-2, 3, 5}}, {{2, 0, 0}, {5, 2, 0}, {-4, 5, 2}},
    };

    (void)unused;
    for (int c = 0; c < 6; ++c)
        for (int mask = 0; mask < 8; ++mask)
            for (uint64_t trial = 0; trial < 20; ++trial) {
                const bool periodic[3] = {mask & 1, mask & 2, mask & 4};
                double s[3], d[3], got[3], before[3], after[3];
                mds_box box;

                CHECK_OK(mds_box_set(&box, cells[c], periodic));
                for (int k = 0; k < 3; ++k)
                    s[k] = 2.0 * uniform(5000 + trial * 3 + (uint64_t)k) - 1.0;
                mds_box_to_cartesian(&box, s, d);
                memcpy(got, d, sizeof got);
                mds_box_minimum_image(&box, got);
                CHECK_NEAR(sqrt(dot(got, got)), shortest(&box, d, c == 5 ? 26 : 14), 0.0, 1e-12);
                /* It is an image: the difference is whole cells. */
                mds_box_to_fractional(&box, d, before);
                mds_box_to_fractional(&box, got, after);
                for (int k = 0; k < 3; ++k) {
                    const double cells_apart = after[k] - before[k];

                    CHECK_NEAR(cells_apart, rint(cells_apart), 0.0, 1e-11);
                    if (!periodic[k])
                        CHECK_NEAR(cells_apart, 0.0, 0.0, 1e-11);
                }
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derives_members),
        cmocka_unit_test(completes_missing_vectors),
        cmocka_unit_test(refuses_bad_cells),
        cmocka_unit_test(restricts_by_a_rotation),
        cmocka_unit_test(leaves_a_restricted_cell_alone),
        cmocka_unit_test(converts_both_ways),
        cmocka_unit_test(finds_the_shortest_image),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Water: counts, density, geometry of the molecules, their places and orientations. */
#include "harness/test.h"

#include "base/units.h"
#include "system/builder.h"
#include "system/water/sites.h"

static mds_structure build(int n_asked, uint64_t seed)
{
    mds_system_spec spec;
    mds_structure s;

    CHECK_OK(mds_system_resolve("water", &spec));
    CHECK_OK(mds_system_build(&spec, n_asked, seed, &s));
    return s;
}

/* Nearest image of atom j as seen from atom i. */
static double separation(const mds_structure *s, int i, int j, double d[3])
{
    for (int k = 0; k < 3; ++k)
        d[k] = s->x[3 * j + k] - s->x[3 * i + k];
    mds_box_minimum_image(&s->box, d);
    return sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
}

static void whole_molecules_nearest_to_the_size(void **unused)
{
    static const int table[][2] = {{32, 33},   {64, 63},   {96, 96},     {128, 129}, {192, 192},
                                   {256, 255}, {512, 513}, {1024, 1023}, {2, 3},     {3, 3}};
    mds_system_spec spec;
    int n, repeat[3];

    (void)unused;
    CHECK_OK(mds_system_resolve("water", &spec));
    for (size_t i = 0; i < sizeof table / sizeof *table; ++i) {
        CHECK_OK(mds_system_plan(&spec, table[i][0], &n, repeat));
        assert_int_equal(n, table[i][1]);
    }
    CHECK_FAILS(mds_system_plan(&spec, 1, &n, repeat), MDS_ERR_UNSUPPORTED,
                "the nearest possible is 3");
}

static void density_and_composition(void **unused)
{
    static const int sizes[] = {3, 32, 96, 1024};

    (void)unused;
    for (size_t k = 0; k < 4; ++k) {
        mds_structure s = build(sizes[k], 7);
        double mass = 0.0;

        assert_int_equal(s.n % 3, 0);
        for (int i = 0; i < s.n; ++i) {
            mass += s.mass[i];
            assert_int_equal(s.species.z[s.type[i]], i % 3 == 0 ? 8 : 1);
        }
        CHECK_NEAR(mass / s.box.volume * 1.66053906892, 0.997, 1e-10, 0.0);
        CHECK_NEAR(s.box.h[0][0], s.box.h[2][2], 1e-15, 0.0);
        mds_structure_fini(&s);
    }
}

static void molecules_have_the_geometry_of_the_model(void **unused)
{
    mds_structure s = build(384, 3);

    (void)unused;
    for (int o = 0; o < s.n; o += 3) {
        double a[3], b[3], dot = 0.0;
        const double ra = separation(&s, o, o + 1, a), rb = separation(&s, o, o + 2, b);

        for (int k = 0; k < 3; ++k)
            dot += a[k] * b[k];
        CHECK_NEAR(ra, 1.012, 1e-12, 0.0);
        CHECK_NEAR(rb, 1.012, 1e-12, 0.0);
        CHECK_NEAR(acos(dot / (ra * rb)) * 180.0 / MDS_PI, 113.24, 1e-10, 0.0);
    }
    mds_structure_fini(&s);
}

/* In the liquid oxygens are 2.8 Å apart; the lattice must not put them nearer than 2.5 Å, at any
 * size, or the minimisation would have to undo it. The smallest box may have images as near as the
 * box is wide (3.1 Å). */
static void oxygens_keep_their_distance(void **unused)
{
    (void)unused;
    for (int molecules = 2; molecules <= 341; molecules += molecules < 50 ? 1 : 29) {
        mds_structure s = build(3 * molecules, 1);
        double least = INFINITY, d[3];

        for (int i = 0; i < s.n; i += 3)
            for (int j = i + 3; j < s.n; j += 3)
                least = fmin(least, separation(&s, i, j, d));
        if (!(least > 2.5))
            fail_msg("%d molecules: oxygens are %g A apart", molecules, least);
        mds_structure_fini(&s);
    }
}

/* Atoms of different molecules: no two hydrogens on top of each other. With 3.2 Å between oxygens
 * and arms of 1.012 Å the worst is 1.2 Å; at small sizes 0.5 Å. */
static void molecules_do_not_overlap(void **unused)
{
    mds_structure s = build(1024, 5);
    double d[3];

    (void)unused;
    for (int i = 0; i < s.n; ++i)
        for (int j = i + 1; j < s.n; ++j)
            if (i / 3 != j / 3)
                assert_true(separation(&s, i, j, d) > 1.1);
    mds_structure_fini(&s);
}

/* The mean of n random unit vectors (the dipole directions) is about 1/√n long; more than 4/√n has
 * a chance of exp(−24) (Rayleigh), and the seed is fixed. */
static void orientations_are_random_and_belong_to_the_seed(void **unused)
{
    mds_structure s = build(1024, 11), again = build(1024, 11), other = build(1024, 12);
    double mean[3] = {0}, square[3] = {0};
    const int molecules = s.n / 3;

    (void)unused;
    for (int o = 0; o < s.n; o += 3) {
        double a[3], b[3], length = 0.0;

        separation(&s, o, o + 1, a);
        separation(&s, o, o + 2, b);
        for (int k = 0; k < 3; ++k)
            length += (a[k] + b[k]) * (a[k] + b[k]);
        for (int k = 0; k < 3; ++k) {
            const double u = (a[k] + b[k]) / sqrt(length);

            mean[k] += u / molecules;
            square[k] += u * u / molecules;
        }
    }
    for (int k = 0; k < 3; ++k) {
        assert_true(fabs(mean[k]) < 4.0 / sqrt(3.0 * molecules));
        /* ⟨u²⟩ = 1/3 with variance 4/45 per vector: 5 σ. */
        CHECK_NEAR(square[k], 1.0 / 3.0, 0.0, 5.0 * sqrt(4.0 / 45.0 / molecules));
    }
    assert_memory_equal(s.x, again.x, 3 * (size_t)s.n * sizeof *s.x);
    assert_memory_not_equal(s.x, other.x, 3 * (size_t)s.n * sizeof *s.x);
    CHECK_NEAR(s.x[3 * 300], other.x[3 * 300], 0.0, 0.0); /* oxygens stay */
    mds_structure_fini(&s);
    mds_structure_fini(&again);
    mds_structure_fini(&other);
}

static void sites_are_distinct_and_in_the_box(void **unused)
{
    (void)unused;
    for (int n = 1; n <= 200; ++n) {
        int generator[2];

        water_choose_sites(n, generator);
        for (int i = 0; i < n; ++i) {
            double site[3];

            water_site(n, generator, i, site);
            CHECK_NEAR(site[0], (double)i / n, 1e-15, 0.0); /* hence distinct */
            for (int k = 0; k < 3; ++k)
                assert_true(site[k] >= 0.0 && site[k] < 1.0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_molecules_nearest_to_the_size),
        cmocka_unit_test(density_and_composition),
        cmocka_unit_test(molecules_have_the_geometry_of_the_model),
        cmocka_unit_test(oxygens_keep_their_distance),
        cmocka_unit_test(molecules_do_not_overlap),
        cmocka_unit_test(orientations_are_random_and_belong_to_the_seed),
        cmocka_unit_test(sites_are_distinct_and_in_the_box),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Crystals: which supercell is taken for a size, and that the atoms are where the lattice says. */
#include "harness/test.h"

#include "system/builder.h"
#include "system/supercell.h"

static mds_system_spec resolve(const char *name)
{
    mds_system_spec spec;

    CHECK_OK(mds_system_resolve(name, &spec));
    return spec;
}

/* What a size is met by; worked out by hand from 8, 4 and 2 atoms per cubic cell. */
static void sizes_and_shapes(void **unused)
{
    static const struct {
        const char *system;
        int asked, n, repeat[3];
    } table[] = {
        {"silicon", 32, 32, {1, 2, 2}},     {"silicon", 64, 64, {2, 2, 2}},
        {"silicon", 128, 128, {2, 2, 4}},   {"silicon", 216, 216, {3, 3, 3}},
        {"silicon", 256, 256, {2, 4, 4}},   {"silicon", 512, 512, {4, 4, 4}},
        {"silicon", 1000, 1000, {5, 5, 5}}, {"silicon", 1024, 1024, {4, 4, 8}},
        {"silicon", 100, 96, {2, 2, 3}}, /* 96 and 104 are equally near; 13 cells make a rod */
        {"silicon", 4, 8, {1, 1, 1}},       {"copper", 32, 32, {2, 2, 2}},
        {"copper", 64, 64, {2, 2, 4}},      {"copper", 128, 128, {2, 4, 4}},
        {"copper", 256, 256, {4, 4, 4}},    {"copper", 512, 512, {4, 4, 8}},
        {"copper", 1024, 1024, {4, 8, 8}},  {"aluminum", 500, 500, {5, 5, 5}},
        {"aluminum", 33, 32, {2, 2, 2}},    {"iron", 32, 32, {2, 2, 4}},
        {"iron", 64, 64, {2, 4, 4}},        {"iron", 128, 128, {4, 4, 4}},
        {"iron", 250, 250, {5, 5, 5}},      {"iron", 256, 256, {4, 4, 8}},
        {"iron", 512, 512, {4, 8, 8}},      {"iron", 1024, 1024, {8, 8, 8}},
        {"iron", 1, 2, {1, 1, 1}},          {"silicon", 1000000, 1000000, {50, 50, 50}},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof table / sizeof *table; ++i) {
        const mds_system_spec spec = resolve(table[i].system);
        int n, repeat[3];

        CHECK_OK(mds_system_plan(&spec, table[i].asked, &n, repeat));
        if (n != table[i].n || memcmp(repeat, table[i].repeat, sizeof repeat) != 0)
            fail_msg("%s at %d: %d atoms as %d x %d x %d", table[i].system, table[i].asked, n,
                     repeat[0], repeat[1], repeat[2]);
    }
}

/* Every size from 32 to 1024: no multiple of the cell is nearer, and no other factors of the same
 * count have less surface. */
static void nearest_and_most_cubic(void **unused)
{
    static const struct {
        const char *system;
        int cell;
    } crystals[] = {{"silicon", 8}, {"copper", 4}, {"aluminum", 4}, {"iron", 2}};

    (void)unused;
    for (size_t c = 0; c < 4; ++c) {
        const mds_system_spec spec = resolve(crystals[c].system);

        for (int asked = 32; asked <= 1024; ++asked) {
            int n, r[3];

            CHECK_OK(mds_system_plan(&spec, asked, &n, r));
            assert_int_equal(n, crystals[c].cell * r[0] * r[1] * r[2]);
            assert_true(2 * abs(n - asked) <= crystals[c].cell);

            const int cells = n / crystals[c].cell;

            for (int a = 1; a <= cells; ++a)
                for (int b = 1; a * b <= cells; ++b)
                    if (cells % (a * b) == 0) {
                        const int d = cells / (a * b);

                        assert_true(r[0] * r[1] + r[1] * r[2] + r[2] * r[0] <=
                                    a * b + b * d + d * a);
                    }
        }
    }
}

static void sizes_that_are_out_of_reach(void **unused)
{
    const mds_system_spec silicon = resolve("silicon"), iron = resolve("iron");
    int n, repeat[3];
    mds_structure structure;

    (void)unused;
    CHECK_FAILS(mds_system_plan(&silicon, 3, &n, repeat), MDS_ERR_UNSUPPORTED,
                "the nearest possible is 8");
    CHECK_FAILS(mds_system_plan(&silicon, 0, &n, repeat), MDS_ERR_CONFIG, "0 atoms");
    CHECK_FAILS(mds_system_plan(&iron, -5, &n, repeat), MDS_ERR_CONFIG, "-5 atoms");
    CHECK_FAILS(mds_system_plan(&iron, 2000000000, &n, repeat), MDS_ERR_CONFIG, "2000000000");
    CHECK_FAILS(mds_system_build(&silicon, 2, 1, &structure), MDS_ERR_UNSUPPORTED, "silicon");
    mds_structure_fini(&structure);
}

/* A cell that repeats along c only is never more than a column, and may miss the size altogether.
 */
static void directions_that_do_not_repeat(void **unused)
{
    const double h[3][3] = {{4, 0, 0}, {0, 4, 0}, {0, 0, 5}};
    const bool column[3] = {false, false, true}, none[3] = {false, false, false};
    mds_box box;
    int n = 0, repeat[3];

    (void)unused;
    CHECK_OK(mds_box_set(&box, h, column));
    CHECK_OK(mds_supercell_nearest(&box, 10, 64, "wire", &n, repeat));
    assert_int_equal(n, 60);
    assert_true(repeat[0] == 1 && repeat[1] == 1 && repeat[2] == 6);
    CHECK_OK(mds_box_set(&box, h, none));
    CHECK_OK(mds_supercell_nearest(&box, 10, 12, "molecule", &n, repeat));
    assert_int_equal(n, 10);
    CHECK_FAILS(mds_supercell_nearest(&box, 10, 21, "molecule", &n, repeat), MDS_ERR_UNSUPPORTED,
                "nearest possible is 10");
}

/* Flat cells grow along their short side first. */
static void shape_counts_not_the_counts_of_cells(void **unused)
{
    mds_box box;
    int n = 0, repeat[3];

    (void)unused;
    CHECK_OK(mds_box_set_orthogonal(&box, 8.0, 4.0, 2.0));
    CHECK_OK(mds_supercell_nearest(&box, 1, 64, "flat", &n, repeat));
    assert_true(repeat[0] == 2 && repeat[1] == 4 && repeat[2] == 8);
}

/* Nearest neighbours by all images; returns the least distance and how many atoms 0 has there. */
static double nearest(const mds_structure *s, int *count)
{
    double least = INFINITY;

    for (int pass = 0; pass < 2; ++pass) {
        *count = 0;
        for (int j = 0; j < s->n; ++j)
            for (int image = 0; image < 27; ++image) {
                const double shift[3] = {image % 3 - 1.0, image / 3 % 3 - 1.0, image / 9 - 1.0};
                double d[3], square = 0.0;

                mds_box_to_cartesian(&s->box, shift, d);
                for (int k = 0; k < 3; ++k) {
                    d[k] += s->x[3 * j + k] - s->x[k];
                    square += d[k] * d[k];
                }
                if (square < 1e-12)
                    continue;
                if (pass == 0)
                    least = fmin(least, sqrt(square));
                else
                    *count += sqrt(square) < least * (1.0 + 1e-9);
            }
    }
    return least;
}

static void lattices_are_what_they_are_called(void **unused)
{
    /* Lattice constants: the table in spec/classical-potentials.md §2. Densities from them and the
     * standard atomic weights; 1 u/Å³ = 1.66053906892 g/cm³. */
    static const struct {
        const char *system;
        int z, neighbours;
        double a, distance, density;
    } table[] = {
        {"silicon", 14, 4, 5.43095, 0.4330127018922193, 2.3291},
        {"copper", 29, 12, 3.607621, 0.7071067811865476, 8.9896},
        {"aluminum", 13, 12, 4.046569, 0.7071067811865476, 2.7047},
        {"iron", 26, 8, 2.8665, 0.8660254037844386, 7.8741},
    };

    (void)unused;
    for (size_t i = 0; i < 4; ++i) {
        const mds_system_spec spec = resolve(table[i].system);
        mds_structure s;
        mds_species species;
        double mass = 0.0;
        int neighbours;

        CHECK_OK(mds_system_build(&spec, 128, 1, &s));
        CHECK_OK(mds_system_species(&spec, &species));
        assert_int_equal(s.n, 128);
        assert_int_equal(species.count, 1);
        assert_int_equal(species.z[0], table[i].z);
        assert_int_equal(s.species.z[s.type[127]], table[i].z);
        CHECK_NEAR(nearest(&s, &neighbours), table[i].a * table[i].distance, 1e-12, 0.0);
        assert_int_equal(neighbours, table[i].neighbours);
        for (int k = 0; k < s.n; ++k)
            mass += s.mass[k];
        CHECK_NEAR(mass / s.box.volume * 1.66053906892, table[i].density, 1e-4, 0.0);
        assert_null(s.v);
        mds_structure_fini(&s);
    }
}

static void the_lattice_constant_is_an_option(void **unused)
{
    mds_system_spec spec = resolve("copper");
    mds_structure s;

    (void)unused;
    CHECK_OK(mds_options_set_number(&spec.options, "lattice_A", 3.7));
    CHECK_OK(mds_system_build(&spec, 32, 1, &s));
    CHECK_NEAR(s.box.volume, 8 * 3.7 * 3.7 * 3.7, 1e-14, 0.0);
    mds_structure_fini(&s);
    CHECK_FAILS(mds_options_set_number(&spec.options, "lattice_A", -1.0), MDS_ERR_CONFIG,
                "lattice_A");
}

static void names(void **unused)
{
    mds_system_spec spec;

    (void)unused;
    for (int i = 0; i < mds_system_count(); ++i) {
        const mds_system_class *class = mds_system_get(i);

        assert_ptr_equal(mds_system_find(class->name), class);
        assert_true(class->summary[0] && class->timestep_fs > 0.0);
        CHECK_OK(mds_system_resolve(class->name, &spec));
        assert_string_equal(spec.name, class->name);
    }
    assert_null(mds_system_get(-1));
    assert_null(mds_system_get(mds_system_count()));
    assert_null(mds_system_find("unobtainium"));
    CHECK_FAILS(mds_system_resolve("silicone", &spec), MDS_ERR_CONFIG, "did you mean 'silicon'");
    CHECK_FAILS(mds_system_resolve("qqq", &spec), MDS_ERR_CONFIG, "unknown system 'qqq'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_and_shapes),
        cmocka_unit_test(nearest_and_most_cubic),
        cmocka_unit_test(sizes_that_are_out_of_reach),
        cmocka_unit_test(directions_that_do_not_repeat),
        cmocka_unit_test(shape_counts_not_the_counts_of_cells),
        cmocka_unit_test(lattices_are_what_they_are_called),
        cmocka_unit_test(the_lattice_constant_is_an_option),
        cmocka_unit_test(names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

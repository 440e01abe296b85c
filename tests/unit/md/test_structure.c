#include "md/structure.h"

#include "harness/test.h"

/* Weights of the IUPAC table, looked up one by one. */
static void knows_the_elements(void **unused)
{
    static const struct {
        const char *symbol;
        int z;
        double mass;
    } some[] = {
        {"H", 1, 1.008},   {"O", 8, 15.999},   {"Al", 13, 26.982}, {"Si", 14, 28.085},
        {"Cl", 17, 35.45}, {"Fe", 26, 55.845}, {"Cu", 29, 63.546}, {"Kr", 36, 83.798},
        {"I", 53, 126.90}, {"Xe", 54, 131.29}, {"W", 74, 183.84},  {"Au", 79, 196.97},
        {"Pb", 82, 207.2}, {"U", 92, 238.03},  {"Og", 118, 294.0},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof some / sizeof some[0]; ++i) {
        assert_int_equal(mds_element_number(some[i].symbol), some[i].z);
        assert_string_equal(mds_element_symbol(some[i].z), some[i].symbol);
        CHECK_NEAR(mds_element_mass(some[i].z), some[i].mass, 0.0, 0.0);
    }
    for (int z = 1; z <= 118; ++z) {
        assert_int_equal(mds_element_number(mds_element_symbol(z)), z);
        /* The four inversions (Ar-K, Co-Ni, Te-I, Th-Pa) and short-lived isotopes stay below 5 u.
         */
        assert_true(mds_element_mass(z) > mds_element_mass(z - 1) - 5.0);
        assert_true(mds_element_mass(z) >= z);
    }
    assert_int_equal(mds_element_number("si"), 0);
    assert_int_equal(mds_element_number("X"), 0);
    assert_int_equal(mds_element_number(""), 0);
    assert_string_equal(mds_element_symbol(0), "X");
    assert_string_equal(mds_element_symbol(119), "X");
    assert_true(mds_element_mass(-1) == 0.0 && mds_element_mass(119) == 0.0);
}

static void collects_species(void **unused)
{
    mds_species species = {0};

    (void)unused;
    assert_int_equal(mds_species_add(&species, 8), 0);
    assert_int_equal(mds_species_add(&species, 1), 1);
    assert_int_equal(mds_species_add(&species, 8), 0);
    assert_int_equal(mds_species_find(&species, 1), 1);
    assert_int_equal(mds_species_find(&species, 2), -1);
    CHECK_NEAR(species.mass[0], 15.999, 0.0, 0.0);
    for (int z = 20; species.count < MDS_SPECIES_MAX; ++z)
        mds_species_add(&species, z);
    assert_int_equal(mds_species_add(&species, 100), -1);
    assert_int_equal(mds_species_add(&species, 1), 1);
}

static void make_cell(mds_structure *s)
{
    const double h[3][3] = {{0.5, 3, 1}, {4, 0, 0.25}, {0, -1, 5}};
    const bool periodic[3] = {true, true, true};

    memset(s, 0, sizeof *s);
    CHECK_OK(mds_structure_init(s, 2, true));
    CHECK_OK(mds_box_set(&s->box, h, periodic));
    for (int i = 0; i < 2; ++i) {
        s->type[i] = mds_species_add(&s->species, i ? 1 : 8);
        s->mass[i] = s->species.mass[i];
        for (int k = 0; k < 3; ++k) {
            s->x[3 * i + k] = 1.25 * i + 0.5 * k;
            s->v[3 * i + k] = 0.01 * (i - k);
        }
    }
}

static void repeats_a_cell(void **unused)
{
    mds_structure cell, big;

    (void)unused;
    make_cell(&cell);
    CHECK_OK(mds_structure_repeat(&big, &cell, 2, 1, 3));
    assert_int_equal(big.n, 12);
    CHECK_NEAR(big.box.volume, 6.0 * cell.box.volume, 1e-14, 0.0);
    for (int copy = 0; copy < 6; ++copy)
        for (int i = 0; i < 2; ++i) {
            const int row = 2 * copy + i;

            assert_int_equal(big.type[row], cell.type[i]);
            assert_true(big.mass[row] == cell.mass[i]);
            for (int k = 0; k < 3; ++k) {
                const double moved = cell.x[3 * i + k] + (copy / 3) * cell.box.h[0][k] +
                                     (copy % 3) * cell.box.h[2][k];

                CHECK_NEAR(big.x[3 * row + k], moved, 0.0, 1e-14);
                assert_true(big.v[3 * row + k] == cell.v[3 * i + k]);
            }
        }
    mds_structure_fini(&big);
    CHECK_FAILS(mds_structure_repeat(&big, &cell, 1, 0, 1), MDS_ERR_CONFIG, "repeated 0 times");
    CHECK_FAILS(mds_structure_repeat(&big, &cell, 4096, 4096, 4096), MDS_ERR_CAPACITY, "too many");
    cell.box.periodic[1] = false;
    CHECK_FAILS(mds_structure_repeat(&big, &cell, 1, 2, 1), MDS_ERR_CONFIG, "b is not periodic");
    mds_structure_fini(&cell);
}

static void copies_everything(void **unused)
{
    mds_structure cell, copy;

    (void)unused;
    make_cell(&cell);
    CHECK_OK(mds_structure_copy(&copy, &cell));
    assert_memory_equal(&copy.box, &cell.box, sizeof cell.box);
    assert_memory_equal(&copy.species, &cell.species, sizeof cell.species);
    assert_memory_equal(copy.x, cell.x, 6 * sizeof(double));
    assert_memory_equal(copy.v, cell.v, 6 * sizeof(double));
    assert_ptr_not_equal(copy.x, cell.x);
    mds_structure_fini(&copy);
    mds_structure_fini(&cell);
    mds_structure_fini(&cell); /* a zeroed one is fine */
}

static double distance(const mds_structure *s)
{
    double d[3] = {s->x[3] - s->x[0], s->x[4] - s->x[1], s->x[5] - s->x[2]};

    mds_box_minimum_image(&s->box, d);
    return sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
}

static void restricts_without_changing_anything(void **unused)
{
    mds_structure cell, turned;
    double q[3][3];

    (void)unused;
    make_cell(&cell);
    CHECK_OK(mds_structure_copy(&turned, &cell));
    CHECK_OK(mds_structure_restrict(&turned, q));
    CHECK_NEAR(turned.box.volume, cell.box.volume, 1e-14, 0.0);
    CHECK_NEAR(distance(&turned), distance(&cell), 1e-14, 0.0);
    for (int i = 0; i < 2; ++i) {
        double s[3], t[3], turned_v[3] = {0};

        mds_box_to_fractional(&cell.box, cell.x + 3 * i, s);
        mds_box_to_fractional(&turned.box, turned.x + 3 * i, t);
        for (int k = 0; k < 3; ++k)
            for (int c = 0; c < 3; ++c)
                turned_v[k] += cell.v[3 * i + c] * q[c][k];
        for (int k = 0; k < 3; ++k) {
            CHECK_NEAR(t[k], s[k], 0.0, 1e-14);
            CHECK_NEAR(turned.v[3 * i + k], turned_v[k], 0.0, 1e-16);
        }
    }
    mds_structure_fini(&cell);
    mds_structure_fini(&turned);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_the_elements),
        cmocka_unit_test(collects_species),
        cmocka_unit_test(repeats_a_cell),
        cmocka_unit_test(copies_everything),
        cmocka_unit_test(restricts_without_changing_anything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

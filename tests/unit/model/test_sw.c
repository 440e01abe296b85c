/* The factorised Stillinger-Weber formula against the double sum of the paper, and its behaviour at
 * the cutoff. */
#include "harness/test.h"

#include "base/rng.h"
#include "model/model.h"
#include "model/sw/sw_math.h"

enum { ATOMS = 12 };

static const double epsilon = 2.1683, sigma = 2.0951, a = 1.80, lambda = 21.0, gamma_ = 1.20;
static const double big_a = 7.049556277, big_b = 0.6022245584;

/* Equations (2.3)-(2.6) of the paper, term by term, for a cluster. */
static double paper_energy(const double *x, int n)
{
    double pairs = 0.0, triples = 0.0;

    for (int i = 0; i < n; ++i)
        for (int j = 0; j < n; ++j) {
            double rij[3];

            for (int k = 0; k < 3; ++k)
                rij[k] = x[3 * j + k] - x[3 * i + k];
            const double r1 = sqrt(rij[0] * rij[0] + rij[1] * rij[1] + rij[2] * rij[2]) / sigma;
            if (j == i || r1 >= a)
                continue;
            if (j > i)
                pairs += big_a * (big_b * pow(r1, -4.0) - 1.0) * exp(1.0 / (r1 - a));
            for (int m = j + 1; m < n; ++m) {
                double rim[3], dot = 0.0;

                for (int k = 0; k < 3; ++k) {
                    rim[k] = x[3 * m + k] - x[3 * i + k];
                    dot += rij[k] * rim[k];
                }
                const double r2 = sqrt(rim[0] * rim[0] + rim[1] * rim[1] + rim[2] * rim[2]) / sigma;
                if (m == i || r2 >= a)
                    continue;
                const double c = dot / (r1 * r2 * sigma * sigma) + 1.0 / 3.0;
                triples += lambda * exp(gamma_ / (r1 - a) + gamma_ / (r2 - a)) * c * c;
            }
        }
    return epsilon * (pairs + triples);
}

/* n atoms without periodicity. */
static void cluster(mds_structure *s, int n)
{
    const double none[3][3] = {{0}};
    const bool no[3] = {false, false, false};

    memset(s, 0, sizeof *s);
    CHECK_OK(mds_structure_init(s, n, false));
    CHECK_OK(mds_box_set(&s->box, none, no));
    mds_species_add(&s->species, 14);
    for (int i = 0; i < n; ++i)
        s->mass[i] = s->species.mass[0];
}

/* Energy and, when asked, forces (n,3). */
static double sw_of(const mds_structure *s, double *f)
{
    mds_device *device;
    mds_model *model;
    mds_state state = {0};
    mds_model_spec spec;

    CHECK_OK(mds_device_open("cpu", &device));
    CHECK_OK(mds_state_init(&state, device, s));
    CHECK_OK(mds_model_spec_init(&spec, "sw", "sw", MDS_PRECISION_AUTO));
    CHECK_OK(mds_model_create(&spec, device, &model));
    CHECK_OK(mds_model_prepare(model, &state));
    CHECK_OK(mds_model_compute(model, &state, 0));
    const double energy = state.s->potential_eV;
    if (f)
        memcpy(f, state.f, (size_t)s->n * 3 * sizeof *f);
    mds_model_destroy(model);
    mds_state_fini(&state);
    mds_device_close(device);
    return energy;
}

static void factorised_sum_is_the_sum_of_the_paper(void **state)
{
    mds_structure s;

    (void)state;
    cluster(&s, ATOMS);
    for (uint64_t seed = 1; seed <= 20; ++seed) {
        /* A 2 × 2 × 3 block, 2.4 Å apart, well shaken: angles and distances of all kinds. */
        for (int i = 0; i < ATOMS; ++i) {
            const int at[3] = {i % 2, i / 2 % 2, i / 4};

            for (int k = 0; k < 3; ++k)
                s.x[3 * i + k] = 2.4 * at[k] + 0.25 * mds_rng_normal(seed, MDS_RNG_TEST, 0,
                                                                     (uint64_t)i, (uint32_t)k);
        }
        const double want = paper_energy(s.x, ATOMS);
        /* Terms up to 1e3 eV cancel when atoms come close. */
        CHECK_NEAR(sw_of(&s, NULL), want, 1e-12, 1e-11);
    }
    mds_structure_fini(&s);
}

/* An isolated ideal tetrahedron has no three-body energy, and a dimer only φ. */
static void ideal_angles_cost_nothing(void **state)
{
    static const double at[5][3] = {{0, 0, 0}, {1, 1, 1}, {-1, -1, 1}, {-1, 1, -1}, {1, -1, -1}};
    const double bond = 2.35;
    mds_structure s, dimer;

    (void)state;
    cluster(&s, 5);
    cluster(&dimer, 2);
    for (int i = 0; i < 5; ++i)
        for (int k = 0; k < 3; ++k)
            s.x[3 * i + k] = bond / sqrt(3.0) * at[i][k];
    dimer.x[3] = bond;
    /* The outer atoms are 3.84 apart, beyond the cutoff; each has one neighbour. */
    CHECK_NEAR(sw_of(&s, NULL), 4.0 * sw_of(&dimer, NULL), 1e-13, 1e-13);
    mds_structure_fini(&s);
    mds_structure_fini(&dimer);
}

static void cutoff_is_smooth_and_safe(void **state)
{
    static const double before[] = {0.1, 0.03, 0.004, 0.003, 1e-6, 4e-16, 0.0, -1e-6};
    const double cutoff = a * sigma;
    mds_structure s;
    double last = 1.0;

    (void)state;
    cluster(&s, 3);
    for (size_t k = 0; k < sizeof before / sizeof *before; ++k) {
        double f[9];

        /* A bond to an ordinary neighbour beside, so that the three-body part is there too. */
        s.x[3] = cutoff - before[k];
        s.x[7] = 2.35;
        s.x[6] = -1.0;
        const double energy = sw_of(&s, f);
        s.x[3] = 100.0;
        const double without = sw_of(&s, NULL);
        assert_true(isfinite(energy));
        assert_true(fabs(energy - without) <= last);
        last = fabs(energy - without);
        for (int i = 0; i < 9; ++i)
            assert_true(isfinite(f[i]));
        if (before[k] < 0.01)
            CHECK_NEAR(f[3], 0.0, 0.0, 1e-100);
    }
    CHECK_NEAR(last, 0.0, 0.0, 0.0);
    mds_structure_fini(&s);
}

static void atoms_on_top_of_each_other_are_an_error(void **state)
{
    mds_device *device;
    mds_model *model;
    mds_state md = {0};
    mds_model_spec spec;
    mds_structure s;

    (void)state;
    cluster(&s, 2);
    CHECK_OK(mds_device_open("cpu", &device));
    CHECK_OK(mds_state_init(&md, device, &s));
    CHECK_OK(mds_model_spec_init(&spec, "sw", "sw", MDS_PRECISION_AUTO));
    CHECK_OK(mds_model_create(&spec, device, &model));
    CHECK_OK(mds_model_prepare(model, &md));
    CHECK_FAILS(mds_model_compute(model, &md, 0), MDS_ERR_NUMERIC, "not finite");
    mds_model_destroy(model);
    mds_state_fini(&md);
    mds_structure_fini(&s);
    mds_device_close(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(factorised_sum_is_the_sum_of_the_paper),
        cmocka_unit_test(ideal_angles_cost_nothing),
        cmocka_unit_test(cutoff_is_smooth_and_safe),
        cmocka_unit_test(atoms_on_top_of_each_other_are_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

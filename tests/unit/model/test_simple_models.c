/* null, harmonic and lj where the answer is known in closed form. */
#include "harness/test.h"

#include "model/lj/lj_math.h"
#include "model/model.h"

typedef struct bench {
    mds_device *device;
    mds_state state;
    mds_model *model;
} bench;

/* Two argon atoms in a cell of edge 30 Å. */
static void set_up(bench *b, const char *engine, double distance)
{
    mds_structure s = {0};
    mds_model_spec spec;

    memset(b, 0, sizeof *b);
    CHECK_OK(mds_device_open("cpu", &b->device));
    CHECK_OK(mds_structure_init(&s, 2, false));
    CHECK_OK(mds_box_set_orthogonal(&s.box, 30.0, 30.0, 30.0));
    mds_species_add(&s.species, 18);
    s.mass[0] = s.mass[1] = s.species.mass[0];
    s.x[3] = distance;
    CHECK_OK(mds_state_init(&b->state, b->device, &s));
    mds_structure_fini(&s);
    CHECK_OK(mds_model_spec_init(&spec, engine, engine, MDS_PRECISION_AUTO));
    CHECK_OK(mds_model_create(&spec, b->device, &b->model));
    CHECK_OK(mds_model_prepare(b->model, &b->state));
}

static void tear_down(bench *b)
{
    mds_model_destroy(b->model);
    mds_state_fini(&b->state);
    mds_device_close(b->device);
}

static void null_is_nothing(void **state)
{
    bench b;

    (void)state;
    set_up(&b, "null", 3.0);
    b.state.f[4] = 7.0;
    CHECK_OK(mds_model_compute(b.model, &b.state, MDS_WANT_VIRIAL));
    CHECK_NEAR(b.state.s->potential_eV, 0.0, 0.0, 0.0);
    for (int k = 0; k < 6; ++k)
        CHECK_NEAR(b.state.f[k], 0.0, 0.0, 0.0);
    for (int k = 0; k < 9; ++k)
        CHECK_NEAR(b.state.s->virial_eV[k / 3][k % 3], 0.0, 0.0, 0.0);
    tear_down(&b);
}

/* k = 5 eV/Å² by default: E = ½ k d². */
static void harmonic_is_hooke(void **state)
{
    const double k = 5.0;
    bench b;

    (void)state;
    set_up(&b, "harmonic", 3.0);
    CHECK_OK(mds_model_compute(b.model, &b.state, 0));
    CHECK_NEAR(b.state.s->potential_eV, 0.0, 0.0, 1e-28);
    b.state.x[1] += 0.2;
    b.state.x[5] -= 0.1;
    CHECK_OK(mds_model_compute(b.model, &b.state, MDS_WANT_VIRIAL));
    CHECK_NEAR(b.state.s->potential_eV, 0.5 * k * 0.05, 1e-13, 0.0);
    CHECK_NEAR(b.state.f[1], -k * 0.2, 1e-13, 0.0);
    CHECK_NEAR(b.state.f[5], k * 0.1, 1e-13, 0.0);
    CHECK_NEAR(b.state.s->virial_eV[1][1], -k * 0.04, 1e-13, 0.0);
    CHECK_NEAR(b.state.s->virial_eV[2][2], -k * 0.01, 1e-13, 0.0);
    CHECK_NEAR(b.state.s->virial_eV[0][0], 0.0, 0.0, 1e-13);
    tear_down(&b);
}

static void lj_pair_has_its_minimum_and_ends_smoothly(void **state)
{
    const double epsilon = 0.0103235, sigma = 3.405, cutoff = 8.5125;
    const lj_params p = lj_params_make(epsilon, sigma, cutoff);
    const double s6 = pow(sigma / cutoff, 6.0);
    const double at_cutoff = 4.0 * epsilon * (s6 * s6 - s6);
    const double slope = -4.0 * epsilon * (12.0 * s6 * s6 - 6.0 * s6) / cutoff;
    double f_over_r;

    (void)state;
    /* At the minimum of the bare potential only the shift is left. */
    const double r = sigma * pow(2.0, 1.0 / 6.0);
    const double want = -epsilon - at_cutoff - (r - cutoff) * slope;
    CHECK_NEAR(lj_pair(&p, r * r, &f_over_r), want, 1e-13, 0.0);
    CHECK_NEAR(f_over_r * r, slope, 1e-11, 1e-15);
    CHECK_NEAR(lj_pair(&p, p.cutoff2, &f_over_r), 0.0, 0.0, 1e-17);
    CHECK_NEAR(f_over_r, 0.0, 0.0, 1e-17);
    for (double d = 3.2; d < 8.5; d += 0.37) {
        const double h = 1e-5, up = lj_pair(&p, (d + h) * (d + h), &f_over_r);
        const double down = lj_pair(&p, (d - h) * (d - h), &f_over_r);

        lj_pair(&p, d * d, &f_over_r);
        CHECK_NEAR(f_over_r * d, (down - up) / (2.0 * h), 1e-7, 1e-10);
    }
}

static void lj_dimer_is_the_pair(void **state)
{
    const lj_params p = lj_params_make(0.0103235, 3.405, 8.5125);
    const double distance = 3.6;
    double f_over_r;
    bench b;

    (void)state;
    set_up(&b, "lj", distance);
    CHECK_OK(mds_model_compute(b.model, &b.state, MDS_WANT_VIRIAL));
    CHECK_NEAR(b.state.s->potential_eV, lj_pair(&p, distance * distance, &f_over_r), 1e-14, 0.0);
    CHECK_NEAR(b.state.f[3], f_over_r * distance, 1e-14, 0.0);
    CHECK_NEAR(b.state.f[0], -f_over_r * distance, 1e-14, 0.0);
    CHECK_NEAR(b.state.s->virial_eV[0][0], f_over_r * distance * distance, 1e-14, 0.0);
    CHECK_NEAR(b.state.s->n_edges, 2.0, 0.0, 0.0);
    tear_down(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_is_nothing),
        cmocka_unit_test(harmonic_is_hooke),
        cmocka_unit_test(lj_pair_has_its_minimum_and_ends_smoothly),
        cmocka_unit_test(lj_dimer_is_the_pair),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

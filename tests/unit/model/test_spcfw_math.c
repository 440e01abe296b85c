/* The scalar functions of SPC/Fw: values of the specification, derivatives, identities, and the
 * polynomials that stand for them in the pair loop. */
#include "harness/test.h"

#include "model/spcfw/spcfw_fit.h"
#include "model/spcfw/spcfw_math.h"

static const double alpha = 0.2, cutoff = 9.0;

/* −f'(r)/r by central differences; h² f'''/6 and rounding are both below 1e-8 of the value for the
 * functions here. */
static double slope(spcfw_pair (*f)(double s), double r)
{
    const double h = 1e-5 * r;

    return -(f((r + h) * (r + h)).energy - f((r - h) * (r - h)).energy) / (2.0 * h * r);
}

static spcfw_pair coulomb(double s)
{
    const spcfw_dsf dsf = spcfw_dsf_make(alpha, cutoff);

    return spcfw_coulomb(&dsf, s);
}

static spcfw_pair excluded(double s)
{
    return spcfw_exclusion(-0.3362, s);
}

static void test_shifts(void **unused)
{
    const spcfw_dsf dsf = spcfw_dsf_make(alpha, cutoff);

    (void)unused;
    /* The specification prints 14 digits. */
    CHECK_NEAR(dsf.force_shift, -0.0011167234612579, 0.0, 1e-16);
    CHECK_NEAR(dsf.energy_shift, 0.0112626776362398, 0.0, 1e-16);
    /* Energy and force vanish at the cutoff: that is what the shifts are for. */
    CHECK_NEAR(coulomb(cutoff * cutoff).energy, 0.0, 0.0, 1e-15);
    CHECK_NEAR(coulomb(cutoff * cutoff).force_over_r, 0.0, 0.0, 1e-16);
}

static void test_derivatives(void **unused)
{
    (void)unused;
    for (double r = 0.8; r < 9.0; r += 0.37) {
        CHECK_NEAR(slope(coulomb, r), coulomb(r * r).force_over_r, 1e-7, 1e-9);
        CHECK_NEAR(slope(excluded, r), excluded(r * r).force_over_r, 1e-7, 1e-9);
        CHECK_NEAR(slope(spcfw_bond, r), spcfw_bond(r * r).force_over_r, 1e-7, 1e-7);
        if (r > 2.0)
            CHECK_NEAR(slope(spcfw_lennard_jones, r), spcfw_lennard_jones(r * r).force_over_r, 1e-7,
                       1e-9);
    }
    const double least = pow(2.0, 1.0 / 6.0) * SPCFW_LJ_SIGMA;

    CHECK_NEAR(spcfw_lennard_jones(least * least).energy, -SPCFW_LJ_EPSILON, 1e-14, 0.0);
    CHECK_NEAR(spcfw_lennard_jones(least * least).force_over_r, 0.0, 0.0, 1e-15);
    CHECK_NEAR(spcfw_bond(1.012 * 1.012).energy, 0.0, 0.0, 1e-28);
}

/* P and Q: their limits, the seam of series and closed form at α²s = 0.5, and Q = −2 dP/ds. */
static void test_screen(void **unused)
{
    const double seam = 0.5 / (alpha * alpha);

    (void)unused;
    CHECK_NEAR(spcfw_screen(alpha, 0.0), 2.0 * alpha / sqrt(MDS_PI), 1e-15, 0.0);
    CHECK_NEAR(spcfw_screen(alpha, 1e-12), spcfw_screen(alpha, 0.0), 1e-12, 0.0);
    CHECK_NEAR(spcfw_screen_slope(alpha, 0.0), 4.0 / 3.0 * pow(alpha, 3.0) / sqrt(MDS_PI), 1e-14,
               0.0);
    CHECK_NEAR(spcfw_screen_slope(alpha, seam * (1.0 - 1e-15)),
               spcfw_screen_slope(alpha, seam * (1.0 + 1e-15)), 1e-14, 0.0);
    for (double s = 0.5; s < 81.0; s += 1.7) {
        const double h = 1e-3;
        const double numeric = -2.0 * (spcfw_screen(alpha, s + h) - spcfw_screen(alpha, s - h)) /
                               (2.0 * h);

        /* h² P'''/3 < 1e-12, rounding 1e-16/h. */
        CHECK_NEAR(spcfw_screen_slope(alpha, s), numeric, 0.0, 1e-12);
        CHECK_NEAR(spcfw_screen(alpha, s) * sqrt(s), 1.0 - erfc(alpha * sqrt(s)), 1e-14, 0.0);
    }
}

/* What is left of an intramolecular pair: −erf(αr)/r − e_s − f_s r, as written in the
 * specification. */
static void test_exclusion(void **unused)
{
    const spcfw_dsf dsf = spcfw_dsf_make(alpha, cutoff);
    const double qq = SPCFW_CHARGE_O * SPCFW_CHARGE_H;

    (void)unused;
    for (double r = 0.7; r < 2.0; r += 0.1) {
        const double left = SPCFW_COULOMB * qq * coulomb(r * r).energy +
                            spcfw_exclusion(qq, r * r).energy;
        const double want = SPCFW_COULOMB * qq *
                            (-erf(alpha * r) / r - dsf.energy_shift - dsf.force_shift * r);

        CHECK_NEAR(left, want, 0.0, 1e-14); /* a few units in the last place of k q q / r */
    }
}

static void test_self_energy(void **unused)
{
    const spcfw_dsf dsf = spcfw_dsf_make(alpha, cutoff);

    (void)unused;
    CHECK_NEAR(spcfw_self_energy(&dsf, 1.0),
               -14.399645 * (0.0112626776362398 / 2.0 + 0.2 / sqrt(MDS_PI)), 1e-13, 0.0);
    CHECK_NEAR(spcfw_self_energy(&dsf, -0.82), 0.82 * 0.82 * spcfw_self_energy(&dsf, 1.0), 1e-15,
               0.0);
}

static double angle_energy(const double x[6])
{
    double fa[3], fb[3];

    return spcfw_angle(x, x + 3, fa, fb);
}

static void test_angle(void **unused)
{
    double x[6] = {0.9, 0.1, -0.3, -0.5, 0.8, 0.2}, fa[3], fb[3];
    const double h = 1e-5;
    const double straight[3] = {1.0, 0.0, 0.0}, back[3] = {-1.1, 0.0, 0.0};
    const double rest[3] = {1.2 * cos(SPCFW_ANGLE), 1.2 * sin(SPCFW_ANGLE), 0.0};

    (void)unused;
    spcfw_angle(x, x + 3, fa, fb);
    for (int k = 0; k < 6; ++k) {
        const double keep = x[k];

        x[k] = keep + h;
        const double up = angle_energy(x);
        x[k] = keep - h;
        const double down = angle_energy(x);
        x[k] = keep;
        CHECK_NEAR((down - up) / (2.0 * h), k < 3 ? fa[k] : fb[k - 3], 1e-8, 1e-9);
    }
    /* The energy depends on the direction only: no force along the bonds. */
    CHECK_NEAR(fa[0] * x[0] + fa[1] * x[1] + fa[2] * x[2], 0.0, 0.0, 1e-14);
    CHECK_NEAR(spcfw_angle(straight, rest, fa, fb), 0.0, 0.0, 1e-28);
    CHECK_NEAR(spcfw_angle(straight, back, fa, fb),
               0.5 * SPCFW_ANGLE_K * (MDS_PI - SPCFW_ANGLE) * (MDS_PI - SPCFW_ANGLE), 1e-13, 0.0);
    for (int k = 0; k < 3; ++k)
        assert_true(isfinite(fa[k]) && isfinite(fb[k]));
}

static void test_fit(void **unused)
{
    const spcfw_dsf dsf = spcfw_dsf_make(alpha, cutoff);
    const spcfw_dsf narrow = spcfw_dsf_make(0.2, 12.0);
    spcfw_fit fit;

    (void)unused;
    CHECK_OK(spcfw_fit_make(&dsf, &fit));
    /* 1e-11 per unit of k_e q q is 1e-10 eV, or eV/Å at r < 9 Å, for a pair at the most. */
    for (double r = 0.3; r <= cutoff; r += 0.0173) {
        const spcfw_pair got = spcfw_fit_coulomb(&fit, &dsf, r * r), want = coulomb(r * r);

        CHECK_NEAR(got.energy, want.energy, 1e-15, 2e-12);
        CHECK_NEAR(got.force_over_r, want.force_over_r, 1e-15, 2e-12);
    }
    CHECK_FAILS(spcfw_fit_make(&narrow, &fit), MDS_ERR_CONFIG, "alpha * cutoff = 2.4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shifts),      cmocka_unit_test(test_derivatives),
        cmocka_unit_test(test_screen),      cmocka_unit_test(test_exclusion),
        cmocka_unit_test(test_self_energy), cmocka_unit_test(test_angle),
        cmocka_unit_test(test_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

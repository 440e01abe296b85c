/* Whole networks with synthetic weights against results of the reference implementation (float64,
 * printed to seven digits), and the functions of edges against theirs. */
#include "orb_fixture.h"

#include "model/orb/orb_edge_math.h"
#include "model/orb/orb_synthetic.h"
#include "model/orb/orb_variant.h"
#include "model/orb/orb_zbl.h"

/* The last printed digit. */
static const double printed = 0.6e-7;

typedef struct golden {
    const char *variant;
    int edges;
    double energy, first[3], last[3], norm, stress[6];
} golden;

static const golden rows[] = {
    {"orb-v2",
     160,
     -8.6388097,
     {-.5249651, .6943117, .2940468},
     {-.0592425, .8852182, -.9256604},
     4.8904712,
     {.1132358, 2.6686404, -1.2806954, -2.8011793, 3.8776388, -1.9972047}},
    {"orb-v3-direct-20-omat",
     160,
     8.7596815,
     {-.6802490, -.0859571, .1938263},
     {.6360840, .4139593, -.1098200},
     2.6837454,
     {.8280030, -1.4625719, 1.9774193, -.0238876, 2.4337851, -.9060042}},
    {"orb-v3-direct-inf-mpa",
     464,
     8.6456747,
     {-.7130211, -.1312931, .2472956},
     {.4892035, .4328242, -.1130154},
     2.6922022,
     {.7411459, -1.5240110, 2.0727178, .0204383, 2.3848022, -.8080514}},
    {"orb-v3-conservative-inf-omat",
     464,
     8.6456180,
     {-.1386884, -.0253204, -.2066509},
     {-.1225947, .0661112, -.3594025},
     0.8206045,
     {-.000353, .0065249, -.0118264, .0019738, .0022018, -.0011003}},
};

static void check_row(const golden *row, mds_precision precision, int threads, double tolerance)
{
    static const int a[6] = {0, 1, 2, 1, 0, 0}, b[6] = {0, 1, 2, 2, 2, 1};
    mds_structure structure = {0};
    mds_model_spec spec;
    orb_fixture f;
    double norm = 0.0;

    fixture_golden(&structure);
    fixture_spec(&spec, row->variant, 0, precision);
    CHECK_OK(mds_options_set_number(&spec.options, "threads", threads));
    fixture_open(&f, &spec, &structure);
    assert_int_equal((int)f.state.s->n_edges, row->edges);
    CHECK_NEAR(f.state.s->potential_eV, row->energy, 0.0, tolerance);
    for (int k = 0; k < 3; ++k) {
        CHECK_NEAR(f.state.f[k], row->first[k], 0.0, tolerance);
        CHECK_NEAR(f.state.f[21 + k], row->last[k], 0.0, tolerance);
    }
    for (int k = 0; k < 24; ++k)
        norm += f.state.f[k] * f.state.f[k];
    CHECK_NEAR(sqrt(norm), row->norm, 0.0, tolerance);
    for (int k = 0; k < 6; ++k)
        CHECK_NEAR(-f.state.s->virial_eV[a[k]][b[k]] / f.state.box.volume, row->stress[k], 0.0,
                   tolerance);
    fixture_close(&f);
    mds_structure_fini(&structure);
}

static void test_v2(void **state)
{
    (void)state;
    check_row(&rows[0], MDS_PRECISION_FP64, 1, printed);
}

static void test_v3_direct(void **state)
{
    (void)state;
    check_row(&rows[1], MDS_PRECISION_FP64, 1, printed);
    check_row(&rows[2], MDS_PRECISION_FP64, 2, printed);
}

static void test_v3_conservative(void **state)
{
    (void)state;
    check_row(&rows[3], MDS_PRECISION_FP64, 2, printed);
}

/* The reference itself, in float32, is some 1e-5 from its float64. */
static void test_float32(void **state)
{
    (void)state;
    for (int i = 0; i < 4; ++i)
        check_row(&rows[i], MDS_PRECISION_FP32, 1, 1e-4);
}

static void test_confidence(void **state)
{
    static const double want[5] = {.0004027, .0010090, .0099251, .0009055, .0002070};
    mds_structure structure = {0};
    mds_model_spec spec;
    orb_fixture f;
    double out[8][ORB_BINS], expected[8], sum = 0.0;

    (void)state;
    fixture_golden(&structure);
    fixture_spec(&spec, "orb-v3-direct-20-mpa", 0, MDS_PRECISION_FP64);
    fixture_open(&f, &spec, &structure);
    CHECK_OK(orb_confidence(f.model, out[0]));
    for (int k = 0; k < 5; ++k)
        CHECK_NEAR(out[0][k], want[k], 0.0, printed);
    for (int k = 0; k < ORB_BINS; ++k)
        sum += out[7][k];
    CHECK_NEAR(sum, 1.0, 0.0, 1e-12);
    CHECK_OK(mds_model_expected_error(f.model, expected));
    for (int i = 0; i < 8; ++i) {
        double want_i = 0.0;

        for (int k = 0; k < ORB_BINS; ++k)
            want_i += out[i][k] * (0.006 * k + 0.003); /* eV/Å, bins from 0 to 0.3 */
        CHECK_NEAR(expected[i], want_i, 1e-12, 0.0);
    }
    fixture_close(&f);
    fixture_spec(&spec, "orb-v2", 1, MDS_PRECISION_FP32);
    fixture_open(&f, &spec, &structure);
    assert_int_equal(mds_model_expected_error(f.model, expected), MDS_ERR_UNSUPPORTED);
    fixture_close(&f);
    mds_structure_fini(&structure);
}

static void test_synthetic_numbers(void **state)
{
    static const char key[] = "model.gnn_stacks.0._edge_mlp.mlp.NN-0.weight";
    static const double want[3] = {.0523275, .0474540, .0564575};
    float got[3];

    (void)state;
    assert_true(orb_synthetic_hash(key) == UINT64_C(0x190fd122dd886fc1));
    orb_synthetic_fill(key, 768, 3, got);
    for (int i = 0; i < 3; ++i)
        CHECK_NEAR((double)got[i], want[i], 0.0, printed);
}

static void test_functions_of_an_edge(void **state)
{
    static const double gauss[4] = {.3548028, .7647110, .9996784, .7926401};
    static const double bessel[8] = {.2220296, .1108979, -.1666391, -.1941296,
                                     .0696765, .2289312, .0446685,  -.2066204};
    static const double sh[16] = {1.0,       .8254623,  -.4815197, 1.4445590, 1.5394192,  -.5131397,
                                  -.8588053, -.8979946, .9071578,  1.8537459, -1.1322944, -.4737635,
                                  .9611821,  -.8290862, -.6672449, .0247638};
    const double v[3] = {1.2, -.7, 2.1}, d = sqrt(6.34);
    const double n[3] = {v[0] / d, v[1] / d, v[2] / d};
    double slope, y[ORB_HARMONICS];

    (void)state;
    CHECK_NEAR(d, 2.5179357, 0.0, printed);
    CHECK_NEAR(orb_envelope(d, &slope), .7925284, 0.0, printed);
    for (int k = 0; k < 4; ++k)
        CHECK_NEAR(orb_gaussian(d, k + 3), gauss[k], 0.0, printed);
    for (int k = 0; k < 8; ++k)
        CHECK_NEAR(orb_bessel(d, sqrt(1.0 / 3.0), (k + 1) * MDS_PI / 6.0, &slope), bessel[k], 0.0,
                   printed);
    orb_harmonics(n, y, NULL);
    for (int m = 0; m < 16; ++m)
        CHECK_NEAR(y[m], sh[m], 0.0, printed);
}

/* Central differences with h = 1e-6: truncation 1e-12 times a third derivative of some 1e2,
 * rounding 1e-16/h. */
static void test_slopes(void **state)
{
    const double h = 1e-6;
    const double n0[3] = {.36, -.48, .8};

    (void)state;
    for (double d = 0.7; d < 6.2; d += 0.37) {
        double slope, other;

        orb_envelope(d, &slope);
        CHECK_NEAR(slope, (orb_envelope(d + h, &other) - orb_envelope(d - h, &other)) / (2 * h),
                   1e-8, 1e-8);
        orb_bessel(d, 0.6, 2.1, &slope);
        CHECK_NEAR(slope,
                   (orb_bessel(d + h, 0.6, 2.1, &other) - orb_bessel(d - h, 0.6, 2.1, &other)) /
                       (2 * h),
                   1e-8, 1e-8);
        orb_zbl_edge(15, 9, 1.8, d, &slope);
        CHECK_NEAR(
            slope,
            (orb_zbl_edge(15, 9, 1.8, d + h, &other) - orb_zbl_edge(15, 9, 1.8, d - h, &other)) /
                (2 * h),
            1e-7, 1e-8);
    }
    for (int a = 0; a < 3; ++a) {
        double y[2][ORB_HARMONICS], middle[ORB_HARMONICS], jacobian[ORB_HARMONICS][3];

        orb_harmonics(n0, middle, jacobian);
        for (int side = 0; side < 2; ++side) {
            double n[3] = {n0[0], n0[1], n0[2]};

            n[a] += side ? h : -h;
            orb_harmonics(n, y[side], NULL);
        }
        for (int m = 0; m < ORB_HARMONICS; ++m)
            CHECK_NEAR(jacobian[m][a], (y[1][m] - y[0][m]) / (2 * h), 1e-8, 1e-8);
    }
    double slope;
    assert_true(orb_envelope(6.0, &slope) == 0.0);
    assert_true(slope == 0.0);
}

/* Whatever the direction, the squares of each l sum to 2l + 1. */
static void test_harmonics_turn_together(void **state)
{
    (void)state;
    for (int i = 0; i < 200; ++i) {
        double n[3], y[ORB_HARMONICS], norm = 0.0;

        for (int a = 0; a < 3; ++a) {
            n[a] = mds_rng_normal(3, MDS_RNG_TEST, 0, (uint64_t)i, (uint32_t)a);
            norm += n[a] * n[a];
        }
        for (int a = 0; a < 3; ++a)
            n[a] /= sqrt(norm);
        orb_harmonics(n, y, NULL);
        for (int l = 0, m = 0; l < 4; ++l) {
            double sum = 0.0;

            for (int k = 0; k < 2 * l + 1; ++k, ++m)
                sum += y[m] * y[m];
            CHECK_NEAR(sum, 2.0 * l + 1.0, 0.0, 1e-13);
        }
    }
}

/* Silicon and oxygen at 1.2 Å: both directed edges. */
static void test_repulsion(void **state)
{
    double slope;
    const double reach = orb_covalent_radius[15] + orb_covalent_radius[9];

    (void)state;
    CHECK_NEAR(2.0 * orb_zbl_edge(15, 9, reach, 1.2, &slope), .2846637, 0.0, printed);
    CHECK_NEAR(-2.0 * slope, 2.5637685, 0.0, printed);
    assert_true(orb_zbl_edge(15, 9, reach, reach, &slope) == 0.0 && slope == 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions_of_an_edge),
        cmocka_unit_test(test_slopes),
        cmocka_unit_test(test_harmonics_turn_together),
        cmocka_unit_test(test_repulsion),
        cmocka_unit_test(test_synthetic_numbers),
        cmocka_unit_test(test_v2),
        cmocka_unit_test(test_v3_direct),
        cmocka_unit_test(test_v3_conservative),
        cmocka_unit_test(test_confidence),
        cmocka_unit_test(test_float32),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

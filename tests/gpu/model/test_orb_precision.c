/* Orb networks on CUDA in the precisions of a GPU against float64 on the CPU: the ladder of the
 * errors, at reduced depth. Errors are of forces, relative to the largest one.
 *
 * A number cut to 11 bits has an error of up to 5e-4; over the layers and the mean over neighbours
 * that becomes some 1e-3 of a force, with published depth 1.5e-2. float32 is 24 bits: 1e-7, in a
 * sum of a thousand 1e-6. Products in three parts keep 22 bits. */
#include "gpu_orb.h"

static double error_of(const char *variant, mds_precision precision, double *energy)
{
    mds_structure s;
    twins t;
    double worst = 0.0;

    orb_structure(&s, SMALL_CELL);
    twins_open(&t, variant, 1, MDS_PRECISION_FP64, precision);
    twins_prepare(&t, &s);
    const outcome want = twins_compute(&t, 0, MDS_WANT_VIRIAL);
    const outcome got = twins_compute(&t, 1, MDS_WANT_VIRIAL);
    const outcome again = twins_compute(&t, 1, MDS_WANT_VIRIAL);

    check_bits(&again, &got);
    assert_int_equal(twins_fault(&t), MDS_FAULT_NONE);
    assert_true(got.s.n_edges == want.s.n_edges);
    for (int k = 0; k < 3 * s.n; ++k)
        worst = fmax(worst, fabs(got.f[k] - want.f[k]) / largest_of(want.f, 3 * s.n));
    *energy = fabs(got.s.potential_eV - want.s.potential_eV) / s.n;
    printf("%s, %s: forces %.1e of the largest, energy %.1e eV/atom\n", variant,
           mds_precision_name(precision), worst, *energy);
    twins_close(&t);
    mds_structure_fini(&s);
    return worst;
}

static void check_ladder(const char *variant)
{
    double energy;
    const double fp32 = error_of(variant, MDS_PRECISION_FP32, &energy);

    assert_true(fp32 < 2e-5 && energy < 1e-5);
    assert_true(error_of(variant, MDS_PRECISION_TF32X3, &energy) < 2e-5 && energy < 1e-5);
    const double tf32 = error_of(variant, MDS_PRECISION_TF32, &energy);
    /* That it is no less than ten times float32's shows that the products were the cut ones. */
    assert_true(tf32 < 2e-2 && tf32 > 10.0 * fp32 && energy < 2e-2);
}

static void test_v2(void **state)
{
    (void)state;
    check_ladder("orb-d3-sm-v2");
}

static void test_v3_conservative(void **state)
{
    (void)state;
    check_ladder("orb-v3-conservative-20-omat");
}

/* Only tensor cores have these. */
static void test_the_host_has_no_tensor_cores(void **state)
{
    const mds_model_spec spec = twins_spec("orb-v2", 1, MDS_PRECISION_TF32);
    mds_device *device;
    mds_model *model;

    (void)state;
    CHECK_OK(mds_device_open("cpu", &device));
    CHECK_FAILS(mds_model_create(&spec, device, &model), MDS_ERR_UNSUPPORTED, "CUDA devices");
    mds_device_close(device);
}

/* Recorded too: the parts of a product in three parts have their room from the first step. */
static void test_products_in_parts_are_recorded(void **state)
{
    mds_graph *graph = NULL;
    mds_structure s;
    twins t;

    (void)state;
    orb_structure(&s, SMALL_CELL);
    twins_open(&t, "orb-d3-xs-v2", 1, MDS_PRECISION_FP32, MDS_PRECISION_TF32X3);
    if (!mds_device_has_graphs(t.device[1]))
        skip();
    twins_prepare(&t, &s);
    const outcome want = twins_compute(&t, 1, MDS_WANT_VIRIAL);
    CHECK_OK(mds_device_graph_begin(t.device[1]));
    CHECK_OK(mds_model_compute(t.model[1], &t.state[1], MDS_WANT_VIRIAL));
    CHECK_OK(mds_device_graph_end(t.device[1], &graph));
    CHECK_OK(mds_device_graph_launch(t.device[1], graph));
    const outcome got = twins_look(&t, 1);
    check_bits(&got, &want);
    mds_device_graph_destroy(t.device[1], graph);
    twins_close(&t);
    mds_structure_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_v2),
        cmocka_unit_test(test_v3_conservative),
        cmocka_unit_test(test_the_host_has_no_tensor_cores),
        cmocka_unit_test(test_products_in_parts_are_recorded),
    };
    mds_device *device;

    if (mds_device_open("cuda:0", &device) != MDS_OK) {
        printf("skipped: %s\n", mds_error());
        return 77;
    }
    mds_device_close(device);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

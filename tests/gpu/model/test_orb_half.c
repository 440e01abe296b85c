/* Orb networks with float16 operands on CUDA against float64 on the CPU, at reduced depth: the
 * whole model. Errors of forces are relative to the largest one. */
#include "gpu_orb.h"

#include <cuda_runtime.h>

/* spec/orb.md section 5: forces at published depth 1.5e-2 (v2) and 5.6e-3 (v3) off, relative to
 * their root mean square; here with fewer layers, relative to the largest, and never as little as
 * float32's 2e-5 (in test_orb_precision.c), or these would be no halves. */
static void check_structure(twins *t, int which)
{
    mds_structure s;

    orb_structure(&s, which);
    twins_prepare(t, &s);
    for (int step = 0; step < (which == MOLECULE ? 2 : 1); ++step) { /* the cell takes long */
        const unsigned want = step || which != MOLECULE ? MDS_WANT_VIRIAL : 0;
        const outcome exact = twins_compute(t, 0, want), got = twins_compute(t, 1, want);
        const double worst = check_near(&got, &exact, 1.5e-2);

        assert_int_equal(twins_fault(t), MDS_FAULT_NONE);
        printf("  structure %d: forces differ by %.1e of the largest at most\n", which, worst);
        assert_true(worst > 2e-5 || exact.s.n_edges == 0.0);
        orb_shake(&s, step ? 0.2 : 0.02, (uint64_t)step);
        twins_move(t, &s);
    }
    mds_structure_fini(&s);
}

static void check_variant(const char *variant, int layers, const int *structures, int count)
{
    twins t;

    printf("%s, %d layers\n", variant, layers);
    twins_open(&t, variant, layers, MDS_PRECISION_FP64, MDS_PRECISION_FP16);
    for (int k = 0; k < count; ++k)
        check_structure(&t, structures[k]);
    twins_close(&t);
}

static const int structures[] = {SMALL_CELL, MOLECULE};

static void test_v2(void **state)
{
    (void)state;
    check_variant("orb-v2", 1, structures, 1);
    check_variant("orb-v2", 2, structures + 1, 1);
}

static void test_v3(void **state)
{
    (void)state;
    check_variant("orb-v3-direct-20-omat", 2, structures + 1, 1);
    check_variant("orb-v3-direct-inf-mpa", 1, structures + 1, 1);
}

/* Depth as published, to see that halves do as well there as the specification says. Takes long. */
static void test_full_depth(void **state)
{
    (void)state;
    if (!getenv("MDSWEEP_TEST_ALL"))
        skip();
    check_variant("orb-v2", 15, structures, 2);
    check_variant("orb-v3-direct-20-mpa", 5, structures, 2);
}

/* Kernels run so far, where that can be known. */
static int64_t launches(void)
{
#ifdef MDS_CUDA_SHIM
    return mds_shim_kernel_count(NULL);
#else
    return 0;
#endif
}

/* A step is one graph, which serves while atoms move, and gives the bits of its kernels one by one.
 */
static int64_t check_recorded(const char *variant, int layers)
{
    mds_graph *graph = NULL;
    mds_structure s;
    twins t;
    int64_t launched = 0;

    orb_structure(&s, MOLECULE);
    twins_open(&t, variant, layers, MDS_PRECISION_FP32, MDS_PRECISION_FP16);
    if (!mds_device_has_graphs(t.device[1]))
        skip();
    twins_prepare(&t, &s);
    twins_compute(&t, 1, MDS_WANT_VIRIAL);
    CHECK_OK(mds_device_graph_begin(t.device[1]));
    CHECK_OK(mds_model_compute(t.model[1], &t.state[1], MDS_WANT_VIRIAL));
    CHECK_OK(mds_device_graph_end(t.device[1], &graph));
    const int64_t generation = mds_device_generation(t.device[1]);
    for (int step = 0; step < 2; ++step) {
        orb_shake(&s, step ? 0.2 : 0.02, 40 + (uint64_t)step);
        twins_move(&t, &s);
        const int64_t before = launches();
        CHECK_OK(mds_device_graph_launch(t.device[1], graph));
        const outcome got = twins_look(&t, 1);
        launched = launches() - before;
        const outcome eager = twins_compute(&t, 1, MDS_WANT_VIRIAL);
        check_bits(&eager, &got);
    }
    assert_int_equal(mds_device_generation(t.device[1]), generation);
    mds_device_graph_destroy(t.device[1], graph);
    twins_close(&t);
    mds_structure_fini(&s);
    return launched;
}

/* List and graph, features, their halves, the start of atoms, encoder, and mean, heads, what they
 * mean; a layer is six: network of edges, sums, three products, norm and products. */
enum { LAUNCHES = 5 + 1 + 1 + 1 + 1 + 3, OF_A_LAYER = 6 };

static void test_recorded_steps(void **state)
{
    (void)state;
    const int64_t one = check_recorded("orb-d3-xs-v2", 1);
    const int64_t two = check_recorded("orb-d3-xs-v2", 2);

    if (!one)
        skip();
    assert_int_equal(one, LAUNCHES + OF_A_LAYER);
    assert_int_equal(two, LAUNCHES + 2 * OF_A_LAYER);
}

/* Neither the host nor conservative models have it. */
static void test_who_has_it(void **state)
{
    const mds_model_spec direct = twins_spec("orb-v2", 1, MDS_PRECISION_FP16);
    const mds_model_spec gradient =
        twins_spec("orb-v3-conservative-20-omat", 1, MDS_PRECISION_FP16);
    mds_device *cpu, *cuda;
    mds_model *model;

    (void)state;
    CHECK_OK(mds_device_open("cpu", &cpu));
    CHECK_OK(mds_device_open("cuda:0", &cuda));
    CHECK_FAILS(mds_model_create(&direct, cpu, &model), MDS_ERR_UNSUPPORTED, "CUDA devices");
    CHECK_FAILS(mds_model_create(&gradient, cuda, &model), MDS_ERR_UNSUPPORTED, "direct models");
    mds_device_close(cpu);
    mds_device_close(cuda);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_v2),         cmocka_unit_test(test_v3),
        cmocka_unit_test(test_full_depth), cmocka_unit_test(test_recorded_steps),
        cmocka_unit_test(test_who_has_it),
    };
    mds_device *device;

    if (mds_device_open("cuda:0", &device) != MDS_OK) {
        printf("skipped: %s\n", mds_error());
        return 77;
    }
    mds_device_close(device);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

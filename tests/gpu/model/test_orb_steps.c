/* Steps of Orb networks on CUDA: a recorded one serves as atoms move and the list is built anew,
 * gives the bits of its kernels one by one, neither allocates nor waits, and is void once the graph
 * was given more room; what happens without room. */
#include "gpu_orb.h"

#include <cuda_runtime.h>

/* A step's work, recorded. */
static mds_graph *record(twins *t)
{
    mds_graph *graph = NULL;
    const int64_t generation = mds_device_generation(t->device[1]);

    CHECK_OK(mds_device_graph_begin(t->device[1]));
    CHECK_OK(mds_model_compute(t->model[1], &t->state[1], MDS_WANT_VIRIAL));
    CHECK_OK(mds_device_graph_end(t->device[1], &graph));
    assert_int_equal(mds_device_generation(t->device[1]), generation);
    return graph;
}

/* float64 on both sides: 1e-10 as in test_orb.c. The second and third motion are beyond the skin,
 * and the cluster's number of edges changes with each. */
static void check_recorded(const char *variant, int which)
{
    mds_structure s;
    twins t;
    double rebuilt = 0.0;

    orb_structure(&s, which);
    twins_open(&t, variant, 1, MDS_PRECISION_FP64, MDS_PRECISION_FP64);
    twins_prepare(&t, &s);
    twins_compute(&t, 1, MDS_WANT_VIRIAL);
    mds_graph *graph = record(&t);
    for (int step = 0; step < 4; ++step) {
        orb_shake(&s, step == 0 ? 0.02 : 0.25, 30 + (uint64_t)step);
        twins_move(&t, &s);
        CHECK_OK(mds_device_graph_launch(t.device[1], graph));
        const outcome got = twins_look(&t, 1), want = twins_compute(&t, 0, MDS_WANT_VIRIAL);

        check_near(&got, &want, 1e-10);
        rebuilt += got.s.rebuilt;
        const outcome eager = twins_compute(&t, 1, MDS_WANT_VIRIAL);
        check_bits(&eager, &got);
    }
    assert_true(rebuilt >= 1.0 && rebuilt < 4.0);
    mds_device_graph_destroy(t.device[1], graph);
    twins_close(&t);
    mds_structure_fini(&s);
}

static void test_recorded_steps(void **state)
{
    mds_device *device;

    (void)state;
    CHECK_OK(mds_device_open("cuda:0", &device));
    const bool has = mds_device_has_graphs(device);
    mds_device_close(device);
    if (!has)
        skip();
    check_recorded("orb-v2", SMALL_CELL);
    check_recorded("orb-v3-conservative-inf-mpa", MOLECULE);
}

/* Another model, other memory, the same bits; and again after it has seen other atoms. */
static void test_results_repeat(void **state)
{
    mds_structure s, other;
    outcome first = {0};

    (void)state;
    orb_structure(&s, SMALL_CELL);
    orb_structure(&other, ONE_ATOM);
    for (int pass = 0; pass < 2; ++pass) {
        twins t;

        twins_open(&t, "orb-v3-conservative-20-omat", 1, MDS_PRECISION_FP32, MDS_PRECISION_FP32);
        if (pass) {
            twins_prepare(&t, &other);
            twins_compute(&t, 1, 0);
        }
        twins_prepare(&t, &s);
        for (int again = 0; again < 2; ++again) {
            const outcome now = twins_compute(&t, 1, MDS_WANT_VIRIAL);

            if (pass == 0 && again == 0)
                first = now;
            check_bits(&now, &first);
        }
        twins_close(&t);
    }
    mds_structure_fini(&s);
    mds_structure_fini(&other);
}

static void scale(mds_structure *s, double by)
{
    for (int k = 0; k < 3 * s->n; ++k)
        s->x[k] *= by;
}

static int room_of(const twins *t)
{
    return ((const orb *)t->model[1])->edges.room;
}

/* A cluster that contracts has ever more edges. As long as room is given when `fill` asks for it,
 * as runs do, nothing is lost; float32 through one layer is good to 1e-5 of the largest force. */
static void test_room_grows(void **state)
{
    enum { WANTED = 1 };
    mds_structure s;
    twins t;
    int grown = 0;

    (void)state;
    orb_scatter(&s, 24, 14.0, false);
    twins_open(&t, "orb-v3-direct-inf-omat", 1, MDS_PRECISION_FP32, MDS_PRECISION_FP32);
    twins_prepare(&t, &s);
    for (int step = 0; step < 60 && grown < WANTED; ++step) {
        const int before = room_of(&t);
        const outcome got = twins_compute(&t, 1, 0);

        assert_int_equal(got.s.fault, MDS_FAULT_NONE);
        assert_true(step == 0 || room_of(&t) == before);
        if (got.s.fill > 0.85) {
            const int64_t generation = mds_device_generation(t.device[1]);

            CHECK_OK(mds_model_make_room(t.model[1], &t.state[1]));
            assert_int_not_equal(mds_device_generation(t.device[1]), generation);
            assert_true(room_of(&t) > before);
            const outcome roomy = twins_compute(&t, 1, 0), want = twins_compute(&t, 0, 0);
            check_near(&roomy, &want, 1e-5);
            check_bits(&roomy, &got);
            assert_true(roomy.s.fill < 0.85);
            ++grown;
        }
        scale(&s, 0.993);
        twins_move(&t, &s);
    }
    assert_int_equal(grown, WANTED);
    scale(&s, 0.3); /* all at once within 6 Å: more than any room that was not asked for */
    twins_move(&t, &s);
    const outcome stopped = twins_compute(&t, 1, 0);
    CHECK_FAILS(
        mds_scalars_check_fault(&(mds_scalars){.fault = twins_fault(&t), .fault_value = 552.0}),
        MDS_ERR_CAPACITY, "graph has 552 edges");
    assert_true(isfinite(stopped.s.potential_eV)); /* of the step before */
    twins_close(&t);
    mds_structure_fini(&s);
}

/* Where the number is limited, there is room for all from the start. The kernels of a step, besides
 * those of its products, as docs/performance.md counts them: 5 of list and graph, 3 of features and
 * tables, 3 of the encoder, 8 of the layer, 8 of the heads. */
static void test_few_neighbors_have_room(void **state)
{
    mds_structure s;
    twins t;

    (void)state;
    orb_structure(&s, MOLECULE);
    twins_open(&t, "orb-d3-xs-v2", 1, MDS_PRECISION_FP32, MDS_PRECISION_FP32);
    twins_prepare(&t, &s);
    twins_compute(&t, 1, 0);
    assert_int_equal(room_of(&t), 20 * 5);
#ifdef MDS_CUDA_SHIM
    const int64_t before = mds_shim_kernel_count(NULL);

    twins_compute(&t, 1, MDS_WANT_VIRIAL);
    assert_int_equal(mds_shim_kernel_count(NULL) - before, 27);
#endif
    twins_close(&t);
    mds_structure_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded_steps),
        cmocka_unit_test(test_results_repeat),
        cmocka_unit_test(test_room_grows),
        cmocka_unit_test(test_few_neighbors_have_room),
    };
    mds_device *device;

    if (mds_device_open("cuda:0", &device) != MDS_OK) {
        printf("skipped: %s\n", mds_error());
        return 77;
    }
    mds_device_close(device);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

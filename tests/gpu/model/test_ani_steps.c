/* Steps of ANI networks on CUDA: recorded and launched again, timed by components, with a list that
 * needs more room, with atoms that are not a number. On a GPU, or on the shim. */
#include "ani_sides.h"

/* Where components are timed the networks run in two launches: the same bits. */
static void components(void **state)
{
    static const mds_region seen[] = {MDS_REGION_NEIGHBOR, MDS_REGION_DESCRIPTOR,
                                      MDS_REGION_NETWORK, MDS_REGION_NETWORK_BACKWARD,
                                      MDS_REGION_FORCES};
    static const char *const ways[] = {"fused", "products"};
    mds_structure s = scatter(2.7 * cbrt(33), mixture, 11, 33, true);

    (void)state;
    for (int k = 0; k < 2; ++k) {
        const choice c = {folder, MDS_PRECISION_FP32, -1, ways[k], 0.0};
        mds_regions regions = {.device = cuda};
        side b;

        open_side(&b, cuda, &c, &s);
        mds_model_set_regions(b.model, &regions);
        const outcome whole = side_compute(&b, MDS_WANT_VIRIAL);
        regions.on = true;
        mds_regions_reset(&regions);
        const outcome parts = side_compute(&b, MDS_WANT_VIRIAL);
        mds_regions_collect(&regions);
        check_bits(&parts, &whole);
        for (size_t r = 0; r < sizeof seen / sizeof *seen; ++r)
            assert_true(regions.seen[seen[r]]);
        free(whole.f);
        free(parts.f);
        side_close(&b);
    }
    mds_structure_fini(&s);
}

/* One recording serves as atoms move, also when the list has to be rebuilt, and gives the bits that
 * its kernels give one by one. */
static void recorded_steps(void **state)
{
    mds_structure s = scatter(2.7 * cbrt(33), mixture, 11, 33, true);
    double rebuilt = 0.0;

    (void)state;
    if (!mds_device_has_graphs(cuda))
        skip();
    for (int form = 0; form < 3; ++form) {
        const choice c = {
            folder,
            (mds_precision[]){MDS_PRECISION_FP64, MDS_PRECISION_FP32, MDS_PRECISION_TF32X3}[form],
            form == 1 ? 1 : -1, NULL, 0.0};
        mds_graph *graph = NULL;
        side a, b, eager;

        open_side(&a, cpu, &c, &s);
        open_side(&b, cuda, &c, &s);
        open_side(&eager, cuda, &c, &s);
        CHECK_OK(mds_model_compute(eager.model, &eager.state, MDS_WANT_VIRIAL));
        for (int warm = 0; warm < 2; ++warm)
            CHECK_OK(mds_model_compute(b.model, &b.state, MDS_WANT_VIRIAL));
        const int64_t generation = mds_device_generation(cuda);
        CHECK_OK(mds_device_graph_begin(cuda));
        CHECK_OK(mds_model_compute(b.model, &b.state, MDS_WANT_VIRIAL));
        CHECK_OK(mds_device_graph_end(cuda, &graph));
        assert_int_equal(mds_device_generation(cuda), generation);
        for (int step = 0; step < 6; ++step) {
            shake(&s, step % 2 ? 0.05 : 0.01, 200 + (uint64_t)step);
            for (int k = 0; step % 3 == 2 && k < 3 * s.n; ++k) /* beyond any skin */
                s.x[k] += 0.9;
            side_move(&a, &s);
            side_move(&b, &s);
            side_move(&eager, &s);
            CHECK_OK(mds_device_graph_launch(cuda, graph));
            const outcome want = side_compute(&a, MDS_WANT_VIRIAL), got = side_look(&b);
            const outcome plain = side_compute(&eager, MDS_WANT_VIRIAL);

            check_close(&got, &want, tolerance_of(&c), true);
            check_bits(&plain, &got);
            rebuilt += got.s.rebuilt;
            free(want.f);
            free(got.f);
            free(plain.f);
        }
        mds_device_graph_destroy(cuda, graph);
        side_close(&a);
        side_close(&b);
        side_close(&eager);
    }
    assert_true(rebuilt >= 6.0);
    mds_structure_fini(&s);
}

/* A gas that becomes dense: the rows of the list get more room, and what depends on their size with
 * them. */
static void more_room(void **state)
{
    mds_structure s = scatter(17.0, mixture, 11, 33, true), dense;
    const choice c = {folder, MDS_PRECISION_FP64, -1, NULL, 0.1};
    side a, b;

    (void)state;
    open_side(&a, cpu, &c, &s);
    open_side(&b, cuda, &c, &s);
    const outcome first = side_compute(&b, 0);
    const int64_t generation = mds_device_generation(cuda);

    free(first.f);
    for (int step = 1; step < 60; ++step) {
        const double shrink = pow(0.985, step);
        double h[3][3];

        CHECK_OK(mds_structure_copy(&dense, &s));
        for (int k = 0; k < 9; ++k)
            h[k / 3][k % 3] = shrink * s.box.h[k / 3][k % 3];
        CHECK_OK(mds_box_set(&dense.box, (const double(*)[3])h, s.box.periodic));
        for (int k = 0; k < 3 * s.n; ++k)
            dense.x[k] *= shrink;
        a.state.box = b.state.box = dense.box;
        CHECK_OK(mds_state_push_block(&b.state));
        side_move(&a, &dense);
        side_move(&b, &dense);
        CHECK_OK(mds_model_make_room(b.model, &b.state));
        const outcome want = side_compute(&a, MDS_WANT_VIRIAL);
        const outcome got = side_compute(&b, MDS_WANT_VIRIAL);
        check_close(&got, &want, 1e-10, true);
        free(want.f);
        free(got.f);
        mds_structure_fini(&dense);
    }
    assert_true(mds_device_generation(cuda) > generation);
    side_close(&a);
    side_close(&b);
    mds_structure_fini(&s);
}

/* Another model, other memory, the same bits; and the same model with other atoms in between. */
static void results_repeat(void **state)
{
    mds_structure s = scatter(2.7 * cbrt(65), mixture, 11, 65, true);
    mds_structure other = scatter(6.0, carbon, 1, 7, true);
    const choice c = {folder, MDS_PRECISION_FP32, -1, NULL, 0.0};
    mds_state between;
    outcome first = {0};

    (void)state;
    CHECK_OK(mds_state_init(&between, cuda, &other));
    for (int pass = 0; pass < 3; ++pass) {
        side b;

        open_side(&b, cuda, &c, &s);
        if (pass == 2) {
            CHECK_OK(mds_model_compute(b.model, &b.state, 0));
            CHECK_OK(mds_model_prepare(b.model, &between));
            CHECK_OK(mds_model_compute(b.model, &between, 0));
            CHECK_OK(mds_model_prepare(b.model, &b.state));
        }
        const outcome now = side_compute(&b, MDS_WANT_VIRIAL);
        if (pass == 0) {
            first = now;
        } else {
            check_bits(&now, &first);
            assert_memory_equal(now.s.virial_eV, first.s.virial_eV, sizeof now.s.virial_eV);
            free(now.f);
        }
        side_close(&b);
    }
    free(first.f);
    mds_state_fini(&between);
    mds_structure_fini(&s);
    mds_structure_fini(&other);
}

/* What is not a number ends the trajectory, and the state stays as it was found. */
static void faults(void **state)
{
    mds_structure s = scatter(6.0, mixture, 11, 11, true), hot;
    const choice c = {folder, MDS_PRECISION_FP32, -1, NULL, 0.0};
    side b;

    (void)state;
    CHECK_OK(mds_structure_copy(&hot, &s));
    hot.x[3 * 7 + 1] = NAN;
    open_side(&b, cuda, &c, &s);
    const outcome good = side_compute(&b, 0);
    side_move(&b, &hot);
    const outcome bad = side_compute(&b, 0);
    assert_int_equal(bad.d.fault, MDS_FAULT_NOT_FINITE);
    assert_memory_equal(bad.f, good.f, (size_t)s.n * 3 * sizeof *good.f);
    free(good.f);
    free(bad.f);
    side_close(&b);
    mds_structure_fini(&s);
    mds_structure_fini(&hot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_CUDA(components),     ON_CUDA(recorded_steps), ON_CUDA(more_room),
        ON_CUDA(results_repeat), ON_CUDA(faults),
    };

    return run_on_cuda(tests, sizeof tests / sizeof *tests);
}

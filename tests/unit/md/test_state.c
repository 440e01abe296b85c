#include "md/state.h"

#include "base/units.h"
#include "harness/test.h"

typedef struct world {
    mds_device *device;
    mds_structure structure;
    mds_state state;
} world;

/* n atoms of H, O and Cu in turn. */
static void open_world(world *w, const char *device, int n, bool with_velocities)
{
    static const int z[3] = {1, 8, 29};

    memset(w, 0, sizeof *w);
    CHECK_OK(mds_device_open(device, &w->device));
    CHECK_OK(mds_structure_init(&w->structure, n, with_velocities));
    CHECK_OK(mds_box_set_orthogonal(&w->structure.box, 10, 11, 12));
    for (int i = 0; i < n; ++i) {
        w->structure.type[i] = mds_species_add(&w->structure.species, z[i % 3]);
        w->structure.mass[i] = mds_element_mass(z[i % 3]);
        for (int k = 0; k < 3; ++k)
            w->structure.x[3 * i + k] = i + 0.1 * k;
    }
    if (!with_velocities)
        CHECK_OK(mds_state_init(&w->state, w->device, &w->structure));
}

static void close_world(world *w)
{
    mds_device_memory memory;

    mds_state_fini(&w->state);
    mds_device_get_memory(w->device, &memory);
    assert_int_equal(memory.used, 0);
    mds_structure_fini(&w->structure);
    mds_device_close(w->device);
}

static void goes_to_the_device_and_back(void **unused)
{
    static const char *const devices[] = {"cpu", "sim"};

    (void)unused;
    for (int d = 0; d < 2; ++d) {
        mds_structure back;
        mds_scalars scalars;
        world w;

        open_world(&w, devices[d], 7, false);
        assert_int_equal(w.state.degrees_of_freedom, 18);
        CHECK_OK(mds_state_fetch(&w.state, &back));
        assert_memory_equal(back.x, w.structure.x, 21 * sizeof(double));
        assert_memory_equal(back.mass, w.structure.mass, 7 * sizeof(double));
        assert_memory_equal(back.type, w.structure.type, 7 * sizeof(int));
        assert_memory_equal(&back.box, &w.structure.box, sizeof back.box);
        for (int k = 0; k < 21; ++k)
            assert_true(back.v[k] == 0.0);
        mds_structure_fini(&back);
        CHECK_OK(mds_state_fetch_scalars(&w.state, &scalars));
        assert_true(scalars.potential_eV == 0.0 && scalars.dangerous == 0.0);
        close_world(&w);
    }
}

static void counts_degrees_of_freedom(void **unused)
{
    world w;

    (void)unused;
    open_world(&w, "cpu", 3, true);
    w.structure.v[0] = 0.01;
    CHECK_OK(mds_state_init(&w.state, w.device, &w.structure));
    assert_int_equal(w.state.degrees_of_freedom, 9); /* it drifts */
    mds_state_fini(&w.state);
    w.structure.v[3] = -0.01 * w.structure.mass[0] / w.structure.mass[1];
    CHECK_OK(mds_state_init(&w.state, w.device, &w.structure));
    assert_int_equal(w.state.degrees_of_freedom, 6);
    assert_true(w.state.v[0] == 0.01);
    close_world(&w);
}

static void refuses_bad_structures(void **unused)
{
    world w;

    (void)unused;
    open_world(&w, "cpu", 3, true);
    w.structure.mass[1] = 0.0;
    CHECK_FAILS(mds_state_init(&w.state, w.device, &w.structure), MDS_ERR_CONFIG,
                "atom 2 has mass");
    assert_null(w.state.x);
    w.structure.mass[1] = 1.0;
    w.structure.n = 0;
    CHECK_FAILS(mds_state_init(&w.state, w.device, &w.structure), MDS_ERR_CONFIG, "without atoms");
    close_world(&w);
}

static void gives_back_memory_when_it_runs_out(void **unused)
{
    mds_device_memory memory;
    world w;

    (void)unused;
    open_world(&w, "sim:1", 20000, true); /* 1.4 MB of positions, velocities and forces in 1 MiB */
    assert_true(mds_state_init(&w.state, w.device, &w.structure) == MDS_ERR_NOMEM);
    mds_device_get_memory(w.device, &memory);
    assert_int_equal(memory.used, 0);
    close_world(&w);
}

static void draws_the_exact_temperature(void **unused)
{
    static const double temperatures[] = {300.0, 1.0, 5000.0};

    (void)unused;
    for (int t = 0; t < 3; ++t)
        for (int n = 2; n < 200; n = n * 3 + 1) {
            double p[3] = {0};
            world w;

            open_world(&w, "cpu", n, false);
            CHECK_OK(mds_state_draw_velocities(&w.state, temperatures[t], 99));
            assert_int_equal(w.state.degrees_of_freedom, 3 * n - 3);
            mds_state_kinetic_cpu(&w.state);
            /* Sums of n terms. */
            CHECK_NEAR(mds_state_temperature(&w.state, w.state.s->kinetic_eV), temperatures[t],
                       1e-13, 0.0);
            for (int i = 0; i < n; ++i)
                for (int k = 0; k < 3; ++k)
                    p[k] += w.state.mass[i] * w.state.v[3 * i + k];
            for (int k = 0; k < 3; ++k) /* momenta are below 1 u Å/fs each */
                CHECK_NEAR(p[k], 0.0, 0.0, 1e-14 * n);
            close_world(&w);
        }
}

static void draws_by_seed_and_on_any_device(void **unused)
{
    world a, b, c;

    (void)unused;
    open_world(&a, "cpu", 30, false);
    open_world(&b, "sim", 30, false);
    open_world(&c, "cpu", 30, false);
    CHECK_OK(mds_state_draw_velocities(&a.state, 300.0, 7));
    CHECK_OK(mds_state_draw_velocities(&b.state, 300.0, 7));
    CHECK_OK(mds_state_draw_velocities(&c.state, 300.0, 8));
    assert_memory_equal(a.state.v, b.state.v, 90 * sizeof(double));
    assert_memory_not_equal(a.state.v, c.state.v, 90 * sizeof(double));
    CHECK_OK(mds_state_draw_velocities(&a.state, 0.0, 7));
    for (int k = 0; k < 90; ++k)
        assert_true(a.state.v[k] == 0.0);
    CHECK_FAILS(mds_state_draw_velocities(&a.state, -1.0, 7), MDS_ERR_CONFIG, "-1 K");
    CHECK_FAILS(mds_state_draw_velocities(&a.state, NAN, 7), MDS_ERR_CONFIG, "K");
    close_world(&a);
    close_world(&b);
    close_world(&c);
}

static void leaves_a_lone_atom_at_rest(void **unused)
{
    world w;

    (void)unused;
    open_world(&w, "cpu", 1, false);
    CHECK_OK(mds_state_draw_velocities(&w.state, 300.0, 7));
    for (int k = 0; k < 3; ++k)
        assert_true(w.state.v[k] == 0.0);
    assert_true(mds_state_temperature(&w.state, 0.0) == 0.0);
    close_world(&w);
}

/* Energy per component is (1/2) k_B T, equally for light and heavy atoms: the mean of χ² over 6000
 * components has a standard error of √(2/6000) = 0.018; 5 of them: a false alarm in 1.7 million. */
static void shares_energy_equally(void **unused)
{
    enum { N = 6000 };
    double sum[3] = {0}, fourth = 0.0;
    world w;

    (void)unused;
    open_world(&w, "cpu", N, false);
    CHECK_OK(mds_state_draw_velocities(&w.state, 300.0, 1));
    for (int i = 0; i < N; ++i)
        for (int k = 0; k < 3; ++k) {
            const double v = w.state.v[3 * i + k];
            const double chi2 = w.state.mass[i] * v * v * MDS_MVV_TO_EV /
                                (MDS_BOLTZMANN_EV * 300.0);

            sum[i % 3] += chi2 / N;
            fourth += chi2 * chi2 / (3.0 * N);
        }
    for (int kind = 0; kind < 3; ++kind)
        CHECK_NEAR(sum[kind], 1.0, 0.0, 5.0 * sqrt(2.0 / N));
    /* ⟨z⁴⟩ = 3 with variance 96 per sample. */
    CHECK_NEAR(fourth, 3.0, 0.0, 5.0 * sqrt(96.0 / (3.0 * N)));
    close_world(&w);
}

static void sums_the_kinetic_tensor(void **unused)
{
    world w;
    double trace = 0.0;

    (void)unused;
    open_world(&w, "cpu", 2, true);
    w.structure.v[0] = 0.03; /* H: x and y */
    w.structure.v[1] = -0.02;
    w.structure.v[5] = 0.01; /* O: z */
    CHECK_OK(mds_state_init(&w.state, w.device, &w.structure));
    mds_state_kinetic_cpu(&w.state);
    const double(*tensor)[3] = (const double(*)[3])w.state.s->kinetic_tensor_eV;
    CHECK_NEAR(tensor[0][1], 1.008 * 0.03 * -0.02 * MDS_MVV_TO_EV, 1e-14, 0.0);
    CHECK_NEAR(tensor[2][2], 15.999 * 1e-4 * MDS_MVV_TO_EV, 1e-14, 0.0);
    assert_true(tensor[1][0] == tensor[0][1] && tensor[0][2] == 0.0);
    for (int k = 0; k < 3; ++k)
        trace += tensor[k][k];
    CHECK_NEAR(w.state.s->kinetic_eV, 0.5 * trace, 1e-14, 0.0);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_to_the_device_and_back),
        cmocka_unit_test(counts_degrees_of_freedom),
        cmocka_unit_test(refuses_bad_structures),
        cmocka_unit_test(gives_back_memory_when_it_runs_out),
        cmocka_unit_test(draws_the_exact_temperature),
        cmocka_unit_test(draws_by_seed_and_on_any_device),
        cmocka_unit_test(leaves_a_lone_atom_at_rest),
        cmocka_unit_test(shares_energy_equally),
        cmocka_unit_test(sums_the_kinetic_tensor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A hundred steps with every classical engine, at constant energy and where the cell moves too, on
 * CUDA and on the CPU: the same trajectory. The two differ by rounding, some 1e-15 Å a step, which
 * a hundred steps of a solid or of a liquid make 1e-12; an error in a force of 1e-8 of its size
 * would already be 1e-8 Å. */
#include "conformance/model/model_samples.h"

#include "protocol/protocol.h"

#include <cuda_runtime.h>

enum { STEPS = 100 };

typedef struct ensemble {
    const char *name, *engine, *protocol;
    int sample;
    double dt_fs, temperature_K;
    int kernels; /* of a step: two of the protocol, two of the list, and the model's */
} ensemble;

static const ensemble ensembles[] = {
    {"argon", "lj", "nve", SAMPLE_ARGON, 2.0, 80.0, 5},
    {"silicon", "sw", "nve", SAMPLE_SILICON, 1.0, 600.0, 6},
    {"copper", "eam", "nve", SAMPLE_COPPER, 1.0, 600.0, 6},
    {"iron", "eam", "nve", SAMPLE_IRON, 1.0, 600.0, 6},
    {"water", "spcfw", "nve", SAMPLE_WATER, 0.5, 300.0, 5},
    {"silicon npt", "sw", "npt", SAMPLE_SILICON, 1.0, 600.0, 6},
    {"copper npt", "eam", "npt-aniso", SAMPLE_COPPER, 1.0, 600.0, 6},
    {"water npt", "spcfw", "npt", SAMPLE_WATER, 0.5, 300.0, 5},
};

enum { COUNT = sizeof ensembles / sizeof *ensembles };

/* Positions and velocities, and the last scalars, after STEPS. */
static void run(const ensemble *e, const char *device_name, mds_structure *out, mds_scalars *s)
{
    const mds_protocol_config config = {
        .dt_fs = e->dt_fs, .temperature_K = e->temperature_K, .pressure_GPa = 0.1, .seed = 7};
    mds_device *device;
    mds_model *model;
    mds_protocol *protocol;
    mds_protocol_spec protocol_spec;
    mds_model_spec spec;
    mds_state state = {0};
    mds_structure start;
    model_sample sample;

    sample_init(&sample, e->sample);
    CHECK_OK(mds_structure_repeat(&start, &sample.base, 2, 2, 2));
    CHECK_OK(mds_device_open(device_name, &device));
    CHECK_OK(mds_state_init(&state, device, &start));
    CHECK_OK(mds_state_draw_velocities(&state, e->temperature_K, 11));
    CHECK_OK(mds_model_spec_init(&spec, e->engine, e->engine, MDS_PRECISION_FP64));
    CHECK_OK(mds_model_create(&spec, device, &model));
    CHECK_OK(mds_model_prepare(model, &state));
    CHECK_OK(mds_protocol_resolve(e->protocol, &protocol_spec));
    CHECK_OK(mds_protocol_create(&protocol_spec, &config, &state, model, &protocol));
#ifdef MDS_CUDA_SHIM
    int64_t before = 0;
#endif
    for (int step = 1; step <= STEPS; ++step) {
#ifdef MDS_CUDA_SHIM
        if (step == STEPS - 9) { /* all of them recorded by now */
            CHECK_OK(mds_device_sync(device));
            before = mds_shim_kernel_count(NULL);
        }
#endif
        CHECK_OK(mds_protocol_step(
            protocol, step % 10 && !protocol_spec.class->needs_virial ? 0 : MDS_WANT_VIRIAL));
    }
    CHECK_OK(mds_device_sync(device));
#ifdef MDS_CUDA_SHIM
    if (mds_device_get_kind(device) == MDS_DEVICE_CUDA)
        assert_int_equal(mds_shim_kernel_count(NULL) - before, 10 * e->kernels);
#endif
    CHECK_OK(mds_state_fetch(&state, out));
    CHECK_OK(mds_state_fetch_scalars(&state, s));
    CHECK_OK(mds_scalars_check_fault(s));
    mds_protocol_destroy(protocol);
    mds_model_destroy(model);
    mds_state_fini(&state);
    mds_device_close(device);
    mds_structure_fini(&start);
    sample_fini(&sample);
}

static void trajectories_are_the_same(void **state)
{
    const ensemble *e = *state;
    mds_structure a, b;
    mds_scalars s, t;
    double apart = 0.0;

    run(e, "cpu", &a, &s);
    run(e, "cuda:0", &b, &t);
    for (int k = 0; k < 9; ++k)
        CHECK_NEAR(b.box.h[k / 3][k % 3], a.box.h[k / 3][k % 3], 0.0, 1e-8);
    for (int k = 0; k < 3 * a.n; ++k) {
        apart = fmax(apart, fabs(b.x[k] - a.x[k]));
        CHECK_NEAR(b.x[k], a.x[k], 0.0, 1e-8);
        CHECK_NEAR(b.v[k], a.v[k], 0.0, 1e-9);
    }
    CHECK_NEAR(t.potential_eV, s.potential_eV, 1e-9, 1e-9);
    CHECK_NEAR(t.conserved_eV, s.conserved_eV, 1e-9, 1e-9);
    CHECK_NEAR(t.virial_eV[0][1], s.virial_eV[0][1], 1e-7, 1e-7);
    printf("%s: %d atoms, largest difference %.1e Å\n", e->name, a.n, apart);
    mds_structure_fini(&a);
    mds_structure_fini(&b);
}

int main(void)
{
    struct CMUnitTest tests[COUNT];
    mds_device *cuda;

    if (mds_device_open("cuda:0", &cuda) != MDS_OK) {
        printf("skipped: %s\n", mds_error());
        return 77;
    }
    mds_device_close(cuda);
    for (int k = 0; k < COUNT; ++k)
        tests[k] = (struct CMUnitTest){.name = ensembles[k].name,
                                       .test_func = trajectories_are_the_same,
                                       .initial_state = (void *)&ensembles[k]};
    return cmocka_run_group_tests_name("trajectories", tests, NULL, NULL);
}

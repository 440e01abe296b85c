/* Steps of networks at constant energy on CUDA: the same trajectory as on the CPU, and no more
 * kernels than there have to be. The network is the student of silicon, which every build has. */
#include "conformance/model/model_samples.h"

#include "protocol/protocol.h"

#include <cuda_runtime.h>

enum { STEPS = 50 };

/* One way of computing. Two atoms 1e-6 eV/Å apart in force, as float32 rounds, are 4e-7 Å apart
 * after 50 fs; float64 differs by some 1e-14 eV/Å. */
typedef struct way {
    const char *name;
    mds_precision precision;
    const char *network;
    double apart;
    int kernels; /* two of the protocol, two of the list, and the model's */
} way;

static const way ways[] = {
    {"fp64", MDS_PRECISION_FP64, "auto", 1e-8, 0},
    {"one kernel", MDS_PRECISION_FP32, "fused", 1e-5, 8},
    {"tensor cores", MDS_PRECISION_TF32X3, "fused", 1e-5, 8},
    {"products", MDS_PRECISION_FP32, "products", 1e-5, 0},
};

enum { COUNT = sizeof ways / sizeof *ways };

/* Kernels launched so far, where they can be counted. */
static int64_t launched(mds_device *device)
{
    CHECK_OK(mds_device_sync(device));
#ifdef MDS_CUDA_SHIM
    return mds_shim_kernel_count(NULL);
#else
    return 0;
#endif
}

/* Positions after STEPS on `device_name`. */
static void run(const way *w, const char *device_name, mds_structure *out)
{
    const mds_protocol_config config = {.dt_fs = 1.0, .temperature_K = 300.0, .seed = 7};
    mds_device *device;
    mds_model *model;
    mds_protocol *protocol;
    mds_protocol_spec protocol_spec;
    mds_model_spec spec;
    mds_state state = {0};
    mds_structure start;
    model_sample sample;
    int64_t before = 0;

    sample_init(&sample, SAMPLE_SILICON);
    CHECK_OK(mds_structure_repeat(&start, &sample.base, 2, 2, 2));
    CHECK_OK(mds_device_open(device_name, &device));
    const bool cuda = mds_device_get_kind(device) == MDS_DEVICE_CUDA;
    CHECK_OK(mds_state_init(&state, device, &start));
    CHECK_OK(mds_state_draw_velocities(&state, 300.0, 11));
    CHECK_OK(
        mds_model_spec_init(&spec, "student", "ani", cuda ? w->precision : MDS_PRECISION_FP64));
    CHECK_OK(mds_options_set_text(&spec.options, "weights", "built-in:student/silicon"));
    CHECK_OK(mds_options_set_text(&spec.options, "network", w->network));
    CHECK_OK(mds_model_create(&spec, device, &model));
    CHECK_OK(mds_model_prepare(model, &state));
    CHECK_OK(mds_protocol_resolve("nve", &protocol_spec));
    CHECK_OK(mds_protocol_create(&protocol_spec, &config, &state, model, &protocol));
    for (int step = 1; step <= STEPS; ++step) {
        if (step == STEPS - 9) /* all of them recorded by now */
            before = launched(device);
        CHECK_OK(mds_protocol_step(protocol, step % 10 ? 0 : MDS_WANT_VIRIAL));
    }
    const int64_t kernels = launched(device) - before;
    if (cuda && w->kernels && kernels > 0)
        assert_int_equal(kernels, 10 * w->kernels);
    CHECK_OK(mds_state_fetch(&state, out));
    mds_protocol_destroy(protocol);
    mds_model_destroy(model);
    mds_state_fini(&state);
    mds_device_close(device);
    mds_structure_fini(&start);
    sample_fini(&sample);
}

static void same_trajectory(void **state)
{
    const way *w = *state;
    mds_structure a, b;
    double apart = 0.0;

    run(w, "cpu", &a);
    run(w, "cuda:0", &b);
    for (int k = 0; k < 3 * a.n; ++k)
        apart = fmax(apart, fabs(b.x[k] - a.x[k]));
    printf("%s: %d atoms, largest difference %.1e Å\n", w->name, a.n, apart);
    assert_true(apart <= w->apart);
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
        tests[k] = (struct CMUnitTest){
            .name = ways[k].name, .test_func = same_trajectory, .initial_state = (void *)&ways[k]};
    return cmocka_run_group_tests_name("networks", tests, NULL, NULL);
}

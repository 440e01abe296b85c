/* Time per step of constant-energy dynamics on a CUDA device, as the program runs it: one graph per
 * step.
 *
 *     bench_gpu_models [DEVICE [STEPS [MODEL [ATOMS]]]]    cuda:0, 500, all of the table
 *
 * For each model and size one line: kernels of the graph, µs per step by the device's events (best
 * and median of seven batches of at most STEPS, or 0.2 s) and by the host's clock, and by
 * components, timed one by one in a pass without graphs, where each also pays for its launches.
 * Weights that are not here make a line that says so. On the test shim it runs, and its times mean
 * nothing. Exit 1 when a row failed. */
#include "gpu_rig.h"

#ifdef MDS_WITH_CUDA
#include <cuda_runtime.h>
#endif

enum { WARM_UP = 20, BATCHES = 7, COMPONENT_STEPS = 20, BATCH_MS = 200 };

static const bench_row table[] = {
    {"sw", "silicon", 32, MDS_PRECISION_AUTO},
    {"sw", "silicon", 64, MDS_PRECISION_AUTO},
    {"sw", "silicon", 128, MDS_PRECISION_AUTO},
    {"sw", "silicon", 256, MDS_PRECISION_AUTO},
    {"sw", "silicon", 512, MDS_PRECISION_AUTO},
    {"sw", "silicon", 1024, MDS_PRECISION_AUTO},
    {"sw", "silicon", 4096, MDS_PRECISION_AUTO},
    {"eam", "copper", 32, MDS_PRECISION_AUTO},
    {"eam", "copper", 64, MDS_PRECISION_AUTO},
    {"eam", "copper", 128, MDS_PRECISION_AUTO},
    {"eam", "copper", 256, MDS_PRECISION_AUTO},
    {"eam", "copper", 512, MDS_PRECISION_AUTO},
    {"eam", "copper", 1024, MDS_PRECISION_AUTO},
    {"eam", "copper", 4096, MDS_PRECISION_AUTO},
    {"spcfw", "water", 32, MDS_PRECISION_AUTO},
    {"spcfw", "water", 64, MDS_PRECISION_AUTO},
    {"spcfw", "water", 128, MDS_PRECISION_AUTO},
    {"spcfw", "water", 256, MDS_PRECISION_AUTO},
    {"spcfw", "water", 512, MDS_PRECISION_AUTO},
    {"spcfw", "water", 1024, MDS_PRECISION_AUTO},
    {"null", "silicon", 64, MDS_PRECISION_AUTO},
    {"null", "silicon", 1024, MDS_PRECISION_AUTO},
    {"student", "silicon", 64, MDS_PRECISION_AUTO},
    {"student", "silicon", 512, MDS_PRECISION_AUTO},
    {"student", "copper", 256, MDS_PRECISION_AUTO},
    {"ani-2x", "water", 96, MDS_PRECISION_AUTO},
    {"ani-2x", "water", 768, MDS_PRECISION_AUTO},
    {"orb-v2", "silicon", 64, MDS_PRECISION_AUTO},
    {"orb-v2", "silicon", 64, MDS_PRECISION_TF32},
    {"orb-v2", "silicon", 64, MDS_PRECISION_FP16},
    {"orb-v2", "silicon", 1024, MDS_PRECISION_TF32},
    {"orb-v2", "silicon", 1024, MDS_PRECISION_FP16},
    {"orb-v3-direct-20-omat", "silicon", 64, MDS_PRECISION_FP16},
    {"orb-v3-direct-20-omat", "silicon", 1024, MDS_PRECISION_FP16},
};

/* Kernels, copies and fills that a step's graph consists of; 0: not known. */
static int count_nodes(rig *r)
{
#ifdef MDS_WITH_CUDA
    cudaGraph_t graph = NULL;
    size_t count = 0;

    if (!mds_device_has_graphs(r->device) ||
        cudaStreamBeginCapture(mds_device_stream(r->device), cudaStreamCaptureModeThreadLocal))
        return 0;
    const mds_status status = r->protocol->class->step_cuda(r->protocol, 0);

    if (cudaStreamEndCapture(mds_device_stream(r->device), &graph) || status != MDS_OK ||
        cudaGraphGetNodes(graph, NULL, &count))
        count = 0;
    if (graph)
        (void)cudaGraphDestroy(graph);
    return (int)count;
#else
    (void)r;
    return 0;
#endif
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The steps of a batch, by how long the warm-up takes. */
static mds_status steps_of_a_batch(rig *r, int most, int *out)
{
    mds_status status;

    MDS_TRY(rig_steps(r, 4));
    MDS_TRY(rig_check(r));
    const int64_t t0 = mds_clock_ns();
    MDS_TRY(rig_steps(r, WARM_UP));
    MDS_TRY(mds_device_sync(r->device));
    const double room = 1e6 * BATCH_MS * WARM_UP / (double)(mds_clock_ns() - t0);

    *out = room > most ? most : room < 1 ? 1 : (int)room;
out:
    return status;
}

static mds_status time_steps(rig *r, int steps, double device_us[BATCHES], double wall_us[BATCHES])
{
    mds_status status;

    MDS_TRY(mds_device_events_create(r->device, 2));
    for (int b = 0; b < BATCHES; ++b) {
        MDS_TRY(rig_check(r));
        MDS_TRY(rig_steps(r, 4)); /* recorded anew where there was no room */
        MDS_TRY(mds_device_sync(r->device));
        const int64_t t0 = mds_clock_ns();
        mds_device_event_record(r->device, 0);
        MDS_TRY(rig_steps(r, steps));
        mds_device_event_record(r->device, 1);
        MDS_TRY(mds_device_sync(r->device));
        wall_us[b] = 1e-3 * (double)(mds_clock_ns() - t0) / steps;
        device_us[b] = 1e6 * mds_device_event_elapsed(r->device, 0, 1) / steps;
    }
    MDS_TRY(rig_check(r));
    qsort(device_us, BATCHES, sizeof *device_us, by_value);
    qsort(wall_us, BATCHES, sizeof *wall_us, by_value);
out:
    return status;
}

static mds_status time_components(rig *r, double us[MDS_REGION_COUNT])
{
    mds_status status;

    memset(us, 0, MDS_REGION_COUNT * sizeof *us);
    r->regions.on = true;
    for (int k = 0; k < COMPONENT_STEPS; ++k) {
        mds_regions_reset(&r->regions);
        MDS_TRY(rig_steps(r, 1));
        for (int c = 0; c < MDS_REGION_COUNT; ++c)
            us[c] += 1e6 * r->regions.seconds[c] / COMPONENT_STEPS;
    }
out:
    r->regions.on = false;
    return status;
}

static mds_status run(const char *device, int most, const bench_row *row)
{
    double device_us[BATCHES], wall_us[BATCHES], part_us[MDS_REGION_COUNT], dt_fs = 0.0;
    mds_structure start = {0};
    rig r = {0};
    int steps = 0;
    mds_status status;

    MDS_TRY(rig_equilibrate(row, &start, &dt_fs));
    MDS_TRY(rig_open(&r, device, row, dt_fs, &start));
    MDS_TRY(rig_start(&r, "nve"));
    MDS_TRY(steps_of_a_batch(&r, most, &steps));
    MDS_TRY(time_steps(&r, steps, device_us, wall_us));
    const int nodes = count_nodes(&r);
    MDS_TRY(time_components(&r, part_us));
    printf("%-22s %-7s %5d %7d %10.2f %10.2f %10.2f  ", row->model,
           mds_precision_name(r.spec.precision), start.n, nodes, device_us[0],
           device_us[BATCHES / 2], wall_us[BATCHES / 2]);
    for (int c = 0; c < MDS_REGION_COUNT; ++c)
        if (part_us[c] > 0.0)
            printf(" %s %.1f", mds_region_key((mds_region)c), part_us[c]);
    printf("\n");
out:
    rig_close(&r);
    mds_structure_fini(&start);
    return status;
}

static mds_status introduce(const char *name)
{
    mds_device *device;
    const mds_status status = mds_device_open(name, &device);

    if (status != MDS_OK)
        return status;
    printf("%s: %s\n", name, mds_device_get_info(device)->model);
    printf("%-22s %-7s %5s %7s %10s %10s %10s   %s\n", "model", "numbers", "atoms", "kernels",
           "best us", "median us", "host us", "components, us, kernel by kernel");
    mds_device_close(device);
    return MDS_OK;
}

/* One row; says what became of it. */
static bool run_row(const char *device, int steps, const bench_row *row)
{
    const mds_status status = run(device, steps, row);

    if (status != MDS_OK)
        printf("%-22s %-7s %5d %s: %s\n", row->model, mds_precision_name(row->precision),
               row->atoms, rig_is_absent(status) ? "not here" : "FAILED", mds_error());
    fflush(stdout);
    return status == MDS_OK || rig_is_absent(status);
}

int main(int argc, char **argv)
{
    const char *device = argc > 1 ? argv[1] : "cuda:0";
    const int steps = argc > 2 ? atoi(argv[2]) : 500;
    bool good = true;

    if (argc > 5 || steps < 1) {
        fprintf(stderr, "usage: bench_gpu_models [DEVICE [STEPS [MODEL [ATOMS]]]]\n");
        return 2;
    }
    const mds_status status = introduce(device);
    if (status != MDS_OK) {
        fprintf(stderr, "bench_gpu_models: %s\n", mds_error());
        return mds_status_exit_code(status);
    }
    for (size_t k = 0; k < sizeof table / sizeof *table; ++k) {
        bench_row one = table[k];

        if (argc > 3 && strcmp(one.model, argv[3]) != 0)
            continue;
        one.atoms = argc == 5 ? atoi(argv[4]) : one.atoms;
        good = run_row(device, steps, &one) && good;
        if (argc == 5)
            break;
    }
    return good ? 0 : 1;
}

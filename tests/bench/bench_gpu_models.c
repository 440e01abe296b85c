/* Time per step of constant-energy dynamics on a CUDA device, as the program runs it: one graph per
 * step.
 *
 *     bench_gpu_models [DEVICE [STEPS [MODEL ATOMS]]]      cuda:0, 500, all of the table
 *
 * For each model and size one line: µs per step by the device's events (best and median of seven
 * batches of STEPS) and by the host's clock, and by components, timed one by one in a pass without
 * graphs, where each also pays for its launches. The start is equilibrated on the CPU near 300 K.
 * On the test shim it runs, and its times mean nothing. */
#include "base/clock.h"
#include "case/relax.h"
#include "protocol/protocol.h"
#include "system/builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double temperature_K = 300.0;
enum { EQUILIBRATION = 200, SEED = 20251123, WARM_UP = 50, BATCHES = 7, COMPONENT_STEPS = 100 };

typedef struct bench_row {
    const char *model, *system;
    int atoms;
} bench_row;

static const bench_row table[] = {
    {"sw", "silicon", 64},    {"sw", "silicon", 216},  {"sw", "silicon", 512},
    {"sw", "silicon", 1000},  {"sw", "silicon", 4096}, {"eam", "copper", 32},
    {"eam", "copper", 108},   {"eam", "copper", 256},  {"eam", "copper", 500},
    {"eam", "copper", 1372},  {"eam", "copper", 4000}, {"spcfw", "water", 96},
    {"spcfw", "water", 192},  {"spcfw", "water", 384}, {"spcfw", "water", 768},
    {"spcfw", "water", 1536}, {"null", "silicon", 64}, {"null", "silicon", 1000},
};

/* One model, its atoms, and what drives them, on one device. */
typedef struct rig {
    mds_device *device;
    mds_state state;
    mds_model *model;
    mds_protocol *protocol;
    mds_regions regions;
    double dt_fs;
} rig;

static void rig_close(rig *r)
{
    mds_protocol_destroy(r->protocol);
    mds_model_destroy(r->model);
    mds_state_fini(&r->state);
    mds_device_close(r->device);
    memset(r, 0, sizeof *r);
}

static mds_status rig_open(rig *r, const char *device, const bench_row *row, double dt_fs,
                           const mds_structure *start)
{
    const mds_model_target target = {start->species, start->n, true};
    mds_model_spec spec;
    mds_status status;

    memset(r, 0, sizeof *r);
    r->dt_fs = dt_fs;
    MDS_TRY(mds_model_resolve(row->model, &target, MDS_PRECISION_AUTO, &spec));
    MDS_TRY(mds_device_open(device, &r->device));
    MDS_TRY(mds_state_init(&r->state, r->device, start));
    MDS_TRY(mds_model_create(&spec, r->device, &r->model));
    MDS_TRY(mds_model_prepare(r->model, &r->state));
    r->regions.device = r->device;
    mds_model_set_regions(r->model, &r->regions);
out:
    return status;
}

static mds_status rig_start(rig *r, const char *name)
{
    const mds_protocol_config config = {
        .dt_fs = r->dt_fs, .temperature_K = temperature_K, .seed = SEED, .regions = &r->regions};
    mds_protocol_spec spec;
    mds_status status;

    MDS_TRY(mds_protocol_resolve(name, &spec));
    MDS_TRY(mds_protocol_create(&spec, &config, &r->state, r->model, &r->protocol));
out:
    return status;
}

static mds_status rig_steps(rig *r, int steps)
{
    mds_status status = MDS_OK;

    for (int k = 0; k < steps && status == MDS_OK; ++k)
        status = mds_protocol_step(r->protocol, 0);
    return status;
}

/* Atoms at about 300 K, made on the CPU. */
static mds_status equilibrate(const bench_row *row, mds_structure *out, double *dt_fs)
{
    mds_system_spec system;
    mds_structure start = {0};
    rig r = {0};
    mds_status status;

    MDS_TRY(mds_system_resolve(row->system, &system));
    MDS_TRY(mds_system_build(&system, row->atoms, SEED, &start));
    MDS_TRY(mds_structure_restrict(&start, NULL));
    *dt_fs = strcmp(row->system, "water") == 0 ? 0.5 : system.class->timestep_fs;
    MDS_TRY(rig_open(&r, "cpu", row, *dt_fs, &start));
    if (system.class->disordered) {
        const mds_relax relax = {.max_steps = 500, .force_eV_A = 0.5};

        MDS_TRY(mds_relax_state(&relax, r.model, &r.state));
    }
    MDS_TRY(mds_state_draw_velocities(
        &r.state, temperature_K * (system.class->disordered ? 1.0 : 2.0), SEED));
    MDS_TRY(rig_start(&r, "nvt-svr"));
    MDS_TRY(rig_steps(&r, EQUILIBRATION));
    MDS_TRY(mds_state_fetch(&r.state, out));
out:
    rig_close(&r);
    mds_structure_fini(&start);
    return status;
}

static mds_status check(rig *r)
{
    mds_scalars s;
    mds_status status;

    MDS_TRY(mds_model_make_room(r->model, &r->state));
    MDS_TRY(mds_state_fetch_scalars(&r->state, &s));
    MDS_TRY(mds_scalars_check_fault(&s));
out:
    return status;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static mds_status time_steps(rig *r, int steps, double device_us[BATCHES], double wall_us[BATCHES])
{
    mds_status status;

    MDS_TRY(mds_device_events_create(r->device, 2));
    for (int b = 0; b < BATCHES; ++b) {
        MDS_TRY(check(r));
        MDS_TRY(rig_steps(r, WARM_UP)); /* recorded anew where there was no room */
        MDS_TRY(mds_device_sync(r->device));
        const int64_t t0 = mds_clock_ns();
        mds_device_event_record(r->device, 0);
        MDS_TRY(rig_steps(r, steps));
        mds_device_event_record(r->device, 1);
        MDS_TRY(mds_device_sync(r->device));
        wall_us[b] = 1e-3 * (double)(mds_clock_ns() - t0) / steps;
        device_us[b] = 1e6 * mds_device_event_elapsed(r->device, 0, 1) / steps;
    }
    MDS_TRY(check(r));
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

static mds_status run(const char *device, int steps, const bench_row *row)
{
    double device_us[BATCHES], wall_us[BATCHES], part_us[MDS_REGION_COUNT], dt_fs = 0.0;
    mds_structure start = {0};
    rig r = {0};
    mds_status status;

    MDS_TRY(equilibrate(row, &start, &dt_fs));
    MDS_TRY(rig_open(&r, device, row, dt_fs, &start));
    MDS_TRY(rig_start(&r, "nve"));
    MDS_TRY(time_steps(&r, steps, device_us, wall_us));
    MDS_TRY(time_components(&r, part_us));
    printf("%-6s %6d %10.2f %10.2f %10.2f  ", row->model, start.n, device_us[0],
           device_us[BATCHES / 2], wall_us[BATCHES / 2]);
    for (int c = 0; c < MDS_REGION_COUNT; ++c)
        if (part_us[c] > 0.0)
            printf(" %s %.1f", mds_region_key((mds_region)c), part_us[c]);
    printf("\n");
    fflush(stdout);
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
    printf("%-6s %6s %10s %10s %10s   %s\n", "model", "atoms", "best us", "median us", "host us",
           "components, us, kernel by kernel");
    mds_device_close(device);
    return MDS_OK;
}

int main(int argc, char **argv)
{
    const char *device = argc > 1 ? argv[1] : "cuda:0";
    const int steps = argc > 2 ? atoi(argv[2]) : 500;
    mds_status status = MDS_OK;

    if (argc == 4 || argc > 5 || steps < 1) {
        fprintf(stderr, "usage: bench_gpu_models [DEVICE [STEPS [MODEL ATOMS]]]\n");
        return 2;
    }
    MDS_TRY(introduce(device));
    for (size_t k = 0; k < sizeof table / sizeof *table && status == MDS_OK; ++k) {
        bench_row one = table[k];

        if (argc == 5 && strcmp(one.model, argv[3]) != 0)
            continue;
        one.atoms = argc == 5 ? atoi(argv[4]) : one.atoms;
        MDS_TRY(run(device, steps, &one));
        if (argc == 5)
            break;
    }
out:
    if (status != MDS_OK)
        fprintf(stderr, "bench_gpu_models: %s\n", mds_error());
    return mds_status_exit_code(status);
}

/* Time per step of constant-energy dynamics with a built-in model, as the program runs it.
 *
 *     bench_models MODEL SIZE STEPS [SYSTEM [OPTION=VALUE]...]
 *
 * MODEL: a built-in name (reference, sw, eam, spcfw, lj, null, ...). SYSTEM: a built-in system or
 * an extended-XYZ file, by default the one the model is for. OPTION: of the model's engine. Prints
 * one line: model, system, atoms, ms per step (median, mean), µs per atom, temperature and change
 * of the total energy at the end, bytes on the device. The start is equilibrated near 300 K; SIZE =
 * 0 takes a file as it is, with its velocities where it has them. */
#include "base/clock.h"
#include "case/relax.h"
#include "protocol/protocol.h"
#include "system/builder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double temperature_K = 300.0;
enum { EQUILIBRATION = 500, SEED = 20251123 };

typedef struct bench {
    mds_device *device;
    mds_structure structure;
    mds_state state;
    mds_model *model;
    double dt_fs;
} bench;

static const char *default_system(const char *model)
{
    return strcmp(model, "eam") == 0 ? "copper" : strcmp(model, "spcfw") == 0 ? "water" : "silicon";
}

static mds_status set_options(mds_options *options, char **words, int count)
{
    mds_status status = MDS_OK;

    for (int i = 0; i < count && status == MDS_OK; ++i) {
        char *value = strchr(words[i], '='), *end;

        if (!value)
            return mds_fail(MDS_ERR_USAGE, "'%s' is not OPTION=VALUE", words[i]);
        *value++ = '\0';
        const double number = strtod(value, &end);
        status = *end ? mds_options_set_text(options, words[i], value)
                      : mds_options_set_number(options, words[i], number);
    }
    return status;
}

static mds_status set_up(bench *b, const char *system, const char *model, int size, char **words,
                         int count)
{
    mds_status status;
    mds_system_spec system_spec;
    mds_model_spec spec;

    MDS_TRY(mds_system_resolve(system, &system_spec));
    if (size == 0)
        MDS_TRY(mds_xyz_read(system, 0, &b->structure));
    else
        MDS_TRY(mds_system_build(&system_spec, size, SEED, &b->structure));
    MDS_TRY(mds_structure_restrict(&b->structure, NULL));
    const mds_model_target target = {b->structure.species, b->structure.n, true};
    MDS_TRY(mds_model_resolve(model, &target, MDS_PRECISION_AUTO, &spec));
    MDS_TRY(set_options(&spec.options, words, count));
    MDS_TRY(mds_model_supports(&spec, &target, false, MDS_DEVICE_CPU));
    MDS_TRY(mds_device_open("cpu", &b->device));
    MDS_TRY(mds_state_init(&b->state, b->device, &b->structure));
    MDS_TRY(mds_model_create(&spec, b->device, &b->model));
    MDS_TRY(mds_model_prepare(b->model, &b->state));
    b->dt_fs = system_spec.class->timestep_fs;
    if (b->structure.species.z[0] == 8 || b->structure.species.z[0] == 1)
        b->dt_fs = 0.5;
    if (system_spec.class->disordered) {
        const mds_relax relax = {.max_steps = 500, .force_eV_A = 0.5};

        MDS_TRY(mds_relax_state(&relax, b->model, &b->state));
    }
    if (!b->structure.v)
        /* A crystal at rest puts half of its energy into the potential. */
        MDS_TRY(mds_state_draw_velocities(
            &b->state, temperature_K * (system_spec.class->disordered ? 1.0 : 2.0), SEED));
    else
        b->state.degrees_of_freedom = 3 * b->state.n - 3;
out:
    return status;
}

static mds_status run(bench *b, const char *name, int steps, double *seconds, mds_scalars *last)
{
    mds_status status;
    mds_protocol_spec spec;
    mds_protocol *protocol = NULL;
    const mds_protocol_config config = {
        .dt_fs = b->dt_fs, .temperature_K = temperature_K, .seed = SEED};

    MDS_TRY(mds_protocol_resolve(name, &spec));
    MDS_TRY(mds_protocol_create(&spec, &config, &b->state, b->model, &protocol));
    for (int i = 0; i < steps; ++i) {
        const int64_t t0 = mds_clock_ns();

        MDS_TRY(mds_protocol_step(protocol, 0));
        if (seconds)
            seconds[i] = 1e-9 * (double)(mds_clock_ns() - t0);
    }
    MDS_TRY(mds_state_fetch_scalars(&b->state, last));
out:
    mds_protocol_destroy(protocol);
    return status;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void report(const bench *b, const char *model, const char *system, int steps,
                   double *seconds, const mds_scalars *first, const mds_scalars *last)
{
    double sum = 0.0;

    for (int i = 0; i < steps; ++i)
        sum += seconds[i];
    qsort(seconds, (size_t)steps, sizeof *seconds, by_value);
    const double median = seconds[steps / 2], mean = sum / steps;
    mds_device_memory memory;
    mds_device_get_memory(b->device, &memory);
    printf("%-8s %-10s %5d atoms  median %9.5f ms  mean %9.5f ms  %7.3f us/atom  T %5.0f K  "
           "dE/N %8.1e eV  %.0f kB\n",
           model, system, b->state.n, 1e3 * median, 1e3 * mean, 1e6 * mean / b->state.n,
           mds_state_temperature(&b->state, last->kinetic_eV),
           (last->conserved_eV - first->conserved_eV) / b->state.n, 1e-3 * (double)memory.used);
}

int main(int argc, char **argv)
{
    mds_status status;
    bench b = {0};
    mds_scalars first, last;
    double *seconds = NULL;

    if (argc < 4) {
        fprintf(stderr, "usage: bench_models MODEL SIZE STEPS [SYSTEM [OPTION=VALUE]...]\n");
        return 2;
    }
    const char *model = argv[1], *system = argc > 4 ? argv[4] : default_system(argv[1]);
    const int size = atoi(argv[2]), steps = atoi(argv[3]);
    if (size < 0 || steps < 0 || !(seconds = calloc((size_t)steps + 1, sizeof *seconds))) {
        fprintf(stderr, "bench_models: SIZE and STEPS must not be negative\n");
        return 2;
    }
    MDS_TRY(set_up(&b, system, model, size, argv + 5, argc > 5 ? argc - 5 : 0));
    if (!b.structure.v)
        MDS_TRY(run(&b, "nvt-svr", EQUILIBRATION, NULL, &first));
    if (steps == 0) {
        mds_structure now;

        MDS_TRY(mds_state_fetch(&b.state, &now));
        status = mds_xyz_write("/dev/stdout", true, &now, NULL, NULL, NULL);
        mds_structure_fini(&now);
        goto out;
    }
    MDS_TRY(run(&b, "nve", 200, NULL, &first));
    MDS_TRY(run(&b, "nve", steps, seconds, &last));
    report(&b, model, system, steps, seconds, &first, &last);
out:
    if (status != MDS_OK)
        fprintf(stderr, "bench_models: %s\n", mds_error());
    mds_model_destroy(b.model);
    mds_state_fini(&b.state);
    mds_structure_fini(&b.structure);
    mds_device_close(b.device);
    free(seconds);
    return mds_status_exit_code(status);
}

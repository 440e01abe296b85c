/* A model, its atoms and what drives them, for the benchmarks of a GPU: opened by name, on any
 * device, from a start near 300 K that the reference model makes on the CPU. */
#ifndef MDS_TESTS_BENCH_GPU_RIG_H
#define MDS_TESTS_BENCH_GPU_RIG_H

#include "base/clock.h"
#include "case/relax.h"
#include "protocol/protocol.h"
#include "system/builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RIG_EQUILIBRATION = 200, RIG_SEED = 20251123 };
static const double rig_temperature_K = 300.0;

typedef struct bench_row {
    const char *model, *system;
    int atoms;
    mds_precision precision;
} bench_row;

typedef struct rig {
    mds_device *device;
    mds_model_spec spec;
    mds_state state;
    mds_model *model;
    mds_protocol *protocol;
    mds_regions regions;
    double dt_fs;
} rig;

static inline void rig_close(rig *r)
{
    mds_protocol_destroy(r->protocol);
    mds_model_destroy(r->model);
    mds_state_fini(&r->state);
    mds_device_close(r->device);
    memset(r, 0, sizeof *r);
}

/* The published ANI weights are not in the repository: beside the reference data, if anywhere. */
static inline mds_status rig_weights(rig *r)
{
    const char *data = getenv("MDSWEEP_TEST_DATA");
    char path[512];

    if (!data || strcmp(r->spec.name, "ani-2x") != 0)
        return MDS_OK;
    snprintf(path, sizeof path, "%s/data/ani-2x_8x", data);
    return mds_options_set_text(&r->spec.options, "weights", path);
}

/* Weights that are made up have a cost and no dynamics: their atoms all but stand still. */
static inline mds_status rig_spec(rig *r, const bench_row *row, const mds_structure *start,
                                  double dt_fs)
{
    const mds_model_target target = {start->species, start->n, true};
    mds_status status;

    MDS_TRY(mds_model_resolve(row->model, &target, row->precision, &r->spec));
    if (mds_options_find(&r->spec.options, "synthetic"))
        MDS_TRY(mds_options_set_number(&r->spec.options, "synthetic", 1));
    MDS_TRY(rig_weights(r));
    r->dt_fs = mds_model_is_synthetic(&r->spec) ? 1e-6 * dt_fs : dt_fs;
    MDS_TRY(mds_model_supports(&r->spec, &target, false, mds_device_get_kind(r->device)));
out:
    return status;
}

static inline mds_status rig_open(rig *r, const char *device, const bench_row *row, double dt_fs,
                                  const mds_structure *start)
{
    mds_status status;

    memset(r, 0, sizeof *r);
    MDS_TRY(mds_device_open(device, &r->device));
    MDS_TRY(rig_spec(r, row, start, dt_fs));
    MDS_TRY(mds_state_init(&r->state, r->device, start));
    MDS_TRY(mds_model_create(&r->spec, r->device, &r->model));
    MDS_TRY(mds_model_prepare(r->model, &r->state));
    r->regions.device = r->device;
    mds_model_set_regions(r->model, &r->regions);
out:
    return status;
}

static inline mds_status rig_start(rig *r, const char *name)
{
    const mds_protocol_config config = {.dt_fs = r->dt_fs,
                                        .temperature_K = rig_temperature_K,
                                        .seed = RIG_SEED,
                                        .regions = &r->regions};
    mds_protocol_spec spec;
    mds_status status;

    MDS_TRY(mds_protocol_resolve(name, &spec));
    MDS_TRY(mds_protocol_create(&spec, &config, &r->state, r->model, &r->protocol));
out:
    return status;
}

static inline mds_status rig_steps(rig *r, int steps)
{
    mds_status status = MDS_OK;

    for (int k = 0; k < steps && status == MDS_OK; ++k)
        status = mds_protocol_step(r->protocol, 0);
    return status;
}

/* Room in the neighbour list, and what the kernels found wrong. Waits. */
static inline mds_status rig_check(rig *r)
{
    mds_scalars s;
    mds_status status;

    MDS_TRY(mds_model_make_room(r->model, &r->state));
    MDS_TRY(mds_state_fetch_scalars(&r->state, &s));
    MDS_TRY(mds_scalars_check_fault(&s));
out:
    return status;
}

/* Atoms at about 300 K. */
static inline mds_status rig_equilibrate(const bench_row *row, mds_structure *out, double *dt_fs)
{
    const bench_row reference = {"reference", row->system, row->atoms, MDS_PRECISION_AUTO};
    mds_system_spec system;
    mds_structure start = {0};
    rig r = {0};
    mds_status status;

    MDS_TRY(mds_system_resolve(row->system, &system));
    MDS_TRY(mds_system_build(&system, row->atoms, RIG_SEED, &start));
    MDS_TRY(mds_structure_restrict(&start, NULL));
    *dt_fs = strcmp(row->system, "water") == 0 ? 0.5 : system.class->timestep_fs;
    MDS_TRY(rig_open(&r, "cpu", &reference, *dt_fs, &start));
    if (system.class->disordered) {
        const mds_relax relax = {.max_steps = 500, .force_eV_A = 0.5};

        MDS_TRY(mds_relax_state(&relax, r.model, &r.state));
    }
    MDS_TRY(mds_state_draw_velocities(
        &r.state, rig_temperature_K * (system.class->disordered ? 1.0 : 2.0), RIG_SEED));
    MDS_TRY(rig_start(&r, "nvt-svr"));
    MDS_TRY(rig_steps(&r, RIG_EQUILIBRATION));
    MDS_TRY(mds_state_fetch(&r.state, out));
out:
    rig_close(&r);
    mds_structure_fini(&start);
    return status;
}

/* Whether a row that ended so was merely not to be had here. */
static inline bool rig_is_absent(mds_status status)
{
    return status == MDS_ERR_UNSUPPORTED || status == MDS_ERR_CONFIG || status == MDS_ERR_IO;
}

#endif

/* The model without interactions: E = 0, F = 0, W = 0. What a step still costs with it is the floor
 * of the framework: integrator, loop, probes. */
#include "model/model.h"
#include "model/null/null_cuda.h"

#include <stdlib.h>
#include <string.h>

static mds_status null_create(const mds_model_spec *spec, mds_device *device, mds_model **out)
{
    (void)spec;
    (void)device;
    *out = calloc(1, sizeof **out);
    return *out ? MDS_OK : mds_fail(MDS_ERR_NOMEM, "null: no memory for the model");
}

static void null_destroy(mds_model *model)
{
    free(model);
}

static mds_status null_prepare(mds_model *model, const mds_state *state)
{
    (void)model;
    (void)state;
    return MDS_OK;
}

static mds_status null_compute(mds_model *model, mds_state *state, unsigned want)
{
    mds_region_begin(model->regions, MDS_REGION_FORCES);
    memset(state->f, 0, (size_t)state->n * 3 * sizeof *state->f);
    state->s->potential_eV = 0.0;
    state->s->n_edges = 0.0;
    state->s->rebuilt = 0.0;
    if (want & MDS_WANT_VIRIAL)
        memset(state->s->virial_eV, 0, sizeof state->s->virial_eV);
    mds_region_end(model->regions, MDS_REGION_FORCES);
    return MDS_OK;
}

#ifdef MDS_WITH_CUDA
static mds_status null_compute_cuda(mds_model *model, mds_state *state, unsigned want)
{
    mds_region_begin(model->regions, MDS_REGION_FORCES);
    const mds_status status = null_cuda_forces(state, want & MDS_WANT_VIRIAL);
    mds_region_end(model->regions, MDS_REGION_FORCES);
    return status;
}
#endif

/* For CUDA: a guess at the time of one kernel in a graph; not measured. */
static double null_cost_s(const mds_model_spec *spec, const mds_model_target *target,
                          mds_device_kind kind)
{
    (void)spec;
    return kind == MDS_DEVICE_CUDA ? 2e-6 : 1e-9 * target->n_atoms;
}

const mds_engine mds_engine_null = {
    .name = "null",
    .summary = "no force: the floor of the framework",
    .caps = MDS_CAP_STRESS | MDS_CAP_CONSERVATIVE | MDS_CAP_NONPERIODIC,
    .precisions = 1u << MDS_PRECISION_FP64,
    .default_precision = MDS_PRECISION_FP64,
    .create = null_create,
    .destroy = null_destroy,
    .prepare = null_prepare,
    .compute = null_compute,
    .cost_s = null_cost_s,
    .compute_cuda = MDS_CUDA_FN(null_compute_cuda),
    .on_sim = true,
};

/* Constant energy: velocity Verlet (Swope, Andersen, Berens & Wilson, J. Chem. Phys. 76, 637
 * (1982)), symplectic, time-reversible, second order. Its error in the total energy is bounded and
 * falls as Δt²; total momentum is kept exactly, up to rounding. */
#include "protocol/nve/nve.h"

#include <stdlib.h>

static void nve_destroy(mds_protocol *protocol)
{
    nve *self = (nve *)protocol;

    mds_motion_fini(&self->motion);
    free(self);
}

static mds_status nve_create(const mds_protocol_spec *spec, const mds_protocol_config *config,
                             mds_state *state, mds_model *model, mds_protocol **out)
{
    mds_status status = mds_protocol_new(sizeof(nve), spec, config, state, model, out);

    if (status != MDS_OK)
        return status;
    nve *self = (nve *)*out;
    status = mds_motion_init(&self->motion, state, config->dt_fs);
    return status == MDS_OK ? mds_protocol_start(&self->base, &self->motion) : status;
}

static mds_status nve_step(mds_protocol *protocol, unsigned want)
{
    nve *self = (nve *)protocol;
    mds_state *state = protocol->state;
    mds_regions *regions = protocol->config.regions;
    const mds_motion *m = &self->motion;

    mds_region_begin(regions, MDS_REGION_INTEGRATE);
    mds_motion_kick_drift(m->n, m->kick, m->dt_fs, state->f, state->v, state->x);
    mds_region_end(regions, MDS_REGION_INTEGRATE);

    const mds_status status = mds_model_compute(protocol->model, state, want);
    if (status != MDS_OK)
        return status;

    mds_region_begin(regions, MDS_REGION_INTEGRATE);
    mds_motion_kick(m->n, m->kick, state->f, state->v);
    mds_region_end(regions, MDS_REGION_INTEGRATE);

    mds_region_begin(regions, MDS_REGION_OBSERVE);
    mds_protocol_observe(protocol);
    state->s->conserved_eV = mds_protocol_total_eV(protocol);
    mds_region_end(regions, MDS_REGION_OBSERVE);
    state->step += 1;
    return MDS_OK;
}

const mds_protocol_class mds_protocol_nve = {
    .name = "nve",
    .summary = "constant energy: velocity Verlet",
    .integrates = true,
    .conserved = "total energy",
    .create = nve_create,
    .destroy = nve_destroy,
    .step = nve_step,
    .step_cuda = MDS_CUDA_FN(nve_step_cuda),
};

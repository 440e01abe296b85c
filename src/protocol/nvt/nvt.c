/* Constant volume and temperature. The option `thermostat` picks the scheme; the files of this
 * folder hold one each. */
#include "protocol/nvt/nvt.h"

#include <stdlib.h>
#include <string.h>

static const nvt_thermostat *const thermostats[] = {&nvt_langevin, &nvt_svr, &nvt_nose_hoover};

mds_status nvt_verlet(nvt *self, unsigned want)
{
    mds_state *state = self->base.state;
    mds_regions *regions = self->base.config.regions;
    const mds_motion *m = &self->motion;

    mds_region_begin(regions, MDS_REGION_INTEGRATE);
    mds_motion_kick_drift(m->n, m->kick, m->dt_fs, state->f, state->v, state->x);
    mds_region_end(regions, MDS_REGION_INTEGRATE);

    const mds_status status = mds_model_compute(self->base.model, state, want);
    if (status != MDS_OK)
        return status;

    mds_region_begin(regions, MDS_REGION_INTEGRATE);
    mds_motion_kick(m->n, m->kick, state->f, state->v);
    mds_region_end(regions, MDS_REGION_INTEGRATE);

    mds_region_begin(regions, MDS_REGION_OBSERVE);
    mds_protocol_observe(&self->base);
    mds_region_end(regions, MDS_REGION_OBSERVE);
    return MDS_OK;
}

double nvt_scale_velocities(nvt *self, double factor)
{
    mds_state *state = self->base.state;

    mds_motion_scale(state->n, factor, state->v);
    return mds_protocol_scale_kinetic(&self->base, factor);
}

static void nvt_destroy(mds_protocol *protocol)
{
    nvt *self = (nvt *)protocol;

    if (self->memory)
        mds_device_free(self->base.state->device, self->memory);
    mds_motion_fini(&self->motion);
    free(self);
}

static mds_status (*const start_cuda)(nvt *self) = MDS_CUDA_FN(nvt_start_cuda);

static mds_status nvt_create(const mds_protocol_spec *spec, const mds_protocol_config *config,
                             mds_state *state, mds_model *model, mds_protocol **out)
{
    mds_status status = mds_protocol_new(sizeof(nvt), spec, config, state, model, out);

    if (status != MDS_OK)
        return status;
    nvt *self = (nvt *)*out;
    const char *word = mds_options_text(&spec->options, "thermostat");
    for (size_t i = 0; i < sizeof thermostats / sizeof *thermostats; ++i)
        if (strcmp(thermostats[i]->word, word) == 0)
            self->thermostat = thermostats[i];
    if (!self->thermostat)
        return mds_fail(MDS_ERR_CONFIG, "unknown thermostat '%s'", word);
    status = self->thermostat->init(self);
    if (status == MDS_OK)
        status = mds_motion_init(&self->motion, state, config->dt_fs);
    if (status == MDS_OK)
        status = mds_protocol_start(&self->base, &self->motion);
    return status == MDS_OK && state->d ? start_cuda(self) : status;
}

static mds_status nvt_step(mds_protocol *protocol, unsigned want)
{
    nvt *self = (nvt *)protocol;
    const mds_status status = self->thermostat->step(self, want);

    if (status == MDS_OK)
        protocol->state->step += 1;
    return status;
}

#ifdef MDS_WITH_CUDA
static mds_status nvt_step_cuda(mds_protocol *protocol, unsigned want)
{
    nvt *self = (nvt *)protocol;

    return self->thermostat->step_cuda(self, want);
}
#endif

static const char *const thermostat_words[] = {"langevin", "svr", "nose-hoover", NULL};

static const mds_option nvt_options[] = {
    {.key = "thermostat",
     .type = MDS_OPTION_TEXT,
     .preset_text = "langevin",
     .choices = thermostat_words,
     .help = "langevin (BAOAB), svr (stochastic velocity rescaling) or nose-hoover (chain)"},
    {.key = "friction_1_ps",
     .type = MDS_OPTION_REAL,
     .unit = "1/ps",
     .preset = 5.0,
     .min = 0.0,
     .max = 1e4,
     .help = "langevin: friction, the inverse of the relaxation time of a velocity"},
    {.key = "tau_fs",
     .type = MDS_OPTION_REAL,
     .unit = "fs",
     .preset = 100.0,
     .min = 0.1,
     .max = 1e7,
     .help = "svr: relaxation time of the kinetic energy; nose-hoover: period/2pi of the chain"},
    {.key = "chain_length",
     .type = MDS_OPTION_INT,
     .preset = 3,
     .min = 1,
     .max = NVT_CHAIN_MAX,
     .help = "nose-hoover: links of the chain"},
    {0},
};

const mds_protocol_class mds_protocol_nvt = {
    .name = "nvt",
    .summary = "constant volume and temperature: Langevin, velocity rescaling or Nose-Hoover chain",
    .options = nvt_options,
    .integrates = true,
    .conserved = "total energy less what the thermostat gave",
    .create = nvt_create,
    .destroy = nvt_destroy,
    .step = nvt_step,
    .step_cuda = MDS_CUDA_FN(nvt_step_cuda),
};

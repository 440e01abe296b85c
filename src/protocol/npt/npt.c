/* Constant pressure and temperature: velocity Verlet with a stochastic move of the cell in its
 * middle (stochastic cell rescaling, npt/cell.h), then stochastic velocity rescaling
 * (protocol/svr.h).
 *
 * A step is: half kick, half drift, deformation of everything (x ← x E, v ← v E⁻ᵀ; molecules atom
 * by atom), half drift, forces, half kick. It reads the same backwards, with the same volume of
 * phase space, and the move depends only on the pressure at the two ends of the step, where the
 * forces are known anyway: so one force evaluation suffices, and the probabilities of forward and
 * reverse step are known exactly. Their ratio closes the balance K + U + P₀V − ½kT ln(V/V₀) + Σ
 * balance − Σ heat of the thermostat, whose drift measures the error of sampling (Bernetti & Bussi
 * 2020; Bussi & Parrinello 2007).
 *
 * The pressure counts the momenta there are, P = (2K + tr W)/3V, and its mean is the one asked for.
 * Of N free particles with the centre of mass at rest the volume is distributed as V^(N−1)
 * exp(−P₀V/kT), with all 3N degrees of freedom as V^N exp(−P₀V/kT). */
#include "protocol/npt/npt.h"
#include "protocol/svr.h"

#include "base/units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void npt_destroy(mds_protocol *protocol)
{
    npt *self = (npt *)protocol;

    if (self->memory)
        mds_device_free(self->base.state->device, self->memory);
    mds_motion_fini(&self->motion);
    free(self);
}

static double conserved(const npt *self)
{
    const mds_state *state = self->base.state;

    return npt_conserved_eV(&self->cell, state->s, state->box.volume, self->start_volume,
                            self->account_eV);
}

static mds_status check(const mds_protocol_config *config, const mds_state *state)
{
    const double(*h)[3] = state->box.h;

    if (!(config->temperature_K > 0.0))
        return mds_fail(MDS_ERR_CONFIG, "a stochastic barostat needs a temperature above 0 K");
    if (!isfinite(config->pressure_GPa))
        return mds_fail(MDS_ERR_CONFIG, "the pressure must not be %g GPa", config->pressure_GPa);
    if (h[0][1] != 0.0 || h[0][2] != 0.0 || h[1][2] != 0.0)
        return mds_fail(MDS_ERR_INTERNAL, "the cell is not in restricted form");
    return MDS_OK;
}

static mds_status (*const start_cuda)(npt *self) = MDS_CUDA_FN(npt_start_cuda);

static mds_status npt_create(const mds_protocol_spec *spec, const mds_protocol_config *config,
                             mds_state *state, mds_model *model, mds_protocol **out)
{
    const mds_options *options = &spec->options;
    mds_status status = check(config, state);

    if (status == MDS_OK)
        status = mds_protocol_new(sizeof(npt), spec, config, state, model, out);
    if (status != MDS_OK)
        return status;
    npt *self = (npt *)*out;
    const double compressibility = mds_options_real(options, "compressibility_1_GPa") *
                                   MDS_EV_A3_TO_GPA;
    self->cell = (npt_cell){
        .anisotropic = strcmp(mds_options_text(options, "coupling"), "anisotropic") == 0,
        .kT = MDS_BOLTZMANN_EV * config->temperature_K,
        .pressure = config->pressure_GPa / MDS_EV_A3_TO_GPA,
        .mobility = compressibility / mds_options_real(options, "tau_p_fs"),
        .dt_fs = config->dt_fs,
    };
    self->tau_fs = mds_options_real(options, "tau_fs");
    self->start_volume = state->box.volume;
    status = mds_motion_init(&self->motion, state, config->dt_fs);
    if (status == MDS_OK && state->d)
        return start_cuda(self);
    if (status == MDS_OK)
        status = mds_protocol_start(&self->base, &self->motion);
    if (status == MDS_OK)
        state->s->conserved_eV = conserved(self);
    return status;
}

/* Draws the move from the pressure at the start of the step, and gives it to the cell. */
static mds_status move_cell(npt *self, npt_move *move)
{
    mds_state *state = self->base.state;
    double pv[3][3], h[3][3];

    npt_internal_pv(state->s, pv);
    npt_cell_draw(&self->cell, state->box.volume, (const double(*)[3])pv, self->base.config.seed,
                  state->step, move);
    if (!(move->largest < NPT_STRAIN_MAX))
        return mds_fail(
            MDS_ERR_NUMERIC,
            "the barostat strained the cell by %.2g in step %lld: raise tau_p_fs, lower "
            "compressibility_1_GPa or start nearer to the pressure",
            move->largest, (long long)state->step);
    npt_deform_cell((const double(*)[3])state->box.h, (const double(*)[3])move->e, h);
    return mds_box_set(&state->box, (const double(*)[3])h, state->box.periodic);
}

/* The thermostat, after the cell's balance was struck with the velocities before it. */
static void close_step(npt *self, const npt_move *move)
{
    mds_state *state = self->base.state;
    const mds_protocol_config *config = &self->base.config;
    double pv[3][3];

    mds_region_begin(config->regions, MDS_REGION_BAROSTAT);
    npt_internal_pv(state->s, pv);
    self->account_eV +=
        npt_cell_balance_eV(&self->cell, move, state->box.volume, (const double(*)[3])pv);
    mds_region_end(config->regions, MDS_REGION_BAROSTAT);

    mds_region_begin(config->regions, MDS_REGION_THERMOSTAT);
    const double factor = mds_svr_factor(state->s->kinetic_eV, state->degrees_of_freedom,
                                         config->temperature_K, config->dt_fs, self->tau_fs,
                                         config->seed, state->step);
    mds_motion_scale(state->n, factor, state->v);
    self->account_eV -= mds_protocol_scale_kinetic(&self->base, factor);
    state->s->conserved_eV = conserved(self);
    mds_region_end(config->regions, MDS_REGION_THERMOSTAT);
}

static mds_status npt_step(mds_protocol *protocol, unsigned want)
{
    npt *self = (npt *)protocol;
    mds_state *state = protocol->state;
    mds_regions *regions = protocol->config.regions;
    const mds_motion *m = &self->motion;
    npt_move move;

    mds_region_begin(regions, MDS_REGION_BAROSTAT);
    mds_status status = move_cell(self, &move);
    mds_region_end(regions, MDS_REGION_BAROSTAT);
    if (status != MDS_OK)
        return status;

    mds_region_begin(regions, MDS_REGION_INTEGRATE);
    mds_motion_kick(m->n, m->kick, state->f, state->v);
    mds_motion_drift_deform(m->n, m->dt_fs, (const double(*)[3])move.e,
                            (const double(*)[3])move.inverse, state->v, state->x);
    mds_region_end(regions, MDS_REGION_INTEGRATE);

    status = mds_model_compute(protocol->model, state, want | MDS_WANT_VIRIAL);
    if (status != MDS_OK)
        return status;

    mds_region_begin(regions, MDS_REGION_INTEGRATE);
    mds_motion_kick(m->n, m->kick, state->f, state->v);
    mds_region_end(regions, MDS_REGION_INTEGRATE);

    mds_region_begin(regions, MDS_REGION_OBSERVE);
    mds_protocol_observe(protocol);
    mds_region_end(regions, MDS_REGION_OBSERVE);
    close_step(self, &move);
    state->step += 1;
    return MDS_OK;
}

static const char *const couplings[] = {"isotropic", "anisotropic", NULL};

static const mds_option npt_options[] = {
    {.key = "coupling",
     .type = MDS_OPTION_TEXT,
     .preset_text = "isotropic",
     .choices = couplings,
     .help = "isotropic (the volume moves) or anisotropic (all six numbers of the cell)"},
    {.key = "tau_fs",
     .type = MDS_OPTION_REAL,
     .unit = "fs",
     .preset = 100.0,
     .min = 0.1,
     .max = 1e7,
     .help = "relaxation time of the kinetic energy"},
    {.key = "tau_p_fs",
     .type = MDS_OPTION_REAL,
     .unit = "fs",
     .preset = 500.0,
     .min = 1.0,
     .max = 1e8,
     .help = "relaxation time of the volume, if the compressibility is that of the material"},
    {.key = "compressibility_1_GPa",
     .type = MDS_OPTION_REAL,
     .unit = "1/GPa",
     .preset = 0.01,
     .min = 1e-6,
     .max = 1e6,
     .help = "isothermal; only sets the speed (silicon 0.010, copper 0.007, water 0.45)"},
    {0},
};

const mds_protocol_class mds_protocol_npt = {
    .name = "npt",
    .summary = "constant pressure and temperature: stochastic cell and velocity rescaling",
    .options = npt_options,
    .needs_virial = true,
    .integrates = true,
    .conserved = "enthalpy less what thermostat and barostat gave",
    .create = npt_create,
    .destroy = npt_destroy,
    .step = npt_step,
    .step_cuda = MDS_CUDA_FN(npt_step_cuda),
};

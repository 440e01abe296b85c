/* The checked wrappers of protocol.h. */
#include "protocol/plugin.h"

#include "base/units.h"

#include <math.h>
#include <stdlib.h>

static mds_status check_frames(const mds_protocol_spec *spec, const mds_protocol_config *config,
                               const mds_state *state)
{
    const mds_frames *frames = config->frames;

    if (!frames || frames->count < 1)
        return mds_fail(MDS_ERR_CONFIG, "protocol '%s' needs at least one frame", spec->name);
    if (frames->n != state->n)
        return mds_fail(MDS_ERR_CONFIG, "protocol '%s': the frames hold %d atoms, the system %d",
                        spec->name, frames->n, state->n);
    return MDS_OK;
}

mds_status mds_protocol_supports(const mds_protocol_spec *spec, mds_device_kind kind)
{
    if (kind == MDS_DEVICE_CUDA && !spec->class->step_cuda)
        return mds_fail(MDS_ERR_UNSUPPORTED, "protocol '%s' does not run on device cuda",
                        spec->name);
    return MDS_OK;
}

static mds_status check(const mds_protocol_spec *spec, const mds_protocol_config *config,
                        const mds_state *state, const mds_model *model)
{
    const mds_protocol_class *class = spec->class;

    const bool cuda = mds_device_get_kind(state->device) == MDS_DEVICE_CUDA;

    if (cuda ? !class->step_cuda : !mds_device_host_access(state->device))
        return mds_fail(MDS_ERR_UNSUPPORTED, "protocol '%s' does not run on device %s", spec->name,
                        mds_device_get_info(state->device)->name);
    if (class->integrates && !(config->dt_fs > 0.0 && isfinite(config->dt_fs)))
        return mds_fail(MDS_ERR_CONFIG, "protocol '%s': the time step must be positive, not %g fs",
                        spec->name, config->dt_fs);
    if (class->integrates && !(config->temperature_K >= 0.0 && isfinite(config->temperature_K)))
        return mds_fail(MDS_ERR_CONFIG, "protocol '%s': the temperature must not be %g K",
                        spec->name, config->temperature_K);
    if (class->needs_virial && !(model->engine->caps & MDS_CAP_STRESS))
        return mds_fail(MDS_ERR_UNSUPPORTED,
                        "protocol '%s' needs a stress, which model '%s' does not have", spec->name,
                        model->spec.name);
    if (class->needs_virial && !(state->box.volume > 0.0))
        return mds_fail(MDS_ERR_UNSUPPORTED,
                        "protocol '%s' needs a cell that is periodic in all directions",
                        spec->name);
    return class->needs_frames ? check_frames(spec, config, state) : MDS_OK;
}

mds_status mds_protocol_new(size_t size, const mds_protocol_spec *spec,
                            const mds_protocol_config *config, mds_state *state, mds_model *model,
                            mds_protocol **out)
{
    mds_protocol *protocol = calloc(1, size);

    *out = protocol;
    if (!protocol)
        return mds_fail(MDS_ERR_NOMEM, "no memory for protocol '%s'", spec->name);
    protocol->class = spec->class;
    protocol->spec = *spec;
    protocol->config = *config;
    protocol->state = state;
    protocol->model = model;
    return MDS_OK;
}

double mds_protocol_observe(mds_protocol *protocol)
{
    mds_state_kinetic_cpu(protocol->state);
    return protocol->state->s->kinetic_eV;
}

mds_status mds_protocol_start(mds_protocol *protocol, const mds_motion *motion)
{
    static mds_status (*const end_cuda)(mds_device *, const mds_motion_view *, bool) =
        MDS_CUDA_FN(mds_motion_launch_end);
    mds_state *state = protocol->state;

    if (!state->d) {
        mds_protocol_observe(protocol);
        state->s->conserved_eV = mds_protocol_total_eV(protocol);
        return MDS_OK;
    }
    const mds_motion_view m = mds_motion_get_view(motion, state);
    return end_cuda(state->device, &m, true);
}

double mds_protocol_scale_kinetic(mds_protocol *protocol, double factor)
{
    mds_scalars *s = protocol->state->s;
    const double before = s->kinetic_eV, square = factor * factor;

    s->kinetic_eV *= square;
    for (int k = 0; k < 9; ++k)
        s->kinetic_tensor_eV[k / 3][k % 3] *= square;
    return s->kinetic_eV - before;
}

mds_status mds_protocol_create(const mds_protocol_spec *spec, const mds_protocol_config *config,
                               mds_state *state, mds_model *model, mds_protocol **out)
{
    *out = NULL;
    mds_status status = check(spec, config, state, model);
    if (status == MDS_OK && !spec->class->needs_frames)
        status = mds_model_compute(model, state, spec->class->needs_virial ? MDS_WANT_VIRIAL : 0u);
    if (status != MDS_OK)
        return status;
    status = spec->class->create(spec, config, state, model, out);
    if (status != MDS_OK) {
        mds_error_prefix("protocol '%s': ", spec->name);
        mds_protocol_destroy(*out);
        *out = NULL;
    }
    return status;
}

void mds_protocol_destroy(mds_protocol *protocol)
{
    if (!protocol)
        return;
    mds_protocol_forget_graphs(protocol);
    protocol->class->destroy(protocol);
}

mds_status mds_protocol_step(mds_protocol *protocol, unsigned want)
{
    if (mds_device_get_kind(protocol->state->device) == MDS_DEVICE_CUDA)
        return mds_protocol_step_cuda(protocol, want);
    return protocol->class->step(protocol, want);
}

double mds_pressure_GPa(const mds_scalars *s, double volume)
{
    const double trace = s->virial_eV[0][0] + s->virial_eV[1][1] + s->virial_eV[2][2];

    return mds_virial_pressure_GPa(s->kinetic_eV, trace, volume);
}

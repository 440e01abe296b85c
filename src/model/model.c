/* The checked wrappers of model.h: refusals with their reasons, at plan time and again at creation,
 * so that an engine is only ever asked for what its table says it can do. */
#include "model/model.h"

#include <math.h>
#include <string.h>

static const char *device_word(mds_device_kind kind)
{
    return kind == MDS_DEVICE_CUDA ? "cuda" : kind == MDS_DEVICE_SIM ? "sim" : "cpu";
}

static mds_status check_machine(const mds_model_spec *spec, mds_device_kind kind)
{
    const mds_engine *engine = spec->engine;

    if ((kind == MDS_DEVICE_SIM && !engine->on_sim) ||
        (kind == MDS_DEVICE_CUDA && !engine->compute_cuda))
        return mds_fail(MDS_ERR_UNSUPPORTED, "model '%s': engine %s does not run on device %s",
                        spec->name, engine->name, device_word(kind));
    if (spec->precision == MDS_PRECISION_AUTO || !(engine->precisions & 1u << spec->precision))
        return mds_fail(MDS_ERR_UNSUPPORTED, "model '%s': engine %s has no precision %s (but %s)",
                        spec->name, engine->name, mds_precision_name(spec->precision),
                        mds_precision_name(engine->default_precision));
    /* These are ways of tensor cores; elsewhere the numbers would be those of fp32. */
    if (kind != MDS_DEVICE_CUDA && spec->precision > MDS_PRECISION_FP32)
        return mds_fail(MDS_ERR_UNSUPPORTED,
                        "model '%s': precision %s is one of CUDA devices (on %s: fp32, fp64)",
                        spec->name, mds_precision_name(spec->precision), device_word(kind));
    return MDS_OK;
}

unsigned mds_model_caps(const mds_model_spec *spec)
{
    return spec->engine->caps_of ? spec->engine->caps_of(spec) : spec->engine->caps;
}

bool mds_model_is_synthetic(const mds_model_spec *spec)
{
    return spec->seed != 0 || (mds_options_find(&spec->options, "synthetic") &&
                               mds_options_bool(&spec->options, "synthetic"));
}

mds_status mds_model_supports_dynamics(const mds_model_spec *spec)
{
    const bool allowed = mds_options_find(&spec->options, "dynamics") &&
                         mds_options_bool(&spec->options, "dynamics");

    if (!mds_model_is_synthetic(spec) || allowed)
        return MDS_OK;
    return mds_fail(MDS_ERR_UNSUPPORTED,
                    "model '%s': synthetic weights are timed on replayed frames (protocol replay), "
                    "or with dynamics = true",
                    spec->name);
}

mds_status mds_model_supports(const mds_model_spec *spec, const mds_model_target *target,
                              bool want_virial, mds_device_kind kind)
{
    const mds_engine *engine = spec->engine;
    mds_status status = check_machine(spec, kind);

    if (status != MDS_OK)
        return status;
    if (want_virial && !(mds_model_caps(spec) & MDS_CAP_STRESS))
        return mds_fail(MDS_ERR_UNSUPPORTED,
                        "model '%s': engine %s has no stress, which a barostat needs", spec->name,
                        engine->name);
    if (!target->periodic && !(mds_model_caps(spec) & MDS_CAP_NONPERIODIC))
        return mds_fail(MDS_ERR_UNSUPPORTED,
                        "model '%s': engine %s needs a cell that is periodic in all directions",
                        spec->name, engine->name);
    status = engine->supports ? engine->supports(spec, target) : MDS_OK;
    if (status != MDS_OK)
        mds_error_prefix("model '%s': ", spec->name);
    return status;
}

double mds_model_cost_s(const mds_model_spec *spec, const mds_model_target *target,
                        mds_device_kind kind)
{
    const double microsecond = 1e-6;

    if (spec->engine->cost_s)
        return spec->engine->cost_s(spec, target, kind);
    return microsecond * target->n_atoms;
}

double mds_model_memory_bytes(const mds_model_spec *spec, const mds_model_target *target)
{
    return spec->engine->memory_bytes ? spec->engine->memory_bytes(spec, target) : 0.0;
}

mds_status mds_model_create(const mds_model_spec *spec, mds_device *device, mds_model **out)
{
    *out = NULL;
    mds_status status = check_machine(spec, mds_device_get_kind(device));
    if (status != MDS_OK)
        return status;
    status = spec->engine->create(spec, device, out);
    if (status != MDS_OK) {
        mds_error_prefix("model '%s': ", spec->name);
        *out = NULL;
        return status;
    }
    (*out)->engine = spec->engine;
    (*out)->spec = *spec;
    (*out)->device = device;
    return MDS_OK;
}

void mds_model_destroy(mds_model *model)
{
    if (model)
        model->engine->destroy(model);
}

int mds_model_members(const mds_model *model)
{
    return model->engine->members ? model->engine->members(model) : 1;
}

bool mds_model_work(const mds_model *model, const mds_scalars *s, mds_work *out)
{
    memset(out, 0, MDS_REGION_COUNT * sizeof *out);
    if (!model->engine->work)
        return false;
    model->engine->work(model, s, out);
    return true;
}

mds_status mds_model_expected_error(mds_model *model, double *out)
{
    if (!model->engine->expected_error)
        return mds_fail(MDS_ERR_UNSUPPORTED, "model '%s': engine %s does not estimate its errors",
                        model->spec.name, model->engine->name);
    return model->engine->expected_error(model, out);
}

void mds_model_set_regions(mds_model *model, mds_regions *regions)
{
    model->regions = regions;
}

mds_status mds_model_prepare(mds_model *model, const mds_state *state)
{
    if (state->device != model->device)
        return mds_fail(MDS_ERR_INTERNAL, "model '%s': state lives on another device",
                        model->spec.name);
    model->n_prepared = 0;
    const mds_status status = model->engine->prepare(model, state);
    if (status != MDS_OK)
        mds_error_prefix("model '%s': ", model->spec.name);
    else
        model->n_prepared = state->n;
    return status;
}

mds_status mds_model_compute(mds_model *model, mds_state *state, unsigned want)
{
    if (model->n_prepared != state->n)
        return mds_fail(MDS_ERR_INTERNAL, "model '%s': not prepared for these %d atoms",
                        model->spec.name, state->n);
    const bool cuda = mds_device_get_kind(model->device) == MDS_DEVICE_CUDA;
    const mds_status status = cuda ? model->engine->compute_cuda(model, state, want)
                                   : model->engine->compute(model, state, want);
    if (status != MDS_OK) {
        mds_error_prefix("model '%s': ", model->spec.name);
        return status;
    }
    /* Where the host can look without waiting, it does: a trajectory that went to infinity ends
     * here and not as a full table of NaN. Elsewhere the engine writes the NaN virial itself. */
    if (mds_device_host_access(model->device)) {
        for (int k = 0; !(want & MDS_WANT_VIRIAL) && k < 9; ++k)
            state->s->virial_eV[k / 3][k % 3] = NAN;
        if (!isfinite(state->s->potential_eV))
            return mds_fail(MDS_ERR_NUMERIC, "model '%s': the energy is not finite at step %lld",
                            model->spec.name, (long long)state->step);
    }
    return MDS_OK;
}

mds_status mds_model_make_room(mds_model *model, mds_state *state)
{
    const mds_status status = model->engine->make_room ? model->engine->make_room(model, state)
                                                       : MDS_OK;

    if (status != MDS_OK)
        mds_error_prefix("model '%s': ", model->spec.name);
    return status;
}

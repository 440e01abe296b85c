#include "sweep/cost.h"

/* Of a step beside the force call, on one core: the loop with its probes, the integrator. */
static const double step_s = 3e-6, step_atom_s = 2e-8;
/* Making model, protocol, buffers. */
static const double setup_s = 1e-3;
/* A component pass times regions inside the step. */
static const double component_factor = 1.1;
/* A virial is wanted at each step of a barostat. */
static const double virial_factor = 1.1;
/* case/start_state: dynamics of a crystal and of a liquid, and the relaxation before the latter. */
static const double crystal_fs = 400.0, liquid_fs = 1500.0, relax_calls = 150.0;

double mds_cost_case(const mds_study *study, const mds_case *point, double call_s)
{
    const mds_run *run = &point->run;
    const mds_protocol_class *class = study->protocols[point->protocol].class;
    const double call = call_s * (class->needs_virial ? virial_factor : 1.0);
    const double step = call + step_s + step_atom_s * point->n_atoms;
    const double steps = 1.0 + (double)run->warmup + (double)run->steps +
                         component_factor * (double)run->component_steps;

    return setup_s + steps * step;
}

/* Seconds of `calls` steps by the reference model; 0 when there is none for these elements. */
static double reference_s(const mds_model_target *target, double calls)
{
    mds_model_spec spec;

    if (mds_model_resolve("reference", target, MDS_PRECISION_AUTO, &spec) != MDS_OK)
        return 0.0;
    return calls * (mds_model_cost_s(&spec, target, MDS_DEVICE_CPU) + step_s +
                    step_atom_s * target->n_atoms);
}

double mds_cost_start(const mds_study *study, const mds_case *point, const mds_model_target *target)
{
    const mds_system_class *class = study->systems[point->system].class;
    double calls = (double)point->run.equilibration;

    if (calls < 0.0)
        calls = (class->disordered ? liquid_fs : crystal_fs) / class->timestep_fs;
    if (class->disordered)
        calls += relax_calls;
    return setup_s + reference_s(target, calls);
}

double mds_cost_frames(const mds_protocol_spec *protocol, const mds_model_target *target)
{
    const mds_options *o = &protocol->options;

    if (!protocol->class->needs_frames || !mds_options_find(o, "frames") ||
        !mds_options_find(o, "frame_count") || !mds_options_find(o, "frame_every") ||
        mds_options_text(o, "frames")[0])
        return 0.0;
    return reference_s(target,
                       mds_options_real(o, "frame_count") * mds_options_real(o, "frame_every"));
}

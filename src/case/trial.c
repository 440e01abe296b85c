/* The timed steps. Inside the bracket of a step there is the step and nothing else; between the
 * brackets there is no allocation, no output and no file beyond one pread() of /proc/self/statm
 * every memory_every steps. */
#include "case/trial.h"

#include "base/clock.h"
#include "base/units.h"

#include <math.h>
#include <string.h>

/* k_B T at this temperature is 86 eV: no force field means anything long before. */
#define EXPLODED_K 1e6

mds_status mds_trial_arm(mds_trial *trial)
{
    const mds_run *run = trial->run;
    const bool late = mds_device_get_kind(trial->device) != MDS_DEVICE_CPU;
    mds_status status;

    for (int pool = 0; pool < MDS_POOL_COUNT; ++pool) {
        if (trial->samples->columns[pool] > MDS_TRIAL_COLUMNS)
            return mds_fail(MDS_ERR_INTERNAL, "the %s pool has more than %d columns",
                            mds_pool_name((mds_pool)pool), MDS_TRIAL_COLUMNS);
        mds_samples_touch(trial->samples, (mds_pool)pool,
                          mds_case_rows(trial->point, (mds_pool)pool));
    }
    /* The host's events are over when they are recorded; reading them late would gain nothing. */
    trial->depth = late ? MDS_TRIAL_RING : 1;
    MDS_TRY(mds_device_events_create(trial->device, 2 * trial->depth));
    trial->device_s_column = mds_pool_find_column(MDS_POOL_STEPS, "device_s");
    memset(trial->ring, 0, sizeof trial->ring);

    const mds_protocol_class *class = trial->protocol->class;

    trial->dynamics = class->integrates;
    trial->waits = run->timing == MDS_TIMING_SYNC;
    trial->thermo_want = trial->model->engine->caps & MDS_CAP_STRESS ? (unsigned)MDS_WANT_VIRIAL
                                                                     : 0u;
    trial->kinetic_limit_eV = 0.5 * trial->state.degrees_of_freedom * MDS_BOLTZMANN_EV * EXPLODED_K;
    trial->observation = (mds_observation){
        .state = &trial->state,
        .scalars = mds_device_host_access(trial->device) ? trial->state.s : &trial->scalars,
        .device = trial->device,
        .statm = trial->statm,
    };
out:
    return status;
}

/* The oldest row of the ring gets its device time and is published. */
static void publish(mds_trial *trial)
{
    const int slot = trial->oldest;

    trial->ring[slot][trial->device_s_column].f8 =
        mds_device_event_elapsed(trial->device, 2 * slot, 2 * slot + 1);
    mds_samples_append(trial->samples, MDS_POOL_STEPS, trial->ring[slot]);
    trial->oldest = (slot + 1) % trial->depth;
    --trial->pending;
}

static mds_status fetch_scalars(mds_trial *trial)
{
    return mds_device_host_access(trial->device)
               ? MDS_OK
               : mds_state_fetch_scalars(&trial->state, &trial->scalars);
}

/* A trajectory that has become meaningless ends here, not after an hour of timing NaNs. */
static mds_status judge(const mds_trial *trial)
{
    const mds_scalars *s = trial->observation.scalars;

    if (!isfinite(s->potential_eV))
        return mds_fail(MDS_ERR_NUMERIC, "potential energy is not a number");
    if (!trial->dynamics || s->kinetic_eV <= trial->kinetic_limit_eV)
        return MDS_OK;
    if (!isfinite(s->kinetic_eV))
        return mds_fail(MDS_ERR_NUMERIC, "kinetic energy is not a number");
    return mds_fail(MDS_ERR_NUMERIC, "the temperature is %.3g K: the trajectory has exploded",
                    mds_state_temperature(&trial->state, s->kinetic_eV));
}

static void observe(mds_trial *trial, bool thermodynamics, int64_t flags)
{
    mds_observation *seen = &trial->observation;

    seen->step = trial->step;
    seen->volume = trial->state.box.volume;
    seen->thermodynamics = thermodynamics;
    seen->pressure_GPa =
        thermodynamics && trial->thermo_want ? mds_pressure_GPa(seen->scalars, seen->volume) : NAN;
    seen->flags = flags;
}

/* One step in its bracket, then its row. */
static mds_status timed_step(mds_trial *trial, bool thermodynamics, int64_t flags)
{
    mds_observation *seen = &trial->observation;
    const unsigned want = thermodynamics ? trial->thermo_want : 0u;
    const int slot = (trial->oldest + trial->pending) % trial->depth;

    const int64_t begin = mds_clock_ns();
    mds_device_event_record(trial->device, 2 * slot);
    mds_status status = mds_protocol_step(trial->protocol, want);
    mds_device_event_record(trial->device, 2 * slot + 1);
    if (trial->waits && status == MDS_OK)
        status = mds_device_sync(trial->device);
    const int64_t end = mds_clock_ns();

    if (status != MDS_OK)
        return status;
    const bool known = thermodynamics || seen->scalars == trial->state.s;

    if (thermodynamics && (status = fetch_scalars(trial)) != MDS_OK)
        return status;
    if (known && seen->scalars->rebuilt != 0)
        flags |= MDS_STEP_REBUILT;
    seen->wall_s = 1e-9 * (double)(end - begin);
    seen->device_s = NAN; /* until its events are read */
    observe(trial, thermodynamics, flags);
    mds_pool_sample(MDS_POOL_STEPS, seen, trial->ring[slot]);
    ++trial->pending;
    if (trial->pending == trial->depth)
        publish(trial);
    return known ? judge(trial) : MDS_OK;
}

static void sample_memory(mds_trial *trial)
{
    mds_cell row[MDS_TRIAL_COLUMNS];

    mds_pool_sample(MDS_POOL_MEMORY, &trial->observation, row);
    mds_samples_append(trial->samples, MDS_POOL_MEMORY, row);
}

/* Every `every` steps of a segment, and at its last one: i of count. */
static bool due(int64_t i, int64_t count, int64_t every)
{
    return i == count - 1 || (every > 0 && i % every == 0);
}

static int64_t *done_counter(mds_trial *trial, mds_phase phase)
{
    mds_samples_header *header = trial->samples->header;

    return phase == MDS_PHASE_STEADY   ? &header->steady_done
           : phase == MDS_PHASE_WARMUP ? &header->warmup_done
                                       : NULL;
}

static void name_step(mds_phase phase, int64_t i)
{
    if (phase == MDS_PHASE_FIRST)
        mds_error_prefix("first step: ");
    else
        mds_error_prefix("%s step %lld: ", mds_phase_name(phase), (long long)i + 1);
}

mds_status mds_trial_segment(mds_trial *trial, mds_phase phase, int64_t count, int64_t flags)
{
    const mds_run *run = trial->run;
    int64_t *done = done_counter(trial, phase);
    mds_status status = MDS_OK;

    for (int64_t i = 0; i < count; ++i) {
        mds_samples_beat(trial->samples, phase);
        status =
            timed_step(trial, run->energy_every > 0 && due(i, count, run->energy_every), flags);
        if (status != MDS_OK) {
            name_step(phase, i);
            break;
        }
        if (due(i, count, run->memory_every))
            sample_memory(trial);
        ++trial->step;
        if (done)
            *done = i + 1;
    }
    while (trial->pending > 0)
        publish(trial);
    if (status == MDS_OK && count > 0)
        status = mds_device_sync(trial->device);
    return status;
}

mds_status mds_trial_bare_segment(mds_trial *trial, mds_phase phase, int64_t count)
{
    const mds_run *run = trial->run;
    int64_t *done = done_counter(trial, phase);
    mds_status status = MDS_OK;

    for (int64_t i = 0; i < count && status == MDS_OK; ++i) {
        const bool thermodynamics = run->energy_every > 0 && due(i, count, run->energy_every);

        mds_samples_beat(trial->samples, phase);
        status = mds_protocol_step(trial->protocol, thermodynamics ? trial->thermo_want : 0u);
        if (status != MDS_OK)
            name_step(phase, i);
        else if (done)
            *done = i + 1;
    }
    if (status == MDS_OK && count > 0)
        status = mds_device_sync(trial->device);
    if (status == MDS_OK && count > 0)
        status = fetch_scalars(trial);
    if (status == MDS_OK && count > 0)
        status = judge(trial);
    trial->step += count;
    return status;
}

mds_status mds_trial_components(mds_trial *trial, int64_t count)
{
    const mds_run *run = trial->run;
    mds_observation *seen = &trial->observation;
    mds_cell row[MDS_TRIAL_COLUMNS];
    mds_status status = MDS_OK;

    trial->regions.on = true;
    seen->regions = &trial->regions;
    for (int64_t i = 0; i < count && status == MDS_OK; ++i) {
        const bool thermodynamics = run->energy_every > 0 && due(i, count, run->energy_every);

        mds_samples_beat(trial->samples, MDS_PHASE_COMPONENTS);
        mds_regions_reset(&trial->regions);
        const int64_t begin = mds_clock_ns();
        status = mds_protocol_step(trial->protocol, thermodynamics ? trial->thermo_want : 0u);
        if (status == MDS_OK)
            status = mds_device_sync(trial->device);
        const int64_t end = mds_clock_ns();

        if (status == MDS_OK && thermodynamics && (status = fetch_scalars(trial)) == MDS_OK)
            status = judge(trial);
        if (status != MDS_OK) {
            name_step(MDS_PHASE_COMPONENTS, i);
            break;
        }
        seen->wall_s = 1e-9 * (double)(end - begin);
        observe(trial, thermodynamics, 0);
        mds_pool_sample(MDS_POOL_COMPONENTS, seen, row);
        mds_samples_append(trial->samples, MDS_POOL_COMPONENTS, row);
        ++trial->step;
    }
    trial->regions.on = false;
    seen->regions = NULL;
    return status;
}

/* The timed steps. Inside the bracket of a step there is the step and nothing else that takes time;
 * there is no allocation, no output, and no file beyond an occasional pread() of /proc/self/statm.
 *
 * A step of a classical model takes a few microseconds, so that even reading the clock (20 ns)
 * counts, and probes that find nothing in the cache count twice. Therefore the end of one bracket
 * is the beginning of the next, with nothing in between but a copy of the step's scalars into a
 * ring; the rows are made from the ring a few at a time, outside any bracket
 * (tests/bench/bench_profiling.c). */
#include "case/trial.h"

#include "base/clock.h"
#include "base/units.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <math.h>
#include <string.h>

/* k_B T at this temperature is 86 eV: no force field means anything long before. */
#define EXPLODED_K 1e6

/* Kept out of the hot path, whose instructions a model evicts from the cache at every step. */
#define RARELY __attribute__((noinline, cold))

enum {
    /* Steps that may wait in the ring. A crash loses them, so the first steps of a segment do not
     * wait, nor do steps that are slow enough for their rows not to matter. */
    BATCH = MDS_TRIAL_RING - 1,
    BATCH_GROWTH = 64,
    BATCH_NS = 100000,
    /* Events are read when this many steps have followed, so that nobody waits for them. */
    LATE = MDS_TRIAL_RING / 2,
    /* Reading the resident set is a system call of half a microsecond to two. When memory_every is
     * so short that it would be a visible part of the run, rows in between say "not known"; but a
     * segment gets enough of them for a verdict. */
    RESIDENT_EVERY_NS = 5000000,
    RESIDENT_POINTS = 20
};

mds_status mds_trial_arm(mds_trial *trial)
{
    const mds_run *run = trial->run;
    mds_status status = MDS_OK;

    for (int pool = 0; pool < MDS_POOL_COUNT; ++pool) {
        if (trial->samples->columns[pool] > MDS_TRIAL_COLUMNS)
            return mds_fail(MDS_ERR_INTERNAL, "the %s pool has more than %d columns",
                            mds_pool_name((mds_pool)pool), MDS_TRIAL_COLUMNS);
        mds_samples_touch(trial->samples, (mds_pool)pool,
                          mds_case_rows(trial->point, (mds_pool)pool));
    }
    MDS_TRY(mds_trial_arm_frames(trial));
    /* The host's events are stamps of the host clock: a second pair of them would say nothing new
     * and cost as much as all the rest of the profiling. */
    trial->has_events = mds_device_get_kind(trial->device) != MDS_DEVICE_CPU;
    if (trial->has_events)
        MDS_TRY(mds_device_events_create(trial->device, 2 * (MDS_TRIAL_RING + MDS_REGION_VISITS)));
    memset(&trial->ring, 0, sizeof trial->ring);

    /* Earlier cases of this worker leave free heap behind, from which a leak would be served
     * without the resident set ever showing it. */
#ifdef __GLIBC__
    malloc_trim(0);
#endif
    trial->preemptions = mds_trial_preemptions();
    trial->host_access = mds_device_host_access(trial->device);
    if (!trial->host_access) {
        MDS_TRY(mds_trial_late_arm(trial));
        trial->regions.event_first = 2 * MDS_TRIAL_RING;
        trial->regions.event_room = MDS_REGION_VISITS;
    }
    trial->dynamics = trial->protocol->class->integrates;
    trial->waits = run->timing == MDS_TIMING_SYNC;
    trial->thermo_want = trial->model->engine->caps & MDS_CAP_STRESS ? (unsigned)MDS_WANT_VIRIAL
                                                                     : 0u;
    trial->kinetic_limit_eV = 0.5 * trial->state.degrees_of_freedom * MDS_BOLTZMANN_EV * EXPLODED_K;
    trial->observation = (mds_observation){.state = &trial->state, .device = trial->device};
out:
    return status;
}

static int event_slot(const mds_step_ring *ring, int k)
{
    return (int)((ring->first + k) % MDS_TRIAL_RING);
}

/* Only devices with a clock of their own leave steps behind, so this is not in the way of fast
 * ones. */
static void drop_oldest(mds_step_ring *ring, int count)
{
    const size_t left = (size_t)(ring->count - count) * sizeof(double);
    double *const arrays[] = {ring->wall_s,     ring->device_s,     ring->potential_eV,
                              ring->kinetic_eV, ring->conserved_eV, ring->virial_trace_eV,
                              ring->n_edges,    ring->volume_A3};

    ring->first += count;
    ring->count -= count;
    if (left == 0)
        return;
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; ++i)
        memmove(arrays[i], arrays[i] + count, left);
    memmove(ring->flags, ring->flags + count, left);
}

/* Makes rows of the oldest steps until `keep` are left. */
__attribute__((noinline)) void mds_trial_publish(mds_trial *trial, int keep)
{
    mds_step_ring *ring = &trial->ring;
    mds_cell *columns[MDS_TRIAL_COLUMNS];
    const int over = ring->count - keep;

    trial->begin_ns = 0;
    if (over <= 0)
        return;
    for (int k = 0; trial->has_events && trial->host_access && k < over; ++k) {
        const int slot = event_slot(ring, k);

        ring->device_s[k] = mds_device_event_elapsed(trial->device, 2 * slot, 2 * slot + 1);
    }
    mds_trial_flag_doubtful(trial, over);
    const int room = mds_samples_next(trial->samples, MDS_POOL_STEPS, over, columns);
    const mds_step_batch batch = {
        .count = room,
        .state = &trial->state,
        .wall_s = ring->wall_s,
        .device_s = trial->has_events ? ring->device_s : ring->wall_s,
        .flags = ring->flags,
        .potential_eV = ring->potential_eV,
        .kinetic_eV = ring->kinetic_eV,
        .conserved_eV = ring->conserved_eV,
        .virial_trace_eV = ring->virial_trace_eV,
        .n_edges = ring->n_edges,
        .volume_A3 = ring->volume_A3,
    };
    mds_pool_sample_steps(&batch, columns);
    mds_samples_publish(trial->samples, MDS_POOL_STEPS, room);
    drop_oldest(ring, over);
}

/* After step i of a segment, which ended at `now`. */
static void publish_if_due(mds_trial *trial, int64_t i, int64_t now)
{
    const int pending = trial->ring.count;

    if (trial->has_events) {
        if (pending == MDS_TRIAL_RING)
            mds_trial_publish(trial, LATE);
    } else if (pending >= BATCH || pending > i / BATCH_GROWTH ||
               now - trial->published_ns > BATCH_NS) {
        mds_trial_publish(trial, 0);
        trial->published_ns = now;
    }
}

/* The members that rows are made of, one by one. The model and the protocol have just written them,
 * as single numbers that are still in the store buffer: a wider load, as of a struct copy, would
 * have to wait until they have reached the cache. `volatile` keeps the compiler from widening. */
static inline void keep_scalars(mds_step_ring *ring, int k, const volatile mds_scalars *s)
{
    ring->potential_eV[k] = s->potential_eV;
    ring->virial_trace_eV[k] = s->virial_eV[0][0] + s->virial_eV[1][1] + s->virial_eV[2][2];
    ring->kinetic_eV[k] = s->kinetic_eV;
    ring->conserved_eV[k] = s->conserved_eV;
    ring->n_edges[k] = s->n_edges;
    if (s->rebuilt != 0.0)
        ring->flags[k] |= MDS_STEP_REBUILT;
}

/* Thermodynamics that were not asked for are not known, whatever stands in the scalars. */
static void forget_scalars(mds_step_ring *ring, int k)
{
    ring->potential_eV[k] = ring->virial_trace_eV[k] = ring->kinetic_eV[k] = NAN;
    ring->conserved_eV[k] = ring->n_edges[k] = ring->volume_A3[k] = NAN;
}

static RARELY mds_status condemn(const mds_trial *trial, double potential_eV, double kinetic_eV)
{
    if (!isfinite(potential_eV))
        return mds_fail(MDS_ERR_NUMERIC, "potential energy is not a number");
    if (!isfinite(kinetic_eV))
        return mds_fail(MDS_ERR_NUMERIC, "kinetic energy is not a number");
    return mds_fail(MDS_ERR_NUMERIC, "the temperature is %.3g K: the trajectory has exploded",
                    mds_state_temperature(&trial->state, kinetic_eV));
}

/* A trajectory that has become meaningless ends here, not after an hour of timing NaNs. */
static inline mds_status judge(const mds_trial *trial, double potential_eV, double kinetic_eV)
{
    const bool moves_well = !trial->dynamics || kinetic_eV <= trial->kinetic_limit_eV;

    return isfinite(potential_eV) && moves_well ? MDS_OK : condemn(trial, potential_eV, kinetic_eV);
}

static inline mds_status take_scalars(mds_trial *trial, int k, const mds_scalars *s,
                                      bool thermodynamics)
{
    mds_step_ring *ring = &trial->ring;

    keep_scalars(ring, k, s);
    const mds_status status = judge(trial, ring->potential_eV[k], ring->kinetic_eV[k]);
    if (!thermodynamics)
        forget_scalars(ring, k);
    return status;
}

mds_status mds_trial_keep_scalars(mds_trial *trial, int k, const mds_scalars *s,
                                  bool thermodynamics)
{
    trial->ring.volume_A3[k] = s->volume_A3;
    return take_scalars(trial, k, s, thermodynamics);
}

/* What the device says after a step that was waited for. */
static mds_status fetch_and_judge(const mds_trial *trial)
{
    mds_scalars s;
    mds_status status;

    MDS_TRY(mds_state_fetch_scalars(&trial->state, &s));
    MDS_TRY(mds_scalars_check_fault(&s));
    MDS_TRY(judge(trial, s.potential_eV, s.kinetic_eV));
out:
    return status;
}

/* One step in its bracket, into the ring. */
static mds_status timed_step(mds_trial *trial, bool thermodynamics, int64_t flags)
{
    mds_step_ring *ring = &trial->ring;
    const int k = ring->count, slot = trial->has_events ? event_slot(ring, k) : 0;

    const int64_t begin = trial->begin_ns ? trial->begin_ns : mds_clock_ns();
    if (trial->has_events)
        mds_device_event_record(trial->device, 2 * slot);
    mds_status status =
        mds_protocol_step(trial->protocol, thermodynamics ? trial->thermo_want : 0u);
    if (trial->has_events)
        mds_device_event_record(trial->device, 2 * slot + 1);
    if (trial->waits && status == MDS_OK)
        status = mds_device_sync(trial->device);
    const int64_t end = mds_clock_ns();

    if (status != MDS_OK)
        return status;
    trial->begin_ns = end;
    ring->wall_s[k] = 1e-9 * (double)(end - begin);
    ring->flags[k] = flags;
    ring->volume_A3[k] = trial->state.box.volume;
    status = take_scalars(trial, k, trial->state.s, thermodynamics);
    if (status == MDS_OK)
        ++ring->count;
    return status;
}

/* `rows`: memory rows of the segment. */
static RARELY void sample_memory(mds_trial *trial, bool edge, int64_t rows)
{
    mds_observation *seen = &trial->observation;
    const int64_t now = trial->begin_ns ? trial->begin_ns : mds_clock_ns();
    const bool resident = edge || now - trial->resident_ns >= RESIDENT_EVERY_NS ||
                          ++trial->resident_skip >= rows / RESIDENT_POINTS;
    mds_cell row[MDS_TRIAL_COLUMNS];

    seen->step = trial->step;
    seen->statm = resident ? trial->statm : -1;
    seen->process_bytes = mds_sampler_process_bytes(trial->sampler);
    if (resident) {
        trial->resident_ns = now;
        trial->resident_skip = 0;
    }
    mds_pool_sample(MDS_POOL_MEMORY, seen, row);
    mds_samples_append(trial->samples, MDS_POOL_MEMORY, row);
    trial->begin_ns = 0;
}

/* Steps 0, every, 2·every, ... of a segment, and its last. Counted down, because a division per
 * step would cost as much as reading the clock. */
typedef struct cadence {
    int64_t every, left;
} cadence;

static cadence cadence_of(int64_t every)
{
    return (cadence){every > 0 ? every : INT64_MAX, 0};
}

static bool due(cadence *c, bool last)
{
    if (c->left-- > 0 && !last)
        return false;
    c->left = c->every - 1;
    return true;
}

/* Frames are of the steady part alone. */
static cadence frame_cadence(const mds_trial *trial, mds_phase phase)
{
    if (phase != MDS_PHASE_STEADY || trial->frames_out.capacity == 0)
        return (cadence){INT64_MAX, INT64_MAX};
    return cadence_of(trial->study->trajectory_every);
}

static int64_t *done_counter(mds_trial *trial, mds_phase phase)
{
    mds_samples_header *header = trial->samples->header;

    return phase == MDS_PHASE_STEADY   ? &header->steady_done
           : phase == MDS_PHASE_WARMUP ? &header->warmup_done
                                       : NULL;
}

static RARELY void name_step(const mds_trial *trial, mds_phase phase, int64_t i, mds_status status)
{
    if (!trial->host_access && phase != MDS_PHASE_COMPONENTS)
        mds_trial_late_name(trial, phase, i, status);
    else if (phase == MDS_PHASE_FIRST)
        mds_error_prefix("first step: ");
    else
        mds_error_prefix("%s step %lld: ", mds_phase_name(phase), (long long)i + 1);
}

static inline mds_status step_of(mds_trial *trial, bool thermodynamics, int64_t flags)
{
    const int mark = mds_marks_begin(&trial->marks, "step", trial->step);
    const mds_status status = trial->host_access
                                  ? timed_step(trial, thermodynamics, flags)
                                  : mds_trial_late_step(trial, thermodynamics, flags);

    mds_marks_end_to(&trial->marks, mark);
    return status;
}

static RARELY mds_status end_segment(mds_trial *trial)
{
    if (!trial->host_access)
        return mds_trial_late_settle(trial, 0, true);
    mds_trial_publish(trial, 0);
    return mds_device_sync(trial->device);
}

mds_status mds_trial_segment(mds_trial *trial, mds_phase phase, int64_t count, int64_t flags)
{
    const mds_run *run = trial->run;
    cadence energy = cadence_of(run->energy_every), memory = cadence_of(run->memory_every);
    cadence frame = frame_cadence(trial, phase);
    int64_t *done = done_counter(trial, phase);
    const int mark = mds_marks_begin(&trial->marks, mds_phase_name(phase), -1);
    mds_status status = MDS_OK;

    trial->begin_ns = 0;
    mds_trial_late_begin(trial, done);
    for (int64_t i = 0; i < count; ++i) {
        const bool last = i == count - 1;

        mds_samples_beat(trial->samples, phase);
        status = step_of(trial, due(&energy, last), flags);
        if (status == MDS_OK && trial->host_access) {
            if (done)
                *done = i + 1;
            publish_if_due(trial, i, trial->begin_ns);
        }
        if (status == MDS_OK && due(&memory, last))
            sample_memory(trial, i == 0 || last, count / memory.every);
        if (status == MDS_OK && due(&frame, false))
            status = mds_trial_store_frame(trial);
        if (status == MDS_OK && last)
            status = end_segment(trial);
        if (status != MDS_OK) {
            name_step(trial, phase, i, status);
            break;
        }
        ++trial->step;
    }
    mds_trial_publish(trial, 0);
    mds_marks_end_to(&trial->marks, mark);
    return status;
}

static mds_status bare_steps(mds_trial *trial, mds_phase phase, int64_t count)
{
    cadence energy = cadence_of(trial->run->energy_every), frame = frame_cadence(trial, phase);
    int64_t *done = done_counter(trial, phase);
    mds_status status = MDS_OK;

    for (int64_t i = 0; i < count; ++i) {
        const unsigned want = due(&energy, i == count - 1) ? trial->thermo_want : 0u;

        mds_samples_beat(trial->samples, phase);
        const int mark = mds_marks_begin(&trial->marks, "step", trial->step);
        status = mds_protocol_step(trial->protocol, want);
        mds_marks_end_to(&trial->marks, mark);
        if (status == MDS_OK && !trial->host_access)
            status = mds_trial_late_bare(trial, i);
        if (status != MDS_OK) {
            trial->late.settled = i;
            name_step(trial, phase, i, status);
            return status;
        }
        if (done)
            *done = i + 1;
        if (due(&frame, false) && (status = mds_trial_store_frame(trial)) != MDS_OK)
            return status;
        ++trial->step;
    }
    return count > 0 ? fetch_and_judge(trial) : status; /* waits for the last step */
}

mds_status mds_trial_bare_segment(mds_trial *trial, mds_phase phase, int64_t count)
{
    const int mark = mds_marks_begin(&trial->marks, mds_phase_name(phase), -1);
    const mds_status status = bare_steps(trial, phase, count);

    mds_marks_end_to(&trial->marks, mark);
    return status;
}

/* One step of the component pass, which ends with a synchronisation so that the parts are whole. */
static mds_status component_step(mds_trial *trial, bool thermodynamics)
{
    mds_observation *seen = &trial->observation;
    mds_cell row[MDS_TRIAL_COLUMNS];

    mds_regions_reset(&trial->regions);
    const int64_t begin = mds_clock_ns();
    mds_status status =
        mds_protocol_step(trial->protocol, thermodynamics ? trial->thermo_want : 0u);
    if (status == MDS_OK)
        status = mds_device_sync(trial->device);
    seen->wall_s = 1e-9 * (double)(mds_clock_ns() - begin);
    if (status == MDS_OK)
        status = fetch_and_judge(trial);
    if (status != MDS_OK)
        return status;
    mds_regions_collect(&trial->regions);
    seen->step = trial->step;
    mds_pool_sample(MDS_POOL_COMPONENTS, seen, row);
    mds_samples_append(trial->samples, MDS_POOL_COMPONENTS, row);
    return MDS_OK;
}

mds_status mds_trial_components(mds_trial *trial, int64_t count)
{
    cadence energy = cadence_of(trial->run->energy_every);
    mds_status status = MDS_OK;

    const int pass = mds_marks_begin(&trial->marks, mds_phase_name(MDS_PHASE_COMPONENTS), -1);

    trial->regions.on = true;
    trial->observation.regions = &trial->regions;
    for (int64_t i = 0; i < count && status == MDS_OK; ++i) {
        mds_samples_beat(trial->samples, MDS_PHASE_COMPONENTS);
        const int mark = mds_marks_begin(&trial->marks, "step", trial->step);
        status = component_step(trial, due(&energy, i == count - 1));
        mds_marks_end_to(&trial->marks, mark);
        if (status != MDS_OK)
            name_step(trial, MDS_PHASE_COMPONENTS, i, status);
        ++trial->step;
    }
    trial->regions.on = false;
    trial->observation.regions = NULL;
    mds_marks_end_to(&trial->marks, pass);
    return status;
}

/* Timed steps on a device whose memory the host cannot read. Nothing in the loop waits for the
 * device: a step is enqueued between two events, and behind the second one a copy of its scalars
 * into pinned memory; event times and scalars are looked at late, when the steps behind have been
 * enqueued. Only when the ring is full is there a wait, and that is for its oldest step.
 *
 * So a step that went wrong is noticed late, but named rightly: the scalars of each step say what
 * its kernels found, and kernels leave the state alone after a fault. */
#include "case/trial.h"

#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A list this full is given more room between two steps, before it overflows in one. */
#define NEARLY_FULL 0.85

enum {
    LOOK_NS = 100000, /* from one look for steps that are over to the next */
    BARE_EVERY = 64   /* steps of the bare loop from one look at the list's room to the next */
};

mds_status mds_trial_late_arm(mds_trial *trial)
{
    mds_trial_late *late = &trial->late;

    memset(late, 0, sizeof *late);
    /* Without waiting the host's clock sees how long it takes to enqueue a step, no more. */
    trial->samples->header->device_clock = trial->run->timing == MDS_TIMING_EVENT;
    return mds_device_host_alloc(trial->device, MDS_TRIAL_RING * sizeof *late->scalars,
                                 "scalars of the steps", (void **)&late->scalars);
}

void mds_trial_late_disarm(mds_trial *trial)
{
    mds_device_host_free(trial->device, trial->late.scalars);
    trial->late.scalars = NULL;
}

void mds_trial_late_begin(mds_trial *trial, int64_t *done)
{
    trial->late.settled = 0;
    trial->late.done = done;
}

static int slot_of(const mds_trial *trial, int k)
{
    return (int)((trial->ring.first + k) % MDS_TRIAL_RING);
}

/* Waits until step k of the ring is over and its scalars have come, which is when the next step's
 * first event has passed. */
static mds_status wait_for(mds_trial *trial, int k)
{
    mds_step_ring *ring = &trial->ring;
    const int slot = slot_of(trial, k), next = slot_of(trial, k + 1);

    if (k + 1 == ring->count) {
        const mds_status status = mds_device_sync(trial->device);

        if (status != MDS_OK)
            return status;
    } else if (isnan(mds_device_event_elapsed(trial->device, 2 * slot, 2 * next))) {
        const mds_status status = mds_device_sync(trial->device);

        return status != MDS_OK ? status
                                : mds_fail(MDS_ERR_INTERNAL, "the event clock gave no time");
    }
    ring->device_s[k] = mds_device_event_elapsed(trial->device, 2 * slot, 2 * slot + 1);
    return MDS_OK;
}

/* What step k left. */
static mds_status take(mds_trial *trial, int k)
{
    const int slot = slot_of(trial, k);
    const mds_scalars *s = &trial->late.scalars[slot];
    const mds_status status = mds_scalars_check_fault(s);

    trial->late.fill = s->fill;
    return status != MDS_OK ? status
                            : mds_trial_keep_scalars(trial, k, s, trial->late.thermodynamics[slot]);
}

/* `fill` is what step `at` said. The steps after it that are enqueued already, `stale_for` of them,
 * will say it again, which then means nothing. */
static mds_status make_room(mds_trial *trial, double fill, int64_t at, int64_t stale_for)
{
    if (fill <= NEARLY_FULL || at < trial->late.stale_until)
        return MDS_OK;
    trial->late.stale_until = at + stale_for;
    return mds_model_make_room(trial->model, &trial->state);
}

/* Whether looking at step k of the ring would wait. */
static bool is_pending(const mds_trial *trial, int k)
{
    return k + 1 == trial->ring.count ||
           !mds_device_event_passed(trial->device, 2 * slot_of(trial, k + 1));
}

static mds_status settle_one(mds_trial *trial, int k)
{
    mds_trial_late *late = &trial->late;
    mds_status status;

    MDS_TRY(wait_for(trial, k));
    MDS_TRY(take(trial, k));
    ++late->steps;
    ++late->settled;
    if (late->done)
        *late->done = late->settled;
out:
    return status;
}

mds_status mds_trial_late_settle(mds_trial *trial, int keep, bool wait)
{
    mds_step_ring *ring = &trial->ring;
    mds_trial_late *late = &trial->late;
    const int64_t before = late->steps;
    mds_status status = MDS_OK;
    int over = 0;

    trial->begin_ns = 0;
    while (status == MDS_OK && over < ring->count) {
        const bool pending = is_pending(trial, over);

        if (pending && (!wait || ring->count - over <= keep))
            break;
        if (pending && over > 0) { /* the wait may be for ever: what is known is written first */
            mds_trial_publish(trial, ring->count - over);
            over = 0;
            continue;
        }
        status = settle_one(trial, over);
        over += status == MDS_OK;
    }
    mds_trial_publish(trial, ring->count - over);
    if (status != MDS_OK)
        ring->count = 0; /* what came after a fault is no step */
    if (status == MDS_OK && late->steps > before)
        status = make_room(trial, late->fill, late->steps - 1, 1 + ring->count);
    late->looked_ns = mds_clock_ns();
    return status;
}

/* The step's own error, once what came before it is in the samples. */
static mds_status give_up(mds_trial *trial, mds_status status)
{
    char reason[512];

    snprintf(reason, sizeof reason, "%s", mds_error());
    /* An earlier step may hold the cause. */
    const mds_status earlier = mds_trial_late_settle(trial, 0, true);
    return earlier != MDS_OK ? earlier : mds_fail(status, "%s", reason);
}

mds_status mds_trial_late_step(mds_trial *trial, bool thermodynamics, int64_t flags)
{
    mds_step_ring *ring = &trial->ring;
    mds_device *device = trial->device;
    const unsigned want = thermodynamics ? trial->thermo_want : 0u;
    const int k = ring->count, slot = slot_of(trial, k);

    if (!mds_protocol_is_recorded(trial->protocol, want))
        flags |= MDS_STEP_RECORDED;
    const int64_t begin = trial->begin_ns ? trial->begin_ns : mds_clock_ns();
    mds_device_event_record(device, 2 * slot);
    mds_status status = mds_protocol_step(trial->protocol, want);
    mds_device_event_record(device, 2 * slot + 1);
    if (trial->waits && status == MDS_OK)
        status = mds_device_sync(device);
    const int64_t end = mds_clock_ns();

    if (status != MDS_OK)
        return give_up(trial, status);
    ring->wall_s[k] = 1e-9 * (double)(end - begin);
    ring->flags[k] = flags;
    trial->late.thermodynamics[slot] = thermodynamics;
    status = mds_device_copy(device, &trial->late.scalars[slot], trial->state.s,
                             sizeof(mds_scalars), MDS_COPY_TO_HOST);
    if (status != MDS_OK)
        return give_up(trial, status);
    ++ring->count;
    trial->begin_ns = mds_clock_ns();
    if (trial->waits)
        return mds_trial_late_settle(trial, 0, true);
    if (ring->count == MDS_TRIAL_RING)
        return mds_trial_late_settle(trial, MDS_TRIAL_RING - 1, true);
    return trial->begin_ns - trial->late.looked_ns > LOOK_NS
               ? mds_trial_late_settle(trial, MDS_TRIAL_RING, false)
               : MDS_OK;
}

/* The steps from the last that is known to be good: an error of the device poisons the context, so
 * that later ones cannot be asked any more. */
void mds_trial_late_name(const mds_trial *trial, mds_phase phase, int64_t i, mds_status status)
{
    const long long first = trial->late.settled + 1, last = i + 1;
    const bool known = first >= last || (status != MDS_ERR_DEVICE && status != MDS_ERR_DEVICE_LOST);

    if (phase == MDS_PHASE_FIRST)
        mds_error_prefix("first step: ");
    else if (known)
        mds_error_prefix("%s step %lld: ", mds_phase_name(phase), first < last ? first : last);
    else
        mds_error_prefix("%s steps %lld to %lld: ", mds_phase_name(phase), first, last);
}

mds_status mds_trial_late_bare(mds_trial *trial, int64_t i)
{
    mds_trial_late *late = &trial->late;
    const int slot = (int)(i / BARE_EVERY % 2);
    mds_status status;

    if (i % BARE_EVERY != 0)
        return MDS_OK;
    MDS_TRY(mds_device_copy(trial->device, &late->scalars[slot], trial->state.s,
                            sizeof(mds_scalars), MDS_COPY_TO_HOST));
    if (i == 0)
        return MDS_OK;
    /* That of the look before has most likely come; if not, it says what it said then. */
    MDS_TRY(mds_scalars_check_fault(&late->scalars[1 - slot]));
    MDS_TRY(make_room(trial, late->scalars[1 - slot].fill, late->steps + i, 2 * BARE_EVERY));
out:
    return status;
}

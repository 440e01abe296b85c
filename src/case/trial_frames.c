/* Frames of the trajectory, from the device straight into the shared frame area. */
#include "case/trial.h"

#include "base/clock.h"

#include <string.h>

mds_status mds_trial_arm_frames(mds_trial *trial)
{
    const mds_structure *start = &trial->start;
    const int64_t frames = mds_case_frames(trial->study, trial->point);
    mds_frame_area *area = &trial->frames_out;

    if (frames == 0)
        return MDS_OK;
    const mds_status status = mds_samples_frame_area(trial->samples, start->n, frames, area);
    if (status != MDS_OK)
        return status;
    memset(area->mass, 0, (size_t)mds_frame_bytes(start->n, frames));
    memcpy(area->mass, start->mass, (size_t)start->n * sizeof *area->mass);
    for (int i = 0; i < start->n; ++i)
        area->z[i] = start->species.z[start->type[i]];
    return MDS_OK;
}

/* Positions and cell after the present step. */
static mds_status copy_frame(mds_trial *trial, int64_t frame)
{
    const mds_frame_area *area = &trial->frames_out;
    const size_t numbers = 3 * (size_t)area->n;
    mds_status status;

    MDS_TRY(mds_state_pull_block(&trial->state));
    MDS_TRY(mds_device_copy(trial->device, area->positions + numbers * (size_t)frame,
                            trial->state.x, numbers * sizeof(double), MDS_COPY_TO_HOST));
    MDS_TRY(mds_device_sync(trial->device));
    area->step[frame] = (double)trial->step;
    memcpy(area->edges + 9 * frame, trial->state.box.h, 9 * sizeof(double));
out:
    return status;
}

mds_status mds_trial_store_frame(mds_trial *trial)
{
    _Atomic int64_t *published = &trial->samples->header->frames;
    const int64_t frame = atomic_load_explicit(published, memory_order_relaxed);

    if (frame >= trial->frames_out.capacity)
        return MDS_OK;
    /* Waiting for the steps is the steps' time; and a frame of a step that went wrong is none. */
    mds_status status = trial->host_access ? mds_device_sync(trial->device)
                                           : mds_trial_late_settle(trial, 0, true);
    const int64_t begin = mds_clock_ns();
    if (status == MDS_OK)
        status = copy_frame(trial, frame);
    if (status == MDS_OK)
        atomic_store_explicit(published, frame + 1, memory_order_release);
    trial->frames_ns += mds_clock_ns() - begin;
    trial->begin_ns = 0;
    return status;
}

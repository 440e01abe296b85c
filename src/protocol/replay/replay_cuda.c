/* Replay on a CUDA device: all frames go there at the beginning, and a kernel takes the one whose
 * turn it is. */
#include "protocol/replay/replay.h"

#include <stdlib.h>
#include <string.h>

static mds_status upload(replay *self)
{
    const mds_frames *frames = self->base.config.frames;
    mds_device *device = self->base.state->device;
    const size_t count = (size_t)frames->count;
    const size_t bytes = count * (size_t)frames->n * 3 * sizeof(double);
    replay_view *to = &self->frames;
    mds_status status = MDS_OK;
    replay_cell *cell = calloc(count, sizeof *cell);

    if (!cell)
        return mds_fail(MDS_ERR_NOMEM, "no memory for the cells of %zu frames", count);
    for (size_t k = 0; k < count; ++k) {
        const mds_box *box = &frames->box[k];

        memcpy(cell[k].h, box->h, sizeof box->h);
        memcpy(cell[k].inverse, box->inverse, sizeof box->inverse);
        cell[k].volume = box->volume;
        for (int c = 0; c < 3; ++c)
            cell[k].periodic[c] = box->periodic[c];
    }
    to->count = frames->count;
    to->n = frames->n;
    MDS_TRY(mds_device_alloc(device, bytes, "frames", (void **)&to->x));
    MDS_TRY(mds_device_alloc(device, count * sizeof *cell, "frames' cells", (void **)&to->cell));
    MDS_TRY(mds_device_copy(device, to->x, frames->x, bytes, MDS_COPY_TO_DEVICE));
    MDS_TRY(mds_device_copy(device, to->cell, cell, count * sizeof *cell, MDS_COPY_TO_DEVICE));
    MDS_TRY(mds_device_sync(device)); /* cell is freed below */
out:
    free(cell);
    return status;
}

static mds_status show(replay *self, unsigned want, bool start)
{
    mds_state *state = self->base.state;
    mds_regions *regions = self->base.config.regions;

    mds_region_begin(regions, MDS_REGION_INTEGRATE);
    mds_status status = replay_launch_show(state->device, &self->frames, state);
    mds_region_end(regions, MDS_REGION_INTEGRATE);
    if (status == MDS_OK)
        status = mds_model_compute(self->base.model, state, want);
    if (status != MDS_OK)
        return status;
    mds_region_begin(regions, MDS_REGION_OBSERVE);
    status = replay_launch_end(state->device, state, start);
    mds_region_end(regions, MDS_REGION_OBSERVE);
    return status;
}

mds_status replay_start_cuda(replay *self)
{
    const mds_status status = upload(self);

    return status == MDS_OK ? show(self, 0u, true) : status;
}

mds_status replay_step_cuda(mds_protocol *protocol, unsigned want)
{
    return show((replay *)protocol, want, false);
}

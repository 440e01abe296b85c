#include "device/cuda/launch.cuh"

extern "C" {
#include "protocol/replay/replay_device.h"
}

enum { SHOW_BLOCK = 256 };

static __global__ void show(replay_view frames, double *x, mds_step_block *d)
{
    const int k = (int)(blockIdx.x * blockDim.x + threadIdx.x);

    if (d->fault)
        return;
    const size_t frame = (size_t)(d->step % frames.count), row = 3 * (size_t)frames.n;
    if (k < 3 * frames.n)
        x[k] = frames.x[frame * row + (size_t)k];
    if (k == 0) {
        const replay_cell *cell = &frames.cell[frame];

        memcpy(d->h, cell->h, sizeof d->h);
        memcpy(d->inverse, cell->inverse, sizeof d->inverse);
        memcpy(d->periodic, cell->periodic, sizeof d->periodic);
        d->volume = cell->volume;
    }
}

static __global__ void end_step(mds_scalars *s, mds_step_block *d, bool start)
{
    s->fault = d->fault;
    s->fault_value = d->fault_value;
    if (d->fault)
        return;
    s->kinetic_eV = 0.0;
    for (int k = 0; k < 9; ++k)
        s->kinetic_tensor_eV[k / 3][k % 3] = 0.0;
    s->conserved_eV = s->potential_eV;
    s->volume_A3 = d->volume;
    if (!start)
        d->step += 1;
}

extern "C" mds_status replay_launch_show(mds_device *device, const replay_view *frames,
                                         const mds_state *state)
{
    const int blocks = (3 * frames->n + SHOW_BLOCK - 1) / SHOW_BLOCK;

    return MDS_LAUNCH(device, show, blocks, SHOW_BLOCK, 0, *frames, state->x, state->d);
}

extern "C" mds_status replay_launch_end(mds_device *device, const mds_state *state, bool start)
{
    return MDS_LAUNCH(device, end_step, 1, 1, 0, state->s, state->d, start);
}

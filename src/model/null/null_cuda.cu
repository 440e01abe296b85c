#include "device/cuda/launch.cuh"

extern "C" {
#include "model/null/null_cuda.h"
}

enum { BLOCK = 128 };

static __global__ void null_forces(double *f, int count, double virial, const mds_step_block *d,
                                   mds_scalars *s)
{
    const int k = (int)(blockIdx.x * BLOCK + threadIdx.x);

    if (d->fault)
        return;
    if (k < count)
        f[k] = 0.0;
    if (k < 9)
        s->virial_eV[k / 3][k % 3] = virial;
    if (k == 0)
        s->potential_eV = s->n_edges = s->rebuilt = 0.0;
}

extern "C" mds_status null_cuda_forces(const mds_state *state, bool virial)
{
    const int count = 3 * state->n;

    return MDS_LAUNCH(state->device, null_forces, (count + BLOCK - 1) / BLOCK, BLOCK, 0, state->f,
                      count, virial ? 0.0 : (double)NAN, state->d, state->s);
}

#include "device/cuda/launch.cuh"

#include "protocol/motion.cuh"

static __global__ void kick_drift(mds_motion_view m, const double *factor)
{
    const int k = (int)(blockIdx.x * blockDim.x + threadIdx.x);

    if (m.d->fault || k >= 3 * m.n)
        return;
    const double before = factor ? *factor * m.v[k] : m.v[k];
    const double moved = before + m.kick[k] * m.f[k];

    m.v[k] = moved;
    m.x[k] += m.dt_fs * moved;
}

static __global__ void end_step(mds_motion_view m, bool start)
{
    if (mds_motion_halted(m) || !mds_motion_observe(m, start) || threadIdx.x != 0)
        return;
    m.s->conserved_eV = m.s->potential_eV + m.s->kinetic_eV;
    mds_motion_close(m, start);
}

static __global__ void scale(mds_motion_view m, const double *factor)
{
    const int k = (int)(blockIdx.x * blockDim.x + threadIdx.x);

    if (!m.d->fault && k < 3 * m.n)
        m.v[k] *= *factor;
}

static int component_blocks(int n)
{
    return (3 * n + MDS_MOTION_BLOCK - 1) / MDS_MOTION_BLOCK;
}

extern "C" mds_status mds_motion_launch_kick_drift(mds_device *device, const mds_motion_view *m,
                                                   const double *factor)
{
    return MDS_LAUNCH(device, kick_drift, component_blocks(m->n), MDS_MOTION_BLOCK, 0, *m, factor);
}

extern "C" mds_status mds_motion_launch_end(mds_device *device, const mds_motion_view *m,
                                            bool start)
{
    return MDS_LAUNCH(device, end_step, m->end_blocks, MDS_MOTION_BLOCK, 0, *m, start);
}

extern "C" mds_status mds_motion_launch_scale(mds_device *device, const mds_motion_view *m,
                                              const double *factor)
{
    return MDS_LAUNCH(device, scale, component_blocks(m->n), MDS_MOTION_BLOCK, 0, *m, factor);
}

/* What the kernels of the protocols share. Include after device/cuda/launch.cuh. */
#ifndef MDS_PROTOCOL_MOTION_CUH
#define MDS_PROTOCOL_MOTION_CUH

#include "md/reduce.cuh"

extern "C" {
#include "protocol/motion_device.h"
}

/* At the beginning of a kernel that ends a step: whether a kernel before it has found a fault. Then
 * the host is told, and the step does not count. */
static inline __device__ bool mds_motion_halted(const mds_motion_view &m)
{
    if (!m.d->fault)
        return false;
    if (blockIdx.x == 0 && threadIdx.x == 0) {
        m.s->fault = m.d->fault;
        m.s->fault_value = m.d->fault_value;
    }
    return true;
}

/* For one thread: kinetic energy and tensor from the sums xx yy zz xy xz yz of m v v. */
static inline __device__ void mds_motion_write_kinetic(mds_scalars *s, const double sum[6])
{
    const double unit = MDS_MVV_TO_EV;

    for (int k = 0; k < 3; ++k)
        s->kinetic_tensor_eV[k][k] = unit * sum[k];
    s->kinetic_tensor_eV[0][1] = s->kinetic_tensor_eV[1][0] = unit * sum[3];
    s->kinetic_tensor_eV[0][2] = s->kinetic_tensor_eV[2][0] = unit * sum[4];
    s->kinetic_tensor_eV[1][2] = s->kinetic_tensor_eV[2][1] = unit * sum[5];
    s->kinetic_eV = 0.5 * unit * (sum[0] + sum[1] + sum[2]);
}

/* For all threads: v += kick f (not when `start`), and the kinetic energy and tensor into the
 * scalars. True in the block that comes last, whose thread 0 has written them. */
static inline __device__ bool mds_motion_observe(const mds_motion_view &m, bool start)
{
    const int stride = (int)(gridDim.x * blockDim.x);
    double sum[6] = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0};

    for (int i = (int)(blockIdx.x * blockDim.x + threadIdx.x); i < m.n; i += stride) {
        double *v = m.v + 3 * (size_t)i, u[3];

        for (int k = 0; k < 3; ++k) {
            u[k] = v[k];
            if (!start) {
                u[k] += m.kick[3 * (size_t)i + k] * m.f[3 * (size_t)i + k];
                v[k] = u[k];
            }
        }
        for (int k = 0; k < 3; ++k)
            sum[k] += m.mass[i] * u[k] * u[k];
        sum[3] += m.mass[i] * u[0] * u[1];
        sum[4] += m.mass[i] * u[0] * u[2];
        sum[5] += m.mass[i] * u[1] * u[2];
    }
    mds_block_sum<6>(sum);
    if (gridDim.x > 1) {
        for (int k = 0; threadIdx.x == 0 && k < 6; ++k)
            m.partial[6 * (size_t)blockIdx.x + k] = sum[k];
        if (!mds_last_block(m.ticket))
            return false;
        for (int k = 0; k < 6; ++k) {
            sum[k] = 0.0;
            for (int b = (int)threadIdx.x; b < (int)gridDim.x; b += (int)blockDim.x)
                sum[k] += m.partial[6 * (size_t)b + k];
        }
        mds_block_sum<6>(sum);
    }
    if (threadIdx.x == 0)
        mds_motion_write_kinetic(m.s, sum);
    return true;
}

/* For one thread: see mds_protocol_scale_kinetic(). */
static inline __device__ double mds_motion_scale_kinetic(mds_scalars *s, double factor)
{
    const double before = s->kinetic_eV, square = factor * factor;

    s->kinetic_eV *= square;
    for (int k = 0; k < 9; ++k)
        s->kinetic_tensor_eV[k / 3][k % 3] *= square;
    return s->kinetic_eV - before;
}

/* For all threads of the last block: v *= *factor, which thread 0 has just written, if that block
 * is the only one; otherwise a kernel after this one does it. */
static inline __device__ void mds_motion_scale_alone(const mds_motion_view &m, const double *factor)
{
    if (gridDim.x > 1)
        return;
    __syncthreads();
    for (int k = (int)threadIdx.x; k < 3 * m.n; k += (int)blockDim.x)
        m.v[k] *= *factor;
}

/* For one thread, last of all. */
static inline __device__ void mds_motion_close(const mds_motion_view &m, bool start)
{
    m.s->volume_A3 = m.d->volume;
    if (!start)
        m.d->step += 1;
}

#endif

#include "device/cuda/launch.cuh"

#include "protocol/motion.cuh"

extern "C" {
#include "base/rng.h"
#include "protocol/nvt/nvt_device.h"
#include "protocol/svr.h"
}

/* v = decay v + width R; returns the change of m v² over m. */
static __device__ double exchange(double *v, double decay, double width, double normal)
{
    const double before = *v, after = decay * before + width * normal;

    *v = after;
    return (after - before) * (after + before);
}

/* mds_motion_kick_drift() over half a step, mds_motion_ou(), mds_motion_drift() over half a step.
 */
static __device__ double langevin_atom(const mds_motion_view &m, const nvt_numbers &p, int i)
{
    const double half = 0.5 * m.dt_fs, kT = MDS_BOLTZMANN_EV * p.temperature_K;
    const double width = sqrt((1.0 - p.decay * p.decay) * kT / MDS_MVV_TO_EV) / sqrt(m.mass[i]);
    const uint64_t step = (uint64_t)m.d->step;
    double *x = m.x + 3 * (size_t)i, *v = m.v + 3 * (size_t)i;
    double normal[4], change = 0.0;

    mds_normal2(mds_rng_block(p.seed, MDS_RNG_LANGEVIN, step, (uint64_t)i, 0), normal);
    mds_normal2(mds_rng_block(p.seed, MDS_RNG_LANGEVIN, step, (uint64_t)i, 1), normal + 2);
    for (int k = 0; k < 3; ++k) {
        double u = v[k] + m.kick[3 * (size_t)i + k] * m.f[3 * (size_t)i + k];
        const double middle = x[k] + half * u;

        change += exchange(&u, p.decay, width, normal[k]);
        v[k] = u;
        x[k] = middle + half * u;
    }
    return 0.5 * MDS_MVV_TO_EV * m.mass[i] * change;
}

static __global__ void langevin_move(mds_motion_view m, nvt_numbers p)
{
    const int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);

    if (m.d->fault)
        return;
    double heat = i < m.n ? langevin_atom(m, p, i) : 0.0;
    mds_block_sum<1>(&heat);
    if (threadIdx.x == 0)
        m.heat[blockIdx.x] = heat;
}

static __global__ void langevin_end(mds_motion_view m, nvt_memory *memory, int heat_blocks)
{
    double heat = 0.0;

    if (mds_motion_halted(m) || !mds_motion_observe(m, false))
        return;
    for (int b = (int)threadIdx.x; b < heat_blocks; b += (int)blockDim.x)
        heat += m.heat[b];
    mds_block_sum<1>(&heat);
    if (threadIdx.x != 0)
        return;
    memory->heat_eV += heat;
    m.s->conserved_eV = m.s->potential_eV + m.s->kinetic_eV - memory->heat_eV;
    mds_motion_close(m, false);
}

static __global__ void svr_end(mds_motion_view m, nvt_numbers p, nvt_memory *memory)
{
    if (mds_motion_halted(m) || !mds_motion_observe(m, false))
        return;
    if (threadIdx.x == 0) {
        memory->factor = mds_svr_factor(m.s->kinetic_eV, (int)p.freedom, p.temperature_K, m.dt_fs,
                                        p.tau_fs, p.seed, m.d->step);
        memory->heat_eV += mds_motion_scale_kinetic(m.s, memory->factor);
        m.s->conserved_eV = m.s->potential_eV + m.s->kinetic_eV - memory->heat_eV;
        mds_motion_close(m, false);
    }
    mds_motion_scale_alone(m, &memory->factor);
}

static __global__ void chain_end(mds_motion_view m, nvt_memory *memory, bool start)
{
    if (mds_motion_halted(m) || !mds_motion_observe(m, start))
        return;
    if (threadIdx.x == 0) {
        nvt_chain chain = start ? memory->chain : memory->advance;

        memory->factor = start ? 1.0 : nvt_chain_half_step(&chain, m.s->kinetic_eV, m.dt_fs);
        mds_motion_scale_kinetic(m.s, memory->factor);
        m.s->conserved_eV = m.s->potential_eV + m.s->kinetic_eV + nvt_chain_energy(&chain);
        memory->chain = chain;
        memory->opening_factor = nvt_chain_half_step(&chain, m.s->kinetic_eV, m.dt_fs);
        memory->advance = chain;
        mds_motion_close(m, start);
    }
    if (!start)
        mds_motion_scale_alone(m, &memory->factor);
}

extern "C" mds_status nvt_launch_langevin_move(mds_device *device, const mds_motion_view *m,
                                               const nvt_numbers *numbers)
{
    return MDS_LAUNCH(device, langevin_move, mds_motion_heat_blocks(m->n), MDS_MOTION_HEAT_BLOCK, 0,
                      *m, *numbers);
}

extern "C" mds_status nvt_launch_langevin_end(mds_device *device, const mds_motion_view *m,
                                              nvt_memory *memory)
{
    return MDS_LAUNCH(device, langevin_end, m->end_blocks, MDS_MOTION_BLOCK, 0, *m, memory,
                      mds_motion_heat_blocks(m->n));
}

extern "C" mds_status nvt_launch_svr_end(mds_device *device, const mds_motion_view *m,
                                         const nvt_numbers *numbers, nvt_memory *memory)
{
    return MDS_LAUNCH(device, svr_end, m->end_blocks, MDS_MOTION_BLOCK, 0, *m, *numbers, memory);
}

extern "C" mds_status nvt_launch_chain_end(mds_device *device, const mds_motion_view *m,
                                           nvt_memory *memory, bool start)
{
    return MDS_LAUNCH(device, chain_end, m->end_blocks, MDS_MOTION_BLOCK, 0, *m, memory, start);
}

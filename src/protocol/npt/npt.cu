#include "device/cuda/launch.cuh"

#include "protocol/motion.cuh"

extern "C" {
#include "md/box_math.h"
#include "protocol/npt/npt_device.h"
#include "protocol/svr.h"
}

/* mds_motion_kick() and mds_motion_drift_deform(). */
static __device__ void move_atom(const mds_motion_view &m, const npt_move *move, int i)
{
    const double half = 0.5 * m.dt_fs;
    double *x = m.x + 3 * (size_t)i, *v = m.v + 3 * (size_t)i;
    double u[3], middle[3], turned[3];

    for (int a = 0; a < 3; ++a) {
        u[a] = v[a] + m.kick[3 * (size_t)i + a] * m.f[3 * (size_t)i + a];
        middle[a] = x[a] + half * u[a];
    }
    for (int a = 0; a < 3; ++a)
        turned[a] = u[0] * move->inverse[a][0] + u[1] * move->inverse[a][1] +
                    u[2] * move->inverse[a][2];
    for (int a = 0; a < 3; ++a) {
        x[a] = middle[0] * move->e[0][a] + middle[1] * move->e[1][a] + middle[2] * move->e[2][a] +
               half * turned[a];
        v[a] = turned[a];
    }
}

/* For one thread. */
static __device__ void move_cell(mds_step_block *d, const npt_move *move)
{
    double h[3][3], across[3][3];

    npt_deform_cell(d->h, move->e, h);
    memcpy(d->h, h, sizeof h);
    d->volume = fabs(mds_box_invert(h, d->inverse, across));
}

static __global__ void move_all(mds_motion_view m, const npt_memory *memory)
{
    const int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    const npt_move *move = &memory->move;

    /* Volatile here and atomic below: it is set while others may still look. */
    if (*(volatile const int *)&m.d->fault)
        return;
    if (!(move->largest < NPT_STRAIN_MAX)) {
        if (i == 0) {
            m.d->fault_value = move->largest;
            atomicExch(&m.d->fault, MDS_FAULT_STRAIN);
        }
        return;
    }
    if (i < m.n)
        move_atom(m, move, i);
    if (i == 0)
        move_cell(m.d, move);
}

/* For one thread: what the host does in close_step(), see npt.c. */
static __device__ void end_cell(const mds_motion_view &m, const npt_numbers &p, npt_memory *memory)
{
    const double volume = m.d->volume;
    double pv[3][3];

    npt_internal_pv(m.s, pv);
    memory->account_eV += npt_cell_balance_eV(&p.cell, &memory->move, volume, pv);
    memory->factor = mds_svr_factor(m.s->kinetic_eV, (int)p.freedom, p.temperature_K, m.dt_fs,
                                    p.tau_fs, p.seed, m.d->step);
    memory->account_eV -= mds_motion_scale_kinetic(m.s, memory->factor);
}

static __global__ void end_step(mds_motion_view m, npt_numbers p, npt_memory *memory, bool start)
{
    double pv[3][3];

    if (mds_motion_halted(m) || !mds_motion_observe(m, start))
        return;
    if (threadIdx.x == 0) {
        if (!start)
            end_cell(m, p, memory);
        m.s->conserved_eV =
            npt_conserved_eV(&p.cell, m.s, m.d->volume, p.start_volume, memory->account_eV);
        mds_motion_close(m, start);
        npt_internal_pv(m.s, pv);
        npt_cell_draw(&p.cell, m.d->volume, pv, p.seed, m.d->step, &memory->move);
    }
    if (!start)
        mds_motion_scale_alone(m, &memory->factor);
}

extern "C" mds_status npt_launch_move(mds_device *device, const mds_motion_view *m,
                                      const npt_memory *memory)
{
    const int block = MDS_MOTION_HEAT_BLOCK;

    return MDS_LAUNCH(device, move_all, (m->n + block - 1) / block, block, 0, *m, memory);
}

extern "C" mds_status npt_launch_end(mds_device *device, const mds_motion_view *m,
                                     const npt_numbers *numbers, npt_memory *memory, bool start)
{
    return MDS_LAUNCH(device, end_step, m->end_blocks, MDS_MOTION_BLOCK, 0, *m, *numbers, memory,
                      start);
}

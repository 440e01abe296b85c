#include "device/cuda/launch.cuh"

extern "C" {
#include "model/sw/sw_cuda.h"
}
#include "model/force_sums.cuh"
#include "model/row.cuh"

/* The unit vector to an entry and what depends on its distance; false beyond the cutoff. The same
 * in both kernels: to compute it again takes less time than to read it back. */
static __device__ inline bool bond_to(const sw_cuda_job *job, const mds_cell *cell, uint32_t entry,
                                      const double x[3], double u[3], sw_bond *bond)
{
    const double r2 = mds_row_vector(&job->list, cell, entry, x, u);

    if (r2 >= job->params.cutoff2)
        return false;
    *bond = sw_bond_at(&job->params, r2);
    for (int k = 0; k < 3; ++k)
        u[k] *= bond->inv_r;
    return true;
}

static __global__ void sw_moments(const sw_cuda_job job)
{
    const int i = mds_warp_atom();
    double sum[SW_ROW] = {0.0};

    if (job.list.d->fault)
        return;
    if (i < job.list.n) {
        const mds_cell cell = mds_cell_of(job.list.d);
        const uint32_t *row = job.list.entry + (size_t)i * job.list.stride;
        const int entries = job.list.count[i];
        double x[3], u[3];
        sw_bond bond;

        mds_load_position(&job.list, i, x);
        for (int e = mds_lane(); e < entries; e += 32) {
            if (!bond_to(&job, &cell, row[e], x, u, &bond))
                continue;
            const double p[3] = {bond.w * u[0], bond.w * u[1], bond.w * u[2]};

            for (int k = 0; k < 3; ++k) {
                sum[SW_PX + k] += p[k];
                sum[SW_QXX + k] += p[k] * u[k];
                sum[SW_QXY + k] += p[k] * u[(k + 1) % 3]; /* xy, yz, zx */
            }
            sum[SW_ROW_ENERGY] += 0.5 * (bond.phi - sw_self_energy(&job.params, bond.w));
            sum[SW_ROW_BONDS] += 1.0;
        }
    }
    const double mine = mds_warp_sums(sum);

    if (i < job.list.n && mds_lane() % (32 / SW_ROW) == 0)
        job.rows[(size_t)i * SW_ROW + mds_lane() / (32 / SW_ROW)] = mine;
}

/* Force, and share of the virial, of the bonds of atom i. */
static __device__ inline void add_bonds(const sw_cuda_job *job, int i, const double own[SW_ROW],
                                        double sum[MDS_SUMS])
{
    const mds_cell cell = mds_cell_of(job->list.d);
    const uint32_t *row = job->list.entry + (size_t)i * job->list.stride;
    const int entries = job->list.count[i];
    double x[3], u[3];
    sw_bond bond;

    mds_load_position(&job->list, i, x);
    for (int e = mds_lane(); e < entries; e += 32) {
        if (!bond_to(job, &cell, row[e], x, u, &bond))
            continue;
        const double *other = job->rows + (size_t)mds_entry_atom(row[e]) * SW_ROW;
        const double r = 0.5 / bond.inv_r; /* each end of the bond adds half of its virial */
        double both[SW_MOMENTS], g[3];

        for (int k = 0; k < SW_MOMENTS; ++k)
            both[k] = k < SW_QXX ? own[k] - other[k] : own[k] + other[k];
        sw_bond_gradient(&job->params, &bond, u, both, g);
        for (int k = 0; k < 3; ++k) {
            sum[MDS_SUM_FORCE + k] += g[k];
            sum[MDS_SUM_VIRIAL + k] -= r * u[k] * g[k];
        }
        sum[MDS_SUM_VIRIAL + 3] -= r * u[0] * g[1];
        sum[MDS_SUM_VIRIAL + 4] -= r * u[0] * g[2];
        sum[MDS_SUM_VIRIAL + 5] -= r * u[1] * g[2];
    }
}

static __global__ void sw_forces(const sw_cuda_job job)
{
    const int i = mds_warp_atom();
    double sum[MDS_SUMS] = {0.0};

    if (job.list.d->fault)
        return;
    if (i < job.list.n) {
        double own[SW_ROW];

        for (int k = 0; k < SW_ROW; ++k)
            own[k] = job.rows[(size_t)i * SW_ROW + k];
        add_bonds(&job, i, own, sum);
        if (mds_lane() == 0) {
            sum[MDS_SUM_ENERGY] = own[SW_ROW_ENERGY] + sw_centre_energy(&job.params, own);
            sum[MDS_SUM_EDGES] = own[SW_ROW_BONDS];
        }
    }
    const double mine = mds_warp_sums(sum);

    if (i < job.list.n)
        mds_write_force(&job.out, i, mine);
    mds_finish_forces(&job.out, mine);
}

extern "C" mds_status sw_cuda_forces(mds_device *device, const sw_cuda_job *job)
{
    const int blocks = mds_force_blocks(job->list.n);
    const mds_status status = MDS_LAUNCH(device, sw_moments, blocks, MDS_FORCE_BLOCK, 0, *job);

    return status == MDS_OK ? MDS_LAUNCH(device, sw_forces, blocks, MDS_FORCE_BLOCK, 0, *job)
                            : status;
}

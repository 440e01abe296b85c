#include "device/cuda/launch.cuh"

extern "C" {
#include "model/eam/eam_cuda.h"
}
#include "model/force_sums.cuh"
#include "model/row.cuh"

/* Between atom i and a neighbour j at a distance² inside the cutoff; w_j is ρ'/r of the density
 * that i makes at j, the other way round than w. Both kernels evaluate it: the second time costs
 * less than to write it out and read it back. */
template <int form>
static __device__ inline eam_pair pair_at(const eam_cuda_job *job, int ti, int tj, double r2,
                                          double *w_j)
{
    const double r = sqrt(r2), inv = 1.0 / r;
    eam_pair pair;

    if (form == EAM_FORM_SC)
        pair = eam_sc_pair(&job->sc, job->sc.n, r, inv);
    else if (form == EAM_FORM_FS)
        pair = eam_fs_pair(&job->fs, r, inv);
    else {
        const eam_tables *tables = &job->tables;
        const size_t table = EAM_LINE * (size_t)tables->nr;
        double t;
        const size_t at = EAM_LINE * (size_t)eam_segment(r, tables->inverse_dr, tables->nr, &t);

        pair = eam_table_pair(tables->line + table * (size_t)(ti * tables->types + tj) + at, t,
                              tables->inverse_dr, inv);
        if (ti != tj) {
            *w_j = eam_table_pair(tables->line + table * (size_t)(tj * tables->types + ti) + at, t,
                                  tables->inverse_dr, inv)
                       .w;
            return pair;
        }
    }
    *w_j = pair.w;
    return pair;
}

template <int form>
static __device__ inline eam_node embed(const eam_cuda_job *job, int i, double rho)
{
    eam_node node = {rho, (double)NAN, 0.0};

    if (form == EAM_FORM_TABLE && isfinite(rho)) {
        const eam_tables *tables = &job->tables;

        node.F =
            eam_table_embedding(tables->embedding + 4 * (size_t)job->type[i] * (size_t)tables->nrho,
                                tables->inverse_drho, tables->nrho, rho, &node.dF);
    } else if (form != EAM_FORM_TABLE && isfinite(rho) && rho > 0.0) {
        node.F = eam_root_embedding(job->A, rho, &node.dF);
    }
    return node;
}

template <int form> static __global__ void eam_density(const eam_cuda_job job)
{
    const int i = mds_warp_atom();
    double rho = 0.0;

    if (job.list.d->fault)
        return;
    if (i < job.list.n) {
        const mds_cell cell = mds_cell_of(job.list.d);
        const uint32_t *row = job.list.entry + (size_t)i * job.list.stride;
        const int entries = job.list.count[i];
        const bool mixed = form == EAM_FORM_TABLE && job.tables.types > 1;
        const int ti = mixed ? job.type[i] : 0;
        double x[3];

        mds_load_position(&job.list, i, x);
        for (int e = mds_lane(); e < entries; e += 32) {
            double d[3], unused;
            const double r2 = mds_row_vector(&job.list, &cell, row[e], x, d);

            if (r2 < job.cutoff2)
                rho += pair_at<form>(&job, ti, mixed ? job.type[mds_entry_atom(row[e])] : 0, r2,
                                     &unused)
                           .rho;
        }
    }
    rho = mds_warp_sum(rho);
    if (i < job.list.n && mds_lane() == 0)
        job.nodes[i] = embed<form>(&job, i, rho);
}

/* Force, and share of energy and virial, of the pairs of atom i. */
template <int form>
static __device__ inline void add_pairs(const eam_cuda_job *job, int i, double dF,
                                        double sum[MDS_SUMS])
{
    const mds_cell cell = mds_cell_of(job->list.d);
    const uint32_t *row = job->list.entry + (size_t)i * job->list.stride;
    const int entries = job->list.count[i];
    const bool mixed = form == EAM_FORM_TABLE && job->tables.types > 1;
    const int ti = mixed ? job->type[i] : 0;
    double x[3];

    mds_load_position(&job->list, i, x);
    for (int e = mds_lane(); e < entries; e += 32) {
        const int j = mds_entry_atom(row[e]);
        double d[3], w_j;
        const double r2 = mds_row_vector(&job->list, &cell, row[e], x, d);

        if (!(r2 < job->cutoff2))
            continue;
        const eam_pair pair = pair_at<form>(job, ti, mixed ? job->type[j] : 0, r2, &w_j);

        sum[MDS_SUM_ENERGY] += 0.5 * pair.phi;
        sum[MDS_SUM_EDGES] += 1.0;
        mds_add_force(sum, dF * pair.w + job->nodes[j].dF * w_j + pair.u, d, 0.5);
    }
}

/* The energy of an atom whose density has no root is NaN, and so is the sum; says which it is. */
static __device__ void blame_density(const eam_cuda_job *job)
{
    for (int i = 0; i < job->list.n; ++i)
        if (isnan(job->nodes[i].F)) {
            job->out.d->fault_value = i;
            job->out.d->fault = MDS_FAULT_DENSITY;
            return;
        }
}

template <int form> static __global__ void eam_forces(const eam_cuda_job job)
{
    const int i = mds_warp_atom();
    double sum[MDS_SUMS] = {0.0}, *total;

    if (job.list.d->fault)
        return;
    if (i < job.list.n) {
        add_pairs<form>(&job, i, job.nodes[i].dF, sum);
        if (mds_lane() == 0)
            sum[MDS_SUM_ENERGY] += job.nodes[i].F;
    }
    const double mine = mds_warp_sums(sum);

    if (i < job.list.n)
        mds_write_force(&job.out, i, mine);
    if (mds_grid_sums(&job.out, mds_block_sums(mine), &total) && threadIdx.x == 0) {
        mds_write_totals(&job.out, total);
        if (job.out.d->fault)
            blame_density(&job);
    }
}

extern "C" mds_status eam_cuda_density(mds_device *device, const eam_cuda_job *job)
{
    const int blocks = mds_force_blocks(job->list.n);

    switch (job->form) {
    case EAM_FORM_SC:
        return MDS_LAUNCH(device, eam_density<EAM_FORM_SC>, blocks, MDS_FORCE_BLOCK, 0, *job);
    case EAM_FORM_FS:
        return MDS_LAUNCH(device, eam_density<EAM_FORM_FS>, blocks, MDS_FORCE_BLOCK, 0, *job);
    default:
        return MDS_LAUNCH(device, eam_density<EAM_FORM_TABLE>, blocks, MDS_FORCE_BLOCK, 0, *job);
    }
}

extern "C" mds_status eam_cuda_forces(mds_device *device, const eam_cuda_job *job)
{
    const int blocks = mds_force_blocks(job->list.n);

    switch (job->form) {
    case EAM_FORM_SC:
        return MDS_LAUNCH(device, eam_forces<EAM_FORM_SC>, blocks, MDS_FORCE_BLOCK, 0, *job);
    case EAM_FORM_FS:
        return MDS_LAUNCH(device, eam_forces<EAM_FORM_FS>, blocks, MDS_FORCE_BLOCK, 0, *job);
    default:
        return MDS_LAUNCH(device, eam_forces<EAM_FORM_TABLE>, blocks, MDS_FORCE_BLOCK, 0, *job);
    }
}

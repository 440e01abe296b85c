#include "device/cuda/launch.cuh"

extern "C" {
#include "model/spcfw/spcfw_cuda.h"
#include "model/spcfw/spcfw_image.h"
}
#include "model/force_sums.cuh"
#include "model/row.cuh"

/* An atom has about 490 entries: enough for four warps, which share out what would be fifteen turns
 * of a long chain of dependent operations. The fifth warp's molecule takes about as long. */
enum { PAIR_THREADS = 128, BLOCK = PAIR_THREADS + 32 };

static __device__ inline double inverse_root(double s)
{
#ifdef __CUDACC__
    return rsqrt(s);
#else
    return 1.0 / sqrt(s);
#endif
}

static __device__ inline double charge(int i)
{
    return i % 3 ? 1.0 : SPCFW_OXYGEN;
}

/* Coulomb and Lennard-Jones of every fourth warp's share of the row, as if no pair were bonded;
 * units as in spcfw_pair.h. No branches: what is beyond the cutoff, in the skin, would wait for its
 * neighbours anyhow. */
static __device__ inline void add_pairs(const spcfw_cuda_job *job, int i, double sum[MDS_SUMS])
{
    const spcfw_pair_constants *k = &job->constants;
    const mds_cell cell = mds_cell_of(job->list.d);
    const uint32_t *row = job->list.entry + (size_t)i * job->list.stride;
    const int entries = job->list.count[i];
    double x[3];

    mds_load_position(&job->list, i, x);
#pragma unroll 2
    for (int e = (int)threadIdx.x; e < entries; e += PAIR_THREADS) {
        const uint32_t entry = row[e];
        const int j = mds_entry_atom(entry);
        double d[3];
        const double s = mds_row_vector(&job->list, &cell, entry, x, d);
        const double y = inverse_root(s), y2 = y * y, y6 = y2 * y2 * y2, qj = charge(j);
        double p = k->fit.p[0], q = k->fit.q[0];

#pragma unroll
        for (int n = 1; n < SPCFW_P_TERMS; ++n)
            p = p * s + k->fit.p[n];
#pragma unroll
        for (int n = 1; n < SPCFW_Q_TERMS; ++n)
            q = q * s + k->fit.q[n];
        double energy = qj * (y * (1.0 - k->force_shift * s) - p);
        double field = qj * (y * (y2 + k->force_shift) - q);

        if (i % 3 == 0 && j % 3 == 0) {
            energy += (y6 * (k->c12 * y6 - k->c6) - k->lj_shift) * (1.0 / 6.0);
            field += y6 * y2 * (2.0 * k->c12 * y6 - k->c6);
        }
        const bool in = s < k->cutoff2;

        sum[MDS_SUM_ENERGY] += in ? 0.5 * energy : 0.0;
        mds_add_force(sum, in ? -field : 0.0, d, 0.5);
    }
    for (int c = 0; c < MDS_SUMS; ++c)
        sum[c] *= SPCFW_UNIT * charge(i);
}

/* What the molecule does to atom i; the molecule's energy and virial go with its oxygen. */
static __device__ inline void add_molecule(const spcfw_cuda_job *job, int i, double sum[MDS_SUMS])
{
    const mds_step_block *block = job->list.d;
    const double *o = job->x + 9 * (size_t)(i / 3);
    double a[3], b[3], c[3], fa[3], fb[3], fc[3];

    for (int k = 0; k < 3; ++k) {
        a[k] = o[3 + k] - o[k];
        b[k] = o[6 + k] - o[k];
        c[k] = o[6 + k] - o[3 + k];
    }
    spcfw_shortest_image(block->h, block->inverse, a);
    spcfw_shortest_image(block->h, block->inverse, b);
    spcfw_shortest_image(block->h, block->inverse, c);
    const double energy = spcfw_molecule(job->constants.cutoff2, a, b, c, fa, fb, fc);

    sum[MDS_SUM_EDGES] = job->list.count[i];
    sum[MDS_SUM_ENERGY] = i % 3 ? job->self_h : job->self_o + energy;
    for (int k = 0; k < 3; ++k)
        sum[MDS_SUM_FORCE + k] = i % 3 == 0   ? -fa[k] - fb[k]
                                 : i % 3 == 1 ? fa[k] - fc[k]
                                              : fb[k] + fc[k];
    for (int w = 0; i % 3 == 0 && w < 6; ++w) {
        const int p = w < 3 ? w : w == 5, q = w < 3 ? w : w == 3 ? 1 : 2; /* xx yy zz xy xz yz */

        sum[MDS_SUM_VIRIAL + w] = a[p] * fa[q] + b[p] * fb[q] + c[p] * fc[q];
    }
}

static __global__ void spcfw_forces(const spcfw_cuda_job job)
{
    const int i = (int)blockIdx.x, thread = (int)threadIdx.x;
    double sum[MDS_SUMS] = {0.0}, *total;

    if (job.list.d->fault)
        return;
    if (thread < PAIR_THREADS)
        add_pairs(&job, i, sum);
    else if (thread == PAIR_THREADS)
        add_molecule(&job, i, sum);
    const double block = mds_block_sums(mds_warp_sums(sum));

    if (thread < 3)
        job.out.f[3 * (size_t)i + thread] = block;
    if (mds_grid_sums(&job.out, block, &total) && thread == 0)
        mds_write_totals(&job.out, total);
}

extern "C" mds_status spcfw_cuda_forces(mds_device *device, const spcfw_cuda_job *job)
{
    return MDS_LAUNCH(device, spcfw_forces, job->list.n, BLOCK, 0, *job);
}

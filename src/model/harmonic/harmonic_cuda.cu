#include "device/cuda/launch.cuh"

extern "C" {
#include "model/harmonic/harmonic_cuda.h"
#include "model/harmonic/harmonic_math.h"
}
#include "model/force_sums.cuh"

/* The virial is −k Σ d ⊗ d = Σ d ⊗ f: as a pair at distance vector d from its site. */
static __global__ void harmonic_forces(const harmonic_cuda_job job)
{
    const int i = (int)(blockIdx.x * MDS_FORCE_BLOCK + threadIdx.x);
    const mds_step_block *block = job.out.d;
    double sum[MDS_SUMS] = {0.0}, *total;

    if (block->fault)
        return;
    if (i < job.out.n) {
        const double *s = job.site + 3 * (size_t)i;
        double d[3], f[3];

        for (int a = 0; a < 3; ++a)
            d[a] = job.x[3 * (size_t)i + a] -
                   (s[0] * block->h[0][a] + s[1] * block->h[1][a] + s[2] * block->h[2][a]);
        sum[MDS_SUM_ENERGY] = harmonic_site(job.k, d, f);
        for (int a = 0; a < 3; ++a)
            job.out.f[3 * (size_t)i + a] = f[a];
        mds_add_force(sum, -job.k, d, -1.0);
    }
    if (mds_grid_sums(&job.out, mds_block_sums(mds_warp_sums(sum)), &total) && threadIdx.x == 0) {
        mds_write_totals(&job.out, total);
        job.out.s->rebuilt = 0.0;
    }
}

extern "C" mds_status harmonic_cuda_forces(mds_device *device, const harmonic_cuda_job *job)
{
    const int blocks = (job->out.n + MDS_FORCE_BLOCK - 1) / MDS_FORCE_BLOCK;

    return MDS_LAUNCH(device, harmonic_forces, blocks, MDS_FORCE_BLOCK, 0, *job);
}

#include "device/cuda/launch.cuh"

extern "C" {
#include "model/lj/lj_cuda.h"
}
#include "model/force_sums.cuh"
#include "model/row.cuh"

static __global__ void lj_forces(const lj_cuda_job job)
{
    const int i = mds_warp_atom();
    double sum[MDS_SUMS] = {0.0};

    if (job.list.d->fault)
        return;
    if (i < job.list.n) {
        const mds_cell cell = mds_cell_of(job.list.d);
        const uint32_t *row = job.list.entry + (size_t)i * job.list.stride;
        const int entries = job.list.count[i];
        double x[3];

        mds_load_position(&job.list, i, x);
        for (int e = mds_lane(); e < entries; e += 32) {
            double d[3], f_over_r;
            const double r2 = mds_row_vector(&job.list, &cell, row[e], x, d);

            if (r2 >= job.params.cutoff2)
                continue;
            sum[MDS_SUM_ENERGY] += 0.5 * lj_pair(&job.params, r2, &f_over_r);
            sum[MDS_SUM_EDGES] += 1.0;
            mds_add_force(sum, -f_over_r, d, 0.5);
        }
    }
    const double mine = mds_warp_sums(sum);

    if (i < job.list.n)
        mds_write_force(&job.out, i, mine);
    mds_finish_forces(&job.out, mine);
}

extern "C" mds_status lj_cuda_forces(mds_device *device, const lj_cuda_job *job)
{
    return MDS_LAUNCH(device, lj_forces, mds_force_blocks(job->list.n), MDS_FORCE_BLOCK, 0, *job);
}

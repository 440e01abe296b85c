/* Lennard-Jones on a CUDA device: one kernel, a warp for each atom. */
#ifndef MDS_MODEL_LJ_LJ_CUDA_H
#define MDS_MODEL_LJ_LJ_CUDA_H

#include "md/neighbor_view.h"
#include "model/force_sums.h"
#include "model/lj/lj_math.h"

typedef struct lj_cuda_job {
    lj_params params;
    mds_neighbor_view list;
    mds_force_out out;
} lj_cuda_job;

#ifdef __cplusplus
extern "C" {
#endif

mds_status lj_cuda_forces(mds_device *device, const lj_cuda_job *job);

#ifdef __cplusplus
}
#endif

#endif

/* SPC/Fw water on a CUDA device: one kernel, a block for each atom, whose first four warps take its
 * row of the neighbour list and whose last one takes its molecule. */
#ifndef MDS_MODEL_SPCFW_SPCFW_CUDA_H
#define MDS_MODEL_SPCFW_SPCFW_CUDA_H

#include "md/neighbor_view.h"
#include "model/force_sums.h"
#include "model/spcfw/spcfw_pair.h"

typedef struct spcfw_cuda_job {
    spcfw_pair_constants constants;
    double self_o, self_h; /* eV of an oxygen, of a hydrogen */
    const double *x;       /* (n,3) O H H ... */
    mds_neighbor_view list;
    mds_force_out out;
} spcfw_cuda_job;

#ifdef __cplusplus
extern "C" {
#endif

mds_status spcfw_cuda_forces(mds_device *device, const spcfw_cuda_job *job);

#ifdef __cplusplus
}
#endif

#endif

/* Stillinger–Weber on a CUDA device, a warp for each atom, in two kernels: the moments of every
 * centre, and from them the forces (sw_math.h). */
#ifndef MDS_MODEL_SW_SW_CUDA_H
#define MDS_MODEL_SW_SW_CUDA_H

#include "md/neighbor_view.h"
#include "model/force_sums.h"
#include "model/sw/sw_math.h"

/* A row of what the first kernel leaves of an atom: its moments, then half of what its bonds have
 * of energy apart from the centres', then their number. One cache line. */
enum { SW_ROW_ENERGY = SW_MOMENTS, SW_ROW_BONDS, SW_ROW = 16 };

typedef struct sw_cuda_job {
    sw_params params;
    mds_neighbor_view list;
    double *rows; /* (n, SW_ROW) */
    mds_force_out out;
} sw_cuda_job;

#ifdef __cplusplus
extern "C" {
#endif

mds_status sw_cuda_forces(mds_device *device, const sw_cuda_job *job);

#ifdef __cplusplus
}
#endif

#endif

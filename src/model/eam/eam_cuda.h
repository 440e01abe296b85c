/* Embedded-atom models on a CUDA device, a warp for each atom, in two kernels: densities with the
 * embedding, and forces. */
#ifndef MDS_MODEL_EAM_EAM_CUDA_H
#define MDS_MODEL_EAM_EAM_CUDA_H

#include "model/eam/eam_kernel.h"
#include "model/force_sums.h"

/* Of an atom, between the kernels. */
typedef struct eam_node {
    double rho, F, dF; /* F is NaN where ρ has no root */
} eam_node;

typedef struct eam_cuda_job {
    eam_form form;
    int unused; /* zero, see eam_sc */
    double cutoff2;
    eam_sc sc;
    eam_fs fs;
    eam_tables tables;
    double A;        /* weight of the root in the analytic embeddings, eV */
    const int *type; /* (n) */
    eam_node *nodes; /* (n) */
    mds_neighbor_view list;
    mds_force_out out;
} eam_cuda_job;

#ifdef __cplusplus
extern "C" {
#endif

mds_status eam_cuda_density(mds_device *device, const eam_cuda_job *job);
mds_status eam_cuda_forces(mds_device *device, const eam_cuda_job *job);

#ifdef __cplusplus
}
#endif

#endif

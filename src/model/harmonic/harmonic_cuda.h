/* The Einstein crystal on a CUDA device: one kernel, a thread for each atom. */
#ifndef MDS_MODEL_HARMONIC_HARMONIC_CUDA_H
#define MDS_MODEL_HARMONIC_HARMONIC_CUDA_H

#include "model/force_sums.h"

typedef struct harmonic_cuda_job {
    double k;           /* eV/Å² */
    const double *x;    /* (n,3) */
    const double *site; /* (n,3) fractional */
    mds_force_out out;
} harmonic_cuda_job;

#ifdef __cplusplus
extern "C" {
#endif

mds_status harmonic_cuda_forces(mds_device *device, const harmonic_cuda_job *job);

#ifdef __cplusplus
}
#endif

#endif

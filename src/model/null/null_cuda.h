/* The model without interactions on a CUDA device: one kernel. */
#ifndef MDS_MODEL_NULL_NULL_CUDA_H
#define MDS_MODEL_NULL_NULL_CUDA_H

#include "md/state.h"

#ifdef __cplusplus
extern "C" {
#endif

mds_status null_cuda_forces(const mds_state *state, bool virial);

#ifdef __cplusplus
}
#endif

#endif

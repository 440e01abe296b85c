/* What can go wrong in a kernel, on purpose. */
#ifndef MDS_MODEL_FAULT_FAULT_CUDA_H
#define MDS_MODEL_FAULT_FAULT_CUDA_H

#include "md/state.h"

typedef enum fault_in_kernel {
    FAULT_KERNEL_NONE,
    FAULT_KERNEL_NAN,     /* forces and energy */
    FAULT_KERNEL_ADDRESS, /* a store to an address that is nobody's */
    FAULT_KERNEL_ASSERT,  /* an assertion that does not hold */
    FAULT_KERNEL_HANG     /* a kernel that never ends */
} fault_in_kernel;

#ifdef __cplusplus
extern "C" {
#endif

/* No forces; from call `at_step` on, counted in *calls, what `kind` says. The count is kept by the
 * kernel, so that a recorded step counts each time it is launched. */
mds_status fault_cuda_forces(const mds_state *state, fault_in_kernel kind, int64_t at_step,
                             int64_t *calls, bool virial);

#ifdef __cplusplus
}
#endif

#endif

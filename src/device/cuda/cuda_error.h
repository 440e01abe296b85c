/* CUDA's error codes as statuses. Codes are passed as int, so that this header needs none of
 * CUDA's.
 */
#ifndef MDS_DEVICE_CUDA_CUDA_ERROR_H
#define MDS_DEVICE_CUDA_CUDA_ERROR_H

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* MDS_OK for cudaSuccess. Otherwise a message that names `what` (a call, a kernel), CUDA's name of
 * the error and its text:
 *   MDS_ERR_NOMEM        no memory; the context is as it was
 *   MDS_ERR_DEVICE       "cuda: <class> in <what> (...)"; a class such as "illegal address",
 * "device assert" or "launch failure" has poisoned the context until the process ends
 *   MDS_ERR_DEVICE_LOST  the device has gone, or its memory cannot be trusted any more */
mds_status mds_cuda_status(int code, const char *what);

#ifdef __cplusplus
}
#endif

#endif

/* Kernels of test_cuda_faults.cu. */
#ifndef MDS_TESTS_GPU_DEVICE_CUDA_FAULTS_H
#define MDS_TESTS_GPU_DEVICE_CUDA_FAULTS_H

#include "device/device.h"

/* One block of `threads` writes its numbers to x + shift. */
mds_status cuda_faults_write(mds_device *device, int threads, int *x, int64_t shift);
/* Asserts that `value` is 0. */
mds_status cuda_faults_assert(mds_device *device, int value);

#endif

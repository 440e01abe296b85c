/* Kernel of test_cuda_device.cu. */
#ifndef MDS_TESTS_GPU_DEVICE_CUDA_DEVICE_H
#define MDS_TESTS_GPU_DEVICE_CUDA_DEVICE_H

#include "device/device.h"

/* y[i] = x[i] + 1 for i < n, in one block of `threads`. */
mds_status cuda_device_raise(mds_device *device, int threads, int n, const double *x, double *y);

#endif

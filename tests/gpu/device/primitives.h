/* Kernels of test_primitives.cu. */
#ifndef MDS_TESTS_GPU_DEVICE_PRIMITIVES_H
#define MDS_TESTS_GPU_DEVICE_PRIMITIVES_H

#include "device/device.h"

/* *total = Σ x, over `blocks` blocks with partial sums in part; *ticket is 0 before and after. */
mds_status primitives_sum(mds_device *device, int blocks, int n, const double *x, double *part,
                          int *ticket, double *total);
/* Eight facts for each of n threads, see the test. */
mds_status primitives_warp(mds_device *device, int n, int *out);
/* Each block of `threads` turned round, through dynamic shared memory. */
mds_status primitives_reverse(mds_device *device, int blocks, int threads, const double *x,
                              double *y);

#endif

#include "device/cuda/launch.cuh"

extern "C" {
#include "gpu/device/cuda_faults.h"
}

#undef NDEBUG /* the assertion is what this is for */
#include <assert.h>

static __global__ void write_numbers(int *x, int64_t shift)
{
    x[shift + threadIdx.x] = (int)threadIdx.x;
}

static __global__ void assert_zero(int value)
{
    assert(value == 0);
}

extern "C" mds_status cuda_faults_write(mds_device *device, int threads, int *x, int64_t shift)
{
    return MDS_LAUNCH(device, write_numbers, 1, threads, 0, x, shift);
}

extern "C" mds_status cuda_faults_assert(mds_device *device, int value)
{
    return MDS_LAUNCH(device, assert_zero, 1, 32, 0, value);
}

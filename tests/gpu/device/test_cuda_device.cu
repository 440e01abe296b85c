#include "device/cuda/launch.cuh"

extern "C" {
#include "gpu/device/cuda_device.h"
}

static __global__ void raise(int n, const double *x, double *y)
{
    for (int i = (int)threadIdx.x; i < n; i += (int)blockDim.x)
        y[i] = x[i] + 1.0;
}

extern "C" mds_status cuda_device_raise(mds_device *device, int threads, int n, const double *x,
                                        double *y)
{
    return MDS_LAUNCH(device, raise, 1, threads, 0, n, x, y);
}

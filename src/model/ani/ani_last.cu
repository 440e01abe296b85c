/* The last layer of the networks, a warp for each atom and member: one product is too few for a
 * matrix product, and what goes back begins here. */
#include "device/cuda/launch.cuh"

extern "C" {
#include "device/act_math.h"
#include "model/ani/ani_cuda.h"
}
#include "md/reduce.cuh"

enum { LAST_WARPS = 4 };

/* The slope of celu (a = 0.1) from its value. */
static __device__ inline float slope_of(float y)
{
    return mds_act_slope_fp32(MDS_ACT_CELU, 0.1f, 0.0f, y);
}

static __device__ inline double slope_of(double y)
{
    return mds_act_slope_fp64(MDS_ACT_CELU, 0.1, 0.0, y);
}

template <typename real> static __global__ void ani_last_layer(const ani_cuda_last job)
{
    const int place = (int)(blockIdx.x * LAST_WARPS + threadIdx.x / 32);
    const int lane = (int)threadIdx.x % 32, row = place / job.members, m = place % job.members;
    double sum = 0.0;

    if (row >= job.rows || job.d->fault)
        return;
    real *h = (real *)job.h + ((size_t)row * job.members + m) * job.width;
    const real *w = (const real *)job.weight + (size_t)m * job.width;

    for (int k = lane; k < job.width; k += 32) {
        sum += (double)w[k] * (double)h[k];
        h[k] = w[k] * slope_of(h[k]);
    }
    for (int bit = 16; bit > 0; bit /= 2)
        sum += __shfl_xor_sync(MDS_FULL_WARP, sum, bit);
    if (lane == 0)
        job.energy[(size_t)m * job.stride + row] = sum + (double)((const real *)job.bias)[m];
}

extern "C" mds_status ani_cuda_last_layer(mds_device *device, const ani_cuda_last *job)
{
    const unsigned warps = (unsigned)(job->rows * job->members);
    void (*const kernel)(ani_cuda_last) = job->real == MDS_REAL_FP32 ? ani_last_layer<float>
                                                                     : ani_last_layer<double>;

    return MDS_LAUNCH(device, kernel, (warps + LAST_WARPS - 1) / LAST_WARPS, 32 * LAST_WARPS, 0,
                      *job);
}

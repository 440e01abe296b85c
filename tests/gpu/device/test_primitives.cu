#include "device/cuda/launch.cuh"

extern "C" {
#include "gpu/device/primitives.h"
}

enum { BLOCK = 96 }; /* three warps */

static __global__ void block_sums(int n, const double *x, double *out)
{
    __shared__ double part[BLOCK];
    const int t = threadIdx.x;
    double sum = 0.0;

    for (int i = blockIdx.x * BLOCK + t; i < n; i += gridDim.x * BLOCK)
        sum += x[i];
    part[t] = sum;
    __syncthreads();
    if (t < 32) {
        sum = part[t] + part[t + 32] + part[t + 64];
        for (int d = 16; d > 0; d /= 2)
            sum += __shfl_down_sync(0xffffffffu, sum, d);
        if (t == 0)
            out[blockIdx.x] = sum;
    }
}

/* The last block to finish adds what the others left. */
static __global__ void last_block(int n, const double *part, int *ticket, double *total)
{
    __shared__ int last;

    if (threadIdx.x == 0) {
        __threadfence();
        last = atomicAdd(ticket, 1) == (int)gridDim.x - 1;
    }
    __syncthreads();
    if (last && threadIdx.x == 0) {
        double sum = 0.0;
        for (int i = 0; i < n; ++i)
            sum += part[i];
        *total = sum;
        *ticket = 0;
    }
}

static __global__ void warp_facts(int n, int *out)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    const int lane = threadIdx.x % 32;
    const unsigned all = 0xffffffffu;
    const unsigned odd = __ballot_sync(all, lane & 1);
    const int up = __shfl_up_sync(all, lane, 3);
    const int turned = __shfl_xor_sync(all, lane, 5);
    const int third = __shfl_sync(all, lane * 10, 3);
    const int any = __any_sync(all, lane == 7), every = __all_sync(all, lane < 7);
    const int counted = __syncthreads_count(lane < 5), or_ = __syncthreads_or(threadIdx.x == 40);

    if (i < n) {
        int *o = out + 8 * i;

        o[0] = (int)odd;
        o[1] = up;
        o[2] = turned;
        o[3] = third;
        o[4] = any + 2 * every;
        o[5] = counted;
        o[6] = or_;
        o[7] = __popc(odd) + __ffs((int)odd) + __clz(1);
    }
}

static __global__ void reversed(const double *x, double *y)
{
    MDS_DYNAMIC_SHARED(double, all);

    all[threadIdx.x] = x[blockIdx.x * blockDim.x + threadIdx.x];
    __syncthreads();
    y[blockIdx.x * blockDim.x + threadIdx.x] = all[blockDim.x - 1 - threadIdx.x];
}

extern "C" mds_status primitives_sum(mds_device *device, int blocks, int n, const double *x,
                                     double *part, int *ticket, double *total)
{
    mds_status status;

    MDS_TRY(MDS_LAUNCH(device, block_sums, blocks, BLOCK, 0, n, x, part));
    MDS_TRY(MDS_LAUNCH(device, last_block, blocks, 32, 0, blocks, part, ticket, total));
out:
    return status;
}

extern "C" mds_status primitives_warp(mds_device *device, int n, int *out)
{
    return MDS_LAUNCH(device, warp_facts, (n + BLOCK - 1) / BLOCK, BLOCK, 0, n, out);
}

extern "C" mds_status primitives_reverse(mds_device *device, int blocks, int threads,
                                         const double *x, double *y)
{
    return MDS_LAUNCH(device, reversed, blocks, threads, threads * sizeof(double), x, y);
}

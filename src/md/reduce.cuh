/* Sums and maxima over a grid in a fixed order, so that they repeat bit for bit: a tree within a
 * block, then the last block to finish takes the blocks' results in their order.
 *
 * All threads of a block must call these; blocks are multiples of 32 threads, at most 1024.
 * Include after device/cuda/launch.cuh. */
#ifndef MDS_MD_REDUCE_CUH
#define MDS_MD_REDUCE_CUH

#define MDS_FULL_WARP 0xffffffffu

/* value[0…count) of thread 0 become the sums over the block; those of others are undefined. */
template <int count> static __device__ void mds_block_sum(double *value)
{
    __shared__ double partial[count * 32];
    const int lane = (int)threadIdx.x & 31, warp = (int)threadIdx.x / 32;
    const int warps = (int)blockDim.x / 32;

    for (int c = 0; c < count; ++c)
        for (int step = 16; step > 0; step /= 2)
            value[c] += __shfl_down_sync(MDS_FULL_WARP, value[c], step);
    __syncthreads(); /* an earlier call may still be reading */
    for (int c = 0; lane == 0 && c < count; ++c)
        partial[c * 32 + warp] = value[c];
    __syncthreads();
    if (warp != 0)
        return;
    for (int c = 0; c < count; ++c) {
        value[c] = lane < warps ? partial[c * 32 + lane] : 0.0;
        for (int step = 16; step > 0; step /= 2)
            value[c] += __shfl_down_sync(MDS_FULL_WARP, value[c], step);
    }
}

/* The largest value of the block, in all threads. No NaN. */
static inline __device__ double mds_block_max(double value)
{
    __shared__ double partial[32];
    const int lane = (int)threadIdx.x & 31, warp = (int)threadIdx.x / 32;
    const int warps = (int)blockDim.x / 32;

    for (int step = 16; step > 0; step /= 2) {
        const double other = __shfl_xor_sync(MDS_FULL_WARP, value, step);

        value = other > value ? other : value;
    }
    __syncthreads();
    if (lane == 0)
        partial[warp] = value;
    __syncthreads();
    value = partial[0];
    for (int w = 1; w < warps; ++w)
        value = partial[w] > value ? partial[w] : value;
    return value;
}

/* True in all threads of the block that comes here last, which then sees everything that the other
 * blocks wrote before they came here. `*ticket` is 0 before and after. */
static inline __device__ bool mds_last_block(unsigned *ticket)
{
    __shared__ unsigned place;

    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0)
        place = atomicAdd(ticket, 1u);
    __syncthreads();
    if (place != gridDim.x - 1)
        return false;
    __threadfence();
    if (threadIdx.x == 0)
        *ticket = 0;
    return true;
}

#endif

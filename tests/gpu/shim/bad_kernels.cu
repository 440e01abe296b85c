#include "device/cuda/launch.cuh"
#include "device/cuda/mma.cuh"

#include "gpu/shim/bad_kernels.h"

#include <assert.h>

/* As MDS_LAUNCH, for a stream instead of a device. */
template <typename... P>
static cudaError_t launch(const char *name, void (*kernel)(P...), dim3 grid, dim3 block,
                          size_t shared, cudaStream_t stream, typename mds_same<P>::type... args)
{
    return mds_shim_launch(name, reinterpret_cast<const void *>(kernel),
                           std::make_shared<mds_shim_frame_of<P...>>(kernel, args...), grid, block,
                           shared, stream);
}

#define RUN(kernel, grid, block, ...) launch(#kernel, kernel, grid, block, 0, nullptr, __VA_ARGS__)

static __global__ void write_kernel(int *p, long at)
{
    p[at] = 1;
}

static __global__ void read_kernel(const int *p, int *out)
{
    *out = *p;
}

static __global__ void address_kernel(uint64_t address)
{
    *reinterpret_cast<volatile int *>(address) = 1;
}

struct both {
    int n;
    int *good, *hidden;
};

static __global__ void struct_kernel(both b)
{
    *b.good = b.n;
}

static __global__ void barriers_kernel(int *out)
{
    if (threadIdx.x % 2)
        __syncthreads();
    else
        __syncthreads(); /* another one */
    out[threadIdx.x] = 1;
}

static __global__ void exit_kernel(int *out)
{
    if (threadIdx.x >= blockDim.x / 2)
        return;
    __syncthreads();
    out[threadIdx.x] = 1;
}

static __global__ void mask_kernel(int *out)
{
    out[threadIdx.x] = __shfl_sync(0x0000ffffu, (int)threadIdx.x, 0);
}

static __global__ void warp_kernel(int *out)
{
    if (threadIdx.x < 16)
        out[threadIdx.x] = __shfl_sync(0xffffffffu, 1, 0);
    __syncthreads();
}

static __global__ void matrix_kernel(int *out, int skew, const int *instead)
{
    MDS_DYNAMIC_SHARED(__half, tile);
    mds_mma_sum sum = mds_mma_zero();
    const __half *from = instead ? (const __half *)instead : tile + skew;

    const mds_half_a a = mds_load_half_a(from, 16);
    const mds_half_b b = {{a.x[0], a.x[1]}};
    mds_mma_half(&sum, a, b);
    out[threadIdx.x] = sum.x[0] != 0.0f;
}

static __global__ void assert_kernel(int one)
{
    assert(one == 2);
}

static __global__ void trap_kernel(int one)
{
    if (one)
        __trap();
}

static __global__ void order_kernel(int *ticket, int *order)
{
    order[blockIdx.x * blockDim.x + threadIdx.x] = atomicAdd(ticket, 1);
}

static __global__ void shared_kernel(double *out)
{
    __shared__ double s[64];

    if (threadIdx.x == 0)
        s[0] = 1.0;
    __syncthreads();
    out[threadIdx.x] = s[threadIdx.x];
}

static __global__ void race_kernel(double *x, int n)
{
    const int i = threadIdx.x;

    x[i] += x[(i + 1) % n];
}

static __global__ void no_race_kernel(double *x, int n)
{
    const int i = threadIdx.x;
    const double next = x[(i + 1) % n];

    __syncthreads();
    x[i] += next;
}

static __global__ void set_kernel(int *p, int value)
{
    *p = value;
}

static __global__ void wide_kernel(int)
{
    MDS_DYNAMIC_SHARED(char, all);
    all[threadIdx.x] = 0;
}

extern "C" {

cudaError_t bad_write(int *p, long at)
{
    return RUN(write_kernel, 1, 1, p, at);
}

cudaError_t bad_read(const int *p, int *out)
{
    return RUN(read_kernel, 1, 1, p, out);
}

cudaError_t bad_address(uint64_t address)
{
    return RUN(address_kernel, 3, 40, address);
}

cudaError_t bad_struct(int *good, int *hidden)
{
    return RUN(struct_kernel, 1, 1, both{7, good, hidden});
}

cudaError_t bad_barriers(int *out)
{
    return RUN(barriers_kernel, 1, 64, out);
}

cudaError_t bad_exit(int *out)
{
    return RUN(exit_kernel, 1, 64, out);
}

cudaError_t bad_mask(int *out)
{
    return RUN(mask_kernel, 1, 32, out);
}

cudaError_t bad_matrix(int *out, int threads, int skew, const int *instead)
{
    return launch("matrix_kernel", matrix_kernel, 1, (unsigned)threads, 512, nullptr, out, skew,
                  instead);
}

cudaError_t bad_warp(int *out)
{
    return RUN(warp_kernel, 1, 32, out);
}

cudaError_t bad_assert(void)
{
    return RUN(assert_kernel, 1, 33, 1);
}

cudaError_t bad_trap(void)
{
    return RUN(trap_kernel, 1, 33, 1);
}

cudaError_t bad_order(int *ticket, int *order)
{
    return RUN(order_kernel, 8, 16, ticket, order);
}

cudaError_t bad_shared(double *out)
{
    return RUN(shared_kernel, 1, 64, out);
}

cudaError_t bad_race(double *x, int n)
{
    return RUN(race_kernel, 1, n, x, n);
}

cudaError_t good_race(double *x, int n)
{
    return RUN(no_race_kernel, 1, n, x, n);
}

cudaError_t set_value(int *p, int value, cudaStream_t stream)
{
    return launch("set_kernel", set_kernel, 1, 1, 0, stream, p, value);
}

cudaError_t wide_launch(unsigned grid, unsigned block, size_t shared, int opt_in)
{
    if (opt_in > 0) {
        const cudaError_t error =
            cudaFuncSetAttribute(wide_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, opt_in);
        if (error != cudaSuccess)
            return error;
    }
    return launch("wide_kernel", wide_kernel, grid, block, shared, nullptr, 0);
}

} // extern "C"

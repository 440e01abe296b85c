/* The one way to launch a kernel, and what every .cu file includes first. Compiled by nvcc, or by
 * the host's compiler against the shim (docs/cuda.md).
 *
 *     MDS_LAUNCH(device, kernel, grid, block, shared_bytes, arguments...)   an mds_status
 *
 * The kernel goes to the device's stream; the status tells of a launch that could not be made, not
 * of what goes wrong while the kernel runs (mds_device_sync() does). Arguments are numbers, device
 * pointers, or structs of those. A kernel template with a comma goes into a pointer first.
 *
 *     MDS_DYNAMIC_SHARED(double, scratch);   in a kernel: the block's `shared_bytes`, as an array
 */
#ifndef MDS_DEVICE_CUDA_LAUNCH_CUH
#define MDS_DEVICE_CUDA_LAUNCH_CUH

#include <cuda_runtime.h>

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

extern "C" {
#include "base/status.h"
#include "device/cuda/cuda_error.h"
#include "device/device.h"
}

#include <stdio.h>

#ifdef MDS_CUDA_SHIM
#define MDS_DYNAMIC_SHARED(type, name) type *const name = (type *)mds_shim_dynamic_shared()
#else
#define MDS_DYNAMIC_SHARED(type, name)                                                             \
    extern __shared__ __align__(16) unsigned char mds_dynamic_shared[];                            \
    type *const name = reinterpret_cast<type *>(mds_dynamic_shared)
#endif

#define MDS_LAUNCH(device, kernel, grid, block, ...)                                               \
    mds_launch(device, #kernel, kernel, grid, block, __VA_ARGS__)

/* Keeps the arguments out of the deduction: the kernel alone says what they are. */
template <typename T> struct mds_same {
    typedef T type;
};

template <typename... P>
static inline mds_status mds_launch(mds_device *device, const char *name, void (*kernel)(P...),
                                    dim3 grid, dim3 block, size_t shared_bytes,
                                    typename mds_same<P>::type... arguments)
{
    const cudaStream_t stream = static_cast<cudaStream_t>(mds_device_stream(device));
    cudaError_t error;

#ifdef MDS_CUDA_SHIM
    error = mds_shim_launch(name, reinterpret_cast<const void *>(kernel),
                            std::make_shared<mds_shim_frame_of<P...>>(kernel, arguments...), grid,
                            block, shared_bytes, stream);
#else
    void *list[] = {const_cast<void *>(static_cast<const void *>(&arguments))..., NULL};

    error = cudaLaunchKernel(reinterpret_cast<const void *>(kernel), grid, block, list,
                             shared_bytes, stream);
#endif
    if (error == cudaSuccess)
        return MDS_OK;
    (void)cudaGetLastError(); /* told here: not again by whoever asks next, unless it sticks */
    char what[160];
    snprintf(what, sizeof what,
             "kernel %s (grid %u x %u x %u, block %u x %u x %u, %zu bytes shared)", name, grid.x,
             grid.y, grid.z, block.x, block.y, block.z, shared_bytes);
    return mds_cuda_status(error, what);
}

#endif

/* Memory of a CUDA device: a pool of this device alone, from which memory is taken and to which it
 * is given back in the order of the stream, so that neither waits. The pool keeps what it has got
 * until the device is closed: an engine that allocates in its step then never meets the driver. */
#include "device/cuda/cuda_device.h"

#ifdef MDS_WITH_CUDA

#include "device/cuda/cuda_error.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

mds_status mds_cuda_pool_create(mds_cuda_device *cuda)
{
    struct cudaMemPoolProps props;
    uint64_t keep = UINT64_MAX;
    mds_status status;

    memset(&props, 0, sizeof props);
    props.allocType = cudaMemAllocationTypePinned;
    props.location.type = cudaMemLocationTypeDevice;
    props.location.id = cuda->ordinal;
    MDS_TRY(mds_cuda_status(cudaMemPoolCreate(&cuda->pool, &props), "cudaMemPoolCreate"));
    MDS_TRY(
        mds_cuda_status(cudaMemPoolSetAttribute(cuda->pool, cudaMemPoolAttrReleaseThreshold, &keep),
                        "cudaMemPoolSetAttribute"));
out:
    return status;
}

void mds_cuda_pool_destroy(mds_cuda_device *cuda)
{
    for (int i = 0; !cuda->pool && i < cuda->block_count; ++i)
        (void)cudaFree(cuda->blocks[i].memory);
    if (!cuda->pool)
        return;
    for (int i = 0; i < cuda->block_count; ++i)
        (void)cudaFreeAsync(cuda->blocks[i].memory, cuda->stream);
    (void)cudaStreamSynchronize(cuda->stream);
    (void)cudaMemPoolDestroy(cuda->pool);
}

/* Room for one more block. */
static mds_status reserve_block(mds_cuda_device *cuda)
{
    const int more = cuda->block_room ? 2 * cuda->block_room : 64;

    if (cuda->block_count < cuda->block_room)
        return MDS_OK;
    mds_cuda_block *grown = realloc(cuda->blocks, (size_t)more * sizeof *grown);
    if (!grown)
        return mds_fail(MDS_ERR_INTERNAL, "no host memory for the account of device memory");
    cuda->blocks = grown;
    cuda->block_room = more;
    return MDS_OK;
}

mds_status mds_cuda_alloc(mds_device *device, size_t bytes, void **out)
{
    mds_cuda_device *cuda = (mds_cuda_device *)device;
    void *memory = NULL;
    mds_status status;

    MDS_TRY(mds_cuda_check_not_recording(cuda, "an allocation"));
    MDS_TRY(reserve_block(cuda));
    if (cuda->pool)
        status = mds_cuda_status(cudaMallocFromPoolAsync(&memory, bytes, cuda->pool, cuda->stream),
                                 "cudaMallocFromPoolAsync");
    else
        status = mds_cuda_status(cudaMalloc(&memory, bytes), "cudaMalloc");
    if (status == MDS_ERR_NOMEM)
        (void)cudaGetLastError(); /* or the next launch would report it */
    if (status != MDS_OK)
        return status;
    cuda->blocks[cuda->block_count++] = (mds_cuda_block){memory, bytes};
    mds_device_account(device, (int64_t)bytes, (int64_t)bytes);
    *out = memory;
out:
    return status;
}

void mds_cuda_free(mds_device *device, void *memory)
{
    mds_cuda_device *cuda = (mds_cuda_device *)device;
    int i = cuda->block_count - 1; /* what came last goes first, mostly */

    if (cuda->recording) {
        mds_cuda_note(cuda, mds_cuda_check_not_recording(cuda, "freeing"));
        return;
    }
    while (i >= 0 && cuda->blocks[i].memory != memory)
        --i;
    if (i < 0) {
        mds_cuda_note(cuda, mds_fail(MDS_ERR_INTERNAL,
                                     "device %s: freeing %p, which is none of its blocks",
                                     device->info.name, memory));
        return;
    }
    const size_t bytes = cuda->blocks[i].bytes;

    cuda->blocks[i] = cuda->blocks[--cuda->block_count];
    mds_device_account(device, -(int64_t)bytes, -(int64_t)bytes);
    if (cuda->pool)
        mds_cuda_note(cuda, mds_cuda_status(cudaFreeAsync(memory, cuda->stream), "cudaFreeAsync"));
    else
        mds_cuda_note(cuda, mds_cuda_status(cudaFree(memory), "cudaFree"));
}

/* The pool knows what it took from the system; without one that is what was asked for. */
void mds_cuda_get_memory(const mds_device *device, mds_device_memory *out)
{
    const mds_cuda_device *cuda = (const mds_cuda_device *)device;
    uint64_t reserved = 0;

    if (cuda->pool && cudaMemPoolGetAttribute(cuda->pool, cudaMemPoolAttrReservedMemCurrent,
                                              &reserved) == cudaSuccess)
        out->reserved = (int64_t)reserved;
}

/* What the device has left for anyone, and what lies unused in the pool. */
int64_t mds_cuda_available(const mds_device *device)
{
    mds_device_memory memory = device->memory;
    size_t there = 0, total = 0;

    if (cudaMemGetInfo(&there, &total) != cudaSuccess)
        return -1;
    mds_cuda_get_memory(device, &memory);
    return (int64_t)there + (memory.reserved - memory.used);
}

mds_status mds_cuda_host_alloc(mds_device *device, size_t bytes, void **out)
{
    const mds_cuda_device *cuda = (const mds_cuda_device *)device;
    const mds_status status = mds_cuda_check_not_recording(cuda, "an allocation");

    if (status != MDS_OK)
        return status;
    return mds_cuda_status(cudaHostAlloc(out, bytes, cudaHostAllocDefault), "cudaHostAlloc");
}

void mds_cuda_host_free(mds_device *device, void *memory)
{
    mds_cuda_note((mds_cuda_device *)device, mds_cuda_status(cudaFreeHost(memory), "cudaFreeHost"));
}

#endif

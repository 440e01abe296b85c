// Memory pools: one of each device, and any number of others that count as that one.
#include "shim.hpp"

struct CUmemPoolHandle_st {
    int device;
    uint64_t threshold;
};

using namespace shim;

static CUmemPoolHandle_st pools[MAX_DEVICES];

static bool exists(int device)
{
    return device >= 0 && device < static_cast<int>(settings().visible.size());
}

extern "C" {

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t *pool, int device)
{
    Lock lock(mutex());
    const cudaError_t error = init();

    if (error != cudaSuccess)
        return error;
    if (!exists(device))
        return fail(cudaErrorInvalidDevice);
    pools[device].device = device;
    *pool = &pools[device];
    return cudaSuccess;
}

cudaError_t cudaDeviceGetMemPool(cudaMemPool_t *pool, int device)
{
    return cudaDeviceGetDefaultMemPool(pool, device);
}

cudaError_t cudaDeviceSetMemPool(int device, cudaMemPool_t pool)
{
    Lock lock(mutex());
    const cudaError_t error = init();

    if (error != cudaSuccess)
        return error;
    return exists(device) && pool ? cudaSuccess : fail(cudaErrorInvalidValue);
}

cudaError_t cudaMemPoolCreate(cudaMemPool_t *pool, const struct cudaMemPoolProps *props)
{
    Lock lock(mutex());
    const cudaError_t error = init();

    if (error != cudaSuccess)
        return error;
    if (!props || props->location.type != cudaMemLocationTypeDevice || !exists(props->location.id))
        return fail(cudaErrorInvalidValue);
    *pool = new CUmemPoolHandle_st{props->location.id, 0};
    return cudaSuccess;
}

cudaError_t cudaMemPoolDestroy(cudaMemPool_t pool)
{
    Lock lock(mutex());

    if (!pool || (pool >= pools && pool < pools + MAX_DEVICES))
        return fail(cudaErrorInvalidValue);
    delete pool;
    return cudaSuccess;
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, enum cudaMemPoolAttr attr, void *value)
{
    Lock lock(mutex());
    const cudaError_t error = init();

    if (error != cudaSuccess)
        return error;
    if (!pool || !value)
        return fail(cudaErrorInvalidValue);
    if (attr == cudaMemPoolAttrReleaseThreshold)
        pool->threshold = *static_cast<uint64_t *>(value);
    else if (attr == cudaMemPoolAttrUsedMemHigh || attr == cudaMemPoolAttrReservedMemHigh)
        memory_peak(pool->device, true);
    return cudaSuccess;
}

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, enum cudaMemPoolAttr attr, void *value)
{
    Lock lock(mutex());
    const cudaError_t error = init();
    uint64_t *out = static_cast<uint64_t *>(value);

    if (error != cudaSuccess)
        return error;
    if (!pool || !value)
        return fail(cudaErrorInvalidValue);
    switch (attr) {
    case cudaMemPoolAttrReleaseThreshold:
        *out = pool->threshold;
        break;
    case cudaMemPoolAttrReservedMemCurrent:
        *out = memory_pool_reserved(pool->device);
        break;
    case cudaMemPoolAttrUsedMemCurrent:
        *out = memory_pool_used(pool->device);
        break;
    case cudaMemPoolAttrReservedMemHigh:
    case cudaMemPoolAttrUsedMemHigh:
        *out = memory_peak(pool->device, false);
        break;
    default:
        *static_cast<int *>(value) = 1;
    }
    return cudaSuccess;
}

cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, size_t)
{
    return pool ? cudaSuccess : fail(cudaErrorInvalidValue);
}

cudaError_t cudaMallocFromPoolAsync(void **memory, size_t bytes, cudaMemPool_t pool,
                                    cudaStream_t stream)
{
    return pool ? cudaMallocAsync(memory, bytes, stream) : fail(cudaErrorInvalidValue);
}

} // extern "C"

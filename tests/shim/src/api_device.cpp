// Devices: the properties of an imagined one of compute capability 9.0.
#include "shim.hpp"

#include <cstdio>
#include <cstring>
#include <unistd.h>

using namespace shim;

static int device_count()
{
    return static_cast<int>(settings().visible.size());
}

// The same in every process on this host, different on others.
static void make_uuid(char bytes[16], int physical)
{
    char host[256] = "";
    uint64_t hash = 1469598103934665603u;

    gethostname(host, sizeof host - 1);
    for (const char *p = host; *p; ++p)
        hash = (hash ^ static_cast<unsigned char>(*p)) * 1099511628211u;
    memcpy(bytes, "shim", 4);
    memset(bytes + 4, 0, 3);
    bytes[7] = static_cast<char>(physical);
    memcpy(bytes + 8, &hash, 8);
}

static bool is_lost(int device)
{
    const std::string &name = settings().lost_file;
    FILE *file = name.empty() ? nullptr : fopen(name.c_str(), "r");
    bool lost = false;
    int k;

    if (!file)
        return false;
    while (fscanf(file, "%d", &k) == 1)
        lost = lost || k == settings().visible[static_cast<size_t>(device)];
    fclose(file);
    return lost;
}

extern "C" {

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = CUDART_VERSION;
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = CUDART_VERSION;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int *count)
{
    Lock lock(mutex());
    const cudaError_t error = init();

    *count = error == cudaSuccess ? device_count() : 0;
    return error;
}

cudaError_t cudaSetDevice(int device)
{
    Lock lock(mutex());
    const cudaError_t error = init();

    if (error != cudaSuccess)
        return error;
    if (device < 0 || device >= device_count())
        return fail(cudaErrorInvalidDevice);
    if (is_lost(device))
        return fail(cudaErrorDevicesUnavailable);
    current_device = device;
    return cudaSuccess;
}

cudaError_t cudaGetDevice(int *device)
{
    Lock lock(mutex());
    const cudaError_t error = init();

    *device = current_device;
    return error;
}

cudaError_t cudaInitDevice(int device, unsigned, unsigned)
{
    return cudaSetDevice(device);
}

cudaError_t cudaSetDeviceFlags(unsigned)
{
    Lock lock(mutex());
    return init();
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *p, int device)
{
    Lock lock(mutex());
    const cudaError_t error = init();

    if (error != cudaSuccess)
        return error;
    if (!p || device < 0 || device >= device_count())
        return fail(cudaErrorInvalidDevice);
    const int physical = settings().visible[static_cast<size_t>(device)];
    memset(p, 0, sizeof *p);
    snprintf(p->name, sizeof p->name, "CUDA shim on the host");
    make_uuid(p->uuid.bytes, physical);
    p->totalGlobalMem = settings().memory;
    p->sharedMemPerBlock = STATIC_SHARED;
    p->sharedMemPerBlockOptin = OPTIN_SHARED;
    p->sharedMemPerMultiprocessor = 228 << 10;
    p->regsPerBlock = p->regsPerMultiprocessor = 65536;
    p->warpSize = WARP;
    p->maxThreadsPerBlock = BLOCK_THREADS;
    p->maxThreadsDim[0] = p->maxThreadsDim[1] = 1024;
    p->maxThreadsDim[2] = 64;
    p->maxGridSize[0] = 0x7fffffff;
    p->maxGridSize[1] = p->maxGridSize[2] = 65535;
    p->totalConstMem = 65536;
    p->major = 9;
    p->multiProcessorCount = 4;
    p->canMapHostMemory = p->concurrentKernels = p->unifiedAddressing = 1;
    p->pciBusID = physical + 1;
    p->asyncEngineCount = 1;
    p->memoryBusWidth = 64;
    p->l2CacheSize = 1 << 20;
    p->maxThreadsPerMultiProcessor = 2048;
    p->maxBlocksPerMultiProcessor = 32;
    p->memoryPoolsSupported = 1;
    return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device)
{
    struct cudaDeviceProp p;
    const cudaError_t error = cudaGetDeviceProperties(&p, device);

    if (error != cudaSuccess)
        return error;
    switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock:
        *value = p.maxThreadsPerBlock;
        break;
    case cudaDevAttrMaxSharedMemoryPerBlock:
        *value = STATIC_SHARED;
        break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
        *value = OPTIN_SHARED;
        break;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
        *value = 228 << 10;
        break;
    case cudaDevAttrWarpSize:
        *value = WARP;
        break;
    case cudaDevAttrClockRate:
    case cudaDevAttrMemoryClockRate:
        *value = 1000000;
        break;
    case cudaDevAttrMultiProcessorCount:
        *value = p.multiProcessorCount;
        break;
    case cudaDevAttrConcurrentKernels:
    case cudaDevAttrUnifiedAddressing:
    case cudaDevAttrAsyncEngineCount:
    case cudaDevAttrMemoryPoolsSupported:
        *value = 1;
        break;
    case cudaDevAttrPciBusId:
        *value = p.pciBusID;
        break;
    case cudaDevAttrGlobalMemoryBusWidth:
        *value = p.memoryBusWidth;
        break;
    case cudaDevAttrL2CacheSize:
        *value = p.l2CacheSize;
        break;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
        *value = p.maxThreadsPerMultiProcessor;
        break;
    case cudaDevAttrComputeCapabilityMajor:
        *value = p.major;
        break;
    case cudaDevAttrComputeCapabilityMinor:
        *value = p.minor;
        break;
    case cudaDevAttrHostNumaId:
        *value = 0;
        break;
    default:
        *value = 0;
    }
    return cudaSuccess;
}

cudaError_t cudaDeviceGetPCIBusId(char *id, int length, int device)
{
    struct cudaDeviceProp p;
    const cudaError_t error = cudaGetDeviceProperties(&p, device);

    if (error == cudaSuccess)
        snprintf(id, static_cast<size_t>(length), "%08x:%02x:%02x.0",
                 static_cast<unsigned>(p.pciDomainID), static_cast<unsigned>(p.pciBusID),
                 static_cast<unsigned>(p.pciDeviceID));
    return error;
}

cudaError_t cudaDeviceReset(void)
{
    Lock lock(mutex());
    const cudaError_t error = init();

    if (error != cudaSuccess)
        return error;
    const cudaError_t failed = device_drain(current_device);
    memory_reset(current_device);
    return fail(failed);
}

cudaError_t cudaDeviceGetStreamPriorityRange(int *least, int *greatest)
{
    *least = 0;
    *greatest = -5;
    return cudaSuccess;
}

cudaError_t cudaProfilerStart(void)
{
    Lock lock(mutex());
    write_mark("start");
    return init();
}

cudaError_t cudaProfilerStop(void)
{
    Lock lock(mutex());
    write_mark("stop");
    return init();
}

} // extern "C"

// What a launch may ask for, what its arguments may be, and faults on demand.
#include "shim.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <sys/mman.h>

namespace shim
{

static std::map<const void *, size_t> &opted_in = *new std::map<const void *, size_t>;

// The word could be an address of this process: user space, above all small numbers, and mapped.
static bool is_host_address(uintptr_t word)
{
#if defined(__x86_64__)
    if (word < 0x500000000000u || word > 0x7fffffffffffu)
        return false;
#else
    if (word < 0xaaaa00000000u || word > 0xffffffffffffu)
        return false;
#endif
    return msync(reinterpret_cast<void *>(word & ~static_cast<uintptr_t>(4095)), 1, MS_ASYNC) == 0;
}

static void check_pointer(Kernel *k, int argument, uintptr_t word, bool declared, size_t offset)
{
    const void *pointer = reinterpret_cast<const void *>(word);
    char where[64] = "";

    if (!declared)
        snprintf(where, sizeof where, ", at byte %zu of the struct", offset);
    if (!word || pinned_covers(pointer, 1))
        return;
    if (!memory_is_device(pointer)) {
        if (declared || is_host_address(word))
            report("kernel %s: argument %d%s is %p, a pointer to host memory", k->name.c_str(),
                   argument + 1, where, pointer);
        return;
    }
    const Allocation *a = memory_find(pointer);
    if (!a)
        report("kernel %s: argument %d%s is %p, %s", k->name.c_str(), argument + 1, where, pointer,
               memory_describe(pointer).c_str());
    if (a->device != k->device)
        report("kernel %s on device %d: argument %d%s points to memory of device %d",
               k->name.c_str(), k->device, argument + 1, where, a->device);
    k->allocations.emplace_back(argument, a->id);
}

static void check_arguments(Kernel *k)
{
    mds_shim_argument list[64];
    const int n = k->frame->arguments(list, 64);

    for (int i = 0; i < n; ++i) {
        uintptr_t word;

        if (list[i].kind == 0)
            continue;
        for (size_t at = 0; at + sizeof word <= list[i].bytes; at += sizeof word) {
            memcpy(&word, static_cast<const char *>(list[i].value) + at, sizeof word);
            check_pointer(k, i, word, list[i].kind == 1, at);
        }
    }
}

cudaError_t kernel_check(Kernel *k)
{
    const dim3 g = k->grid, b = k->block;
    const auto opted = opted_in.find(k->function);
    const size_t limit = opted == opted_in.end() ? static_cast<size_t>(STATIC_SHARED)
                                                 : opted->second;

    if (!g.x || !g.y || !g.z || !b.x || !b.y || !b.z || g.x > 0x7fffffffu || g.y > 65535u ||
        g.z > 65535u || b.x > 1024u || b.y > 1024u || b.z > 64u ||
        static_cast<uint64_t>(b.x) * b.y * b.z > BLOCK_THREADS)
        return cudaErrorInvalidConfiguration;
    if (k->shared_bytes > limit)
        return cudaErrorInvalidValue;
    check_arguments(k);
    return cudaSuccess;
}

// A recorded launch may have outlived its arguments.
static void check_alive(const Kernel &k)
{
    for (const auto &item : k.allocations)
        if (!memory_by_id(item.second))
            report("kernel %s: argument %d points into allocation %llu, freed since the launch was "
                   "recorded or given",
                   k.name.c_str(), item.first + 1, static_cast<unsigned long long>(item.second));
}

static bool fires_once()
{
    const std::string &once = settings().fault_once;

    if (once.empty())
        return true;
    const int file = open(once.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (file < 0)
        return false;
    close(file);
    return true;
}

static void note_lost(int device)
{
    FILE *file = settings().lost_file.empty() ? nullptr : fopen(settings().lost_file.c_str(), "a");

    if (!file)
        return;
    fprintf(file, "%d\n", settings().visible[static_cast<size_t>(device)]);
    fclose(file);
}

// cudaSuccess: run the kernel.
static cudaError_t injected_fault(const Kernel &k)
{
    const Settings &s = settings();

    if (s.fault_kernel != k.name || kernel_count(k.name.c_str()) + 1 != s.fault_at || !fires_once())
        return cudaSuccess;
    if (s.fault_kind == "illegal")
        return cudaErrorIllegalAddress;
    if (s.fault_kind == "assert")
        return cudaErrorAssert;
    if (s.fault_kind == "launch")
        return cudaErrorLaunchFailure;
    if (s.fault_kind == "hang") {
        stream_hang();
        return cudaErrorNotReady;
    }
    if (s.fault_kind != "lost")
        report("MDS_SHIM_FAULT: no fault is called '%s'", s.fault_kind.c_str());
    note_lost(k.device);
    return cudaErrorDevicesUnavailable;
}

static cudaError_t run_op(const std::shared_ptr<Kernel> &kernel)
{
    Access access(kernel->device);
    cudaError_t error;

    check_alive(*kernel);
    error = injected_fault(*kernel);
    if (error == cudaSuccess)
        error = kernel_run(*kernel);
    if (error != cudaSuccess && error != cudaErrorNotReady)
        sticky = error;
    return error;
}

} // namespace shim

using namespace shim;

cudaError_t mds_shim_launch(const char *name, const void *kernel,
                            std::shared_ptr<const mds_shim_frame> frame, dim3 grid, dim3 block,
                            size_t shared_bytes, cudaStream_t stream)
{
    Lock lock(mutex());
    cudaError_t error = init();
    auto k = std::make_shared<Kernel>();
    Op op = {};

    if (error != cudaSuccess)
        return error;
    if (!stream_resolve(stream))
        return fail(cudaErrorInvalidResourceHandle);
    k->name = name;
    k->function = kernel;
    k->frame = frame;
    k->grid = grid;
    k->block = block;
    k->shared_bytes = shared_bytes;
    k->device = stream_device(stream);
    error = kernel_check(k.get());
    if (error != cudaSuccess)
        return fail(error);
    op.type = cudaGraphNodeTypeKernel;
    op.name = name;
    op.run = [k] { return run_op(k); };
    return fail(stream_give(stream, op));
}

extern "C" cudaError_t mds_shim_set_attribute(const void *kernel, cudaFuncAttribute attribute,
                                              int value)
{
    Lock lock(mutex());
    const cudaError_t error = init();

    if (error != cudaSuccess)
        return error;
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize)
        return cudaSuccess;
    if (value < 0 || value > OPTIN_SHARED)
        return fail(cudaErrorInvalidValue);
    opted_in[kernel] = static_cast<size_t>(value);
    return cudaSuccess;
}

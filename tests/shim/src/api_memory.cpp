// Allocating, copying, filling.
#include "stream.hpp"

#include <cstring>

using namespace shim;

// What must hold for anything that a capture forbids.
static cudaError_t begin()
{
    const cudaError_t error = init();

    return error == cudaSuccess ? fail(forbid_in_capture()) : error;
}

static cudaError_t wait_for_all()
{
    for (int i = 0; i < static_cast<int>(settings().visible.size()); ++i) {
        const cudaError_t error = device_drain(i);
        if (error != cudaSuccess)
            return error;
    }
    return cudaSuccess;
}

static cudaMemcpyKind resolve_kind(const void *to, const void *from, cudaMemcpyKind kind)
{
    if (kind != cudaMemcpyDefault)
        return kind;
    return memory_is_device(to)
               ? memory_is_device(from) ? cudaMemcpyDeviceToDevice : cudaMemcpyHostToDevice
           : memory_is_device(from) ? cudaMemcpyDeviceToHost
                                    : cudaMemcpyHostToHost;
}

static cudaError_t check_end(const char *call, const char *which, const void *pointer, size_t bytes,
                             bool want_device)
{
    if (memory_is_device(pointer) != want_device) {
        complain("%s: the %s %p is %s memory, against the direction", call, which, pointer,
                 want_device ? "host" : "device");
        return cudaErrorInvalidValue;
    }
    if (want_device && !memory_covers(pointer, bytes)) {
        complain("%s: %zu bytes at the %s %p do not lie in one allocation: it is %s", call, bytes,
                 which, pointer, memory_describe(pointer).c_str());
        return cudaErrorInvalidValue;
    }
    return cudaSuccess;
}

static cudaError_t check_copy(const char *call, const void *to, const void *from, size_t bytes,
                              cudaMemcpyKind kind)
{
    cudaError_t error;

    if (kind < cudaMemcpyHostToHost || kind > cudaMemcpyDeviceToDevice)
        return cudaErrorInvalidMemcpyDirection;
    error = check_end(call, "destination", to, bytes,
                      kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice);
    if (error == cudaSuccess)
        error = check_end(call, "source", from, bytes,
                          kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice);
    return error;
}

static void copy_now(void *to, const void *from, size_t bytes)
{
    const int a = memory_device_of(to), b = memory_device_of(from);
    Access access_to(a >= 0 ? a : b >= 0 ? b : 0), access_from(b >= 0 ? b : a >= 0 ? a : 0);

    if ((a >= 0 && !memory_covers(to, bytes)) || (b >= 0 && !memory_covers(from, bytes)))
        report("a copy of %zu bytes from %p to %p: device memory that was freed since", bytes, from,
               to);
    memmove(to, from, bytes);
}

static Op copy_op(void *to, const void *from, size_t bytes)
{
    Op op = {};

    op.type = cudaGraphNodeTypeMemcpy;
    op.name = "copy";
    op.run = [=] {
        copy_now(to, from, bytes);
        return cudaSuccess;
    };
    return op;
}

// From plain memory, which the caller may change at once: the bytes are taken now.
static Op staged_op(void *to, const void *from, size_t bytes)
{
    const auto stage = std::make_shared<std::vector<char>>(static_cast<const char *>(from),
                                                           static_cast<const char *>(from) + bytes);
    Op op = copy_op(to, nullptr, bytes);

    op.run = [=] {
        copy_now(to, stage->data(), bytes);
        return cudaSuccess;
    };
    return op;
}

static Op fill_op(void *memory, int byte, size_t bytes)
{
    Op op = {};

    op.type = cudaGraphNodeTypeMemset;
    op.name = "fill";
    op.run = [=] {
        Access access(memory_device_of(memory));
        if (!memory_covers(memory, bytes))
            report("a fill of %zu bytes at %p: device memory that was freed since", bytes, memory);
        memset(memory, byte, bytes);
        return cudaSuccess;
    };
    return op;
}

extern "C" {

cudaError_t cudaMalloc(void **memory, size_t bytes)
{
    Lock lock(mutex());
    cudaError_t error = begin();

    if (error != cudaSuccess)
        return error;
    if (!memory)
        return fail(cudaErrorInvalidValue);
    return fail(memory_alloc(current_device, bytes, false, memory));
}

cudaError_t cudaFree(void *memory)
{
    Lock lock(mutex());
    cudaError_t error = begin();

    if (error == cudaSuccess)
        error = fail(wait_for_all());
    return error == cudaSuccess ? fail(memory_free(memory, false)) : error;
}

cudaError_t cudaMallocAsync(void **memory, size_t bytes, cudaStream_t stream)
{
    Lock lock(mutex());
    cudaError_t error = begin();

    if (error != cudaSuccess)
        return error;
    if (!memory || !stream_resolve(stream))
        return fail(cudaErrorInvalidValue);
    error = memory_alloc(stream_device(stream), bytes, true, memory);
    if (error == cudaErrorMemoryAllocation) { // frees may be under way
        error = stream_drain(stream);
        if (error == cudaSuccess)
            error = memory_alloc(stream_device(stream), bytes, true, memory);
    }
    return fail(error);
}

cudaError_t cudaFreeAsync(void *memory, cudaStream_t stream)
{
    Lock lock(mutex());
    cudaError_t error = begin();
    Op op = {};

    if (error != cudaSuccess)
        return error;
    const Allocation *a = memory_find(memory);
    if (!stream_resolve(stream) || !a || reinterpret_cast<uintptr_t>(memory) != a->base) {
        complain("cudaFreeAsync(%p): %s", memory,
                 memory_is_device(memory) ? memory_describe(memory).c_str() : "not device memory");
        return fail(cudaErrorInvalidValue);
    }
    op.type = cudaGraphNodeTypeEmpty;
    op.name = "free";
    op.run = [=] { return memory_free(memory, true); };
    return fail(stream_give(stream, op));
}

cudaError_t cudaHostAlloc(void **memory, size_t bytes, unsigned)
{
    Lock lock(mutex());
    const cudaError_t error = begin();

    if (error != cudaSuccess)
        return error;
    return memory ? fail(pinned_alloc(bytes, memory)) : fail(cudaErrorInvalidValue);
}

cudaError_t cudaMallocHost(void **memory, size_t bytes)
{
    return cudaHostAlloc(memory, bytes, cudaHostAllocDefault);
}

cudaError_t cudaFreeHost(void *memory)
{
    Lock lock(mutex());
    cudaError_t error = begin();

    if (error == cudaSuccess)
        error = fail(wait_for_all());
    return error == cudaSuccess ? fail(pinned_free(memory)) : error;
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind)
{
    Lock lock(mutex());
    cudaError_t error = init();

    if (error != cudaSuccess || bytes == 0)
        return error;
    kind = resolve_kind(to, from, kind);
    error = check_copy("cudaMemcpy", to, from, bytes, kind);
    if (error == cudaSuccess)
        error = stream_give(nullptr, copy_op(to, from, bytes)); // fails beside a capture
    if (error == cudaSuccess && kind != cudaMemcpyDeviceToDevice)
        error = stream_drain(nullptr);
    return fail(error);
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream)
{
    Lock lock(mutex());
    cudaError_t error = init();

    if (error != cudaSuccess)
        return error;
    if (!stream_resolve(stream))
        return fail(cudaErrorInvalidResourceHandle);
    if (bytes == 0)
        return cudaSuccess;
    kind = resolve_kind(to, from, kind);
    error = check_copy("cudaMemcpyAsync", to, from, bytes, kind);
    if (error != cudaSuccess)
        return fail(error);
    const bool from_plain = kind == cudaMemcpyHostToDevice && !pinned_covers(from, bytes);
    const bool to_plain = kind == cudaMemcpyDeviceToHost && !pinned_covers(to, bytes);
    if ((from_plain || to_plain) && stream_is_capturing(stream)) {
        complain("cudaMemcpyAsync: memory that is not page-locked in a capture");
        return fail(forbid_in_capture());
    }
    // Whoever reads what has not arrived yet shall notice.
    if (kind == cudaMemcpyDeviceToHost && !to_plain && !stream_is_capturing(stream))
        raw_fill(to, POISON, bytes);
    error = stream_give(stream, from_plain ? staged_op(to, from, bytes) : copy_op(to, from, bytes));
    if (error == cudaSuccess && to_plain)
        error = stream_drain(stream);
    return fail(error);
}

cudaError_t cudaMemsetAsync(void *memory, int byte, size_t bytes, cudaStream_t stream)
{
    Lock lock(mutex());
    cudaError_t error = init();

    if (error != cudaSuccess || bytes == 0)
        return error;
    if (!stream_resolve(stream))
        return fail(cudaErrorInvalidResourceHandle);
    error = check_end("cudaMemset", "destination", memory, bytes, true);
    return fail(error == cudaSuccess ? stream_give(stream, fill_op(memory, byte, bytes)) : error);
}

cudaError_t cudaMemset(void *memory, int byte, size_t bytes)
{
    return cudaMemsetAsync(memory, byte, bytes, nullptr);
}

cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total_bytes)
{
    Lock lock(mutex());
    const cudaError_t error = init();

    if (error != cudaSuccess)
        return error;
    *total_bytes = settings().memory;
    *free_bytes = settings().memory - memory_used(current_device);
    return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(struct cudaPointerAttributes *out, const void *pointer)
{
    Lock lock(mutex());
    const cudaError_t error = init();

    if (error != cudaSuccess)
        return error;
    *out = {};
    out->device = -2;
    if (memory_find(pointer)) {
        out->type = cudaMemoryTypeDevice;
        out->device = memory_device_of(pointer);
        out->devicePointer = const_cast<void *>(pointer);
    } else if (pinned_covers(pointer, 1)) {
        out->type = cudaMemoryTypeHost;
        out->device = current_device;
        out->devicePointer = out->hostPointer = const_cast<void *>(pointer);
    } else {
        out->hostPointer = const_cast<void *>(pointer);
    }
    return cudaSuccess;
}

} // extern "C"

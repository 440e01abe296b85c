// Device memory: one arena for each device, out of the host's reach while nothing runs. Fresh and
// freed bytes are 0xff (NaN in every floating format, −1 as an integer); guard zones surround each
// allocation; freed memory rests before it is used again.
#include "shim.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <sys/mman.h>

#if SHIM_ASAN
#include <sanitizer/asan_interface.h>
#define HIDE(memory, bytes) ASAN_POISON_MEMORY_REGION(memory, bytes)
#define SHOW(memory, bytes) ASAN_UNPOISON_MEMORY_REGION(memory, bytes)
#else
#define HIDE(memory, bytes) ((void)(memory), (void)(bytes))
#define SHOW(memory, bytes) ((void)(memory), (void)(bytes))
#endif

#define RAW                                                                                        \
    __attribute__((no_sanitize("address", "undefined"),                                            \
                   optimize("no-tree-loop-distribute-patterns"), noinline))

namespace shim
{

static const size_t SPAN = static_cast<size_t>(64) << 30; // addresses of one device
static const size_t REST = static_cast<size_t>(64) << 20; // freed bytes that rest
static const size_t ALIGN = 256, PAGE = 4096;

struct Arena {
    uintptr_t base = 0, high = 0;      // high: end of what was ever used
    std::map<uintptr_t, size_t> holes; // by address
    std::deque<Allocation> resting;
    size_t resting_bytes = 0;
    size_t used = 0, peak = 0, pooled = 0, pooled_high = 0;
    int depth = 0; // of Access
};

static Arena arenas[MAX_DEVICES];
static uintptr_t arena_base;
static std::map<uintptr_t, Allocation> &live = *new std::map<uintptr_t, Allocation>;
static std::map<uintptr_t, size_t> &pinned = *new std::map<uintptr_t, size_t>;
static std::map<uint64_t, uintptr_t> &by_id = *new std::map<uint64_t, uintptr_t>;
static uint64_t next_id = 1;

RAW void raw_fill(void *memory, int byte, size_t bytes)
{
    unsigned char *p = static_cast<unsigned char *>(memory);

    for (; bytes && reinterpret_cast<uintptr_t>(p) % 8; --bytes)
        *p++ = static_cast<unsigned char>(byte);
    const uint64_t word = 0x0101010101010101u * static_cast<unsigned char>(byte);
    for (; bytes >= 8; bytes -= 8, p += 8)
        *reinterpret_cast<uint64_t *>(p) = word;
    for (; bytes; --bytes)
        *p++ = static_cast<unsigned char>(byte);
}

RAW bool raw_all(const void *memory, int byte, size_t bytes, size_t *where)
{
    const unsigned char *p = static_cast<const unsigned char *>(memory);

    for (size_t i = 0; i < bytes; ++i)
        if (p[i] != static_cast<unsigned char>(byte)) {
            *where = i;
            return false;
        }
    return true;
}

void memory_init()
{
    void *all = mmap(nullptr, SPAN * MAX_DEVICES, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (all == MAP_FAILED)
        report("no address space for the arenas");
    arena_base = reinterpret_cast<uintptr_t>(all);
    for (int i = 0; i < MAX_DEVICES; ++i)
        arenas[i].base = arenas[i].high = arena_base + static_cast<size_t>(i) * SPAN;
}

static void protect(Arena *a, int how)
{
    if (a->high > a->base &&
        mprotect(reinterpret_cast<void *>(a->base), a->high - a->base, how) != 0)
        report("mprotect of %zu bytes failed", a->high - a->base);
}

Access::Access(int device) : device_(device)
{
    if (arenas[device].depth++ == 0)
        protect(&arenas[device], PROT_READ | PROT_WRITE);
}

Access::~Access()
{
    if (--arenas[device_].depth == 0)
        protect(&arenas[device_], PROT_NONE);
}

bool memory_is_device(const void *pointer)
{
    const uintptr_t p = reinterpret_cast<uintptr_t>(pointer);

    return arena_base && p >= arena_base && p < arena_base + SPAN * MAX_DEVICES;
}

int memory_device_of(const void *pointer)
{
    return memory_is_device(pointer)
               ? static_cast<int>((reinterpret_cast<uintptr_t>(pointer) - arena_base) / SPAN)
               : -1;
}

const Allocation *memory_find(const void *pointer)
{
    const uintptr_t p = reinterpret_cast<uintptr_t>(pointer);
    auto it = live.upper_bound(p);

    if (it == live.begin())
        return nullptr;
    --it;
    return p <= it->second.base + it->second.bytes ? &it->second : nullptr;
}

const Allocation *memory_by_id(uint64_t id)
{
    const auto it = by_id.find(id);

    return it == by_id.end() ? nullptr : &live.at(it->second);
}

bool memory_covers(const void *pointer, size_t bytes)
{
    const Allocation *a = memory_find(pointer);
    const uintptr_t p = reinterpret_cast<uintptr_t>(pointer);

    return a && bytes <= a->base + a->bytes - p;
}

std::string memory_describe(const void *pointer)
{
    const uintptr_t p = reinterpret_cast<uintptr_t>(pointer);
    char line[160];
    auto it = live.upper_bound(p + GUARD);
    const Allocation *a = nullptr;

    for (const Allocation &r : arenas[std::max(0, memory_device_of(pointer))].resting)
        if (p >= r.base && p < r.base + r.bytes) {
            snprintf(line, sizeof line, "byte %zu of allocation %llu of %zu bytes, which is freed",
                     p - r.base, static_cast<unsigned long long>(r.id), r.bytes);
            return line;
        }
    if (it != live.begin())
        a = &(--it)->second;
    if (!a || p >= a->base + a->bytes + (1u << 20))
        return "in no allocation";
    if (p < a->base)
        snprintf(line, sizeof line, "%zu bytes before allocation %llu of %zu bytes", a->base - p,
                 static_cast<unsigned long long>(a->id), a->bytes);
    else if (p >= a->base + a->bytes)
        snprintf(line, sizeof line, "%zu bytes past the end of allocation %llu of %zu bytes",
                 p - a->base - a->bytes, static_cast<unsigned long long>(a->id), a->bytes);
    else
        snprintf(line, sizeof line, "byte %zu of allocation %llu of %zu bytes on device %d",
                 p - a->base, static_cast<unsigned long long>(a->id), a->bytes, a->device);
    return line;
}

// What an allocation takes: guard, the bytes, and a guard that ends at a multiple of ALIGN.
static size_t slot_bytes(size_t bytes)
{
    return GUARD + (bytes + ALIGN - 1) / ALIGN * ALIGN + GUARD;
}

static void add_hole(Arena *a, uintptr_t at, size_t bytes)
{
    auto next = a->holes.upper_bound(at);

    if (next != a->holes.end() && next->first == at + bytes) {
        bytes += next->second;
        next = a->holes.erase(next);
    }
    if (next != a->holes.begin()) {
        auto before = std::prev(next);
        if (before->first + before->second == at) {
            before->second += bytes;
            return;
        }
    }
    a->holes[at] = bytes;
}

static uintptr_t take_slot(Arena *a, size_t bytes)
{
    for (auto it = a->holes.begin(); it != a->holes.end(); ++it)
        if (it->second >= bytes) {
            const uintptr_t at = it->first;
            const size_t left = it->second - bytes;

            a->holes.erase(it);
            if (left)
                a->holes[at + bytes] = left;
            return at;
        }

    // Fresh addresses, by 2 MiB, so that protection changes rarely.
    const size_t step = static_cast<size_t>(2) << 20;
    const size_t grown = (bytes + step - 1) / step * step;

    if (a->high + grown > a->base + SPAN)
        return 0;
    const uintptr_t at = a->high;
    if (a->depth && mprotect(reinterpret_cast<void *>(at), grown, PROT_READ | PROT_WRITE) != 0)
        return 0;
    a->high += grown;
    HIDE(reinterpret_cast<void *>(at), grown);
    if (grown > bytes)
        add_hole(a, at + bytes, grown - bytes);
    return at;
}

cudaError_t memory_alloc(int device, size_t bytes, bool pooled, void **out)
{
    Arena *a = &arenas[device];
    uintptr_t at;

    *out = nullptr;
    if (bytes == 0)
        return cudaSuccess;
    if (bytes > settings().memory || a->used + bytes > settings().memory ||
        !(at = take_slot(a, slot_bytes(bytes))))
        return cudaErrorMemoryAllocation;

    const Allocation made = {at + GUARD, bytes, device, pooled, next_id++};
    Access access(device);

    raw_fill(reinterpret_cast<void *>(at), POISON, slot_bytes(bytes));
    SHOW(reinterpret_cast<void *>(made.base), bytes);
    live[made.base] = made;
    by_id[made.id] = made.base;
    a->used += bytes;
    a->peak = std::max(a->peak, a->used);
    if (pooled) {
        a->pooled += bytes;
        a->pooled_high = std::max(a->pooled_high, a->pooled);
    }
    *out = reinterpret_cast<void *>(made.base);
    return cudaSuccess;
}

static void check_guards(const Allocation &m, const char *when)
{
    const char *base = reinterpret_cast<const char *>(m.base);
    const size_t behind = slot_bytes(m.bytes) - GUARD - m.bytes;
    size_t where;

    if (!raw_all(base - GUARD, POISON, GUARD, &where))
        report("found at %s: a kernel wrote %zu bytes before allocation %llu of %zu bytes", when,
               GUARD - where, static_cast<unsigned long long>(m.id), m.bytes);
    if (!raw_all(base + m.bytes, POISON, behind, &where))
        report("found at %s: a kernel wrote %zu bytes past the end of allocation %llu of %zu bytes",
               when, where, static_cast<unsigned long long>(m.id), m.bytes);
}

void memory_check_guards(int device, const char *when)
{
    Access access(device);

    for (const auto &item : live)
        if (item.second.device == device)
            check_guards(item.second, when);
}

static void release_oldest(Arena *a)
{
    const Allocation m = a->resting.front();
    size_t where;

    a->resting.pop_front();
    a->resting_bytes -= m.bytes;
    if (!raw_all(reinterpret_cast<void *>(m.base), POISON, m.bytes, &where))
        report("a kernel wrote to byte %zu of allocation %llu of %zu bytes after it was freed",
               where, static_cast<unsigned long long>(m.id), m.bytes);
    if (m.bytes >= 64 * PAGE) { // the contents go, the addresses stay
        const uintptr_t from = (m.base + PAGE - 1) / PAGE * PAGE;
        madvise(reinterpret_cast<void *>(from), (m.base + m.bytes - from) / PAGE * PAGE,
                MADV_DONTNEED);
    }
    add_hole(a, m.base - GUARD, slot_bytes(m.bytes));
}

cudaError_t memory_free(void *memory, bool deferred)
{
    const auto it = live.find(reinterpret_cast<uintptr_t>(memory));

    if (!memory)
        return cudaSuccess;
    if (it == live.end()) {
        complain("cudaFree%s(%p): %s", deferred ? "Async" : "", memory,
                 memory_is_device(memory) ? memory_describe(memory).c_str() : "not device memory");
        return cudaErrorInvalidValue;
    }
    const Allocation m = it->second;
    Arena *a = &arenas[m.device];
    Access access(m.device);

    check_guards(m, "cudaFree");
    live.erase(it);
    by_id.erase(m.id);
    races_forget(m.base);
    raw_fill(memory, POISON, m.bytes);
    HIDE(memory, m.bytes);
    a->used -= m.bytes;
    if (m.pooled)
        a->pooled -= m.bytes;
    a->resting.push_back(m);
    a->resting_bytes += m.bytes;
    while (!a->resting.empty() && (a->resting_bytes > REST || a->resting.size() > 1024))
        release_oldest(a);
    return cudaSuccess;
}

size_t memory_used(int device)
{
    return arenas[device].used;
}

size_t memory_peak(int device, bool reset)
{
    const size_t peak = arenas[device].pooled_high;

    if (reset)
        arenas[device].pooled_high = arenas[device].pooled;
    return peak;
}

size_t memory_pool_used(int device)
{
    return arenas[device].pooled;
}

// A real pool takes memory in pieces of 32 MiB.
size_t memory_pool_reserved(int device)
{
    const size_t step = static_cast<size_t>(32) << 20;

    return (arenas[device].pooled + step - 1) / step * step;
}

void memory_reset(int device)
{
    std::vector<void *> all;

    for (const auto &item : live)
        if (item.second.device == device)
            all.push_back(reinterpret_cast<void *>(item.first));
    for (void *memory : all)
        memory_free(memory, false);
    Access access(device);
    while (!arenas[device].resting.empty())
        release_oldest(&arenas[device]);
}

void memory_each(int device, const std::function<void(const Allocation &)> &visit)
{
    for (const auto &item : live)
        if (item.second.device == device)
            visit(item.second);
}

cudaError_t pinned_alloc(size_t bytes, void **out)
{
    *out = nullptr;
    if (bytes == 0)
        return cudaSuccess;
    if (posix_memalign(out, PAGE, (bytes + PAGE - 1) / PAGE * PAGE) != 0)
        return cudaErrorMemoryAllocation;
    raw_fill(*out, POISON, bytes);
    pinned[reinterpret_cast<uintptr_t>(*out)] = bytes;
    return cudaSuccess;
}

cudaError_t pinned_free(void *memory)
{
    if (!memory)
        return cudaSuccess;
    if (!pinned.erase(reinterpret_cast<uintptr_t>(memory))) {
        complain("cudaFreeHost(%p): not from cudaHostAlloc", memory);
        return cudaErrorInvalidValue;
    }
    free(memory);
    return cudaSuccess;
}

bool pinned_covers(const void *pointer, size_t bytes)
{
    const uintptr_t p = reinterpret_cast<uintptr_t>(pointer);
    auto it = pinned.upper_bound(p);

    if (it == pinned.begin())
        return false;
    --it;
    return p + bytes <= it->first + it->second;
}

} // namespace shim

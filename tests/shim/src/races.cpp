// Every access of kernels, seen through the calls that -fsanitize=thread puts before it (this file
// takes the place of ThreadSanitizer's library): accesses of different threads to the same bytes,
// one of them a write and not both atomic, with nothing between them that orders them; and accesses
// to what is not device memory. Built with MDSWEEP_SHIM_RACES alone.
//
// What orders two accesses of one block: __syncthreads(), or __syncwarp() in one warp; shuffles and
// ballots do not, as on the device. Of two blocks: atomics on the same address, the first block's
// after its access, the second's before (threads of a block are taken together there).
#include "block.hpp"

#include <algorithm>
#include <cstdio>
#include <unordered_map>

extern char __executable_start, _end;

namespace shim
{

namespace
{

struct Access1 { // one thread's access
    uint64_t time;
    uint32_t launch, block, epoch, warp_epoch;
    uint16_t thread;
    uint8_t bytes; // which of the four
    bool atomic;
};

struct Cell { // four bytes of memory
    Access1 write, read[2];
};

struct Published {
    std::vector<std::pair<uint32_t, uint64_t>> blocks; // that used the atomic, and when
    uint32_t seen_by;                                  // block that has taken over the first `seen`
    size_t seen;
};

bool watching;
uint64_t now;
uint32_t launch, blocks_id;                             // of the block that runs, plus one; 0: none
std::unordered_map<uintptr_t, std::vector<Cell>> cells; // by allocation or kind of shared memory
std::unordered_map<uintptr_t, Published> published;
std::unordered_map<uint32_t, uint64_t> acquired; // of the running block: others' time of publishing
Allocation last;                                 // found last

const char *access_name(bool write, bool atomic)
{
    return atomic ? "an atomic or volatile access" : write ? "a write" : "a read";
}

bool ordered(const Access1 &before, const Thread &me, int i, bool shared)
{
    if (before.launch != launch || before.time == 0)
        return true;
    if (before.block != blocks_id) {
        const auto it = acquired.find(before.block);
        return shared || (it != acquired.end() && it->second > before.time);
    }
    return before.thread == i || before.epoch < me.epoch ||
           (before.thread / WARP == i / WARP && before.warp_epoch < me.warp_epoch);
}

void report_race(const Access1 &before, bool was_write, bool write, bool atomic, const void *p)
{
    const dim3 size = block.kernel->block, grid = block.kernel->grid;
    const unsigned b = before.block - 1, t = before.thread;

    report(
        "race: %s of %s follows %s by block (%u,%u,%u), thread (%u,%u,%u), and nothing orders them",
        access_name(write, atomic),
        memory_is_device(p) ? memory_describe(p).c_str() : "shared memory",
        access_name(was_write, before.atomic), b % grid.x, b / grid.x % grid.y, b / grid.x / grid.y,
        t % size.x, t / size.x % size.y, t / size.x / size.y);
}

void visit(Cell *cell, uint8_t bytes, bool write, bool atomic, bool shared, const void *p)
{
    const int i = block.current;
    const Thread &me = block.thread[i];
    const auto clash = [&](const Access1 &before) {
        return (before.bytes & bytes) && !(atomic && before.atomic) &&
               !ordered(before, me, i, shared);
    };

    if (clash(cell->write))
        report_race(cell->write, true, write, atomic, p);
    if (write)
        for (const Access1 &reader : cell->read)
            if (clash(reader))
                report_race(reader, false, write, atomic, p);
    const Access1 mine = {
        ++now, launch, blocks_id, me.epoch, me.warp_epoch, static_cast<uint16_t>(i), bytes, atomic};
    if (write)
        cell->write = mine;
    else if (cell->read[0].launch == launch && cell->read[0].block == blocks_id &&
             cell->read[0].thread == i)
        cell->read[0] = mine;
    else {
        cell->read[1] = cell->read[0];
        cell->read[0] = mine;
    }
}

void visit_range(uintptr_t key, uintptr_t base, size_t room, uintptr_t p, size_t size, bool write,
                 bool atomic, bool shared)
{
    std::vector<Cell> &all = cells[key];

    if (all.size() < room / 4 + 1)
        all.resize(room / 4 + 1);
    for (size_t at = p - base, end = at + size; at < end;) {
        const size_t next = std::min(end, (at / 4 + 1) * 4);
        uint8_t bytes = 0;

        for (size_t k = at; k < next; ++k)
            bytes |= static_cast<uint8_t>(1u << k % 4);
        visit(&all[at / 4], bytes, write, atomic, shared, reinterpret_cast<void *>(p));
        at = next;
    }
}

bool within(uintptr_t p, const void *from, size_t bytes)
{
    const uintptr_t base = reinterpret_cast<uintptr_t>(from);
    return p >= base && p < base + bytes;
}

void note(const void *pointer, size_t size, bool write, bool atomic)
{
    const uintptr_t p = reinterpret_cast<uintptr_t>(pointer);

    if (block.current < 0 || !blocks_id)
        return;
    const Stack &stack = block.thread[block.current].fiber.stack;
    if (within(p, stack.bottom, stack.bytes))
        return;
    if (memory_is_device(pointer)) {
        if (!within(p, reinterpret_cast<void *>(last.base), last.bytes)) {
            const Allocation *a = memory_find(pointer);
            last = a ? *a : Allocation{};
        }
        if (!within(p, reinterpret_cast<void *>(last.base), last.bytes) ||
            p + size > last.base + last.bytes)
            report("%s of %zu bytes at %p: %s", access_name(write, atomic), size, pointer,
                   memory_describe(pointer).c_str());
        visit_range(last.base, last.base, last.bytes, p, size, write, atomic, false);
        return;
    }
    char *dynamic = static_cast<char *>(mds_shim_dynamic_shared());
    if (within(p, dynamic, OPTIN_SHARED)) {
        if (!within(p + size - 1, dynamic, block.kernel->shared_bytes))
            report("%s at byte %td of %zu bytes of dynamic shared memory",
                   access_name(write, atomic), static_cast<const char *>(pointer) - dynamic,
                   block.kernel->shared_bytes);
        visit_range(1, reinterpret_cast<uintptr_t>(dynamic), OPTIN_SHARED, p, size, write, atomic,
                    true);
        return;
    }
    // Static memory is shared memory (nvcc lets no kernel touch other variables), or constant.
    if (within(p, &__executable_start, static_cast<size_t>(&_end - &__executable_start))) {
        const uintptr_t page = p & ~static_cast<uintptr_t>(4095);

        visit_range(page, page, 4096 + 64, p, size, write, atomic, true);
        return;
    }
    // The launch's own arguments, and page-locked memory, which devices reach.
    if (within(p, block.kernel->frame.get(), block.kernel->frame->size()) ||
        pinned_covers(pointer, size))
        return;
    char what[120];
    snprintf(what, sizeof what,
             "illegal address: %s of %zu bytes at %p, which is the host's memory,",
             access_name(write, atomic), size, pointer);
    mds_shim_trap(cudaErrorIllegalAddress, what);
}

} // namespace

void races_begin_launch()
{
    ++launch;
    published.clear();
    last = Allocation{};
}

void races_begin_block(uint32_t id)
{
    blocks_id = id + 1;
    acquired.clear();
}

void races_forget(uintptr_t base)
{
    cells.erase(base);
    last = Allocation{};
}

void races_atomic(const void *address, size_t size)
{
    if (!watching || block.current < 0)
        return;
    note(address, size, true, true);
    Published &p = published[reinterpret_cast<uintptr_t>(address)];
    if (p.seen_by != blocks_id) {
        p.seen_by = blocks_id;
        p.seen = 0;
    }
    for (; p.seen < p.blocks.size(); ++p.seen)
        acquired[p.blocks[p.seen].first] =
            std::max(acquired[p.blocks[p.seen].first], p.blocks[p.seen].second);
    p.blocks.emplace_back(blocks_id, ++now);
}

void races_watch()
{
    watching = true;
}

void races_access(const void *pointer, size_t size, bool write)
{
    if (!watching)
        return;
    note(pointer, size, write, false);
}

// As a relaxed atomic: no race with others of its kind, and orders nothing.
void races_volatile(const void *pointer, size_t size, bool write)
{
    note(pointer, size, write, true);
}

} // namespace shim

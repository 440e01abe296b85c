// Runs a grid: blocks one after another in a shuffled order, a block's threads as fibres that
// change places where they wait. Which ready thread goes first differs from block to block.
#include "block.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include <sys/mman.h>

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

extern char __start_mds_shared[] __attribute__((weak, visibility("hidden")));
extern char __stop_mds_shared[] __attribute__((weak, visibility("hidden")));

namespace shim
{

Block block = {};

__extension__ typedef unsigned __int128 Wide;

static char *dynamic_shared; // OPTIN_SHARED bytes between two pages that cannot be touched
static std::map<std::string, int64_t> &counts = *new std::map<std::string, int64_t>;
static bool running;

bool kernel_running(void)
{
    return running;
}

std::string kernel_place(void)
{
    char line[160];

    if (!running)
        return "no kernel";
    snprintf(line, sizeof line, "kernel %s, block (%u,%u,%u), thread (%u,%u,%u)",
             block.kernel->name.c_str(), blockIdx.x, blockIdx.y, blockIdx.z, threadIdx.x,
             threadIdx.y, threadIdx.z);
    return line;
}

int64_t kernel_count(const char *name)
{
    int64_t sum = 0;

    if (name)
        return counts.count(name) ? counts[name] : 0;
    for (const auto &item : counts)
        sum += item.second;
    return sum;
}

// --- threads ---------------------------------------------------------------------------------

void ready_push(int t)
{
    block.thread[t].state = block.thread[t].state == State::Fresh ? State::Fresh : State::Ready;
    block.ready[(block.head + block.ready_count++) % (BLOCK_THREADS + 1)] = t;
}

static int ready_pop()
{
    const int ring = BLOCK_THREADS + 1;
    int at = block.head, t;

    if (block.order == Order::Stack)
        at = (block.head + block.ready_count - 1) % ring;
    else if (block.order == Order::Random)
        at = (block.head + static_cast<int>(random_below(
                               &block.random, static_cast<unsigned>(block.ready_count)))) %
             ring;
    t = block.ready[at];
    if (block.order == Order::Stack) {
        --block.ready_count;
        return t;
    }
    block.ready[at] = block.ready[block.head];
    block.head = (block.head + 1) % ring;
    --block.ready_count;
    return t;
}

static void thread_main()
{
    fiber_started();
    block.kernel->frame->run();
    Thread *t = &block.thread[block.current];
    t->state = State::Done;
    fiber_leave(&t->fiber, true);
    abort();
}

// Where a thread goes on that the signal handler has taken from its kernel.
static void thread_abandoned()
{
    Thread *t = &block.thread[block.current];

    t->state = State::Done;
    fiber_leave(&t->fiber, true);
    abort();
}

bool kernel_abandon(void *signal_context, cudaError_t error)
{
    if (block.current < 0)
        return false;
    block.error = error;
    return fiber_redirect(&block.thread[block.current].fiber, signal_context, thread_abandoned);
}

void thread_wait(State state, mds_shim_wait kind, const char *file, int line)
{
    Thread *t = &block.thread[block.current];

    t->state = state;
    t->kind = kind;
    t->file = file;
    t->line = line;
    fiber_leave(&t->fiber, false);
}

static void thread_run(int i)
{
    Thread *t = &block.thread[i];

    if (t->state == State::Fresh)
        fiber_prepare(&t->fiber, thread_main);
    t->state = State::Running;
    block.current = i;
    threadIdx = t->index;
    fiber_enter(&t->fiber);
    block.current = -1;
    if (t->state == State::Done) {
        ++block.done;
        block.alive[i / WARP] &= ~(1u << i % WARP);
        stack_give(t->fiber.stack);
        warp_exited(i);
    }
}

// --- barriers ----------------------------------------------------------------------------------

// Nothing is ready: all who are left wait. True when that was for one barrier.
static bool release_barrier()
{
    const Thread *first = nullptr;
    int sum = 0;

    for (int i = 0; i < block.count; ++i) {
        const Thread *t = &block.thread[i];

        if (t->state != State::Barrier)
            return false; // exited, or waits for its warp
        if (!first)
            first = t;
        if (t->line != first->line || t->kind != first->kind || strcmp(t->file, first->file) != 0)
            return false;
        sum += t->value != 0;
    }
    for (int i = 0; i < block.count; ++i) {
        Thread *t = &block.thread[i];

        t->result = t->kind == MDS_SHIM_BARRIER_AND     ? sum == block.count
                    : t->kind == MDS_SHIM_BARRIER_COUNT ? static_cast<uint64_t>(sum)
                                                        : sum > 0;
        ++t->epoch;
        ready_push(i);
    }
    return true;
}

// --- blocks ------------------------------------------------------------------------------------

static void abandon_block()
{
    for (int i = 0; i < block.count; ++i) {
        Thread *t = &block.thread[i];

        if (t->state == State::Ready || t->state == State::Barrier || t->state == State::Warp) {
            fiber_scrub(&t->fiber);
            stack_give(t->fiber.stack);
        }
        t->state = State::Done;
    }
}

static void fill_ready()
{
    const dim3 size = block.kernel->block;
    const bool backwards = random_below(&block.random, 2);
    const bool shuffled = random_below(&block.random, 2);

    block.head = block.ready_count = block.done = 0;
    for (int i = 0; i < block.count; ++i) {
        const unsigned u = static_cast<unsigned>(i);

        block.thread[i].state = State::Fresh;
        block.thread[i].epoch = block.thread[i].warp_epoch = 0;
        block.alive[i / WARP] = (i % WARP ? block.alive[i / WARP] : 0) | 1u << i % WARP;
        block.inside[i / WARP] = 0;
        block.thread[i].index = {u % size.x, u / size.x % size.y, u / size.x / size.y};
        ready_push(backwards ? block.count - 1 - i : i);
    }
    for (int i = block.count - 1; shuffled && i > 0; --i)
        std::swap(block.ready[i],
                  block.ready[random_below(&block.random, static_cast<unsigned>(i) + 1)]);
}

static void run_block()
{
    static const Order orders[] = {Order::Stack, Order::Queue, Order::Random};

    block.order = orders[random_below(&block.random, 3)];
    if (__start_mds_shared)
        raw_fill(__start_mds_shared, POISON,
                 static_cast<size_t>(__stop_mds_shared - __start_mds_shared));
    if (block.kernel->shared_bytes)
        raw_fill(dynamic_shared, POISON, block.kernel->shared_bytes);
    fill_ready();
    while (block.done < block.count) {
        while (block.ready_count && block.error == cudaSuccess)
            thread_run(ready_pop());
        if (block.error != cudaSuccess) {
            abandon_block();
            return;
        }
        if (block.done < block.count && !release_barrier())
            report_deadlock();
    }
}

static void reserve_dynamic_shared()
{
    const size_t page = 4096, bytes = (OPTIN_SHARED + page - 1) / page * page;

    if (dynamic_shared)
        return;
    char *all = static_cast<char *>(
        mmap(nullptr, bytes + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (all == MAP_FAILED || mprotect(all + page, bytes, PROT_READ | PROT_WRITE) != 0)
        report("no memory for shared memory");
    dynamic_shared = all + page;
}

// A permutation of the blocks: i → a·i + b modulo their number.
static cudaError_t run_grid(const Kernel &kernel, uint64_t seed)
{
    const uint64_t n = static_cast<uint64_t>(kernel.grid.x) * kernel.grid.y * kernel.grid.z;
    uint64_t a, b, x, y;

    reserve_dynamic_shared();
    block.kernel = &kernel;
    block.random = seed;
    block.error = cudaSuccess;
    block.current = -1;
    block.count = static_cast<int>(kernel.block.x * kernel.block.y * kernel.block.z);
    gridDim = kernel.grid;
    blockDim = kernel.block;
    b = random_next(&block.random) % n;
    do {
        a = random_next(&block.random) % n + (n == 1);
        for (x = a, y = n; y; std::swap(x, y))
            x %= y;
    } while (x != 1);
    races_begin_launch();
    running = true;
    for (uint64_t i = 0; i < n && block.error == cudaSuccess; ++i) {
        const uint64_t k = static_cast<uint64_t>((static_cast<Wide>(a) * i + b) % n);

        blockIdx = {static_cast<unsigned>(k % kernel.grid.x),
                    static_cast<unsigned>(k / kernel.grid.x % kernel.grid.y),
                    static_cast<unsigned>(k / kernel.grid.x / kernel.grid.y)};
        races_begin_block(static_cast<uint32_t>(k));
        run_block();
    }
    running = false;
    return block.error;
}

cudaError_t kernel_run(const Kernel &kernel)
{
    static uint64_t launches;

    ++counts[kernel.name];
    ++launches;
    const uint64_t seed = settings().seed * 0x2545f4914f6cdd1du + launches;
    if (!settings().check_order || settings().order_allowed.count(kernel.name))
        return run_grid(kernel, seed);
    return order_check(
        kernel, [&](uint64_t other) { return run_grid(kernel, other); }, seed);
}

} // namespace shim

using namespace shim;

extern "C" {

int mds_shim_barrier(mds_shim_wait kind, int predicate, const char *file, int line)
{
    if (block.current < 0)
        report("__syncthreads() outside a kernel at %s:%d", file, line);
    Thread *t = &block.thread[block.current];
    t->value = predicate != 0;
    thread_wait(State::Barrier, kind, file, line);
    return static_cast<int>(t->result);
}

void *mds_shim_dynamic_shared(void)
{
    if (block.current < 0)
        report("dynamic shared memory outside a kernel");
    return dynamic_shared;
}

void mds_shim_trap(cudaError_t error, const char *what)
{
    if (block.current < 0)
        report("%s outside a kernel", what);
    complain("%s in %s", what, kernel_place().c_str());
    block.error = error;
    block.thread[block.current].state = State::Done;
    fiber_leave(&block.thread[block.current].fiber, true);
    abort();
}

long long mds_shim_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

// A thread that sleeps lets the others of its block go on.
void mds_shim_nanosleep(unsigned)
{
    Thread *t = &block.thread[block.current];

    ready_push(block.current);
    fiber_leave(&t->fiber, false);
}

// assert() in a kernel.
void __assert_fail(const char *expression, const char *file, unsigned line,
                   const char *function) noexcept
{
    fprintf(stderr, "%s:%u: %s: assertion `%s' failed\n", file, line, function, expression);
    if (block.current >= 0)
        mds_shim_trap(cudaErrorAssert, "assert");
    abort();
}

int64_t mds_shim_kernel_count(const char *name)
{
    return kernel_count(name);
}

} // extern "C"

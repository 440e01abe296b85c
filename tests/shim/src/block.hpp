// A block while it runs: its threads, and who waits for what.
#ifndef MDS_SHIM_BLOCK_HPP
#define MDS_SHIM_BLOCK_HPP

#include "fiber.hpp"
#include "shim.hpp"

namespace shim
{

enum class State { Fresh, Ready, Running, Barrier, Warp, Done };
enum class Order { Stack, Queue, Random };

struct Thread {
    Fiber fiber;
    State state;
    uint3 index;
    mds_shim_wait kind; // what it waits for, where, with what
    const char *file;
    int line;
    unsigned mask;
    int argument, width;
    uint64_t value, result;
    uint32_t epoch, warp_epoch; // barriers passed, of the block and of the warp
};

struct Block {
    const Kernel *kernel;
    uint64_t random;
    Order order;
    int count, done, waiting; // threads; of them exited; at a barrier
    int current;              // −1: none runs
    cudaError_t error;
    Thread thread[BLOCK_THREADS];
    unsigned alive[BLOCK_THREADS / WARP], inside[BLOCK_THREADS / WARP]; // lanes: not exited;
                                                                        // waiting for their warp
    int ready[BLOCK_THREADS + 1];                                       // a ring
    int head, ready_count;
};

extern Block block;

void ready_push(int t);
// Waits of a warp (warp.cpp): completes the collective that thread t waits for if all are there.
bool warp_complete(int t);
// After thread t has exited: others of its warp may have waited for nobody else.
void warp_exited(int t);
// All lanes of a warp have come to a product of matrices, or to ldmatrix (matrix.cpp).
void matrices_done(const Thread *warp, mds_shim_wait kind);
const char *wait_name(mds_shim_wait kind);
// Ends in report(): the block cannot go on.
[[noreturn]] void report_deadlock();
// The present thread waits; comes back when somebody has made it ready.
void thread_wait(State state, mds_shim_wait kind, const char *file, int line);

} // namespace shim

#endif

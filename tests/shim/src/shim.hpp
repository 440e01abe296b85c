/* The shim's inside. One process, one big lock (api calls take it), one host thread at a time that
 * runs kernels: the one that waits for them. */
#ifndef MDS_SHIM_HPP
#define MDS_SHIM_HPP

#include <cuda_runtime.h>

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#define SHIM_ASAN 1
#else
#define SHIM_ASAN 0
#endif

namespace shim
{

enum { MAX_DEVICES = 16, BLOCK_THREADS = 1024, WARP = 32, GUARD = 256, POISON = 0xff };
enum { STATIC_SHARED = 48 << 10, OPTIN_SHARED = 227 << 10 };

/* --- settings and state of the process (state.cpp) ------------------------------------------ */

struct Settings {
    int devices;                         /* MDS_SHIM_DEVICES, default 2 */
    size_t memory;                       /* MDS_SHIM_MEMORY in MiB, of each device; default 8 GiB */
    uint64_t seed;                       /* MDS_SHIM_SEED: a number or "random" */
    bool eager;                          /* MDS_SHIM_EAGER=1: work runs when it is given */
    bool check_order;                    /* MDS_SHIM_CHECK has "order" */
    std::set<std::string> order_allowed; /* MDS_SHIM_ORDER_ALLOW: kernels */
    std::vector<int> visible;            /* CUDA_VISIBLE_DEVICES: physical numbers */
    std::string fault_kernel, fault_kind, fault_once; /* MDS_SHIM_FAULT, MDS_SHIM_FAULT_ONCE */
    int64_t fault_at;
    std::string lost_file; /* MDS_SHIM_LOST: where lost devices are noted, over processes */
};

typedef std::recursive_mutex Mutex;
typedef std::lock_guard<Mutex> Lock;

Mutex &mutex();
const Settings &settings();
/* Reads the environment, reserves the arenas, takes SIGSEGV. Called by every api function. */
cudaError_t init();
extern cudaError_t sticky;           /* an error that ends the use of the device by this process */
extern __thread int current_device;  /* no thread_local: its wrapper confuses UBSan */
cudaError_t fail(cudaError_t error); /* remembers it for cudaGetLastError() */

uint64_t random_next(uint64_t *state);
/* Below n. */
unsigned random_below(uint64_t *state, unsigned n);

/* Says what is wrong with the program under test, with the seed, and aborts. */
[[noreturn]] void report(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same without the end, for what an api call then refuses. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
void write_mark(const char *text); /* what a profiler is told: to MDS_SHIM_MARKS */

/* --- device memory (memory.cpp) -------------------------------------------------------------- */

struct Allocation {
    uintptr_t base;
    size_t bytes;
    int device;
    bool pooled; /* from cudaMallocAsync() */
    uint64_t id;
};

/* Device memory can be touched while one of these lives. */
class Access
{
  public:
    explicit Access(int device);
    ~Access();
    Access(const Access &) = delete;
    Access &operator=(const Access &) = delete;

  private:
    int device_;
};

void memory_init();
cudaError_t memory_alloc(int device, size_t bytes, bool pooled, void **out);
cudaError_t memory_free(void *memory, bool deferred); /* deferred: by cudaFreeAsync() */
bool memory_is_device(const void *pointer);           /* in an arena, allocated or not */
int memory_device_of(const void *pointer);
const Allocation *memory_find(const void *pointer); /* live, one past the end included; or NULL */
const Allocation *memory_by_id(uint64_t id);
/* All of [pointer, pointer + bytes) lies in one live allocation. */
bool memory_covers(const void *pointer, size_t bytes);
void memory_check_guards(int device, const char *when); /* reports damage */
/* "12 bytes past the end of an allocation of 800 bytes (number 3)" */
std::string memory_describe(const void *pointer);
size_t memory_used(int device);
size_t memory_peak(int device, bool reset);
size_t memory_pool_reserved(int device);
size_t memory_pool_used(int device);
void memory_reset(int device); /* frees all */
void memory_each(int device, const std::function<void(const Allocation &)> &visit);

/* Fill, copy and compare that no sanitizer watches. */
void raw_fill(void *memory, int byte, size_t bytes);
bool raw_all(const void *memory, int byte, size_t bytes, size_t *where);

cudaError_t pinned_alloc(size_t bytes, void **out);
cudaError_t pinned_free(void *memory);
bool pinned_covers(const void *pointer, size_t bytes);

/* --- kernels (block.cpp, fiber.cpp) ---------------------------------------------------------- */

struct Kernel {
    std::string name;
    const void *function;
    std::shared_ptr<const mds_shim_frame> frame;
    dim3 grid, block;
    size_t shared_bytes;
    int device;
    std::vector<std::pair<int, uint64_t>> allocations; /* argument, allocation it points into */
};

/* Runs all blocks; an error that a kernel made sticks. */
cudaError_t kernel_run(const Kernel &kernel);
bool kernel_running(void);
/* Runs it, and again with other seeds from the same memory; reports what differs. */
cudaError_t order_check(const Kernel &kernel, const std::function<cudaError_t(uint64_t)> &run,
                        uint64_t seed);
/* "kernel k, block (1,0,0), thread (3,0,0)" */
std::string kernel_place(void);
/* From the signal handler: the present thread gives up, the launch fails. False: cannot. */
bool kernel_abandon(void *signal_context, cudaError_t error);
int64_t kernel_count(const char *name);
cudaError_t kernel_check(Kernel *kernel); /* limits and arguments */
size_t kernel_shared_limit(const void *function);

/* --- races (races.cpp); nothing unless kernels were compiled to be watched ---------------------
 */

void races_watch();
void races_begin_launch();
void races_begin_block(uint32_t id);
void races_forget(uintptr_t base); /* of an allocation that was freed */
void races_atomic(const void *address, size_t size);
void races_volatile(const void *pointer, size_t size, bool write);
void races_access(const void *pointer, size_t size, bool write);

/* --- streams, events, graphs (stream.cpp, event.cpp, graph.cpp) ------------------------------- */

struct Event {
    int device;
    bool timing, recorded, captured;
    cudaStream_t stream; /* of the last record, with its place there */
    uint64_t place;
    int pending; /* records that have not run */
    double time; /* s */
};

struct Op {
    cudaGraphNodeType type;
    std::string name;
    std::function<cudaError_t()> run;
    std::shared_ptr<Event> event;               /* that it records, if any */
    std::vector<std::shared_ptr<Event>> events; /* that a whole graph records */
};
typedef std::shared_ptr<const Op> OpPointer;

/* Captures, defers, or runs (in eager mode) one piece of work. */
cudaError_t stream_give(cudaStream_t stream, const Op &op);
/* Runs what the stream holds, and what that waits for. Does not come back from a kernel that hangs.
 */
cudaError_t stream_drain(cudaStream_t stream);
cudaError_t device_drain(int device);
/* Runs what is before `place`; cudaErrorNotReady behind a kernel that hangs. */
cudaError_t stream_run_until(cudaStream_t stream, uint64_t place);
/* The stream's own struct for the handles of the default streams; NULL: no such stream. */
cudaStream_t stream_resolve(cudaStream_t stream);
int stream_device(cudaStream_t stream);
bool stream_is_capturing(cudaStream_t stream);
bool stream_is_legacy(cudaStream_t stream);
/* Between begin and end of a capture: invalidates it and says no. */
cudaError_t forbid_in_capture();
void stream_join_capture(cudaStream_t stream, cudaStream_t captured);
[[noreturn]] void wait_forever();
void stream_hang(); /* the device does nothing more */
bool stream_hung();

} /* namespace shim */

#endif

// Settings from the environment, errors, reports, and the handler that explains a SIGSEGV.
#include "shim.hpp"

#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <unistd.h>

#include <sys/mman.h>

namespace shim
{

cudaError_t sticky = cudaSuccess;
__thread int current_device = 0;

static thread_local cudaError_t last_error = cudaSuccess;
static pid_t owner;
static struct sigaction segv_before, bus_before;

Mutex &mutex()
{
    static Mutex *m = new Mutex; // never destroyed: clean-up at exit still uses it
    return *m;
}

static std::string text(const char *name)
{
    const char *value = getenv(name);

    return value ? value : "";
}

static int64_t number(const char *name, int64_t otherwise)
{
    const std::string value = text(name);

    return value.empty() ? otherwise : strtoll(value.c_str(), nullptr, 10);
}

static std::vector<std::string> split(const std::string &all, char by)
{
    std::vector<std::string> parts;
    size_t from = 0;

    while (from <= all.size()) {
        const size_t to = std::min(all.find(by, from), all.size());

        if (to > from)
            parts.push_back(all.substr(from, to - from));
        from = to + 1;
    }
    return parts;
}

// As the driver reads it: indices or UUIDs up to the first that does not exist.
static std::vector<int> visible_devices(int count)
{
    std::vector<int> visible;

    if (!getenv("CUDA_VISIBLE_DEVICES")) {
        for (int i = 0; i < count; ++i)
            visible.push_back(i);
        return visible;
    }
    for (const std::string &word : split(text("CUDA_VISIBLE_DEVICES"), ',')) {
        char *end;
        const long index = strtol(word.c_str(), &end, 10);

        if (*end || index < 0 || index >= count)
            break;
        visible.push_back(static_cast<int>(index));
    }
    return visible;
}

static void read_fault(Settings *s)
{
    const std::vector<std::string> parts = split(text("MDS_SHIM_FAULT"), ':');

    if (parts.size() == 3) {
        s->fault_kernel = parts[0];
        s->fault_at = strtoll(parts[1].c_str(), nullptr, 10);
        s->fault_kind = parts[2];
    } else if (!parts.empty()) {
        report("MDS_SHIM_FAULT is kernel:launch:illegal|assert|launch|hang|lost");
    }
    s->fault_once = text("MDS_SHIM_FAULT_ONCE");
    s->lost_file = text("MDS_SHIM_LOST");
}

static Settings read_settings()
{
    Settings s = {};
    const std::string seed = text("MDS_SHIM_SEED");

    s.devices = static_cast<int>(number("MDS_SHIM_DEVICES", 2));
    s.devices = s.devices < 0             ? 0
                : s.devices > MAX_DEVICES ? static_cast<int>(MAX_DEVICES)
                                          : s.devices;
    s.memory = static_cast<size_t>(number("MDS_SHIM_MEMORY", 8192)) << 20;
    s.seed = static_cast<uint64_t>(number("MDS_SHIM_SEED", 1));
    if (seed == "random") {
        s.seed = static_cast<uint64_t>(time(nullptr)) * 1000003u ^ static_cast<uint64_t>(getpid());
        fprintf(stderr, "shim: MDS_SHIM_SEED=%llu\n", static_cast<unsigned long long>(s.seed));
    }
    s.eager = number("MDS_SHIM_EAGER", 0) != 0;
    for (const std::string &word : split(text("MDS_SHIM_CHECK"), ','))
        s.check_order = s.check_order || word == "order";
    for (const std::string &word : split(text("MDS_SHIM_ORDER_ALLOW"), ','))
        s.order_allowed.insert(word);
    s.visible = visible_devices(s.devices);
    read_fault(&s);
    return s;
}

const Settings &settings()
{
    static const Settings *s = new Settings(read_settings());
    return *s;
}

uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u; // splitmix64

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

unsigned random_below(uint64_t *state, unsigned n)
{
    return static_cast<unsigned>((random_next(state) >> 32) * n >> 32);
}

static void say(const char *format, va_list list)
{
    char line[1024];
    const int n = snprintf(line, sizeof line, "shim: ");

    vsnprintf(line + n, sizeof line - static_cast<size_t>(n), format, list);
    fprintf(stderr, "%s\n", line);
}

void report(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    say(format, list);
    va_end(list);
    if (kernel_running())
        fprintf(stderr, "shim: in %s\n", kernel_place().c_str());
    fprintf(stderr, "shim: MDS_SHIM_SEED=%llu repeats this order\n",
            static_cast<unsigned long long>(mds_shim_seed()));
    abort();
}

void complain(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    say(format, list);
    va_end(list);
}

// What a device would do with a bad address in a kernel: the launch fails and the context is gone.
// A bad address of the host's is told, and then deadly as ever.
static void on_fault(int number, siginfo_t *info, void *context)
{
    struct sigaction *before = number == SIGBUS ? &bus_before : &segv_before;

    if (kernel_running()) {
        const bool device = memory_is_device(info->si_addr);

        complain("illegal address %p (%s) in %s", info->si_addr,
                 device ? memory_describe(info->si_addr).c_str() : "not device memory",
                 kernel_place().c_str());
        if (kernel_abandon(context, cudaErrorIllegalAddress))
            return;
    } else if (memory_is_device(info->si_addr)) {
        complain("the host touched device memory at %p: %s", info->si_addr,
                 memory_describe(info->si_addr).c_str());
    }
    if (before->sa_flags & SA_SIGINFO && before->sa_sigaction) {
        before->sa_sigaction(number, info, context);
        return;
    }
    sigaction(number, before, nullptr); // the access is made again, and is then deadly
}

// Of its own stack, since a fibre's may have overflowed.
static void take_faults()
{
    static const size_t bytes = 64 << 10;
    struct sigaction action = {};
    stack_t stack = {};

    if (sigaltstack(nullptr, &stack) == 0 && stack.ss_flags & SS_DISABLE) {
        stack.ss_sp =
            mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        stack.ss_size = bytes;
        stack.ss_flags = 0;
        if (stack.ss_sp != MAP_FAILED)
            sigaltstack(&stack, nullptr);
    }
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigaction(SIGSEGV, &action, &segv_before);
    sigaction(SIGBUS, &action, &bus_before);
}

cudaError_t init()
{
    const pid_t self = getpid();

    if (owner == 0) {
        owner = self;
        memory_init();
        take_faults();
    } else if (owner != self) {
        complain("process %d uses CUDA after a fork from a process that had used it",
                 static_cast<int>(self));
        return fail(cudaErrorInitializationError);
    }
    if (sticky != cudaSuccess)
        return fail(sticky);
    return settings().visible.empty() ? fail(cudaErrorNoDevice) : cudaSuccess;
}

cudaError_t fail(cudaError_t error)
{
    if (error != cudaSuccess)
        last_error = error;
    return error;
}

} // namespace shim

using namespace shim;

extern "C" {

cudaError_t cudaGetLastError(void)
{
    const cudaError_t error = sticky != cudaSuccess ? sticky : last_error;

    last_error = cudaSuccess;
    return error;
}

cudaError_t cudaPeekAtLastError(void)
{
    return sticky != cudaSuccess ? sticky : last_error;
}

const char *cudaGetErrorName(cudaError_t error)
{
    switch (error) {
#define NAME(name, value, words)                                                                   \
    case cudaError##name:                                                                          \
        return "cudaError" #name;
    case cudaSuccess:
        return "cudaSuccess";
        MDS_SHIM_ERROR_LIST(NAME)
#undef NAME
    }
    return "unrecognized error code";
}

const char *cudaGetErrorString(cudaError_t error)
{
    switch (error) {
#define TEXT(name, value, words)                                                                   \
    case cudaError##name:                                                                          \
        return words;
    case cudaSuccess:
        return "no error";
        MDS_SHIM_ERROR_LIST(TEXT)
#undef TEXT
    }
    return "unrecognized error code";
}

uint64_t mds_shim_seed(void)
{
    return settings().seed;
}

} // extern "C"

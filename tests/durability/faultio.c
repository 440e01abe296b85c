/* Preloaded into a run, it makes one call of the C library fail where a test wants it to: the disk
 * is full, the device has an error, there is no memory. What to fail is told by the environment:
 *
 * FAULT_CALL: pwrite (and pwritev, write), fsync, fdatasync, ftruncate, fallocate, rename, malloc.
 * FAULT_N: the first call that fails, from 1; FAULT_COUNT calls in a row do (default 1).
 * FAULT_ERRNO: its number (default EIO).
 * FAULT_PATH: only descriptors (or names) whose path contains this.
 * FAULT_RANK: only in this rank of the run; FAULT_PROCESS: only in rank or worker.
 * FAULT_CALLER, of malloc: only calls from main (the program itself) or hdf5.
 * FAULT_LOG: a line is added to this file for every call that was made to fail.
 *
 * System calls are made directly, and memory comes from glibc's own entry points, so that nothing
 * here needs dlsym(), which allocates. */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static struct {
    bool on;
    char call[16], path[128], process[16];
    long first, count;
    int number;
    uintptr_t base, low, high; /* of the calling module; 0: any */
    int log;
} plan = {.log = -1};
static atomic_long calls;
static _Thread_local uintptr_t caller_address; /* of malloc, for the log */

typedef struct module {
    const char *name;
    int index;
} module;

static int find_module(struct dl_phdr_info *info, size_t size, void *context)
{
    module *wanted = context;
    const bool is_main = wanted->index++ == 0;

    (void)size;
    if (strcmp(wanted->name, "main") == 0 ? !is_main : !strstr(info->dlpi_name, "libhdf5"))
        return 0;
    plan.base = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        const uintptr_t start = info->dlpi_addr + part->p_vaddr;

        if (part->p_type == PT_LOAD && (part->p_flags & PF_X)) {
            plan.low = start;
            plan.high = start + part->p_memsz;
        }
    }
    return 1;
}

static void copy_text(const char *name, char *out, size_t size)
{
    const char *value = getenv(name);

    if (value)
        snprintf(out, size, "%s", value);
}

__attribute__((constructor)) static void read_plan(void)
{
    const char *rank = getenv("FAULT_RANK"), *own = getenv("OMPI_COMM_WORLD_RANK");
    const char *caller = getenv("FAULT_CALLER"), *number = getenv("FAULT_N");
    const char *count = getenv("FAULT_COUNT"), *code = getenv("FAULT_ERRNO");
    const char *log = getenv("FAULT_LOG");
    char command[64] = "";

    /* The launcher and its helpers carry the environment too. */
    const int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/comm", O_RDONLY);
    if (fd >= 0) {
        (void)!read(fd, command, sizeof command - 1);
        close(fd);
    }
    if (strcmp(command, "mdsweep\n") != 0 || !number || (rank && own && strcmp(rank, own) != 0))
        return;
    copy_text("FAULT_CALL", plan.call, sizeof plan.call);
    copy_text("FAULT_PATH", plan.path, sizeof plan.path);
    copy_text("FAULT_PROCESS", plan.process, sizeof plan.process);
    plan.first = atol(number);
    plan.count = count ? atol(count) : 1;
    plan.number = code ? atoi(code) : EIO;
    if (caller)
        dl_iterate_phdr(find_module, &(module){caller, 0});
    if (log)
        plan.log = (int)syscall(SYS_openat, AT_FDCWD, log,
                                O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    plan.on = true;
}

static bool right_process(void)
{
    char name[17] = "";

    if (!plan.process[0])
        return true;
    prctl(PR_GET_NAME, name);
    return strcmp(plan.process, "worker") == 0 ? strcmp(name, "mdsweep-worker") == 0
                                               : strncmp(name, "mdsweep-", 8) != 0;
}

static bool right_path(int fd, const char *name)
{
    char link[32], target[512];

    if (!plan.path[0])
        return true;
    if (name)
        return strstr(name, plan.path) != NULL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const long length = syscall(SYS_readlink, link, target, sizeof target - 1);
    if (length < 0)
        return false;
    target[length] = '\0';
    return strstr(target, plan.path) != NULL;
}

/* Counts the call if it is of the kind that was asked for. */
static bool due(const char *call, int fd, const char *name)
{
    if (!plan.on || strcmp(call, plan.call) != 0 || !right_process() || !right_path(fd, name))
        return false;
    const long n = atomic_fetch_add(&calls, 1) + 1;
    if (n < plan.first || n >= plan.first + plan.count)
        return false;
    if (plan.log >= 0) {
        char line[64];
        const int length = snprintf(line, sizeof line, "%s %ld from 0x%lx\n", call, n,
                                    (unsigned long)(caller_address - plan.base));

        (void)!syscall(SYS_write, plan.log, line, (size_t)length);
    }
    errno = plan.number;
    return true;
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    return due("pwrite", fd, NULL) ? -1 : syscall(SYS_write, fd, bytes, size);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at)
{
    return due("pwrite", fd, NULL) ? -1 : syscall(SYS_pwrite64, fd, bytes, size, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t at)
{
    return due("pwrite", fd, NULL) ? -1 : syscall(SYS_pwrite64, fd, bytes, size, at);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
    return due("pwrite", fd, NULL) ? -1 : syscall(SYS_pwritev, fd, parts, count, at, 0);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t at)
{
    return due("pwrite", fd, NULL) ? -1 : syscall(SYS_pwritev, fd, parts, count, at, 0);
}

int fsync(int fd)
{
    return due("fsync", fd, NULL) ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return due("fdatasync", fd, NULL) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int ftruncate(int fd, off_t size)
{
    return due("ftruncate", fd, NULL) ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

int ftruncate64(int fd, off_t size)
{
    return due("ftruncate", fd, NULL) ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

int fallocate(int fd, int mode, off_t from, off_t size)
{
    return due("fallocate", fd, NULL) ? -1 : (int)syscall(SYS_fallocate, fd, mode, from, size);
}

int fallocate64(int fd, int mode, off_t from, off_t size)
{
    return due("fallocate", fd, NULL) ? -1 : (int)syscall(SYS_fallocate, fd, mode, from, size);
}

int rename(const char *old, const char *new)
{
    return due("rename", -1, new) ? -1 : (int)syscall(SYS_renameat, AT_FDCWD, old, AT_FDCWD, new);
}

static bool no_memory(const void *caller)
{
    const uintptr_t from = (uintptr_t)caller;

    if (!plan.on || (plan.high && (from < plan.low || from >= plan.high)))
        return false;
    caller_address = from;
    return due("malloc", -1, NULL);
}

void *malloc(size_t size)
{
    return no_memory(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return no_memory(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return no_memory(__builtin_return_address(0)) ? NULL : __libc_realloc(old, size);
}

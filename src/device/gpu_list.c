#include "device/gpu_list.h"

#include "base/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* A driver that starts takes a second or two; one that hangs, for ever. */
enum { PATIENCE_S = 30, POLL_US = 500 };

typedef struct shared_list {
    atomic_bool complete;
    mds_gpu_list list;
} shared_list;

/* The first line of a file, "" when it cannot be read. */
static void first_line(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "re");

    out[0] = '\0';
    if (!file)
        return;
    if (!fgets(out, (int)size, file))
        out[0] = '\0';
    out[strcspn(out, "\n")] = '\0';
    fclose(file);
}

void mds_gpu_read_place(const char *root, mds_gpu *gpu)
{
    char path[256], text[32];
    char *end;

    snprintf(path, sizeof path, "%s/bus/pci/devices/%s/local_cpulist", root, gpu->pci);
    first_line(path, gpu->cpus, sizeof gpu->cpus);
    snprintf(path, sizeof path, "%s/bus/pci/devices/%s/numa_node", root, gpu->pci);
    first_line(path, text, sizeof text);
    const long node = strtol(text, &end, 10);
    gpu->numa_node = end == text ? -1 : (int)node;
}

/* Whether `cpu` is in a list such as "0-3,8". */
static bool has_cpu(const char *list, long cpu)
{
    for (const char *at = list; *at;) {
        char *end;
        const long first = strtol(at, &end, 10);
        long last = first;

        if (end == at)
            return false;
        if (*end == '-')
            last = strtol(end + 1, &end, 10);
        if (cpu >= first && cpu <= last)
            return true;
        at = end + (*end == ',');
    }
    return false;
}

bool mds_cpus_overlap(const char *a, const char *b)
{
    enum { CPUS = 8192 };

    if (!*a || !*b)
        return true;
    for (long cpu = 0; cpu < CPUS; ++cpu)
        if (has_cpu(a, cpu) && has_cpu(b, cpu))
            return true;
    return false;
}

int mds_gpu_list_find(const mds_gpu_list *list, const char *word)
{
    int found = -1;
    char *end;
    const long ordinal = strtol(word, &end, 10);

    if (end != word && !*end) {
        for (int i = 0; i < list->count; ++i)
            if (list->gpu[i].ordinal == ordinal)
                return i;
        return -1;
    }
    for (int i = 0; i < list->count; ++i) {
        if (!*word || strncmp(list->gpu[i].uuid, word, strlen(word)) != 0)
            continue;
        if (found >= 0)
            return -1;
        found = i;
    }
    return found;
}

static _Noreturn void look(shared_list *shared, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
    mds_cuda_list(&shared->list);
    first_line("/sys/module/nvidia/version", shared->list.driver, sizeof shared->list.driver);
    atomic_store(&shared->complete, true);
    _exit(0);
}

/* Waits for the child; false when it had to be killed. */
static bool wait_for(pid_t child)
{
    const int64_t start = mds_clock_ns();

    for (;;) {
        const pid_t ended = waitpid(child, NULL, WNOHANG);

        if (ended == child || (ended < 0 && errno != EINTR))
            return true;
        if (mds_clock_ns() - start > PATIENCE_S * INT64_C(1000000000))
            break;
        usleep(POLL_US);
    }
    kill(child, SIGKILL);
    /* A process that hangs in the driver may never end; it is not waited for. */
    waitpid(child, NULL, WNOHANG);
    return false;
}

static void look_in_child(shared_list *shared, mds_gpu_list *out)
{
    const pid_t parent = getpid(), child = fork();

    if (child == 0)
        look(shared, parent);
    const bool ended = child > 0 && wait_for(child);

    if (ended && atomic_load(&shared->complete)) {
        *out = shared->list;
        return;
    }
    memset(out, 0, sizeof *out);
    if (child < 0)
        snprintf(out->reason, sizeof out->reason, "cannot fork: %s", strerror(errno));
    else
        snprintf(out->reason, sizeof out->reason,
                 ended ? "looking for GPUs crashed in the driver"
                       : "the GPU driver did not answer in %d s",
                 PATIENCE_S);
}

mds_status mds_gpu_list_get(mds_gpu_list *out)
{
#ifdef MDS_WITH_CUDA
    shared_list *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (shared == MAP_FAILED)
        return mds_fail(MDS_ERR_NOMEM, "no memory for the list of GPUs");
    fflush(NULL);
    look_in_child(shared, out);
    munmap(shared, sizeof *shared);
#else
    (void)look_in_child;
    mds_cuda_list(out);
#endif
    return MDS_OK;
}

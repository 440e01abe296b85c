/* The GPUs that this process may use, without touching CUDA in it: a rank must not (a CUDA context
 * does not survive a fork, and the rank is not where models run), so that a child process looks,
 * and leaves what it saw in shared memory. */
#ifndef MDS_DEVICE_GPU_LIST_H
#define MDS_DEVICE_GPU_LIST_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

enum { MDS_GPU_MAX = 64 };

typedef struct mds_gpu {
    char model[96];
    char uuid[64];  /* "GPU-...", of a part of a GPU "MIG-..." */
    char pci[32];   /* "0000:3b:00.0" */
    char cpus[128]; /* the CPUs near it ("0-15,32-47"); "" when the system does not say */
    int64_t memory_bytes;
    int ordinal; /* k of "cuda:k" */
    int sms, major, minor;
    int clock_MHz, memory_clock_MHz; /* the highest; 0: not known */
    int numa_node;                   /* -1: not known */
    bool mig;                        /* a part of a GPU (multi-instance GPU) */
    bool mps;                        /* shared through a multi-process server */
    bool pools;                      /* has stream-ordered memory pools */
} mds_gpu;

typedef struct mds_gpu_list {
    int count;
    int driver_cuda, runtime_cuda; /* versions: 1000·major + 10·minor; 0: none */
    char driver[48];               /* version of the kernel's driver; "" when there is none */
    char reason[256];              /* why there is none; "" otherwise */
    mds_gpu gpu[MDS_GPU_MAX];
} mds_gpu_list;

/* Fills `out`; no GPU, no driver or a driver that hangs (30 s) is no error but an empty list with
 * its reason. Forks: before MPI_Init. MDS_ERR_IO when that fails. */
mds_status mds_gpu_list_get(mds_gpu_list *out);

/* The index of the device that `word` means: an ordinal ("1"), or the beginning of a UUID that no
 * other begins with ("GPU-8a5f"). -1 when there is none. */
int mds_gpu_list_find(const mds_gpu_list *list, const char *word);

/* Whether two lists of CPUs ("0-3,8") have one in common; true when one is "" (not known). */
bool mds_cpus_overlap(const char *a, const char *b);

/* From below `root` ("/sys"): NUMA node and near CPUs of the device at gpu->pci. */
void mds_gpu_read_place(const char *root, mds_gpu *gpu);

/* With CUDA: looks, in this process. For the child above and for `cuda:k` itself. */
void mds_cuda_list(mds_gpu_list *out);

#endif

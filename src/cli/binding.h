/* Which rank gets which device. A rank sees the devices that its launcher left visible (all of its
 * host's, or with one GPU per task its own alone), and takes the one of its number among the ranks
 * of the host; then all ranks compare, so that none shares a GPU unnoticed. The rank itself never
 * touches CUDA: the list comes from a child process (device/gpu_list.h), the worker opens the
 * device. */
#ifndef MDS_CLI_BINDING_H
#define MDS_CLI_BINDING_H

#include "comm/comm.h"
#include "device/gpu_list.h"
#include "store/store.h"

typedef struct mds_binding {
    char word[MDS_DEVICE_NAME_SIZE]; /* what was asked for, with "auto" made definite */
    mds_gpu_list gpus;               /* filled when GPUs matter */
} mds_binding;

/* What `asked` ("auto", "cpu", "sim:64", "cuda", "cuda:1", "cuda:GPU-...") means on this host:
 * "auto" becomes "cuda" where a GPU is visible and "cpu" elsewhere. Forks: before MPI_Init. */
mds_status mds_binding_resolve(const char *asked, mds_binding *out);

/* Tells, in one line, when "auto" found no GPU; for the rank that speaks. */
void mds_binding_say(const char *asked, const mds_gpu_list *list);

/* The index in `list` of the device for local rank `local_rank` that was asked for as "cuda" or
 * "cuda:<word>". MDS_ERR_DEVICE, naming rank and host, when there is none. */
mds_status mds_binding_choose(const mds_gpu_list *list, const char *asked, const mds_comm *comm,
                              int *index);

/* Puts what is known of device `gpu` into the row of a rank. */
void mds_binding_describe(const mds_gpu_list *list, const mds_gpu *gpu, mds_rank_info *out);

/* Collective: a row for every rank, with its device, on every rank (heap, by rank). */
mds_status mds_binding_gather(mds_comm *comm, const mds_binding *binding, mds_rank_info **ranks);

/* All ranks' rows, gathered: MDS_ERR_DEVICE when two have one GPU, unless `oversubscribe`, or when
 * only some have one. Notes in the rows who shares. */
mds_status mds_binding_check(mds_rank_info *ranks, int count, bool oversubscribe);

/* For rank 0: warns of ranks whose CPUs are not those near their GPU. */
void mds_binding_warn_far(const mds_rank_info *ranks, int count);

#endif

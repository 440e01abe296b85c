/* A worker process per rank: it owns the device, the model and the dynamics; it knows neither MPI
 * nor HDF5. A small fork server, forked before MPI_Init, makes workers; a worker that crashes,
 * hangs or is killed costs one case, and the server makes a new one.
 *
 *   rank ──command pipe──▶ worker (case index)      worker ──samples (shared memory)──▶ rank
 *   rank ──control pipe──▶ server (spawn, stop)     server ──event pipe (spawned, died)──▶ rank
 *
 * The worker dies with its rank: parent-death signal, and end of file on its pipe. */
#ifndef MDS_CASE_WORKER_H
#define MDS_CASE_WORKER_H

#include "case/samples.h"

#include <sys/types.h>

typedef struct mds_worker mds_worker;

/* Runs case `index` in the worker process. Its status and message must be in samples->header. */
typedef mds_status (*mds_worker_body)(void *context, int index, int attempt, mds_samples *samples);

typedef struct mds_worker_config {
    mds_worker_body body;
    void *context; /* inherited by the fork */
    int64_t capacity[MDS_POOL_COUNT];
    size_t frame_bytes; /* of the frame area; 0: no case stores frames */
    bool isolated;      /* false: `--isolation none`, the body runs in mds_worker_run() itself */
} mds_worker_config;

/* Why a case ended; the word before the colon of its reason. */
#define MDS_FAILURE_LIST(X)                                                                        \
    X(NONE, "")                                                                                    \
    X(CRASHED, "crashed") /* signal; the reason names it */                                        \
    X(EXITED, "exited")   /* exit() inside the case */                                             \
    X(TIMEOUT, "timeout") /* watchdog */                                                           \
    X(OOM, "oom")         /* out of host or device memory */                                       \
    X(NAN, "nan")         /* a number stopped being one */                                         \
    X(DEVICE, "device")   /* device error, sticky or not; of a GPU "cuda: illegal address", ... */ \
    X(DEVICE_LOST, "device lost")                                                                  \
    X(ERROR, "error") /* any other status of the case */                                           \
    X(CANCELLED, "cancelled")

typedef enum mds_failure {
#define MDS_FAILURE_ENUM(id, word) MDS_FAILURE_##id,
    MDS_FAILURE_LIST(MDS_FAILURE_ENUM)
#undef MDS_FAILURE_ENUM
        MDS_FAILURE_COUNT
} mds_failure;

const char *mds_failure_word(mds_failure failure);

typedef enum mds_worker_event {
    MDS_WORKER_NOTHING, /* still running, or idle */
    MDS_WORKER_DONE,    /* the case is done */
    MDS_WORKER_FAILED   /* the case failed: see mds_worker_failure() */
} mds_worker_event;

/* Forks the server (and the first worker). Call before MPI_Init and before any CUDA call. */
mds_status mds_worker_create(const mds_worker_config *config, mds_worker **out);
/* Ends worker and server, waits for them at most a second or two. Accepts NULL. */
void mds_worker_destroy(mds_worker *worker);

/* Readable when mds_worker_poll() may have news; -1 without isolation. */
int mds_worker_fd(const mds_worker *worker);
pid_t mds_worker_pid(const mds_worker *worker); /* of the worker process; 0 when there is none */

/* Starts a case; timeout_s: longest time without a heartbeat. The samples are reset first. */
mds_status mds_worker_run(mds_worker *worker, int case_index, int attempt, double timeout_s);
/* Looks for news without waiting; applies the watchdog. After DONE or FAILED the worker is idle (a
 * new process if need be) and the samples stay as they are until the next run. */
mds_worker_event mds_worker_poll(mds_worker *worker);
/* Ends the running case (SIGTERM, then SIGKILL); the next poll says FAILED with CANCELLED. */
void mds_worker_cancel(mds_worker *worker);

mds_failure mds_worker_failure(const mds_worker *worker);
/* "crashed: SIGSEGV in steady step 12", "timeout: no step for 60 s (warm-up)", ... borrowed. */
const char *mds_worker_reason(const mds_worker *worker);
mds_samples *mds_worker_samples(mds_worker *worker);

#endif

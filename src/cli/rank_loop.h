/* The event loop of a rank: it asks rank 0 for cases, hands them to its worker, writes what the
 * worker measures, and on rank 0 also hands cases out. It computes nothing and never spins. */
#ifndef MDS_CLI_RANK_LOOP_H
#define MDS_CLI_RANK_LOOP_H

#include "case/worker.h"
#include "cli/progress.h"
#include "comm/comm.h"
#include "store/store.h"
#include "sweep/queue.h"

#include <signal.h>

/* What signals ask for. */
typedef enum mds_stop {
    MDS_STOP_NONE,
    MDS_STOP_DRAIN, /* SIGUSR1, a warning: no new cases, running ones have MDS_DRAIN_S */
    MDS_STOP_NOW    /* SIGTERM, SIGINT, a second warning: running cases are put back */
} mds_stop;

typedef struct mds_rank_loop {
    /* set by the caller, borrowed */
    mds_comm *comm;
    mds_worker *worker;
    mds_store *store;
    const mds_study *study;
    const mds_matrix *matrix;
    const mds_rank_info *self;
    mds_queue *queue;                  /* rank 0 only, else NULL */
    mds_progress *progress;            /* rank 0 only */
    const volatile sig_atomic_t *stop; /* mds_stop, raised by the signal handler */
    int64_t deadline_ns;               /* of mds_clock_ns(); INT64_MAX: none */
    /* state */
    int index;        /* running case, or -1 */
    bool asked, over; /* waiting for an answer; no more cases for this rank */
    bool ended;       /* rank 0 said that no rank has a case any more */
    int stop_seen;    /* mds_stop acted upon */
    bool stopping;    /* no new cases: a signal, the time limit, a lost store, here or elsewhere */
    int64_t drain_ns; /* until when the running case may go on once stopping */
    mds_status error; /* of this rank's store */
    char error_text[512];
    int64_t flushed_ns;
    bool settled;                 /* no case's end is still on its way to the disk */
    int ranks_left;               /* rank 0: ranks that may still ask */
    int ranks_lost;               /* rank 0: ranks whose device was lost */
    double actual_s, predicted_s; /* rank 0: of the cases that ended; their ratio is the pace */
    int64_t started_ns;           /* of this rank's case */
    int failed;                   /* cases that failed on this rank */
} mds_rank_loop;

/* How long a running case may go on after SIGUSR1; the deadline ends it at once. */
enum { MDS_DRAIN_S = 45 };

/* Runs until no rank has a case, so that a signal to an idle rank is heard too. MDS_ERR_STOPPED
 * after a signal, when cases did not fit into the time left or when no rank was left to run them;
 * MDS_ERR_IO when the store could not be written. A rank whose device is lost takes no more cases;
 * when that is all of them, MDS_OK: the cases in which it happened have failed. */
mds_status mds_rank_loop_run(mds_rank_loop *loop);

#endif

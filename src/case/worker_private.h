/* Private to worker.c and worker_reason.c: the rank's side of a worker. */
#ifndef MDS_CASE_WORKER_PRIVATE_H
#define MDS_CASE_WORKER_PRIVATE_H

#include "case/worker_server.h"

enum { REASON_SIZE = 640 };

struct mds_worker {
    mds_worker_config config;
    mds_samples samples;
    worker_tickets *tickets;
    int control, news, command; /* the rank's ends; -1 when closed */
    pid_t server, pid;
    bool spawning; /* a worker was asked for and has not come */

    bool running, sent; /* a case was given to mds_worker_run(); its command was sent */
    int starts;         /* workers used for this case */
    worker_command task;
    double timeout_s;
    int64_t heartbeat, beat_ns; /* the last one seen, and when */
    mds_failure ending;         /* why we are killing the worker; NONE: we are not */
    bool killed;                /* SIGKILL was asked for */
    int64_t ending_ns;

    mds_worker_event outcome; /* for the next poll */
    mds_failure failure;
    char reason[REASON_SIZE];
};

/* Ends the running case with this class and, unless it is NONE, a reason: the next poll tells. */
void mds_worker_settle(mds_worker *worker, mds_failure failure, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void mds_worker_settle_by_status(mds_worker *worker, mds_status status);
/* By what waitpid() said of the worker, unless it was we who ended it. */
void mds_worker_settle_by_death(mds_worker *worker, int wait_status);

/* "SIGSEGV"; for a number without a name here it is made in `out`. */
const char *mds_signal_name(int number, char *out, size_t size);

#endif

/* Progress of a run, on rank 0's stderr: one live line on a terminal, one plain line per finished
 * case in a log. */
#ifndef MDS_CLI_PROGRESS_H
#define MDS_CLI_PROGRESS_H

#include "sweep/matrix.h"

typedef struct mds_progress {
    const mds_study *study;
    const mds_matrix *matrix;
    int64_t started_ns;
    double cost_total_s, cost_done_s; /* predicted seconds: what the ETA goes by */
    int total, finished, failed, running, ranks;
    bool live; /* stderr is a terminal */
    bool quiet;
    int64_t shown_ns;
} mds_progress;

void mds_progress_init(mds_progress *progress, const mds_study *study, const mds_matrix *matrix,
                       int total, int ranks, bool quiet);
/* A case ended: median latency in s (NaN when it failed) and the reason. */
void mds_progress_case(mds_progress *progress, int index, mds_case_status status, double median_s,
                       int rank, const char *reason);
/* Refreshes the live line now and then. */
void mds_progress_tick(mds_progress *progress);
void mds_progress_end(mds_progress *progress);

#endif

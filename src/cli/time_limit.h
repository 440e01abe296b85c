/* How long this run may take: `--time-limit`, and the rest of a Slurm job. */
#ifndef MDS_CLI_TIME_LIMIT_H
#define MDS_CLI_TIME_LIMIT_H

#include "base/status.h"

/* Slurm's forms: "minutes", "minutes:seconds", "hours:minutes:seconds", "days-hours",
 * "days-hours:minutes", "days-hours:minutes:seconds"; also "30s", "10m", "2h". MDS_ERR_USAGE. */
mds_status mds_time_limit_parse(const char *text, double *seconds);

/* Seconds until this Slurm job's limit, asked of squeue; INFINITY outside a job, without squeue, or
 * for a job without limit. Forks: call before MPI_Init. */
double mds_time_limit_slurm(void);

#endif

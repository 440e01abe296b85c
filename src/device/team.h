/* A few threads that do one thing at a time together, and sleep in between: how the engines whose
 * loops run on the host use more than one core. */
#ifndef MDS_DEVICE_TEAM_H
#define MDS_DEVICE_TEAM_H

#include "base/status.h"

typedef struct mds_team mds_team;

/* `size` threads, the caller's included; with 1 none is started. */
mds_status mds_team_create(int size, mds_team **out);
void mds_team_destroy(mds_team *team); /* accepts NULL */
int mds_team_size(const mds_team *team);
/* Calls work(context, t) for every t < size, t = 0 in this thread; returns when all are done. */
void mds_team_run(mds_team *team, void (*work)(void *context, int t), void *context);

#endif

/* A few threads that do one thing at a time together, and sleep in between. */
#ifndef MDS_MODEL_ANI_ANI_TEAM_H
#define MDS_MODEL_ANI_ANI_TEAM_H

#include "base/status.h"

typedef struct ani_team ani_team;

/* `size` threads, the caller's included; with 1 none is started. */
mds_status ani_team_create(int size, ani_team **out);
void ani_team_destroy(ani_team *team); /* accepts NULL */
int ani_team_size(const ani_team *team);
/* Calls work(context, t) for every t < size, t = 0 in this thread; returns when all are done. */
void ani_team_run(ani_team *team, void (*work)(void *context, int t), void *context);

#endif

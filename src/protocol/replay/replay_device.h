/* Frames on a CUDA device. C11 and CUDA C++. */
#ifndef MDS_PROTOCOL_REPLAY_REPLAY_DEVICE_H
#define MDS_PROTOCOL_REPLAY_REPLAY_DEVICE_H

#include "md/state.h"

/* A cell as the step block has it. */
typedef struct replay_cell {
    double h[3][3], inverse[3][3], volume;
    int periodic[3];
} replay_cell;

/* By value to kernels. All device memory. */
typedef struct replay_view {
    int count, n;
    double *x;         /* (count,n,3) */
    replay_cell *cell; /* (count) */
} replay_view;

#ifdef __cplusplus
extern "C" {
#endif

/* Positions and cell of frame d->step modulo count, into x and the step block. */
mds_status replay_launch_show(mds_device *device, const replay_view *frames,
                              const mds_state *state);
/* Nothing moves, conserved = potential energy; unless `start`, the step is over. */
mds_status replay_launch_end(mds_device *device, const mds_state *state, bool start);

#ifdef __cplusplus
}
#endif

#endif

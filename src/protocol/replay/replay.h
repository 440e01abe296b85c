#ifndef MDS_PROTOCOL_REPLAY_REPLAY_H
#define MDS_PROTOCOL_REPLAY_REPLAY_H

#include "protocol/plugin.h"
#include "protocol/replay/replay_device.h"

typedef struct replay {
    mds_protocol base;
    replay_view frames; /* without host access: all frames on the device */
} replay;

/* replay_cuda.c, in CUDA builds: the rest of create(), and the step. */
mds_status replay_start_cuda(replay *self);
mds_status replay_step_cuda(mds_protocol *protocol, unsigned want);

#endif

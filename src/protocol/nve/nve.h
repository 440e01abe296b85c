#ifndef MDS_PROTOCOL_NVE_NVE_H
#define MDS_PROTOCOL_NVE_NVE_H

#include "protocol/motion.h"
#include "protocol/plugin.h"

typedef struct nve {
    mds_protocol base;
    mds_motion motion;
} nve;

/* See mds_protocol_class.step_cuda; in CUDA builds. */
mds_status nve_step_cuda(mds_protocol *protocol, unsigned want);

#endif

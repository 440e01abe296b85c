#ifndef MDS_PROTOCOL_NPT_NPT_H
#define MDS_PROTOCOL_NPT_NPT_H

#include "protocol/motion.h"
#include "protocol/npt/npt_device.h"
#include "protocol/plugin.h"

typedef struct npt {
    mds_protocol base;
    mds_motion motion;
    npt_cell cell;
    double tau_fs;       /* of the thermostat */
    double start_volume; /* V₀ */
    double account_eV;   /* Σ balance − Σ heat */
    npt_memory *memory;  /* without host access: the numbers that change, on the device */
} npt;

/* npt_cuda.c, in CUDA builds: the rest of create(), and the step. */
mds_status npt_start_cuda(npt *self);
mds_status npt_step_cuda(mds_protocol *protocol, unsigned want);

#endif

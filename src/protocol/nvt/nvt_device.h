/* The thermostats' part of a step on a CUDA device. C11 and CUDA C++. */
#ifndef MDS_PROTOCOL_NVT_NVT_DEVICE_H
#define MDS_PROTOCOL_NVT_NVT_DEVICE_H

#include "protocol/motion_device.h"
#include "protocol/nvt/chain.h"

/* In device memory: what changes from step to step. */
typedef struct nvt_memory {
    double factor; /* all velocities are multiplied by it at the end of this step (svr, nose-hoover)
                    */
    double heat_eV; /* given to the atoms so far (langevin, svr) */
    /* nose-hoover: the half step of the chain that opens a step depends on nothing but the end of
     * the step before, where one thread looks after the chain anyway; so it is made there. */
    double opening_factor;
    nvt_chain chain;   /* after this step */
    nvt_chain advance; /* after the half step that opens the next one */
} nvt_memory;

/* By value to kernels. */
typedef struct nvt_numbers {
    double temperature_K;
    double decay;    /* langevin */
    double tau_fs;   /* svr */
    int64_t freedom; /* svr */
    uint64_t seed;
} nvt_numbers;

#ifdef __cplusplus
extern "C" {
#endif

/* Kick, half drift, Ornstein–Uhlenbeck step, half drift. */
mds_status nvt_launch_langevin_move(mds_device *device, const mds_motion_view *m,
                                    const nvt_numbers *numbers);
/* The ends of steps, as mds_motion_launch_end(); with more than one block those of svr and
 * nose-hoover leave the scaling by memory->factor to be launched. */
mds_status nvt_launch_langevin_end(mds_device *device, const mds_motion_view *m,
                                   nvt_memory *memory);
mds_status nvt_launch_svr_end(mds_device *device, const mds_motion_view *m,
                              const nvt_numbers *numbers, nvt_memory *memory);
mds_status nvt_launch_chain_end(mds_device *device, const mds_motion_view *m, nvt_memory *memory,
                                bool start);

#ifdef __cplusplus
}
#endif

#endif

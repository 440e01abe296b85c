/* The per-atom work of the integrators on a CUDA device: what kernels take, and the launchers that
 * several protocols use. C11 and CUDA C++; formulas, units and shapes as in protocol/motion.h.
 *
 * A step is: a kernel that moves the atoms, the model, a kernel that ends the step (half a kick,
 * the kinetic energy, the thermostat's numbers, the step block). A thermostat that multiplies all
 * velocities does so in the same kernel when that is one block, else in a third one. */
#ifndef MDS_PROTOCOL_MOTION_DEVICE_H
#define MDS_PROTOCOL_MOTION_DEVICE_H

#include "md/state.h"

#include <stdint.h>

enum {
    MDS_MOTION_BLOCK = 256,      /* threads */
    MDS_MOTION_ONE_BLOCK = 1024, /* up to so many atoms a step ends in one block */
    MDS_MOTION_HEAT_BLOCK = 128  /* of kernels that leave a heat for each block */
};

/* By value to kernels. All device memory. */
typedef struct mds_motion_view {
    int n, end_blocks; /* atoms; blocks of a kernel that ends a step */
    double dt_fs;
    const double *kick, *mass; /* (n,3), (n) */
    double *x, *v;             /* (n,3) */
    const double *f;           /* (n,3) */
    mds_scalars *s;
    mds_step_block *d;
    double *partial;  /* (end blocks, 6) sums of m v v: xx yy zz xy xz yz */
    double *heat;     /* (heat blocks) kinetic energy given, eV */
    unsigned *ticket; /* 0 between kernels */
} mds_motion_view;

/* mds_motion_view.end_blocks. */
static inline int mds_motion_end_blocks(int n)
{
    return n <= MDS_MOTION_ONE_BLOCK ? 1 : (n + MDS_MOTION_BLOCK - 1) / MDS_MOTION_BLOCK;
}

static inline int mds_motion_heat_blocks(int n)
{
    return (n + MDS_MOTION_HEAT_BLOCK - 1) / MDS_MOTION_HEAT_BLOCK;
}

#ifdef __cplusplus
extern "C" {
#endif

/* v = factor v + kick f, then x += dt v; factor NULL: 1. */
mds_status mds_motion_launch_kick_drift(mds_device *device, const mds_motion_view *m,
                                        const double *factor);
/* Ends a step: v += kick f, kinetic energy and tensor, conserved = total energy. `start`: the same
 * without kick and step, for a protocol that begins. */
mds_status mds_motion_launch_end(mds_device *device, const mds_motion_view *m, bool start);
/* v *= factor, where end_blocks is more than one. */
mds_status mds_motion_launch_scale(mds_device *device, const mds_motion_view *m,
                                   const double *factor);

#ifdef __cplusplus
}
#endif

#endif

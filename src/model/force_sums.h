/* Where the force kernels of an engine put their results, and the scratch of their sums over atoms.
 * C11 and CUDA C++; the sums themselves are in force_sums.cuh. Devices without host access only. */
#ifndef MDS_MODEL_FORCE_SUMS_H
#define MDS_MODEL_FORCE_SUMS_H

#include "md/state.h"

/* What a force kernel sums: of an atom (or of one lane's share of it) first its force, then what
 * belongs to the whole system. The order is that of an array in registers. */
enum {
    MDS_SUM_FORCE,      /* x, y, z; eV/Å */
    MDS_SUM_ENERGY = 3, /* eV */
    MDS_SUM_EDGES,
    MDS_SUM_VIRIAL, /* xx, yy, zz, xy, xz, yz of Σ r_a f_b; eV */
    MDS_SUMS = 16   /* a power of two for the sum over a warp */
};

/* By value to kernels. */
typedef struct mds_force_out {
    double *f; /* (n,3) */
    mds_scalars *s;
    mds_step_block *d;
    int n;
    int virial;       /* wanted; else NaN is written. It is always summed, so that the forces of a
                         step do not depend on whether somebody wants to know its pressure. */
    double *partial;  /* (blocks, MDS_SUMS) sums of each block */
    unsigned *ticket; /* blocks that are done; 0 between kernels */
} mds_force_out;

/* Zero-initialise. */
typedef struct mds_force_sums {
    void *memory;
    size_t capacity;
} mds_force_sums;

/* Scratch for grids of up to `blocks` blocks; for prepare(), because it may allocate. */
mds_status mds_force_sums_reserve(mds_force_sums *sums, mds_device *device, int blocks);
void mds_force_sums_fini(mds_force_sums *sums, mds_device *device); /* accepts a zeroed struct */
mds_force_out mds_force_sums_out(const mds_force_sums *sums, const mds_state *state, bool virial);

#endif

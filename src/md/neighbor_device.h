/* Inside of the neighbour list on CUDA: shared by neighbor_device.c (memory, when) and
 * neighbor_device.cu (kernels). Not for users. C11 and CUDA C++. */
#ifndef MDS_MD_NEIGHBOR_DEVICE_H
#define MDS_MD_NEIGHBOR_DEVICE_H

#include "md/state.h"

#include <stdint.h>

enum {
    MDS_NEIGHBOR_ADVANCE_BLOCK = 256, /* threads, an atom each */
    MDS_NEIGHBOR_CELLS = 7            /* most cells that cutoff + skin may reach across; see
                                         MDS_ENTRY_SHIFT_BITS */
};

/* What the list remembers from step to step, in device memory. All zero: no list yet. */
typedef struct mds_neighbor_control {
    double built_h[3][3], built_inverse[3][3]; /* cell at the last build */
    double reach[3];                           /* (cutoff + skin) / height of that cell; 0 where it
                                                  is not periodic */
    int built_periodic[3];
    int valid;         /* a list exists and may be tested against */
    int tested;        /* it has passed a test since it was built */
    unsigned ticket;   /* blocks that have finished; 0 between kernels */
    unsigned most;     /* entries of the fullest row at the last build */
    unsigned entries;  /* of all rows */
    int64_t builds;    /* since the rows were last sized */
    int64_t dangerous; /* as mds_neighbor.dangerous */
} mds_neighbor_control;

/* By value to the kernels. stride == 0: rows are counted, not written. */
typedef struct mds_neighbor_work {
    int n, stride;
    double cutoff, skin;
    const double *x; /* (n,3) */
    double *xw;      /* (n,4) */
    double *x0;      /* (n,3) positions at the build */
    int *wrap;       /* (n,3) cells from an atom's x to its xw */
    int *count;      /* (n) */
    uint32_t *entry; /* (n,stride) */
    double *moved;   /* (blocks of advance) largest squared displacement of each */
    mds_neighbor_control *control;
    mds_step_block *d;
    mds_scalars *s;
} mds_neighbor_work;

#ifdef __cplusplus
extern "C" {
#endif

/* Refreshes xw, tests the displacements, and sets d->rebuild; if that is 1, wraps the atoms anew.
 * Faults: MDS_FAULT_NOT_FINITE, MDS_FAULT_IMAGES. */
mds_status mds_neighbor_launch_advance(mds_device *device, const mds_neighbor_work *work);
/* Writes the rows if d->rebuild is 1. Fault: MDS_FAULT_CAPACITY. */
mds_status mds_neighbor_launch_rebuild(mds_device *device, const mds_neighbor_work *work);

#ifdef __cplusplus
}
#endif

#endif

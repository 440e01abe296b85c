/* Inside of the neighbour list on CUDA: shared by neighbor_device.c (memory, when) and
 * neighbor_device.cu (kernels). Not for users. C11 and CUDA C++. */
#ifndef MDS_MD_NEIGHBOR_DEVICE_H
#define MDS_MD_NEIGHBOR_DEVICE_H

#include "base/hd.h"
#include "md/neighbor.h"
#include "md/state.h"

#include <stdint.h>

enum {
    MDS_NEIGHBOR_ADVANCE_BLOCK = 256, /* threads, an atom each */
    MDS_NEIGHBOR_CELLS = 7,           /* most cells that cutoff + skin may reach across; see
                                         MDS_ENTRY_SHIFT_BITS */
    MDS_NEIGHBOR_BIN_ATOMS = 4,       /* bins have that many atoms on average, or more, and room */
    MDS_NEIGHBOR_BIN_ROOM = 8         /* for that many times the average */
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
    /* Where there are bins. */
    int bins[3];      /* across the cell */
    int span[3];      /* bins to look at on either side of an atom's own */
    int bin_size;     /* atoms that one has room for */
    int binned;       /* bins are worth it in this cell */
    unsigned fullest; /* atoms of a bin that had no room for them all; 0: none */
    int lost;         /* first atom without a position; n: none */
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
    int bin_room;    /* of bin_atom; 0: no bins, each atom looks at all others */
    int unused;      /* an even number of integers: no padding, which would look like an address */
    double bin_gain; /* bins in a cell per bin that is looked at, from which on they are used */
    int *bin_count;  /* (bins at most) */
    int *bin_atom;   /* (bin_room) */
} mds_neighbor_work;

/* As many bins as n atoms may have. */
static inline MDS_HD int mds_neighbor_bins_at_most(int n)
{
    return n < MDS_NEIGHBOR_BIN_ATOMS ? 1 : n / MDS_NEIGHBOR_BIN_ATOMS;
}

#ifdef __cplusplus
extern "C" {
#endif

/* Refreshes xw, tests the displacements, and sets d->rebuild; if that is 1 and there are no bins,
 * wraps the atoms anew. Faults: MDS_FAULT_NOT_FINITE, MDS_FAULT_IMAGES. */
mds_status mds_neighbor_launch_advance(mds_device *device, const mds_neighbor_work *work);
/* With bins, if d->rebuild is 1: wraps the atoms and puts them into their bins. Fault:
 * MDS_FAULT_NOT_FINITE. */
mds_status mds_neighbor_launch_file(mds_device *device, const mds_neighbor_work *work);
/* Writes the rows if d->rebuild is 1. Fault: MDS_FAULT_CAPACITY. */
mds_status mds_neighbor_launch_rebuild(mds_device *device, const mds_neighbor_work *work);

/* For tests, before the first update: bins from `atoms` on, where the cell has `gain` times as many
 * as an atom looks at. */
void mds_neighbor_device_set_bins(mds_neighbor *list, int atoms, double gain);
/* Whether the last build used them. Waits. */
mds_status mds_neighbor_device_binned(mds_neighbor *list, bool *out);

#ifdef __cplusplus
}
#endif

#endif

/* The neighbour list as kernels see it: a full list by atoms, entries as (neighbour, lattice
 * translation), in the memory of a device without host access. Compiled by C11 and CUDA C++.
 *
 * r_ij = xw[j] + s·h − xw[i], with xw the positions less the whole cells they were wrapped by at
 * the last build, kept current at every update, and h the rows of the step block's cell: so that
 * entries stay right while atoms move and the cell breathes. Entries may be up to cutoff + skin
 * away: the caller tests r < cutoff. Entries of a row are in ascending order of (j, s), so that
 * sums over them repeat bit for bit. */
#ifndef MDS_MD_NEIGHBOR_VIEW_H
#define MDS_MD_NEIGHBOR_VIEW_H

#include "base/hd.h"
#include "md/state.h"

#include <stdint.h>

/* By value to kernels; the addresses are valid while mds_device_generation() has not changed. */
typedef struct mds_neighbor_view {
    int n, stride;         /* atoms; entries a row has room for */
    const double *xw;      /* (n,4): x, y, z, 0; Å */
    const int *count;      /* (n) entries of each row */
    const uint32_t *entry; /* (n,stride) */
    const mds_step_block *d;
} mds_neighbor_view;

enum {
    MDS_ENTRY_ATOM_BITS = 20, /* 1,048,576 atoms */
    MDS_ENTRY_SHIFT_BITS = 4, /* −8 … 7 cells in each direction */
    MDS_ENTRY_SHIFT_BIAS = 8
};

static inline MDS_HD uint32_t mds_entry_pack(int j, int sa, int sb, int sc)
{
    const int bias = MDS_ENTRY_SHIFT_BIAS, bits = MDS_ENTRY_SHIFT_BITS;

    return (uint32_t)j << 3 * bits | (uint32_t)(sa + bias) << 2 * bits |
           (uint32_t)(sb + bias) << bits | (uint32_t)(sc + bias);
}

static inline MDS_HD int mds_entry_atom(uint32_t entry)
{
    return (int)(entry >> 3 * MDS_ENTRY_SHIFT_BITS);
}

/* s·h, what has to be added to xw[j]. */
static inline MDS_HD void mds_entry_translation(uint32_t entry, const double h[3][3], double out[3])
{
    const double sa = (double)(int)(entry >> 2 * MDS_ENTRY_SHIFT_BITS & 15) - MDS_ENTRY_SHIFT_BIAS;
    const double sb = (double)(int)(entry >> MDS_ENTRY_SHIFT_BITS & 15) - MDS_ENTRY_SHIFT_BIAS;
    const double sc = (double)(int)(entry & 15) - MDS_ENTRY_SHIFT_BIAS;

    for (int k = 0; k < 3; ++k)
        out[k] = sa * h[0][k] + sb * h[1][k] + sc * h[2][k];
}

#endif

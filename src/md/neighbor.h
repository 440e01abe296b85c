/* Verlet neighbour list with periodic images as ghost atoms.
 *
 * At a build the atoms are wrapped into the cell, and their images that lie within cutoff + skin of
 * them are listed once as "ghosts"; an entry of the list is then a plain index into the extended
 * positions, with no image arithmetic in the inner loop, and all images are seen however small or
 * skewed the cell (self images too).
 *
 * Units: Å. Shapes: n atoms, m = n + ghosts; xe is (m,4): x, y, z, 0; start is (n+1); index is
 * (start[n]) and refers to rows of xe; owner is (m), the atom a row is an image of (owner[i] = i
 * for i < n). xe[row] = x[owner] + shift·h for every row: also an atom's own row i < n is a whole
 * number of cells away from x[i] when the atom has left the cell. (Otherwise the ghosts of a liquid
 * would become ever more as its atoms diffuse.) The rows are refreshed from x at every update, so
 * r_ij = xe[j] − xe[i] is always current; take both ends of it from xe.
 * Within one atom's entries every row occurs once, so scattering by row has no conflicts.
 * Entries may be up to cutoff + skin away: the caller tests r < cutoff.
 * Not thread-safe. The list keeps a pointer to its device, which must outlive it. */
#ifndef MDS_MD_NEIGHBOR_H
#define MDS_MD_NEIGHBOR_H

#include "md/neighbor_view.h"

typedef enum mds_neighbor_kind {
    MDS_NEIGHBOR_FULL, /* i lists every j: each pair twice */
    MDS_NEIGHBOR_HALF  /* each pair once; of a pair (i, image of j) exactly one direction */
} mds_neighbor_kind;

typedef struct mds_neighbor_options {
    double cutoff; /* Å */
    double skin;   /* Å; 0 rebuilds at every step */
    mds_neighbor_kind kind;
    int row_pad; /* entries of a row are padded to a multiple of this by index `pad_row` (see
                    below); 0 or 1: no padding. start[] counts the padding, count[] does not. */
} mds_neighbor_options;

typedef struct mds_neighbor {
    /* read-only for users */
    int n, m;
    const double *xe;  /* (m+1,4); row m is the pad row, far away from everything */
    const int *owner;  /* (m) */
    const int *shift;  /* (m,3) lattice translations of a row, relative to atom owner's x */
    const int *start;  /* (n+1) multiples of row_pad */
    const int *count;  /* (n) true entries of each row */
    const int *index;  /* (start[n]) */
    int64_t entries;   /* sum of count */
    int64_t builds;    /* since creation */
    int64_t dangerous; /* builds that a displacement asked for either at the first test after a
                          build (the skin lasts less than a step, as LAMMPS counts them) or only
                          when it was beyond the whole skin. The forces are right all the same, as
                          every update tests; a skin or time step is wrong. Builds after
                          invalidate() and with skin 0 do not count. */
    struct mds_neighbor_private *priv;
    /* On devices without host access: what kernels take. There the list is always full and never
     * padded, the members above but n are 0 or NULL, and entries, builds and dangerous are only as
     * of the last mds_neighbor_make_room(). */
    mds_neighbor_view view;
} mds_neighbor;

mds_status mds_neighbor_create(mds_device *device, const mds_neighbor_options *options,
                               mds_neighbor **out);
void mds_neighbor_destroy(mds_neighbor *list); /* accepts NULL */

/* Brings xe up to date, and the list too if any atom moved more than skin/2 since the last build,
 * or the box changed by more than the skin allows, or n changed. When the box has changed, movement
 * is counted from the affinely deformed positions, and the skin is lessened by what the deformation
 * may bring two atoms nearer (see md/neighbor_math.h): no pair is ever missed. Sets
 * state->s->rebuilt and ->dangerous. Capacity grows as needed (MDS_ERR_NOMEM). MDS_ERR_NUMERIC when
 * a position is not finite. MDS_ERR_CAPACITY when the images needed exceed 2^30.
 * Without host access all of that is work on the device's stream: the test and the rebuild are
 * kernels, and what they find wrong goes to the step block. Only the first update for a number of
 * atoms waits, to size the rows. */
mds_status mds_neighbor_update(mds_neighbor *list, mds_state *state);

/* Without host access: reads how full the list is (waits), and gives its rows more room when they
 * are nearly full; the next update then rebuilds. MDS_ERR_NOMEM. Elsewhere nothing. */
mds_status mds_neighbor_make_room(mds_neighbor *list, mds_state *state);

/* Forces the next update to rebuild (positions were replaced). */
void mds_neighbor_invalidate(mds_neighbor *list);

/* Adds rows n..m-1 of fe (m,4: the extended forces of a half-list traversal) to their owners, and
 * writes f (n,3) = fe. A traversal that also writes to padding needs (m+1,4); row m is not read. */
void mds_neighbor_fold_forces(const mds_neighbor *list, const double *fe, double *f);

#endif

/* The pair list of the water engine: molecules against clusters of four atoms.
 *
 * The atoms are laid out molecule by molecule (O, H, H), the molecules sorted in space, and cut
 * into clusters of four consecutive slots: a cluster is a record of arrays of four, so that the
 * pair loop reads neighbours with plain vector loads and writes their forces back with plain
 * stores, no gather and no scatter. An entry of a list is one molecule in one periodic image, with
 * the clusters within reach. Every pair occurs once: of the images +s and −s only one is listed,
 * and within the cell itself only slots j > i. No image of an atom is stored: an image is the
 * molecule moved by a lattice vector.
 *
 * There are two lists (as in GROMACS: Páll & Hess, Comput. Phys. Commun. 184, 2641 (2013) and
 * Páll et al., J. Chem. Phys. 153, 134110 (2020)): the outer one, out to cutoff + skin, is searched
 * for; the inner one, which the pair loop runs over, is the outer one pruned to a thinner skin, at
 * a tenth of the cost of a search and more often.
 *
 * Broken molecules are made whole with integer lattice offsets, found at the build and exact for
 * any cell. Å. Not thread-safe. Keeps a pointer to its device, which must outlive it. */
#ifndef MDS_MODEL_SPCFW_LIST_H
#define MDS_MODEL_SPCFW_LIST_H

#include "md/state.h"
#include "model/spcfw/spcfw_pair.h"

/* Where the slots were, and the cell, when a list was made. */
typedef struct spcfw_mark {
    double (*x)[3]; /* (n) */
    double inverse[3][3];
} spcfw_mark;

typedef struct spcfw_list {
    mds_device *device;
    const spcfw_kernels *kernels;
    double cutoff, inner_reach, reach; /* cutoff + inner skin, cutoff + skin */
    int n, molecules, clusters;

    spcfw_cluster *cluster; /* (clusters + 1): the last is empty, it fills entries to even counts */
    int *atom;              /* (n) atom of a slot */
    int (*offset)[3];       /* (n) lattice translation that takes atom[slot] to its place */
    double (*move)[3];      /* (n) the same in Å, in the present cell */
    spcfw_mark built, pruned;
    int (*hh)[3]; /* (molecules) translation that makes H2 − H1 the shortest image */
    bool hh_any;  /* any of them not zero */

    int shifts;
    int (*shift)[3];          /* (shifts) first is 0 0 0 */
    double (*shift_move)[3];  /* (shifts) Å */
    double (*shift_field)[3]; /* (shifts) charge · field on the molecules moved by it */

    spcfw_pairs outer, inner;
    int64_t pairs; /* pairs of atoms within reach at the build, each once */
    int64_t builds, dangerous;

    mds_box box; /* of the present moves */
    bool valid;

    /* Scratch of a build. */
    int *order, *column;  /* (molecules) */
    double *height;       /* (molecules) */
    int (*place)[3][3];   /* (molecules) offsets of its atoms, in the order of the atoms */
    double *bounds[2][3]; /* (clusters, to a multiple of eight) */
    size_t shift_room;    /* elements there is memory for */
} spcfw_list;

/* Buffers for n atoms, O H H triples. MDS_ERR_NOMEM. `list` zeroed or used before. */
mds_status spcfw_list_prepare(spcfw_list *list, mds_device *device, const spcfw_kernels *kernels,
                              int n, double cutoff, double skin);
void spcfw_list_fini(spcfw_list *list); /* accepts a zeroed struct */

/* Brings the slot positions up to date, and the list when an atom has moved, or the cell changed,
 * by more than the skin allows. MDS_ERR_NUMERIC when a position is not finite. */
mds_status spcfw_list_update(spcfw_list *list, const mds_state *state, bool *rebuilt);

/* k·h. */
void spcfw_lattice_vector(const mds_box *box, const int k[3], double out[3]);

#endif

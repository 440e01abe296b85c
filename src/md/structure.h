/* A structure on the host: what builders make and files hold. Å. */
#ifndef MDS_MD_STRUCTURE_H
#define MDS_MD_STRUCTURE_H

#include "base/status.h"
#include "md/box.h"
#include "md/species.h"

typedef struct mds_structure {
    int n;
    mds_box box;
    mds_species species;
    int *type;    /* (n) index into species */
    double *x;    /* (n,3) Å, anywhere (not wrapped) */
    double *v;    /* (n,3) Å/fs, or NULL when there are none */
    double *mass; /* (n) u */
} mds_structure;

/* Allocates arrays for n atoms (x, type, mass; v when asked), zeroed. Zero-initialise first. */
mds_status mds_structure_init(mds_structure *structure, int n, bool with_velocities);
void mds_structure_fini(mds_structure *structure); /* accepts a zeroed struct */
mds_status mds_structure_copy(mds_structure *to,
                              const mds_structure *from); /* `to` uninitialised */

/* Repeats the cell na × nb × nc times (atoms of one copy stay together). `to` uninitialised. */
mds_status mds_structure_repeat(mds_structure *to, const mds_structure *from, int na, int nb,
                                int nc);

/* Rotates to restricted form; q as in mds_box_restrict(), may be NULL. */
mds_status mds_structure_restrict(mds_structure *structure, double q[3][3]);

/* Reads frame `frame` (0 first, -1 last) of an extended-XYZ file as ASE writes it: Lattice="...",
 * Properties=..., pbc="T T F"; species, pos, and optionally momenta/velo/vel/masses/Z; unknown
 * columns and keys are skipped. Errors name file, line and what is wrong with which field
 * (MDS_ERR_CONFIG), or the system's reason (MDS_ERR_IO). */
mds_status mds_xyz_read(const char *path, int frame, mds_structure *out);
/* Number of frames; the same errors. */
mds_status mds_xyz_count(const char *path, int *frames);

/* Appends one frame as extended XYZ. forces (n,3), stress (3,3, eV/Å³), energy: NULL to leave out.
 */
mds_status mds_xyz_write(const char *path, bool append, const mds_structure *structure,
                         const double *energy, const double *forces, const double *stress);

/* What may be known about a frame; NULL leaves it out. */
typedef struct mds_xyz_results {
    const double *energy;     /* eV */
    const double *forces;     /* (n,3) eV/Å */
    const double *stress;     /* (3,3) eV/Å³ */
    const double *energy_std; /* eV, of the members of a committee */
    const double *forces_std; /* (n,3) eV/Å */
} mds_xyz_results;

mds_status mds_xyz_write_results(const char *path, bool append, const mds_structure *structure,
                                 const mds_xyz_results *results);

#endif

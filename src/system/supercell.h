/* Which repetition of a cell comes nearest to a number of atoms; shared by the builders. */
#ifndef MDS_SYSTEM_SUPERCELL_H
#define MDS_SYSTEM_SUPERCELL_H

#include "md/box.h"

/* Over all na × nb × nc of the periodic directions of `cell`, which holds n_cell atoms: the atom
 * count nearest to n_asked, and of the equally near the most nearly cubic (least surface for its
 * volume). `name` is for the message. MDS_ERR_UNSUPPORTED, naming the nearest possible numbers,
 * when the nearest is less than half or more than twice of n_asked. */
mds_status mds_supercell_nearest(const mds_box *cell, int n_cell, int n_asked, const char *name,
                                 int *n_atoms, int repeat[3]);

/* The messages of that for whoever finds a size by other means: MDS_OK, or MDS_ERR_UNSUPPORTED with
 * the nearest possible numbers `below` (0: none) and `above`. */
mds_status mds_supercell_check(const char *name, int n_asked, int n_atoms, int below, int above);

#endif

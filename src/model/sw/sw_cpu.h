/* The loops of the Stillinger–Weber engine on the host. Å, eV.
 *
 * Four passes: (1) sort the true bonds, r < aσ, out of the Verlet list; (2) everything that depends
 * on a bond's length; (3) moments of every centre; (4) derivative of the energy by every bond
 * vector, added to the forces on its ends. Each bond is worked on once, in one direction, and each
 * end of it is an atom of the cell (an image shares the moments of its owner), so there are no
 * forces on images. Passes 2 and 4 hold nearly all the arithmetic and are vectorised over bonds. */
#ifndef MDS_MODEL_SW_SW_CPU_H
#define MDS_MODEL_SW_SW_CPU_H

#include "md/neighbor.h"
#include "model/sw/sw_math.h"

/* Arrays of (capacity), views into one buffer. */
typedef struct sw_bonds {
    int count;
    int *first, *second; /* atoms at the two ends; `first` ascends */
    double *x, *y, *z;   /* vector from first to second; after pass 2 its unit vector */
    double *inv_r, *dphi, *w, *dw, *energy; /* pass 2; energy is φ less the terms j = k */
} sw_bonds;

enum { SW_BOND_DOUBLES = 8, SW_BOND_INTS = 2 };
/* Doubles per atom of the moments: p, diagonal of Q, rest of Q, each padded to four. */
enum { SW_MOMENT_STRIDE = 12 };

void sw_find_bonds(const sw_params *params, const mds_neighbor *list, sw_bonds *bonds);
void sw_bond_terms(const sw_params *params, sw_bonds *bonds);
/* moments: (n, SW_MOMENT_STRIDE), 32-byte aligned. */
void sw_moments(const sw_bonds *bonds, int n, double *moments);
/* f: (n,3). virial as in mds_scalars; NULL when it is not wanted. */
void sw_forces(const sw_params *params, const sw_bonds *bonds, int n, const double *moments,
               double *f, double (*virial)[3]);
double sw_energy(const sw_params *params, const sw_bonds *bonds, int n, const double *moments);

#endif

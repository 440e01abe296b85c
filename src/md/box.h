/* A periodic cell. Rows of h are the lattice vectors a, b, c in Å; r = s h with s fractional.
 * Any cell is legal: triclinic, left-handed, rotated. MD uses the restricted form (a along x, b in
 * the xy plane), which mds_box_restrict() makes. */
#ifndef MDS_MD_BOX_H
#define MDS_MD_BOX_H

#include "base/status.h"

#include <stdbool.h>

typedef struct mds_box {
    double h[3][3];       /* rows a, b, c; Å. A direction that is not periodic may be zero. */
    double inverse[3][3]; /* s = r inverse; 1/Å */
    double volume;        /* |det h|, Å³; 0 unless periodic in all three directions */
    double height[3];     /* distance between the faces across a, b, c; Å */
    bool periodic[3];
} mds_box;

/* Fills the derived members. Not-periodic zero vectors are completed by unit normals so that the
 * inverse exists. MDS_ERR_CONFIG for a singular or non-finite cell. */
mds_status mds_box_set(mds_box *box, const double h[3][3], const bool periodic[3]);

/* Orthorhombic, periodic in all directions. */
mds_status mds_box_set_orthogonal(mds_box *box, double a, double b, double c);

/* The rotation (perhaps with a reflection, for a left-handed cell) that takes the cell to
 * restricted form: `restricted` gets the new cell, `q` the matrix with r_new = r q for row vectors.
 */
mds_status mds_box_restrict(const mds_box *box, mds_box *restricted, double q[3][3]);

/* Cartesian from fractional and back; row vectors, in place is allowed. */
void mds_box_to_cartesian(const mds_box *box, const double s[3], double r[3]);
void mds_box_to_fractional(const mds_box *box, const double r[3], double s[3]);

/* Shortest periodic image of the vector d, exact for any cell (searches the neighbouring images).
 */
void mds_box_minimum_image(const mds_box *box, double d[3]);

#endif

/* The inverse of a cell, on the host and the device. */
#ifndef MDS_MD_BOX_MATH_H
#define MDS_MD_BOX_MATH_H

#include "base/hd.h"

static inline MDS_HD double mds_dot3(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static inline MDS_HD void mds_cross3(const double a[3], const double b[3], double out[3])
{
    out[0] = a[1] * b[2] - a[2] * b[1];
    out[1] = a[2] * b[0] - a[0] * b[2];
    out[2] = a[0] * b[1] - a[1] * b[0];
}

/* inverse of h, and across: row k is the product of the other two rows of h, at right angles to
 * both. Returns det h, which must not be 0. */
static inline MDS_HD double mds_box_invert(const double h[3][3], double inverse[3][3],
                                           double across[3][3])
{
    for (int k = 0; k < 3; ++k)
        mds_cross3(h[(k + 1) % 3], h[(k + 2) % 3], across[k]);
    const double det = mds_dot3(h[0], across[0]);
    for (int k = 0; k < 3; ++k)
        for (int c = 0; c < 3; ++c)
            inverse[c][k] = across[k][c] / det;
    return det;
}

#endif

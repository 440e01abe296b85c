/* When a neighbour list is too old: shared by the host's list and the device's. */
#ifndef MDS_MD_NEIGHBOR_MATH_H
#define MDS_MD_NEIGHBOR_MATH_H

#include "base/hd.h"

#include <math.h>

/* How far atoms may move before a pair can come within the cutoff unseen, after a change of cell
 * since the build, and a = h0⁻¹ h, by which the change moved everything. Let u be displacements
 * from the affinely deformed build positions. A pair that is not listed was R = cutoff + skin or
 * more apart, and is now at least σ R − 2 max|u| apart, σ being the least singular value of a; so
 * max|u| ≤ (σ R − cutoff) / 2 is safe. σ ≥ 1 − |a − 1| (Frobenius). Without a change of cell this
 * is skin / 2. */
static inline MDS_HD double mds_neighbor_allowance(const double built_inverse[3][3],
                                                   const double h[3][3], double cutoff, double skin,
                                                   double a[3][3])
{
    double square = 0.0;

    for (int i = 0; i < 3; ++i)
        for (int k = 0; k < 3; ++k) {
            a[i][k] = 0.0;
            for (int c = 0; c < 3; ++c)
                a[i][k] += built_inverse[i][c] * h[c][k];
            square += (a[i][k] - (i == k)) * (a[i][k] - (i == k));
        }
    return 0.5 * ((1.0 - sqrt(square)) * (cutoff + skin) - cutoff);
}

#endif

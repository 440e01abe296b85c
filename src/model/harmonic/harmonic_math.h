/* The Einstein crystal: E = ½ k Σ_i |d_i|², d_i = x_i − x0_i. Sites move with the cell
 * (x0_i = s_i h with fixed fractional s_i), so that under a strain r → r (1 + ε) of atoms and cell
 * d → d (1 + ε) and W_ab = −dE/dε_ab = −k Σ_i d_a d_b. eV, Å. */
#ifndef MDS_MODEL_HARMONIC_HARMONIC_MATH_H
#define MDS_MODEL_HARMONIC_HARMONIC_MATH_H

#include "base/hd.h"

/* Energy of one atom; f gets the force −k d. */
static inline MDS_HD double harmonic_site(double k, const double d[3], double f[3])
{
    for (int a = 0; a < 3; ++a)
        f[a] = -k * d[a];
    return 0.5 * k * (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
}

#endif

/* Screened nuclear repulsion at short distances (J. F. Ziegler, J. P. Biersack & U. Littmark, 1985)
 * as the v3 networks were trained with it: over their truncated list of directed edges, with both
 * atomic numbers one too large (hydrogen counts as helium, also in the radii), and, in the
 * conservative models, divided by the number of atoms. eV, Å. */
#ifndef MDS_MODEL_ORB_ORB_ZBL_H
#define MDS_MODEL_ORB_ORB_ZBL_H

#include "base/hd.h"

#include <math.h>

/* Covalent radii of elements 0 … 118 (B. Cordero et al., doi:10.1039/b801115j), Å. */
extern const double orb_covalent_radius[119];

/* Half the energy of a pair at distance r, for the numbers zu, zv and the sum of radii r_m;
 * *slope gets its derivative. Zero from r_m on. */
static inline MDS_HD double orb_zbl_edge(int zu, int zv, double r_m, double r, double *slope)
{
    const double c[4] = {0.1818, 0.5099, 0.2802, 0.02817};
    const double d[4] = {3.2, 0.9423, 0.4028, 0.2016};
    double phi = 0.0, phi_slope = 0.0;

    *slope = 0.0;
    if (!(r < r_m))
        return 0.0;
    const double a = 0.4543 * 0.529 / (pow(zu, 0.3) + pow(zv, 0.3));
    for (int k = 0; k < 4; ++k) {
        const double e = c[k] * exp(-d[k] * r / a);

        phi += e;
        phi_slope -= d[k] * e / a;
    }
    const double q = 14.3996 * zu * zv / r;
    const double t = r / r_m, t2 = t * t, t5 = t2 * t2 * t;
    const double f = 1.0 + t5 * t * (-28.0 + t * (48.0 - 21.0 * t));
    const double f_slope = t5 * (-168.0 + t * (336.0 - 168.0 * t)) / r_m;

    *slope = 0.5 * ((-q / r * phi + q * phi_slope) * f + q * phi * f_slope);
    return 0.5 * q * phi * f;
}

#endif

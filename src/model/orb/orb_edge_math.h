/* What an edge says to the network, as scalar functions: the envelope, Gaussians or Bessel
 * functions of its length, and real spherical harmonics of its direction up to l = 3, with their
 * derivatives. Lengths in Å. The conventions (order of harmonics, y as the polar axis, factors
 * √(2l+1)) are those the published networks were trained with. */
#ifndef MDS_MODEL_ORB_ORB_EDGE_MATH_H
#define MDS_MODEL_ORB_ORB_EDGE_MATH_H

#include "base/hd.h"
#include "base/units.h"
#include "model/orb/orb_variant.h"

#include <math.h>

/* 1 − 15x⁴ + 24x⁵ − 10x⁶ with x = d/6, zero from there on; *slope gets its derivative. */
static inline MDS_HD double orb_envelope(double d, double *slope)
{
    const double x = d / ORB_CUTOFF, x3 = x * x * x;
    const double inside = d < ORB_CUTOFF ? 1.0 : 0.0;

    *slope = inside * x3 * (-60.0 + x * (120.0 - 60.0 * x)) / ORB_CUTOFF;
    return inside * (1.0 + x3 * x * (-15.0 + x * (24.0 - 10.0 * x)));
}

/* exp(−(d − k/2)²), k = 0 … 19 */
static inline MDS_HD double orb_gaussian(double d, int k)
{
    const double x = d - 0.5 * k;

    return exp(-x * x);
}

/* p sin(w d)/d; *slope gets its derivative. */
static inline MDS_HD double orb_bessel(double d, double prefactor, double w, double *slope)
{
    const double s = sin(w * d), c = cos(w * d);

    *slope = prefactor * (w * c * d - s) / (d * d);
    return prefactor * s / d;
}

/* The 16 harmonics y of the unit vector n and, unless NULL, jacobian[m][a] = ∂y_m/∂n_a of these
 * polynomials. */
static inline MDS_HD void orb_harmonics(const double n[3], double y[ORB_HARMONICS],
                                        double (*jacobian)[3])
{
    const double x = n[0], v = n[1], z = n[2]; /* v: the polar axis */
    const double r3 = sqrt(3.0), r5 = sqrt(5.0), r7 = sqrt(7.0);
    const double a = r3 * x * z, b = 0.5 * r3 * (z * z - x * x), q = x * x + z * z;
    const double p = 4.0 * v * v - q;
    const double k0 = r7 * sqrt(5.0 / 6.0), k1 = r7 * r5, k2 = r7 * sqrt(3.0 / 8.0);

    y[0] = 1.0;
    y[1] = r3 * x;
    y[2] = r3 * v;
    y[3] = r3 * z;
    y[4] = r5 * a;
    y[5] = r5 * r3 * x * v;
    y[6] = r5 * (v * v - 0.5 * q);
    y[7] = r5 * r3 * v * z;
    y[8] = r5 * b;
    y[9] = k0 * (a * z + b * x);
    y[10] = k1 * a * v;
    y[11] = k2 * p * x;
    y[12] = r7 * 0.5 * v * (2.0 * v * v - 3.0 * q);
    y[13] = k2 * p * z;
    y[14] = k1 * b * v;
    y[15] = k0 * (b * z - a * x);
    if (!jacobian)
        return;
    const double ax = r3 * z, az = r3 * x, bx = -r3 * x, bz = r3 * z;
    const double rows[ORB_HARMONICS][3] = {
        {0.0, 0.0, 0.0},
        {r3, 0.0, 0.0},
        {0.0, r3, 0.0},
        {0.0, 0.0, r3},
        {r5 * ax, 0.0, r5 * az},
        {r5 * r3 * v, r5 * r3 * x, 0.0},
        {-r5 * x, 2.0 * r5 * v, -r5 * z},
        {0.0, r5 * r3 * z, r5 * r3 * v},
        {r5 * bx, 0.0, r5 * bz},
        {k0 * (ax * z + bx * x + b), 0.0, k0 * (az * z + a + bz * x)},
        {k1 * ax * v, k1 * a, k1 * az * v},
        {k2 * (p - 2.0 * x * x), k2 * 8.0 * v * x, -k2 * 2.0 * z * x},
        {-r7 * 3.0 * v * x, r7 * (3.0 * v * v - 1.5 * q), -r7 * 3.0 * v * z},
        {-k2 * 2.0 * x * z, k2 * 8.0 * v * z, k2 * (p - 2.0 * z * z)},
        {k1 * bx * v, k1 * b, k1 * bz * v},
        {k0 * (bx * z - ax * x - a), 0.0, k0 * (bz * z + b - az * x)},
    };
    for (int m = 0; m < ORB_HARMONICS; ++m)
        for (int k = 0; k < 3; ++k)
            jacobian[m][k] = rows[m][k];
}

#endif

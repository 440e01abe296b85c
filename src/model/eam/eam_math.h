/* Formulas of the embedded-atom models as pure scalar functions, for the host and for devices.
 *
 *     E = Σ_{i<j} φ(r_ij) + Σ_i F(ρ_i),   ρ_i = Σ_j ρ(r_ij)
 *
 * Sutton and Chen, Phil. Mag. Lett. 61, 139 (1990), with a C2 switch to zero at the cutoff;
 * Finnis and Sinclair, Phil. Mag. A 50, 45 (1984), parameters of the erratum, 53, 161 (1986);
 * tables: cubic Hermite segments with five-point slopes, as LAMMPS reads setfl files.
 * Units: Å, eV. The derivatives are divided by r, so that a force is a number times the vector r.
 */
#ifndef MDS_MODEL_EAM_EAM_MATH_H
#define MDS_MODEL_EAM_EAM_MATH_H

#include "base/hd.h"

#include <math.h>
#include <stddef.h>

typedef struct eam_sc {
    double epsilon_eV, a, c;
    double on, off; /* Å; the switch falls from 1 to 0 between these */
    int n;          /* exponent of the repulsion, 9 or 7; that of the density, m, is 6 */
    int unused;     /* zero: no padding of arbitrary content in arguments of kernels */
} eam_sc;

typedef struct eam_fs {
    double d, A, beta;    /* density: range Å, weight of its root eV, cubic term */
    double c, c0, c1, c2; /* pair: range Å, polynomial */
} eam_fs;

/* What one pair gives: density that one atom makes at the other, pair energy, and ρ'/r, φ'/r. */
typedef struct eam_pair {
    double rho, phi;
    double w, u;
} eam_pair;

/* ε (a/r)^n and (a/r)^6, both times S(x) = 1 − 10x³ + 15x⁴ − 6x⁵, x = (r − on)/(off − on).
 * `inv` is 1/r. `n` is a parameter of its own, so that a constant unrolls the powers. */
static inline MDS_HD eam_pair eam_sc_pair(const eam_sc *p, int n, double r, double inv)
{
    const double width = 1.0 / (p->off - p->on);
    const double inv2 = inv * inv;
    const double q = p->a * p->a * inv2;
    const double m6 = q * q * q;
    const double repulsion = p->epsilon_eV * p->a * inv * (n == 9 ? m6 * q : m6);
    const double y = (r - p->on) * width;
    const double x = y < 0.0 ? 0.0 : y > 1.0 ? 1.0 : y;
    const double s = 1.0 - x * x * x * (10.0 + x * (6.0 * x - 15.0));
    const double ds = -30.0 * x * x * (1.0 - x) * (1.0 - x) * width * inv;
    eam_pair out;

    out.rho = m6 * s;
    out.phi = repulsion * s;
    out.w = m6 * (ds - 6.0 * inv2 * s);
    out.u = repulsion * (ds - n * inv2 * s);
    return out;
}

/* φ = (r−c)² (c0 + c1 r + c2 r²) for r < c; ρ = (r−d)² + β (r−d)³/d for r < d. `inv` is 1/r. */
static inline MDS_HD eam_pair eam_fs_pair(const eam_fs *p, double r, double inv)
{
    const double tc = r < p->c ? r - p->c : 0.0;
    const double td = r < p->d ? r - p->d : 0.0;
    const double poly = p->c0 + r * (p->c1 + r * p->c2);
    const double cubic = p->beta / p->d * td;
    eam_pair out;

    out.rho = td * td * (1.0 + cubic);
    out.phi = tc * tc * poly;
    out.w = td * (2.0 + 3.0 * cubic) * inv;
    out.u = tc * (2.0 * poly + tc * (p->c1 + 2.0 * p->c2 * r)) * inv;
    return out;
}

/* F = −A √ρ and F' of the analytic models; ρ must be positive. */
static inline MDS_HD double eam_root_embedding(double A, double rho, double *dF)
{
    const double root = sqrt(rho);

    *dF = -0.5 * A / root;
    return -A * root;
}

/* Where `x` lies on a grid of `knots` points `1/inverse_step` apart: the segment, and the position
 * within it. Beyond the last knot the end of the last segment is used (LAMMPS does so); before the
 * first one the first segment's polynomial goes on. */
static inline MDS_HD int eam_segment(double x, double inverse_step, int knots, double *t)
{
    const double y = x * inverse_step;
    const double last = knots - 2;
    const int k = (int)(y < 0.0 ? 0.0 : y > last ? last : y);
    const double s = y - k;

    *t = s > 1.0 ? 1.0 : s;
    return k;
}

/* Value and derivative (per unit of t) of the cubic c[0] + c[1] t + c[2] t² + c[3] t³. */
static inline MDS_HD double eam_cubic(const double c[4], double t, double *derivative)
{
    const double b2 = c[3] * t + c[2];
    const double b1 = b2 * t + c[1];

    *derivative = (c[3] * t + b2) * t + b1;
    return b1 * t + c[0];
}

/* A pair from its line of a pair table, [ρ₃ z₃ ρ₂ z₂ ρ₁ z₁ ρ₀ z₀] with z = r φ, at the place t of
 * the segment. `inv` is 1/r. */
static inline MDS_HD eam_pair eam_table_pair(const double line[8], double t, double inverse_dr,
                                             double inv)
{
    const double rho[4] = {line[6], line[4], line[2], line[0]};
    const double z[4] = {line[7], line[5], line[3], line[1]};
    double rho_slope, z_slope;
    eam_pair out;

    out.rho = eam_cubic(rho, t, &rho_slope);
    out.phi = eam_cubic(z, t, &z_slope) * inv;
    out.w = rho_slope * inverse_dr * inv;
    out.u = (z_slope * inverse_dr - out.phi) * (inv * inv);
    return out;
}

/* F(ρ) from its cubics (knots, 4), and F'(ρ) per unit of ρ. Behind the last knot F goes on along
 * its last slope. */
static inline MDS_HD double eam_table_embedding(const double *cubics, double inverse_drho,
                                                int knots, double rho, double *dF)
{
    const double last = (knots - 1) / inverse_drho;
    double t;
    const int k = eam_segment(rho, inverse_drho, knots, &t);
    double F = eam_cubic(cubics + 4 * (size_t)k, t, dF);

    *dF *= inverse_drho;
    if (rho > last)
        F += *dF * (rho - last);
    return F;
}

#endif

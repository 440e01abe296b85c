/* Stillinger–Weber, F. H. Stillinger & T. A. Weber, Phys. Rev. B 31, 5262 (1985),
 * doi:10.1103/PhysRevB.31.5262, with p = 4 and q = 0 as in every parametrisation of silicon. eV, Å.
 *
 *   E = Σ_{i<j} φ(r_ij) + λε Σ_i Σ_{j<k} (cos θ_jik − c0)² w(r_ij) w(r_ik)
 *   φ(r) = Aε [B (σ/r)⁴ − 1] e^{σ/(r−aσ)},   w(r) = e^{γσ/(r−aσ)},   both 0 for r ≥ aσ.
 *
 * The sum over pairs of neighbours factorises. With unit vectors u_j from atom i to its neighbours,
 * cos θ_jik = u_j·u_k, and the moments
 *   s = Σ_j w_j,   p = Σ_j w_j u_j,   Q = Σ_j w_j u_j u_jᵀ   (tr Q = s, since |u| = 1)
 * give Σ_{j,k} w_j w_k (u_j·u_k − c0)² = Q:Q − 2 c0 p·p + c0² s², from which the terms j = k,
 * (1 − c0)² w_j², are taken away: linear in the number of neighbours instead of quadratic, and
 * the same few operations for every bond, which suits vector units.
 *
 * A bond belongs to both of its atoms: seen from the other end u changes sign, so p does and Q does
 * not. The derivative by a bond's vector needs only the sum of both ends' Q and the difference of
 * their p: nine numbers. */
#ifndef MDS_MODEL_SW_SW_MATH_H
#define MDS_MODEL_SW_SW_MATH_H

#include "md/vecmath.h"

#include <math.h>

typedef struct sw_params {
    double sigma, gamma_sigma; /* Å */
    double cutoff, cutoff2;    /* aσ and its square */
    double last_gap;      /* −σ/600 (times γ if that is less than 1), Å: see sw_bond_at() */
    double a_eps;         /* Aε, eV */
    double ab_eps_sigma4; /* Aε B σ⁴, eV Å⁴ */
    double lambda_eps;    /* λε, eV */
    double cos0;
} sw_params;

/* What depends on the length of a bond alone. */
typedef struct sw_bond {
    double inv_r;     /* 1/Å */
    double phi, dphi; /* eV, eV/Å */
    double w, dw;     /* 1, 1/Å */
} sw_bond;

static inline MDS_HD sw_bond sw_bond_at(const sw_params *p, double r2)
{
    sw_bond b;
    const double r = sqrt(r2);
    const double inv_r = 1.0 / r;
    /* Negative. Nearer to the cutoff than this the exponentials are below e^−600; the limit keeps
     * a distance that rounds to the cutoff, or just beyond it, from making an infinity. */
    const double gap = r - p->cutoff < p->last_gap ? r - p->cutoff : p->last_gap;
    const double inv_gap = 1.0 / gap;
    const double inv_r4 = inv_r * inv_r * inv_r * inv_r;
    const double core = p->ab_eps_sigma4 * inv_r4;
    const double exp2 = mds_exp(p->sigma * inv_gap);
    const double w = mds_exp(p->gamma_sigma * inv_gap);

    b.inv_r = inv_r;
    b.phi = (core - p->a_eps) * exp2;
    b.dphi = -4.0 * core * inv_r * exp2 - b.phi * p->sigma * inv_gap * inv_gap;
    b.w = w;
    b.dw = -w * p->gamma_sigma * inv_gap * inv_gap;
    return b;
}

enum { SW_PX, SW_PY, SW_PZ, SW_QXX, SW_QYY, SW_QZZ, SW_QXY, SW_QYZ, SW_QXZ, SW_MOMENTS };

/* λε Σ_{j,k} w_j w_k (u_j·u_k − c0)², halved: the three-body energy of one centre, still with the
 * terms j = k. */
static inline MDS_HD double sw_centre_energy(const sw_params *p, const double m[SW_MOMENTS])
{
    const double s = m[SW_QXX] + m[SW_QYY] + m[SW_QZZ];
    const double pp = m[SW_PX] * m[SW_PX] + m[SW_PY] * m[SW_PY] + m[SW_PZ] * m[SW_PZ];
    const double diagonal = m[SW_QXX] * m[SW_QXX] + m[SW_QYY] * m[SW_QYY] + m[SW_QZZ] * m[SW_QZZ];
    const double rest = m[SW_QXY] * m[SW_QXY] + m[SW_QXZ] * m[SW_QXZ] + m[SW_QYZ] * m[SW_QYZ];

    return 0.5 * p->lambda_eps *
           (diagonal + 2.0 * rest - 2.0 * p->cos0 * pp + p->cos0 * p->cos0 * s * s);
}

/* The terms j = k that a bond brought into sw_centre_energy() of both its ends. */
static inline MDS_HD double sw_self_energy(const sw_params *p, double w)
{
    return p->lambda_eps * (1.0 - p->cos0) * (1.0 - p->cos0) * w * w;
}

/* g = dE/dr of one bond vector r = |r| u; m holds Q summed over both ends and p of the first end
 * minus p of the second. */
static inline MDS_HD void sw_bond_gradient(const sw_params *p, const sw_bond *b, const double u[3],
                                           const double m[SW_MOMENTS], double g[3])
{
    const double c0 = p->cos0;
    const double s = m[SW_QXX] + m[SW_QYY] + m[SW_QZZ];
    const double qx = m[SW_QXX] * u[0] + m[SW_QXY] * u[1] + m[SW_QXZ] * u[2];
    const double qy = m[SW_QXY] * u[0] + m[SW_QYY] * u[1] + m[SW_QYZ] * u[2];
    const double qz = m[SW_QXZ] * u[0] + m[SW_QYZ] * u[1] + m[SW_QZZ] * u[2];
    const double uqu = u[0] * qx + u[1] * qy + u[2] * qz;
    const double pu = m[SW_PX] * u[0] + m[SW_PY] * u[1] + m[SW_PZ] * u[2];
    /* dE/dw: each pair (j,k) counts twice in the full sum, which the half before it takes back; the
     * terms j = k of both ends are 2 (1−c0)² w. */
    const double by_w = p->lambda_eps *
                        (uqu - 2.0 * c0 * pu + c0 * c0 * s - 2.0 * (1.0 - c0) * (1.0 - c0) * b->w);
    const double along = b->dphi + b->dw * by_w;
    /* dE/du = 2 λε w (Q u − c0 p), of which only the part across u turns the bond. */
    const double across = 2.0 * p->lambda_eps * b->w * b->inv_r;
    const double parallel = uqu - c0 * pu;

    g[0] = along * u[0] + across * (qx - c0 * m[SW_PX] - parallel * u[0]);
    g[1] = along * u[1] + across * (qy - c0 * m[SW_PY] - parallel * u[1]);
    g[2] = along * u[2] + across * (qz - c0 * m[SW_PZ] - parallel * u[2]);
}

#endif

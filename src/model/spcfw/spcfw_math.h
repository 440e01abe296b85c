/* SPC/Fw water as pure scalar functions. Å, eV, e.
 *
 * Y. Wu, H. L. Tepper, G. A. Voth, J. Chem. Phys. 124, 024503 (2006), doi:10.1063/1.2136877, with
 * the damped shifted force electrostatics of C. J. Fennell, J. D. Gezelter, J. Chem. Phys. 124,
 * 234104 (2006), doi:10.1063/1.2206581.
 *
 * With s = r² and erfc = 1 − erf the Coulomb function of a pair is
 *     v(r)     = 1/r − P(s) − e_s − f_s r,         P(s) = erf(α√s)/√s,
 *     −v'(r)/r = 1/r³ − Q(s) + f_s/r,              Q(s) = −2 dP/ds.
 * P and Q are entire functions of s. That is why the pair loop needs no erfc, no exp and no table:
 * one polynomial for each over the whole range, and the singular part is exact. */
#ifndef MDS_MODEL_SPCFW_MATH_H
#define MDS_MODEL_SPCFW_MATH_H

#include "base/hd.h"
#include "base/units.h"

#ifndef __CUDACC__
#include <math.h>
#endif

/* The model's own Coulomb constant: the parameters were fixed with this rounded value, 3e-8 away
 * from CODATA, and energies are compared to 1e-9 eV per atom. */
#define SPCFW_COULOMB     14.399645 /* eV Å */
#define SPCFW_CHARGE_O    (-0.82)
#define SPCFW_CHARGE_H    0.41
#define SPCFW_BOND_K      45.92961138 /* eV/Å² */
#define SPCFW_BOND_LENGTH 1.012       /* Å */
#define SPCFW_ANGLE_K     3.29133551  /* eV/rad² */
#define SPCFW_ANGLE       (113.24 * MDS_PI / 180.0)
#define SPCFW_LJ_EPSILON  0.0067398789 /* eV */
#define SPCFW_LJ_SIGMA    3.165492     /* Å */

/* Energy and force over distance of one pair: f_i = force_over_r (x_i − x_j). */
typedef struct spcfw_pair {
    double energy, force_over_r;
} spcfw_pair;

/* The constants of the damped shifted force, per unit of k_e q_i q_j. */
typedef struct spcfw_dsf {
    double alpha, cutoff;
    double force_shift;  /* f_s, 1/Å² */
    double energy_shift; /* e_s, 1/Å */
} spcfw_dsf;

static inline MDS_HD spcfw_dsf spcfw_dsf_make(double alpha, double cutoff)
{
    const double gauss = 2.0 * alpha / sqrt(MDS_PI) * exp(-alpha * alpha * cutoff * cutoff);
    const double bare = erfc(alpha * cutoff) / cutoff;
    spcfw_dsf dsf;

    dsf.alpha = alpha;
    dsf.cutoff = cutoff;
    dsf.force_shift = -(bare + gauss) / cutoff;
    dsf.energy_shift = bare - dsf.force_shift * cutoff;
    return dsf;
}

/* P(s) = erf(α√s)/√s; 1/Å. Its limit at s = 0 is 2α/√π. */
static inline MDS_HD double spcfw_screen(double alpha, double s)
{
    const double r = sqrt(s);

    return alpha * r > 1e-8 ? erf(alpha * r) / r : 2.0 * alpha / sqrt(MDS_PI);
}

/* Q(s) = erf(α√s)/s^(3/2) − (2α/√π) exp(−α²s)/s; 1/Å³. The two terms cancel at small s, where the
 * power series is summed instead. */
static inline MDS_HD double spcfw_screen_slope(double alpha, double s)
{
    const double x = alpha * alpha * s, front = 2.0 * alpha / sqrt(MDS_PI);

    if (x > 0.5)
        return (erf(sqrt(x)) / sqrt(s) - front * exp(-x)) / s;
    double power = 1.0, sum = 0.0; /* power = (−x)^(n−1)/(n−1)! */

    for (int n = 1; n < 16; ++n) {
        sum += power / (2 * n + 1);
        power *= -x / n;
    }
    return 2.0 * alpha * alpha * front * sum;
}

/* v and −v'/r of a pair closer than the cutoff, to be multiplied by k_e q_i q_j. */
static inline MDS_HD spcfw_pair spcfw_coulomb(const spcfw_dsf *dsf, double s)
{
    const double r = sqrt(s);
    spcfw_pair pair;

    pair.energy = 1.0 / r - spcfw_screen(dsf->alpha, s) - dsf->energy_shift - dsf->force_shift * r;
    pair.force_over_r = 1.0 / (r * s) - spcfw_screen_slope(dsf->alpha, s) + dsf->force_shift / r;
    return pair;
}

/* The constant that completes the sum over pairs: −k_e (e_s/2 + α/√π) q² of each charge. */
static inline MDS_HD double spcfw_self_energy(const spcfw_dsf *dsf, double q)
{
    return -SPCFW_COULOMB * (0.5 * dsf->energy_shift + dsf->alpha / sqrt(MDS_PI)) * q * q;
}

/* 12-6 Lennard-Jones of two oxygens, without the shift. */
static inline MDS_HD spcfw_pair spcfw_lennard_jones(double s)
{
    const double s2 = SPCFW_LJ_SIGMA * SPCFW_LJ_SIGMA / s, s6 = s2 * s2 * s2;
    spcfw_pair pair;

    pair.energy = 4.0 * SPCFW_LJ_EPSILON * s6 * (s6 - 1.0);
    pair.force_over_r = 24.0 * SPCFW_LJ_EPSILON * s6 * (2.0 * s6 - 1.0) / s;
    return pair;
}

/* What an intramolecular pair lacks of the full Coulomb pair: −k_e q_i q_j / r. */
static inline MDS_HD spcfw_pair spcfw_exclusion(double qq, double s)
{
    const double e = -SPCFW_COULOMB * qq / sqrt(s);
    spcfw_pair pair;

    pair.energy = e;
    pair.force_over_r = e / s;
    return pair;
}

static inline MDS_HD spcfw_pair spcfw_bond(double s)
{
    const double r = sqrt(s), stretch = r - SPCFW_BOND_LENGTH;
    spcfw_pair pair;

    pair.energy = 0.5 * SPCFW_BOND_K * stretch * stretch;
    pair.force_over_r = -SPCFW_BOND_K * stretch / r;
    return pair;
}

/* The angle between a and b (vectors from the oxygen): energy, and the forces on their ends. */
static inline MDS_HD double spcfw_angle(const double a[3], const double b[3], double fa[3],
                                        double fb[3])
{
    const double aa = a[0] * a[0] + a[1] * a[1] + a[2] * a[2];
    const double bb = b[0] * b[0] + b[1] * b[1] + b[2] * b[2];
    const double ab = a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    const double norm = 1.0 / sqrt(aa * bb);
    const double raw = ab * norm, cosine = raw > 1.0 ? 1.0 : raw < -1.0 ? -1.0 : raw;
    const double bend = acos(cosine) - SPCFW_ANGLE;
    /* dE/dcosθ = −k (θ−θ₀)/sinθ; a straight molecule has no defined direction to bend, so sinθ is
     * kept from zero. */
    const double sine2 = 1.0 - cosine * cosine;
    const double slope = SPCFW_ANGLE_K * bend / sqrt(sine2 > 1e-12 ? sine2 : 1e-12);

    for (int d = 0; d < 3; ++d) {
        fa[d] = slope * (b[d] * norm - cosine * a[d] / aa);
        fb[d] = slope * (a[d] * norm - cosine * b[d] / bb);
    }
    return 0.5 * SPCFW_ANGLE_K * bend * bend;
}

/* Adds the exclusion of the pair with distance vector d to the force on its end. A pair beyond the
 * cutoff was not in the pair sum. */
static inline MDS_HD double spcfw_exclude(double cutoff2, const double d[3], double qq, double f[3])
{
    const double s = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];

    if (s >= cutoff2)
        return 0.0;
    const spcfw_pair pair = spcfw_exclusion(qq, s);

    for (int k = 0; k < 3; ++k)
        f[k] += pair.force_over_r * d[k];
    return pair.energy;
}

/* Bonds, angle and exclusions of one molecule. a, b: O→H1, O→H2; c: H1→H2; the forces are those on
 * the ends of the vectors. */
static inline MDS_HD double spcfw_molecule(double cutoff2, const double a[3], const double b[3],
                                           const double c[3], double fa[3], double fb[3],
                                           double fc[3])
{
    const double qoh = SPCFW_CHARGE_O * SPCFW_CHARGE_H, qhh = SPCFW_CHARGE_H * SPCFW_CHARGE_H;
    const spcfw_pair first = spcfw_bond(a[0] * a[0] + a[1] * a[1] + a[2] * a[2]);
    const spcfw_pair second = spcfw_bond(b[0] * b[0] + b[1] * b[1] + b[2] * b[2]);
    double energy = spcfw_angle(a, b, fa, fb) + first.energy + second.energy;

    for (int k = 0; k < 3; ++k) {
        fa[k] += first.force_over_r * a[k];
        fb[k] += second.force_over_r * b[k];
        fc[k] = 0.0;
    }
    energy += spcfw_exclude(cutoff2, a, qoh, fa);
    energy += spcfw_exclude(cutoff2, b, qoh, fb);
    energy += spcfw_exclude(cutoff2, c, qhh, fc);
    return energy;
}

#endif

/* Lennard-Jones 12-6 with shifted force: V(r) = U(r) − U(rc) − (r − rc) U'(rc),
 * U(r) = 4ε[(σ/r)¹² − (σ/r)⁶]; energy and force are continuous at rc. eV, Å.
 * J. E. Jones, Proc. R. Soc. A 106, 463 (1924), doi:10.1098/rspa.1924.0082; shift as in
 * S. Toxvaerd & J. C. Dyre, J. Chem. Phys. 134, 081102 (2011), doi:10.1063/1.3558787. */
#ifndef MDS_MODEL_LJ_LJ_MATH_H
#define MDS_MODEL_LJ_LJ_MATH_H

#include "base/hd.h"

#include <math.h>

typedef struct lj_params {
    double epsilon4, sigma2; /* 4ε in eV, σ² in Å² */
    double cutoff, cutoff2;  /* Å, Å² */
    double shift, slope;     /* U(rc) in eV, U'(rc) in eV/Å */
} lj_params;

/* Energy of a pair at distance² r2; *f_over_r gets −V'(r)/r. */
static inline MDS_HD double lj_pair(const lj_params *p, double r2, double *f_over_r)
{
    const double r = sqrt(r2);
    const double s2 = p->sigma2 / r2;
    const double s6 = s2 * s2 * s2;

    *f_over_r = p->epsilon4 * s6 * (12.0 * s6 - 6.0) / r2 + p->slope / r;
    return p->epsilon4 * s6 * (s6 - 1.0) - p->shift - (r - p->cutoff) * p->slope;
}

static inline MDS_HD lj_params lj_params_make(double epsilon, double sigma, double cutoff)
{
    lj_params p = {4.0 * epsilon, sigma * sigma, cutoff, cutoff * cutoff, 0.0, 0.0};
    double f_over_r;
    const double at_cutoff = lj_pair(&p, p.cutoff2, &f_over_r);

    p.shift = at_cutoff;
    p.slope = -f_over_r * cutoff;
    return p;
}

#endif

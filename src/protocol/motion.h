/* The per-atom loops of the integrators: plain arrays, no policy, no state.
 *
 * Shapes: x, v, f are (n,3); kick is (n,3), the factor Δt/2m of each component, so that v += kick f
 * is half a velocity step. The loops run over flat components, contiguous, for the vectoriser.
 * Their twins on a CUDA device: protocol/motion_device.h. */
#ifndef MDS_PROTOCOL_MOTION_H
#define MDS_PROTOCOL_MOTION_H

#include "md/state.h"
#include "protocol/motion_device.h"
#include "protocol/noise.h"

/* What a step needs of the masses, in device memory. Zero-initialise first. */
typedef struct mds_motion {
    mds_device *device;
    int n;        /* atoms */
    double dt_fs; /* Δt */
    double *kick; /* (n,3) Δt/2m, (Å/fs) per (eV/Å) */
    void *sums;   /* without host access: where kernels add up */
} mds_motion;

mds_status mds_motion_init(mds_motion *motion, const mds_state *state, double dt_fs);
void mds_motion_fini(mds_motion *motion); /* accepts a zeroed struct */
/* What kernels take; without host access only. */
mds_motion_view mds_motion_get_view(const mds_motion *motion, const mds_state *state);

/* v += kick f. */
void mds_motion_kick(int n, const double *kick, const double *f, double *v);
/* v += kick f, then x += dt v. */
void mds_motion_kick_drift(int n, const double *kick, double dt, const double *f, double *v,
                           double *x);
/* x += dt v. */
void mds_motion_drift(int n, double dt, const double *v, double *x);
/* v *= factor. */
void mds_motion_scale(int n, double factor, double *v);

/* Ornstein–Uhlenbeck step of all velocities, v = decay v + √(1 − decay²) √(kT/m) R, with three
 * normal numbers R of (seed, MDS_RNG_LANGEVIN, step, atom) per atom, made by `noise`
 * (protocol/noise.h). Returns the kinetic energy it added. */
double mds_motion_ou(int n, mds_noise_function *noise, double decay, double temperature_K,
                     uint64_t seed, int64_t step, const double *mass, double *v);

/* A drift over dt with a homogeneous deformation E in its middle: for row vectors
 *   x ← (x + ½dt v) E + ½dt v E⁻ᵀ,  v ← v E⁻ᵀ,
 * which keeps the volume of phase space and is undone by E⁻¹ and −v. `inverse` is E⁻¹. */
void mds_motion_drift_deform(int n, double dt, const double e[3][3], const double inverse[3][3],
                             double *v, double *x);

#endif

/* Stochastic velocity rescaling (Bussi, Donadio & Parrinello, J. Chem. Phys. 126, 014101 (2007)):
 * one factor for all velocities, which moves the kinetic energy to a new value drawn from its exact
 * canonical transition probability, eq. (A7). Shared by nvt and npt. */
#ifndef MDS_PROTOCOL_SVR_H
#define MDS_PROTOCOL_SVR_H

#include <stdint.h>

/* The factor for kinetic energy `kinetic_eV` of `freedom` degrees of freedom over dt_fs with
 * relaxation time tau_fs; its noise is (seed, MDS_RNG_SVR, step). 1 when nothing moves. */
double mds_svr_factor(double kinetic_eV, int freedom, double temperature_K, double dt_fs,
                      double tau_fs, uint64_t seed, int64_t step);

#endif

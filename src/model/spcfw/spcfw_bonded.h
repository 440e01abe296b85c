/* What acts within a molecule: two bonds, the angle, and the −k_e q_i q_j / r that takes the bare
 * Coulomb part of its three nearest-image pairs back out of the pair sum. */
#ifndef MDS_MODEL_SPCFW_BONDED_H
#define MDS_MODEL_SPCFW_BONDED_H

#include "model/spcfw/spcfw_list.h"

/* Adds to f (n,3; eV/Å, in the order of the atoms), and to virial unless NULL; returns the energy.
 * The exclusion subtracts what the pair loop added, so nothing is excluded there: both see the same
 * distance, and 1/r − 1/r loses no digit that 1e-12 eV would show. */
double spcfw_bonded(const spcfw_list *list, double *f, double virial[3][3]);

#endif

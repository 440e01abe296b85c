/* A committee of networks on one structure: each member alone, and how far they are apart. */
#ifndef MDS_CLI_COMMITTEE_H
#define MDS_CLI_COMMITTEE_H

#include "model/model.h"

/* Standard deviations with members - 1 in the denominator. */
typedef struct mds_committee {
    int members;
    double *energy; /* (members) eV */
    double energy_mean, energy_std;
    double *forces_std; /* (n,3) eV/Å, of each component */
} mds_committee;

/* Computes every member of the committee that `spec` is with its option "member" at -1. `state`
 * lends its positions; its forces and scalars are overwritten. */
mds_status mds_committee_compute(const mds_model_spec *spec, int members, mds_state *state,
                                 mds_committee *out);
void mds_committee_fini(mds_committee *committee);

#endif

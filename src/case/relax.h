/* A short minimisation, to take the clashes out of a structure that was put together at random. */
#ifndef MDS_CASE_RELAX_H
#define MDS_CASE_RELAX_H

#include "model/model.h"

typedef struct mds_relax {
    int max_steps;
    double force_eV_A;           /* ends when no force component is larger */
    void (*beat)(void *context); /* called every few steps; may be NULL */
    void *context;
} mds_relax;

/* FIRE (Bitzek, Koskinen, Gähler, Moseler & Gumbsch, Phys. Rev. Lett. 97, 170201 (2006),
 * doi:10.1103/PhysRevLett.97.170201) with no atom moved further than 0.1 Å per step. The state
 * lives on a host-access device and is prepared for the model; its x and f change, v does not.
 * Running out of steps is no failure: what follows is dynamics, not a minimum. */
mds_status mds_relax_state(const mds_relax *relax, mds_model *model, mds_state *state);

#endif

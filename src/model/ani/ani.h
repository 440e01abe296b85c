/* What tests may ask of an ANI model besides energy and forces. */
#ifndef MDS_MODEL_ANI_ANI_H
#define MDS_MODEL_ANI_ANI_H

#include "model/model.h"

/* Members in use. */
int ani_member_count(const mds_model *model);
/* After a computation: the network energies of the members in eV, without self energies (the
 * spread is the committee's measure of doubt). (members) */
const double *ani_member_energies(const mds_model *model);
/* Descriptor of atom i of the last computation, all columns as the files count them, into `out`. */
void ani_descriptor_of(const mds_model *model, int i, double *out);
int ani_descriptor_size(const mds_model *model);

#endif

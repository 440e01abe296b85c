/* The parameters of the analytic forms, Sutton–Chen and Finnis–Sinclair. */
#ifndef MDS_MODEL_EAM_EAM_ANALYTIC_H
#define MDS_MODEL_EAM_EAM_ANALYTIC_H

#include "base/option.h"
#include "md/species.h"
#include "model/eam/eam_kernel.h"

/* The analytic form for the species, by the option `form`, with its parameters: form, cutoff, sc or
 * fs of the job; *A gets the weight of the root in the embedding, eV. MDS_ERR_UNSUPPORTED when
 * there is none. */
mds_status eam_choose_analytic(const mds_options *options, const mds_species *species, eam_job *job,
                               double *A);

#endif

/* Facts about the run for /provenance: gathered once, before the first case. */
#ifndef MDS_CLI_PROVENANCE_H
#define MDS_CLI_PROVENANCE_H

#include "comm/comm.h"
#include "store/store.h"

/* Who this rank is; `device` is what its worker will open. A GPU, which a rank must not open, stays
 * to be described by mds_binding_describe(). */
mds_status mds_provenance_rank(const mds_comm *comm, const char *device, mds_rank_info *out);
/* Collective: every rank's info on rank 0 (heap array of size ranks there, NULL elsewhere). */
mds_status mds_provenance_gather(mds_comm *comm, const mds_rank_info *own, mds_rank_info **all);
/* The facts, heap; freed by mds_provenance_free(). */
mds_status mds_provenance_facts(const mds_comm *comm, int argc, char **argv, mds_fact **facts,
                                int *count);
void mds_provenance_free(mds_fact *facts, int count);

#endif

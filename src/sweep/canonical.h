/* Private to sweep/: the parts of a case's canonical text. Each is "name=value" items sorted by
 * name, and so is their sequence model, n, protocol, repeat, run, system. Parts are made once and
 * shared by many cases. */
#ifndef MDS_SWEEP_CANONICAL_H
#define MDS_SWEEP_CANONICAL_H

#include "base/strbuf.h"
#include "case/study.h"

/* Digests of the files that options name: a file counts by what is in it, not by where it lies. */
typedef struct mds_digests {
    struct mds_digest *list;
    int count;
} mds_digests;

void mds_digests_fini(mds_digests *digests); /* accepts a zeroed struct */

/* `spec` NULL: what the study says of the model, for one that could not be resolved. */
void mds_canonical_model(mds_digests *digests, const mds_study *study, const mds_case *point,
                         const mds_model_spec *spec, mds_strbuf *out);
void mds_canonical_protocol(mds_digests *digests, const mds_study *study, int protocol,
                            mds_strbuf *out);
void mds_canonical_run(const mds_run *run, mds_strbuf *out);
void mds_canonical_system(mds_digests *digests, const mds_study *study, int system,
                          mds_strbuf *out);
/* "n_asked=64 n_atoms=64"; returns the length. */
int mds_canonical_sizes(const mds_case *point, char *out, size_t size);
/* "repeat=0"; returns the length. */
int mds_canonical_repeat(int repeat, char *out, size_t size);

#endif

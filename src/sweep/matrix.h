/* The expanded matrix: every case of a study, in axis order, with its key, actual size, resolved
 * run parameters, predicted cost, and the reason where it is skipped. The same text gives the same
 * matrix on every rank.
 *
 * Two sizes for which a system has the same number of atoms stay two cases: they were asked for as
 * two, and their keys hold both numbers. */
#ifndef MDS_SWEEP_MATRIX_H
#define MDS_SWEEP_MATRIX_H

#include "case/study.h"

typedef struct mds_matrix {
    int count;
    mds_case *cases; /* (count) systems slowest, repeats fastest */
    int *order;      /* (count) indices by schedule: repeat by repeat, longest predicted first;
                        skipped cases last */
    int runnable;    /* order[0..runnable) are not skipped */
    double cost_s;   /* predicted sum over the runnable */
    void *storage;   /* texts */
} mds_matrix;

/* `filter`: NULL or a filter expression (sweep/filter.h); cases it rejects are left out altogether,
 * as are those an exclude rule names. `device`: what "auto" becomes here ("cpu" or "cuda").
 * MDS_ERR_USAGE for a bad filter or one that leaves no case; MDS_ERR_CONFIG for two cases with the
 * same key, an empty matrix, one of more than 2·10⁶ cases, or frames of a case beyond 2 GiB. */
mds_status mds_matrix_expand(const mds_study *study, const char *filter, const char *device,
                             mds_matrix *out);
void mds_matrix_fini(mds_matrix *matrix); /* accepts a zeroed struct */

/* The canonical text of a case, whose hash is its key, into out: what defines its physics and its
 * measurement as sorted "model=reference model.engine=sw ... n_asked=64 n_atoms=64 protocol=nve ...
 * repeat=0 ... run.timestep_fs=1 ... system=silicon ...". Neither positions on axes nor device,
 * rank or limits are in it; a file that an option names is in it by a hash of its content. */
char *mds_case_canonical(const mds_study *study, const mds_case *point, char *out, size_t size);

#endif

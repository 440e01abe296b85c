/* Reading a results file, finished or still growing; serial, read-only. */
#ifndef MDS_STORE_READER_H
#define MDS_STORE_READER_H

#include "store/row.h"

typedef struct mds_results {
    char path[MDS_PATH_SIZE];
    char name[64]; /* of the study */
    mds_row *rows; /* (count) in matrix order */
    int count;
    mds_targets targets;
    double leak_tolerance_MB;
    int ranks;
    int minor;             /* of its schema version */
    double t_start, t_end; /* of the run, s since the epoch; NaN while it runs */
    char created[40];
    bool packed; /* compressed by `mdsweep repack`: nothing can be written into it in parallel */
} mds_results;

/* MDS_ERR_IO with the reason: missing, not HDF5, not ours, a schema version this program does not
 * know. `out` is to be fini'd by the caller. */
mds_status mds_results_read(const char *path, mds_results *out);
void mds_results_fini(mds_results *results); /* accepts a zeroed struct */

/* One series of one case: heap array of row->done[pool] cells as doubles. */
mds_status mds_results_series(const char *path, const mds_row *row, mds_pool pool, const char *key,
                              double **out, int64_t *count);
/* A text of the file, "/config/given", "/provenance/build": heap. */
mds_status mds_results_text(const char *path, const char *dataset, char **out);

#endif

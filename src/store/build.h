/* Private to store/: the steps that creating, resuming and merging share. */
#ifndef MDS_STORE_BUILD_H
#define MDS_STORE_BUILD_H

#include "store/store.h"

/* Plan columns and pool ranges of the matrix's cases into rows (matrix->count). */
void mds_store_lay_out(const mds_store_plan *plan, mds_row *rows);
/* Writes a whole file under the name `temporary`, its blocks taken; `path` is for messages. */
mds_status mds_store_build(const char *temporary, const char *path, const mds_store_plan *plan,
                           const mds_row *rows, int count);
/* The ranges of the pools, one row behind the other, by the rows' counts. */
void mds_store_place(mds_row *rows, int count);
/* Into the file `temporary`, already built: the series, frames and launches of `path`. Row i takes
 * new[i].done rows of old[match[i]], none where match[i] is negative. `launches`: how many the
 * target has, counted on. Past HDF5 (image.h). */
mds_status mds_store_copy(const char *path, const char *temporary, const mds_row *old,
                          const mds_row *new, const int *match, int count, int *launches);
/* PATH.tmp into `out`, made so that a place that cannot be written is found early. */
mds_status mds_store_temporary(const char *path, char *out, size_t size);
/* Syncs, renames to `path`, syncs the folder. */
mds_status mds_store_publish(const char *path, const char *temporary);

#endif

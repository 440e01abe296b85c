/* Private to store/: /provenance/sources/<n>, where the cases of a merged file come from. */
#ifndef MDS_STORE_SOURCES_H
#define MDS_STORE_SOURCES_H

#include "store/h5.h"
#include "store/store.h"

/* How many there are in the file `path`; 0 in one that was not merged. */
int mds_sources_count(const char *path);
/* Those of plan->carried as they are, then those of plan->sources: of each file /provenance whole,
 * its name and its configuration; what it was itself merged from comes first, under numbers of its
 * own. `path` is for messages. */
mds_status mds_sources_write(hid_t file, const char *path, const mds_store_plan *plan);

#endif

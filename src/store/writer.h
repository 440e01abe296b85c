/* Private to store/: an open store, for the files that write into it. */
#ifndef MDS_STORE_WRITER_H
#define MDS_STORE_WRITER_H

#include "store/h5.h"
#include "store/store.h"
#include "store/sync.h"
#include "store/trajectory.h"

enum { COLUMNS_MAX = 160, POOL_COLUMNS_MAX = 32, UNSYNCED_MAX = 64, TAIL_CELLS_MAX = 1 << 18 };

struct mds_store {
    char path[MDS_PATH_SIZE];
    hid_t file;
    int fd; /* of our own, for fdatasync: H5Fflush would be collective */
    int column_count;
    mds_column column[COLUMNS_MAX];
    hid_t column_set[COLUMNS_MAX], column_type[COLUMNS_MAX];
    hid_t pool_set[MDS_POOL_COUNT][POOL_COLUMNS_MAX];
    mds_trajectory trajectory; /* of the case in work */
    mds_row *rows;
    int count;
    int index;      /* of the case in work, or -1 */
    int lost;       /* of one whose end could not be written, or -1 */
    int ended;      /* of the case whose end is still to be written, or -1 */
    mds_cell *tail; /* its rows that are still to be written: pool by pool, column by column */
    int64_t tail_rows[MDS_POOL_COUNT];
    mds_syncer *syncer;
    struct {
        int index;
        int64_t ticket;
    } unsynced[UNSYNCED_MAX]; /* ends that were written, but may not be on the disk yet */
    int unsynced_count;
};

/* `count` elements of a 1-D dataset from `first` on; `what` names it in the message. */
mds_status mds_store_write_cells(mds_store *store, hid_t set, hid_t type, int64_t first,
                                 int64_t count, const void *cells, const char *what);
/* After a write that failed, at once: MDS_ERR_IO with the cause, as far as it can be known. */
mds_status mds_store_write_failed(const mds_store *store, const char *what);

/* Before closing after an error: what did not get to the disk goes back to PENDING, as far as that
 * can be written, and does not count as an attempt: the case is not to blame. */
void mds_store_put_back_rest(mds_store *store);

#endif

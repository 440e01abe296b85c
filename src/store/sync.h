/* Private to store/: fdatasync() in a thread of its own. It takes from one millisecond to many, in
 * which a rank must answer others and feed its worker. The thread knows neither MPI nor HDF5. */
#ifndef MDS_STORE_SYNC_H
#define MDS_STORE_SYNC_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct mds_syncer mds_syncer;

/* `fd` is borrowed. */
mds_status mds_syncer_create(int fd, mds_syncer **out);
void mds_syncer_destroy(mds_syncer *syncer); /* accepts NULL; ends after the sync in progress */

/* For poll(): readable when a sync has ended since the last mds_syncer_done(). */
int mds_syncer_fd(const mds_syncer *syncer);
/* Asks for what is written by now to be on the disk, soon; the ticket to ask after it. */
int64_t mds_syncer_request(mds_syncer *syncer);
/* The last ticket whose bytes are on the disk. `wait`: only returns when `ticket` is, or an error
 * came. *error is the errno of a sync that failed, else 0; it stays. One caller at a time. */
int64_t mds_syncer_done(mds_syncer *syncer, int64_t ticket, bool wait, int *error);

#endif

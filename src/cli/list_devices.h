/* The text of `list devices`. */
#ifndef MDS_CLI_LIST_DEVICES_H
#define MDS_CLI_LIST_DEVICES_H

#include "base/status.h"
#include "base/strbuf.h"

/* Under a launcher a collective call of all ranks (MPI is begun and ended in it), whose text is
 * that of rank 0's host. */
mds_status mds_list_devices(mds_strbuf *out);

#endif

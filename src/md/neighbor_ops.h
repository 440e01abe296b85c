/* What a neighbour list on a device without host access provides; neighbor.c checks the options and
 * passes on. Nobody else calls through this table. */
#ifndef MDS_MD_NEIGHBOR_OPS_H
#define MDS_MD_NEIGHBOR_OPS_H

#include "md/neighbor.h"

typedef struct mds_neighbor_ops {
    mds_status (*create)(mds_device *device, const mds_neighbor_options *options,
                         mds_neighbor **out);
    void (*destroy)(mds_neighbor *list);
    mds_status (*update)(mds_neighbor *list, mds_state *state);
    mds_status (*make_room)(mds_neighbor *list, mds_state *state);
    void (*invalidate)(mds_neighbor *list);
} mds_neighbor_ops;

/* In CUDA builds. */
extern const mds_neighbor_ops mds_neighbor_cuda;

#endif

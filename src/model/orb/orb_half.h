/* The fp16 path of direct models on CUDA devices: weights packed once, and the network's forward
 * pass by the kernels of orb_fused.h in place of orb_forward(). Graph, edge features, heads and
 * repulsion are those of the other precisions, in float32 and float64. */
#ifndef MDS_MODEL_ORB_ORB_HALF_H
#define MDS_MODEL_ORB_ORB_HALF_H

#include "model/orb/orb_model.h"

/* After the weights are loaded, in float32. MDS_ERR_CONFIG if one is too large for float16,
 * MDS_ERR_UNSUPPORTED if a block does not get the shared memory it needs. */
mds_status orb_half_create(orb *self);
void orb_half_destroy(orb *self); /* accepts a partial object */
/* nodes.h from graph and weights. The first call after atoms or the room for edges have changed
 * allocates and so must not be recorded; nor can it be, since those allocate too. */
mds_status orb_half_forward(orb *self);
/* orb_heads() in fewer launches. */
mds_status orb_half_heads(orb *self, mds_state *state, unsigned want);

#endif

/* The frames that `replay` gives to every model: read from an extended-XYZ file, or made by the
 * reference model, in which case they depend on the study's seed and the start state alone. */
#ifndef MDS_CASE_FRAMES_H
#define MDS_CASE_FRAMES_H

#include "md/structure.h"
#include "protocol/protocol.h"

typedef struct mds_frame_store {
    mds_frames frames; /* what the protocol gets; points into the members below */
    double *x;         /* (count,n,3) Å */
    mds_box *box;      /* (count) */
} mds_frame_store;

/* `protocol` says where from (its options "frames", "frame_count", "frame_every"); `start` is the
 * start state. `beat` is called every few steps, may be NULL. Zero-initialise `out`.
 * MDS_ERR_CONFIG when a file's atoms are not those of `start`. */
mds_status mds_frame_store_make(const mds_protocol_spec *protocol, const mds_structure *start,
                                double dt_fs, double temperature_K, uint64_t seed,
                                void (*beat)(void *context), void *context, mds_frame_store *out);
void mds_frame_store_fini(mds_frame_store *store); /* accepts a zeroed struct */

#endif

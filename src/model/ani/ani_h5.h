/* An ANI model in one weights file (docs/weights.md), in the steps of ani_weights.h. */
#ifndef MDS_MODEL_ANI_ANI_H5_H
#define MDS_MODEL_ANI_ANI_H5_H

#include "model/ani/ani_weights.h"

/* `out` is zeroed; on success out->file is open. */
mds_status ani_h5_open(const char *path, ani_weights *out);
mds_status ani_h5_check(ani_weights *weights);
mds_status ani_h5_read(const ani_weights *weights, int member, int element, int layer,
                       float *weight, float *bias);

#endif

/* The networks of the elements that are there, ready for a kernel: only the columns of the first
 * layer whose inputs can differ from zero, widths padded, the unit of energy and the mean over the
 * members folded into the last layer. */
#ifndef MDS_MODEL_ANI_ANI_PACK_H
#define MDS_MODEL_ANI_ANI_PACK_H

#include "device/device.h"
#include "model/ani/ani_kernel.h"

typedef struct ani_pack {
    int live, members, features;
    int element[ANI_ELEMENTS_MAX]; /* (live) indices into the weights, ascending */
    ani_packed net[ANI_MEMBERS_MAX][ANI_ELEMENTS_MAX]; /* (members, live) */
    void *memory;                                      /* of the device; all weights */
    size_t bytes;
} ani_pack;

/* Packs members first..first+members-1. Energies come out times `scale`. What was in
 * `pack` is replaced; it is empty on failure. */
mds_status ani_pack_make(mds_device *device, const ani_weights *weights, const ani_kernel *kernel,
                         int first, int members, const int *element, int live, double scale,
                         ani_pack *pack);
void ani_pack_fini(mds_device *device, ani_pack *pack);
/* Live columns of the descriptor, padded; and which column of the whole descriptor each of them is
 * (as many as there are without padding). */
int ani_pack_features(const ani_weights *weights, int live);
void ani_pack_columns(const ani_weights *weights, const int *element, int live, int *full);
/* Bytes that packing `live` elements takes. */
size_t ani_pack_bytes(const ani_weights *weights, const ani_kernel *kernel, int first, int members,
                      const int *element, int live);

#endif

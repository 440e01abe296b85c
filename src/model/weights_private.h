/* What weights.c (names and shapes) and weights_file.c (HDF5) share. */
#ifndef MDS_MODEL_WEIGHTS_PRIVATE_H
#define MDS_MODEL_WEIGHTS_PRIVATE_H

#include "model/weights.h"
#include "model/weights_crc.h"

typedef struct mds_tensor {
    char *name;
    mds_weights_shape_info shape;
    uint32_t sum;
    bool described; /* shape and sum are there */
    bool known;     /* read or skipped */
} mds_tensor;

struct mds_weights {
    char *path;
    int64_t file;        /* a hid_t; < 0: none */
    mds_tensor *tensors; /* (count), sorted by name */
    int count, capacity;
    mds_crc crc;
};

/* For qsort() and bsearch(). */
int mds_tensor_by_name(const void *a, const void *b);
/* Shape and checksum from the file, unless they are there; MDS_ERR_CONFIG when the tensor is not
 * what a tensor should be. Not at opening: a plan opens a file for every case. */
mds_status mds_weights_describe(const mds_weights *weights, mds_tensor *t);
/* The numbers as `real` into `work`, which has room for the wider of that and what is stored;
 * MDS_ERR_CONFIG when they are damaged or not finite. */
mds_status mds_weights_load(const mds_weights *weights, const mds_tensor *t, mds_weights_real real,
                            void *work);

#endif

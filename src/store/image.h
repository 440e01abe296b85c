/* A file that is built in memory first: HDF5 writes it there, where no disk can be full, and its
 * bytes then go to the disk by calls whose failure is ours to report. (After a failed write HDF5
 * cannot close the file, and its clean-up at the end of the process crashes.) */
#ifndef MDS_STORE_IMAGE_H
#define MDS_STORE_IMAGE_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct mds_image {
    int fd;
    char name[32]; /* for H5Fcreate() */
} mds_image;

mds_status mds_image_create(mds_image *out);
void mds_image_fini(mds_image *image);
/* Takes the blocks of the whole file at `temporary`, then writes what the image holds; holes stay
 * unwritten. `path` is the name for messages. MDS_ERR_IO: "disk full: needs X, Y free", ... */
mds_status mds_image_write(const mds_image *image, const char *temporary, const char *path);

/* All bytes, at `offset`; MDS_ERR_IO names `path`. */
mds_status mds_image_put(int fd, const void *bytes, size_t size, int64_t offset, const char *path);

#endif

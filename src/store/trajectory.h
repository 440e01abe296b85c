/* Private to store/: /trajectories/<key>, one H5MD 1.1 group per case that stores frames. It is
 * made whole at creation, room for every frame included; a running case writes raw data alone. */
#ifndef MDS_STORE_TRAJECTORY_H
#define MDS_STORE_TRAJECTORY_H

#include "case/samples.h"
#include "store/h5.h"

/* The datasets of a case while it runs; ids are 0 when closed. */
typedef struct mds_trajectory {
    hid_t mass, species, step, time, edges, positions;
} mds_trajectory;

/* The group of one row, below /trajectories. < 0 on failure. */
herr_t mds_trajectory_create(hid_t parent, const mds_row *row);
/* Bytes of a row's group in the file, metadata included. */
double mds_trajectory_bytes(int n_atoms, int64_t frames);

/* Independent. Zero-initialise first; `path` is for messages. */
mds_status mds_trajectory_open(hid_t file, const char *path, const mds_row *row,
                               mds_trajectory *out);
void mds_trajectory_close(mds_trajectory *trajectory); /* accepts a zeroed struct */

/* Writes frames first … first+count−1 of the area, and with frame 0 elements and masses. */
mds_status mds_trajectory_write(const mds_trajectory *trajectory, const mds_frame_area *area,
                                double dt_fs, int64_t first, int64_t count, const char *path);

/* The frames that were written, from the old row's group to the place of the new one's: `layout`
 * tells where that is in the file `fd`. Past HDF5, as all copying (h5.h). */
mds_status mds_trajectory_copy(hid_t from, const mds_row *old, hid_t layout, int fd,
                               const mds_row *new, const char *path);

#endif

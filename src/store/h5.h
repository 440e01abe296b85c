/* Short verbs over the HDF5 C library for this layer: errors as one line, ids closed in one place.
 */
#ifndef MDS_STORE_H5_H
#define MDS_STORE_H5_H

#include "base/status.h"
#include "store/row.h"

#include <hdf5.h>

/* Silences the library's own error stack on stderr, and keeps it from closing at the exit what
 * could not be closed before: that would be MPI after MPI_Finalize(). Before any other call of
 * HDF5. */
void mds_h5_quiet(void);
/* MDS_ERR_IO: "path: what: <function>: <the library's innermost words>"; clears the stack. */
mds_status mds_h5_fail(const char *path, const char *what);

/* The file type of a column (for TEXT a new type, which the caller closes). */
hid_t mds_h5_column_type(mds_column_type type, size_t size);
hid_t mds_h5_cell_type(mds_cell_type type);

/* Attributes of an object; fixed-length text. < 0 on failure. */
herr_t mds_h5_text_attribute(hid_t object, const char *name, const char *text);
herr_t mds_h5_number_attribute(hid_t object, const char *name, double value);
/* A scalar fixed-length string dataset. */
herr_t mds_h5_text_dataset(hid_t parent, const char *name, const char *text, const char *long_name);

/* Where the elements of a contiguous dataset lie in its file; < 0: nowhere. */
int64_t mds_h5_offset(hid_t set);
/* Copies `rows` 8-byte elements of a 1-D dataset to the file `to`, at `offset`, in pieces: past
 * HDF5, which does not survive a failed write. `path` is the file written. */
mds_status mds_h5_copy_rows(hid_t source, int64_t from, int64_t rows, hid_t type, int to,
                            int64_t offset, const char *path);

#endif

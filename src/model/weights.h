/* Weights files of the network engines: a set of named float tensors and a few attributes in one
 * HDF5 file (docs/weights.md has the format). One reader for all engines; it is serial, needs no
 * MPI, and prints nothing.
 *
 *     mds_weights *w = NULL;
 *     MDS_TRY(mds_weights_open(path, "mdsweep-orb-weights", 1, &w));
 *     MDS_TRY(mds_weights_attribute_number(w, "layers", &layers));
 *     MDS_TRY(mds_weights_read(w, "enc.weight", MDS_WEIGHTS_F32, 2, (int64_t[]){256, 128}, out));
 *     MDS_TRY(mds_weights_refuse_unread(w));
 * out:
 *     mds_weights_close(w);
 *
 * Messages begin with the path and name the tensor or attribute. Statuses: MDS_ERR_UNSUPPORTED when
 * there is no such file (engines put before it where to get one, mds_error_prefix()),
 * MDS_ERR_CONFIG for a file that is damaged, of another format, or does not fit, MDS_ERR_NOMEM.
 * Not thread-safe (the library is not); attributes cost little, tensors are read one by one. */
#ifndef MDS_MODEL_WEIGHTS_H
#define MDS_MODEL_WEIGHTS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MDS_WEIGHTS_RANK_MAX = 8 };

typedef struct mds_weights mds_weights;

typedef enum mds_weights_real { MDS_WEIGHTS_F32 = 4, MDS_WEIGHTS_F64 = 8 } mds_weights_real;

typedef struct mds_weights_shape_info {
    int rank; /* 0: a scalar */
    int64_t dim[MDS_WEIGHTS_RANK_MAX];
    int64_t count;           /* elements */
    mds_weights_real stored; /* as in the file */
} mds_weights_shape_info;

/* `path` may be "built-in:NAME" (built_in.h). Checks the root attributes `format` (must be
 * `format`), `format_version` (its first number must be `major`) and `tensors` (their number), and
 * lists their names. Nothing of the tensors is read
 * yet, so that it is cheap. */
mds_status mds_weights_open(const char *path, const char *format, int major, mds_weights **out);
/* Accepts NULL. */
void mds_weights_close(mds_weights *weights);
/* As given to open; borrowed. */
const char *mds_weights_path(const mds_weights *weights);

/* Root attributes: text of fixed length; an integer or a float. */
bool mds_weights_has_attribute(const mds_weights *weights, const char *name);
mds_status mds_weights_attribute_text(const mds_weights *weights, const char *name, char *out,
                                      size_t size);
mds_status mds_weights_attribute_number(const mds_weights *weights, const char *name, double *out);
/* The same, but a whole number in [min, max]. */
mds_status mds_weights_attribute_int(const mds_weights *weights, const char *name, int min, int max,
                                     int *out);

/* Tensors, sorted by name; names of tensors in groups hold '/'. Borrowed. */
int mds_weights_count(const mds_weights *weights);
const char *mds_weights_name(const mds_weights *weights, int i);
bool mds_weights_has(const mds_weights *weights, const char *name);
/* MDS_ERR_CONFIG with the nearest name when there is no such tensor. */
mds_status mds_weights_shape(const mds_weights *weights, const char *name,
                             mds_weights_shape_info *out);

/* The whole tensor, row-major, as `real` into `out`, which holds the product of `dims` (rank of
 * them; NULL with rank 0). Refused unless the shape is that one (dimensions of length 1 do not
 * count: [118] is [1,118], [] is [1]), the checksum is right and every number finite. */
mds_status mds_weights_read(mds_weights *weights, const char *name, mds_weights_real real, int rank,
                            const int64_t *dims, void *out);
/* Declares that a tensor is known and not needed. No such tensor: nothing. */
void mds_weights_skip(mds_weights *weights, const char *name);

/* Tensors that were neither read nor skipped. */
int mds_weights_unread(const mds_weights *weights);
/* MDS_ERR_CONFIG with their names, when there are any: the file holds more than the engine knows,
 * so the engine would compute something else than the file means. */
mds_status mds_weights_refuse_unread(const mds_weights *weights);

#endif

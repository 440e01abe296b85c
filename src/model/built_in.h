/* Files that are compiled into the program (cmake/MdsweepEmbed.cmake): the weights of the students.
 * Where a path of weights is expected, "built-in:NAME" means one of them. */
#ifndef MDS_MODEL_BUILT_IN_H
#define MDS_MODEL_BUILT_IN_H

#include <stddef.h>

typedef struct mds_built_in {
    const char *name; /* "student/silicon"; NULL ends the table */
    const unsigned char *bytes;
    size_t size;
} mds_built_in;

extern const mds_built_in mds_built_ins[];

/* NAME of "built-in:NAME"; NULL when `path` is another path. Borrowed from `path`. */
const char *mds_built_in_name(const char *path);
/* The file that such a path means; NULL when it means none. */
const mds_built_in *mds_built_in_find(const char *path);

#endif

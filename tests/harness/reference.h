/* Reference results in HDF5 (see the README of the folder that MDSWEEP_TEST_DATA names). */
#ifndef MDS_TESTS_HARNESS_REFERENCE_H
#define MDS_TESTS_HARNESS_REFERENCE_H

#include "md/structure.h"

#include <stdbool.h>

typedef struct mds_reference mds_reference;

/* `name`: file below the data folder, "reference/classical/open/sw_si.h5". NULL when it cannot be
 * opened (prints why). */
mds_reference *mds_reference_open(const char *name);
void mds_reference_close(mds_reference *reference);

/* Names of the members of a group ("/configs"); heap array of heap strings, count in *count. */
char **mds_reference_list(mds_reference *reference, const char *group, int *count);
void mds_reference_list_free(char **names, int count);

/* A dataset as doubles (integers are converted); heap, *count elements. NULL when absent. */
double *mds_reference_array(mds_reference *reference, const char *path, int *count);
/* A scalar dataset or group attribute; NaN when absent. */
double mds_reference_scalar(mds_reference *reference, const char *group, const char *name);
/* cell, positions, numbers (and masses) of a group as a structure, periodic. */
bool mds_reference_structure(mds_reference *reference, const char *group, mds_structure *out);

#endif

/* The comment line of an extended-XYZ frame: key=value pairs, and the columns that Properties
 * declares. Inside of the reader; not for users. */
#ifndef MDS_MD_XYZ_HEADER_H
#define MDS_MD_XYZ_HEADER_H

#include "base/status.h"

#include <stdbool.h>

/* First column of each field the reader knows, or -1; `count` columns in all. */
typedef struct mds_xyz_columns {
    int species, z, position, momenta, velocity, mass;
    int count;
    bool declared; /* by Properties; otherwise the preset "species:S:1:pos:R:3" */
} mds_xyz_columns;

typedef struct mds_xyz_header {
    double lattice[3][3];
    bool has_lattice;
    bool periodic[3];
    mds_xyz_columns columns;
} mds_xyz_header;

/* `line` is the comment line, NUL-terminated. Messages carry no file and line number: the caller
 * puts those before. */
mds_status mds_xyz_parse_header(const char *line, mds_xyz_header *out);

/* A finite number that fills the whole word; false if it is not one. */
bool mds_xyz_parse_number(const char *word, double *out);

#endif

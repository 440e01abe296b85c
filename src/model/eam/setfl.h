/* Reader of setfl files ("eam/alloy" and "eam/fs" of LAMMPS, DYNAMO 86 multi-element format):
 *
 *     3 comment lines
 *     Nel El1 El2 ...
 *     Nrho drho Nr dr cutoff
 *     per element:  Z mass a lattice / F(ρ)[Nrho] / ρ(r)[Nr]  (fs: Nel blocks of ρ)
 *     per pair i ≥ j:  r φ(r) [Nr]
 *
 * Units: Å, eV, u. Every function that fails says file, line, field and what would be right:
 * MDS_ERR_IO when the file cannot be read, MDS_ERR_CONFIG when it is damaged. */
#ifndef MDS_MODEL_EAM_SETFL_H
#define MDS_MODEL_EAM_SETFL_H

#include "base/status.h"

#include <stdbool.h>

enum { SETFL_ELEMENTS_MAX = 16, SETFL_KNOTS_MAX = 2000000, SETFL_SYMBOL_SIZE = 8 };

typedef enum setfl_flavour { SETFL_AUTO, SETFL_ALLOY, SETFL_FS } setfl_flavour;

typedef struct setfl {
    int elements;
    char symbol[SETFL_ELEMENTS_MAX][SETFL_SYMBOL_SIZE];
    int z[SETFL_ELEMENTS_MAX]; /* from the symbol; 0 when it is no element's */
    double mass[SETFL_ELEMENTS_MAX];
    int nrho, nr; /* ≥ 5 */
    double drho, dr, cutoff;
    setfl_flavour flavour; /* never AUTO after setfl_read() */
    double *values;        /* all tables behind each other; owned */
} setfl;

/* Only the first five lines: elements, grid and cutoff. Cheap; `values` stays NULL. */
mds_status setfl_read_header(const char *path, setfl *out);

/* The whole file. With SETFL_AUTO the count of numbers decides, and where that fits neither flavour
 * the name does (".fs" at its end). `out` uninitialised; on failure nothing is held. */
mds_status setfl_read(const char *path, setfl_flavour flavour, setfl *out);
void setfl_fini(setfl *file); /* accepts a zeroed struct */

/* Borrowed tables. F of element i (nrho); ρ that an atom of element `from` makes at one of element
 * `at` (nr; alloy files ignore `at`); r φ of a pair (nr; symmetric). */
const double *setfl_embedding(const setfl *file, int i);
const double *setfl_density(const setfl *file, int from, int at);
const double *setfl_pair(const setfl *file, int i, int j);

/* Index of element z in the file, -1 when it is not there. */
int setfl_find(const setfl *file, int z);

#endif

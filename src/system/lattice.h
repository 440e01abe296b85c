/* Crystals of one element on a cubic lattice: what silicon, copper, aluminum and iron share. */
#ifndef MDS_SYSTEM_LATTICE_H
#define MDS_SYSTEM_LATTICE_H

#include "system/builder.h"

typedef struct mds_lattice {
    int z;                   /* element */
    int sites;               /* atoms of the cubic cell */
    const double (*site)[3]; /* (sites) fractional */
} mds_lattice;

/* The sites of the lattices. */
extern const double mds_lattice_bcc[2][3], mds_lattice_fcc[4][3], mds_lattice_diamond[8][3];

/* The one option of a crystal; use in the class's option table with the constant at which the
 * reference model's pressure vanishes at 0 K. */
#define MDS_LATTICE_OPTION(a0)                                                                     \
    {                                                                                              \
        .key = "lattice_A", .type = MDS_OPTION_REAL, .unit = "Å", .preset = (a0), .min = 1.0,      \
        .max = 20.0, .help = "edge of the cubic cell"                                              \
    }

/* The functions of mds_system_class, for a lattice. */
mds_status mds_lattice_plan(const mds_lattice *lattice, const mds_system_spec *spec, int n_asked,
                            int *n_atoms, int repeat[3]);
mds_status mds_lattice_species(const mds_lattice *lattice, mds_species *out);
mds_status mds_lattice_build(const mds_lattice *lattice, const mds_system_spec *spec, int n_asked,
                             mds_structure *out);

#endif

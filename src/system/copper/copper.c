#include "system/lattice.h"

/* The lattice constant is the minimum of the switched Sutton-Chen reference, a little below the
 * experimental 3.615 A, so that a run at zero pressure starts at zero pressure. */
static const mds_option copper_options[] = {MDS_LATTICE_OPTION(3.607621), {0}};

static const mds_lattice lattice = {.z = 29, .sites = 4, .site = mds_lattice_fcc};

static mds_status plan(const mds_system_spec *spec, int n_asked, int *n_atoms, int repeat[3])
{
    return mds_lattice_plan(&lattice, spec, n_asked, n_atoms, repeat);
}

static mds_status species(const mds_system_spec *spec, mds_species *out)
{
    (void)spec;
    return mds_lattice_species(&lattice, out);
}

static mds_status build(const mds_system_spec *spec, int n_asked, uint64_t seed, mds_structure *out)
{
    (void)seed;
    return mds_lattice_build(&lattice, spec, n_asked, out);
}

extern const mds_system_class mds_system_copper;
const mds_system_class mds_system_copper = {
    .name = "copper",
    .summary = "fcc copper, 4 atoms per cubic cell",
    .options = copper_options,
    .timestep_fs = 1.0,
    .plan = plan,
    .species = species,
    .build = build,
};

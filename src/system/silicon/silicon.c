#include "system/lattice.h"

/* The lattice constant is that of the Stillinger-Weber minimum, 5.430950 A, which the parameters
 * were fitted to (PRB 31, 5262 (1985)). */
static const mds_option silicon_options[] = {MDS_LATTICE_OPTION(5.43095), {0}};

static const mds_lattice lattice = {.z = 14, .sites = 8, .site = mds_lattice_diamond};

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

extern const mds_system_class mds_system_silicon;
const mds_system_class mds_system_silicon = {
    .name = "silicon",
    .summary = "diamond silicon, 8 atoms per cubic cell",
    .options = silicon_options,
    .timestep_fs = 1.0,
    .plan = plan,
    .species = species,
    .build = build,
};

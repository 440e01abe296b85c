#include "system/lattice.h"

/* The lattice constant is the minimum of the Finnis-Sinclair reference (Phil. Mag. A 50, 45 (1984)
 * and erratum), which is fitted to the experimental 2.8665 A. */
static const mds_option iron_options[] = {MDS_LATTICE_OPTION(2.8665), {0}};

static const mds_lattice lattice = {.z = 26, .sites = 2, .site = mds_lattice_bcc};

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

extern const mds_system_class mds_system_iron;
const mds_system_class mds_system_iron = {
    .name = "iron",
    .summary = "bcc iron, 2 atoms per cubic cell",
    .options = iron_options,
    .timestep_fs = 1.0,
    .plan = plan,
    .species = species,
    .build = build,
};

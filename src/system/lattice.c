#include "system/lattice.h"

#include "system/supercell.h"

#include <string.h>

const double mds_lattice_bcc[2][3] = {{0.0, 0.0, 0.0}, {0.5, 0.5, 0.5}};

const double mds_lattice_fcc[4][3] = {
    {0.0, 0.0, 0.0}, {0.0, 0.5, 0.5}, {0.5, 0.0, 0.5}, {0.5, 0.5, 0.0}};

const double mds_lattice_diamond[8][3] = {
    {0.0, 0.0, 0.0},    {0.0, 0.5, 0.5},    {0.5, 0.0, 0.5},    {0.5, 0.5, 0.0},
    {0.25, 0.25, 0.25}, {0.25, 0.75, 0.75}, {0.75, 0.25, 0.75}, {0.75, 0.75, 0.25}};

static mds_status cubic_cell(const mds_system_spec *spec, mds_box *cell)
{
    const double a = mds_options_real(&spec->options, "lattice_A");

    return mds_box_set_orthogonal(cell, a, a, a);
}

mds_status mds_lattice_plan(const mds_lattice *lattice, const mds_system_spec *spec, int n_asked,
                            int *n_atoms, int repeat[3])
{
    mds_box cell;
    const mds_status status = cubic_cell(spec, &cell);

    if (status != MDS_OK)
        return status;
    return mds_supercell_nearest(&cell, lattice->sites, n_asked, spec->name, n_atoms, repeat);
}

mds_status mds_lattice_species(const mds_lattice *lattice, mds_species *out)
{
    memset(out, 0, sizeof *out);
    mds_species_add(out, lattice->z);
    return MDS_OK;
}

mds_status mds_lattice_build(const mds_lattice *lattice, const mds_system_spec *spec, int n_asked,
                             mds_structure *out)
{
    mds_structure cell = {0};
    mds_status status;
    int n_atoms, repeat[3];

    MDS_TRY(mds_lattice_plan(lattice, spec, n_asked, &n_atoms, repeat));
    MDS_TRY(mds_structure_init(&cell, lattice->sites, false));
    MDS_TRY(cubic_cell(spec, &cell.box));
    MDS_TRY(mds_lattice_species(lattice, &cell.species));
    for (int i = 0; i < cell.n; ++i) {
        cell.mass[i] = cell.species.mass[0];
        mds_box_to_cartesian(&cell.box, lattice->site[i], cell.x + 3 * i);
    }
    MDS_TRY(mds_structure_repeat(out, &cell, repeat[0], repeat[1], repeat[2]));
out:
    mds_structure_fini(&cell);
    return status;
}

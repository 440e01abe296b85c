/* Any structure: the first frame of an extended-XYZ file, repeated to the size asked for. */
#include "system/builder.h"
#include "system/supercell.h"

#include <string.h>

static const mds_option file_options[] = {
    {.key = "path", .type = MDS_OPTION_TEXT, .help = "extended-XYZ file"},
    {.key = "frame",
     .type = MDS_OPTION_INT,
     .preset = 0,
     .min = -1,
     .max = 1e9,
     .help = "which frame of the file: 0 the first, -1 the last"},
    {0},
};

static mds_status read_cell(const mds_system_spec *spec, mds_structure *cell)
{
    const char *path = mds_options_text(&spec->options, "path");
    mds_status status;

    memset(cell, 0, sizeof *cell);
    if (!*path)
        return mds_fail(MDS_ERR_CONFIG, "system '%s' needs the option 'path', an extended-XYZ file",
                        spec->name);
    status = mds_xyz_read(path, mds_options_int(&spec->options, "frame"), cell);
    if (status == MDS_OK && cell->n < 1)
        status = mds_fail(MDS_ERR_CONFIG, "%s: there are no atoms in it", path);
    if (status != MDS_OK)
        mds_structure_fini(cell);
    return status;
}

static mds_status plan(const mds_system_spec *spec, int n_asked, int *n_atoms, int repeat[3])
{
    mds_structure cell;
    mds_status status = read_cell(spec, &cell);

    if (status == MDS_OK)
        status = mds_supercell_nearest(&cell.box, cell.n, n_asked, spec->name, n_atoms, repeat);
    mds_structure_fini(&cell);
    return status;
}

static mds_status species(const mds_system_spec *spec, mds_species *out)
{
    mds_structure cell;
    const mds_status status = read_cell(spec, &cell);

    if (status == MDS_OK)
        *out = cell.species;
    mds_structure_fini(&cell);
    return status;
}

static mds_status build(const mds_system_spec *spec, int n_asked, uint64_t seed, mds_structure *out)
{
    mds_structure cell = {0};
    mds_status status;
    int n_atoms, repeat[3];

    (void)seed;
    MDS_TRY(read_cell(spec, &cell));
    MDS_TRY(mds_supercell_nearest(&cell.box, cell.n, n_asked, spec->name, &n_atoms, repeat));
    MDS_TRY(mds_structure_restrict(&cell, NULL));
    MDS_TRY(mds_structure_repeat(out, &cell, repeat[0], repeat[1], repeat[2]));
out:
    mds_structure_fini(&cell);
    return status;
}

extern const mds_system_class mds_system_file;
const mds_system_class mds_system_file = {
    .name = "file",
    .summary = "the atoms of an extended-XYZ file (given by its path), repeated to size",
    .options = file_options,
    .timestep_fs = 0.5, /* it may hold hydrogen */
    .plan = plan,
    .species = species,
    .build = build,
};

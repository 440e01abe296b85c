/* Liquid water: whole molecules O, H, H in a cubic box at the asked density. The oxygens sit on a
 * lattice, turned at random; case/start_state relaxes and heats that into a liquid. */
#include "system/water/sites.h"

#include "base/rng.h"
#include "base/units.h"
#include "system/builder.h"
#include "system/supercell.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const mds_option water_options[] = {
    {.key = "density_g_cm3",
     .type = MDS_OPTION_REAL,
     .unit = "g/cm3",
     .preset = 0.997,
     .min = 0.05,
     .max = 2.0,
     .help = "density of the box; 0.997 is water at 298 K and 1 bar"},
    {0},
};

/* The rest geometry of SPC/Fw (Wu, Tepper & Voth, J. Chem. Phys. 124, 024503 (2006), Table I). */
static const double bond_A = 1.012, angle_deg = 113.24;

/* 1 u/Å³ in g/cm³, of the CODATA 2022 atomic mass constant. */
static const double u_A3_to_g_cm3 = 1.66053906892;

enum { ATOMS = 3 };

static mds_status plan(const mds_system_spec *spec, int n_asked, int *n_atoms, int repeat[3])
{
    const int below = n_asked / ATOMS * ATOMS;
    const int nearest = n_asked - below < 2 ? below : below + ATOMS;

    *n_atoms = nearest > 0 ? nearest : ATOMS;
    repeat[0] = repeat[1] = repeat[2] = 1;
    return mds_supercell_check(spec->name, n_asked, *n_atoms, below, below + ATOMS);
}

static mds_status species(const mds_system_spec *spec, mds_species *out)
{
    (void)spec;
    memset(out, 0, sizeof *out);
    mds_species_add(out, 8);
    mds_species_add(out, 1);
    return MDS_OK;
}

/* A rotation matrix, uniform over all rotations (Shoemake, Graphics Gems III (1992) p. 124), for
 * molecule `index`. */
static void random_rotation(uint64_t seed, int index, double turn[3][3])
{
    const mds_philox_block first = mds_rng_block(seed, MDS_RNG_BUILD, 0, (uint64_t)index, 0);
    const mds_philox_block second = mds_rng_block(seed, MDS_RNG_BUILD, 0, (uint64_t)index, 1);
    const double u = mds_uniform(first.word[0], first.word[1]);
    const double a = 2.0 * MDS_PI * mds_uniform(first.word[2], first.word[3]);
    const double b = 2.0 * MDS_PI * mds_uniform(second.word[0], second.word[1]);
    const double x = sqrt(1.0 - u) * sin(a), y = sqrt(1.0 - u) * cos(a);
    const double z = sqrt(u) * sin(b), w = sqrt(u) * cos(b);
    const double rows[3][3] = {
        {1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - z * w), 2.0 * (x * z + y * w)},
        {2.0 * (x * y + z * w), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - x * w)},
        {2.0 * (x * z - y * w), 2.0 * (y * z + x * w), 1.0 - 2.0 * (x * x + y * y)}};

    memcpy(turn, rows, sizeof rows);
}

/* Molecule `index` with its oxygen at the fractional place `site`. */
static void place_molecule(mds_structure *structure, int index, uint64_t seed, const double site[3])
{
    const double half = 0.5 * angle_deg * MDS_PI / 180.0;
    const double arm[2][3] = {{bond_A * sin(half), bond_A * cos(half), 0.0},
                              {-bond_A * sin(half), bond_A * cos(half), 0.0}};
    const size_t first = (size_t)index * ATOMS;
    double *x = structure->x + 3 * first, turn[3][3];

    random_rotation(seed, index, turn);
    mds_box_to_cartesian(&structure->box, site, x);
    for (int h = 0; h < 2; ++h)
        for (int k = 0; k < 3; ++k)
            x[3 * (h + 1) + k] = x[k] + turn[k][0] * arm[h][0] + turn[k][1] * arm[h][1];
    for (size_t i = 0; i < ATOMS; ++i) {
        structure->type[first + i] = i > 0;
        structure->mass[first + i] = structure->species.mass[i > 0];
    }
}

static mds_status build(const mds_system_spec *spec, int n_asked, uint64_t seed, mds_structure *out)
{
    const double density = mds_options_real(&spec->options, "density_g_cm3");
    mds_status status;
    int n_atoms, repeat[3], generator[2];

    MDS_TRY(plan(spec, n_asked, &n_atoms, repeat));
    MDS_TRY(mds_structure_init(out, n_atoms, false));
    MDS_TRY(species(spec, &out->species));

    const int molecules = n_atoms / ATOMS;
    const double mass = out->species.mass[0] + 2.0 * out->species.mass[1];
    const double edge = cbrt(molecules * mass * u_A3_to_g_cm3 / density);

    MDS_TRY(mds_box_set_orthogonal(&out->box, edge, edge, edge));
    water_choose_sites(molecules, generator);
    for (int i = 0; i < molecules; ++i) {
        double site[3];

        water_site(molecules, generator, i, site);
        place_molecule(out, i, seed, site);
    }
out:
    if (status != MDS_OK)
        mds_structure_fini(out);
    return status;
}

extern const mds_system_class mds_system_water;
const mds_system_class mds_system_water = {
    .name = "water",
    .summary = "liquid water, molecules in a cubic box at 0.997 g/cm3",
    .options = water_options,
    .timestep_fs = 0.5,
    .plan = plan,
    .species = species,
    .build = build,
    .disordered = true,
};

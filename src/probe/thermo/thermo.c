#include "probe/probe.h"

#include <math.h>

static const mds_series series[] = {
    {"energy_potential_eV", MDS_CELL_F8, "eV", "potential energy"},
    {"energy_kinetic_eV", MDS_CELL_F8, "eV", "kinetic energy"},
    {"conserved_eV", MDS_CELL_F8, "eV", "conserved quantity of the protocol"},
    {"temperature_K", MDS_CELL_F8, "K", "instantaneous temperature"},
    {"pressure_GPa", MDS_CELL_F8, "GPa", "instantaneous pressure, kinetic and virial part"},
    {"volume_A3", MDS_CELL_F8, "angstrom3", "volume of the cell"},
    {"n_edges", MDS_CELL_F8, "1", "neighbour pairs or graph edges used, directed"},
};

enum { SERIES_COUNT = sizeof series / sizeof series[0] };

static void sample(const mds_observation *observation, mds_cell *row)
{
    const mds_scalars *s = observation->scalars;

    if (!observation->thermodynamics) {
        for (int i = 0; i < SERIES_COUNT; ++i)
            row[i].f8 = NAN;
        return;
    }
    row[0].f8 = s->potential_eV;
    row[1].f8 = s->kinetic_eV;
    row[2].f8 = s->conserved_eV;
    row[3].f8 = mds_state_temperature(observation->state, s->kinetic_eV);
    row[4].f8 = observation->pressure_GPa;
    row[5].f8 = observation->volume;
    row[6].f8 = s->n_edges;
}

const mds_probe_class mds_probe_thermo = {
    .name = "thermo",
    .summary = "energies, temperature, pressure, volume and neighbour pairs",
    .pool = MDS_POOL_STEPS,
    .series = series,
    .series_count = SERIES_COUNT,
    .sample = sample,
};

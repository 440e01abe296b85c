#include "probe/probe.h"

#include <string.h>

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

static void sample_steps(const mds_step_batch *batch, mds_cell *const *columns)
{
    const size_t bytes = (size_t)batch->count * sizeof(mds_cell);
    const double kelvin_per_eV = mds_state_temperature(batch->state, 1.0);

    memcpy(columns[0], batch->potential_eV, bytes);
    memcpy(columns[1], batch->kinetic_eV, bytes);
    memcpy(columns[2], batch->conserved_eV, bytes);
    for (int k = 0; k < batch->count; ++k)
        columns[3][k].f8 = kelvin_per_eV * batch->kinetic_eV[k];
    for (int k = 0; k < batch->count; ++k)
        columns[4][k].f8 = mds_virial_pressure_GPa(batch->kinetic_eV[k], batch->virial_trace_eV[k],
                                                   batch->volume_A3[k]);
    memcpy(columns[5], batch->volume_A3, bytes);
    memcpy(columns[6], batch->n_edges, bytes);
}

const mds_probe_class mds_probe_thermo = {
    .name = "thermo",
    .summary = "energies, temperature, pressure, volume and neighbour pairs",
    .pool = MDS_POOL_STEPS,
    .series = series,
    .series_count = SERIES_COUNT,
    .sample_steps = sample_steps,
};

/* The barostat's part of a step, on the host and on a CUDA device. C11 and CUDA C++. */
#ifndef MDS_PROTOCOL_NPT_NPT_DEVICE_H
#define MDS_PROTOCOL_NPT_NPT_DEVICE_H

#include "protocol/motion_device.h"
#include "protocol/npt/cell.h"

/* A longer strain in one step is no dynamics any more (and the series of its exponential is cut).
 */
#define NPT_STRAIN_MAX 0.1

/* In device memory: what changes from step to step. */
typedef struct npt_memory {
    double factor;     /* all velocities are multiplied by it at the end of this step */
    double account_eV; /* Σ balance − Σ heat */
    npt_move move;     /* of the next step: it depends on nothing but the end of this one */
} npt_memory;

/* By value to kernels. */
typedef struct npt_numbers {
    npt_cell cell;
    double temperature_K, tau_fs, start_volume;
    int64_t freedom;
    uint64_t seed;
} npt_numbers;

/* Kinetic tensor + virial: the internal pressure times the volume, made symmetric against models
 * whose virial is so only nearly. */
static inline MDS_HD void npt_internal_pv(const mds_scalars *s, double pv[3][3])
{
    for (int a = 0; a < 3; ++a)
        for (int b = 0; b < 3; ++b)
            pv[a][b] = s->kinetic_tensor_eV[a][b] + 0.5 * (s->virial_eV[a][b] + s->virial_eV[b][a]);
}

static inline MDS_HD double npt_conserved_eV(const npt_cell *cell, const mds_scalars *s,
                                             double volume, double start_volume, double account_eV)
{
    return s->potential_eV + s->kinetic_eV + cell->pressure * volume -
           0.5 * cell->kT * log(volume / start_volume) + account_eV;
}

/* out = h e for lower triangular h and e. */
static inline MDS_HD void npt_deform_cell(const double h[3][3], const double e[3][3],
                                          double out[3][3])
{
    for (int a = 0; a < 3; ++a)
        for (int b = 0; b < 3; ++b) {
            out[a][b] = 0.0;
            for (int k = b; k <= a; ++k)
                out[a][b] += h[a][k] * e[k][b];
        }
}

#ifdef __cplusplus
extern "C" {
#endif

/* Half a kick, the move of the cell in the middle of the drift, the step block's new cell. Fault:
 * MDS_FAULT_STRAIN. */
mds_status npt_launch_move(mds_device *device, const mds_motion_view *m, const npt_memory *memory);
/* The end of a step, as mds_motion_launch_end(): balance, thermostat, and the draw of the next
 * move. With more than one block the scaling by memory->factor is left to be launched. */
mds_status npt_launch_end(mds_device *device, const mds_motion_view *m, const npt_numbers *numbers,
                          npt_memory *memory, bool start);

#ifdef __cplusplus
}
#endif

#endif

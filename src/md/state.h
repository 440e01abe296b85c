/* The dynamic state of one trajectory, on a device. float64 always; networks convert inside.
 * Units: Å, Å/fs, eV/Å, u, eV. Shapes: x, v, f are (n,3), row-major; mass and type are (n).
 * Positions are continuous (never wrapped), so that displacements need no image search. */
#ifndef MDS_MD_STATE_H
#define MDS_MD_STATE_H

#include "base/units.h"
#include "device/device.h"
#include "md/box.h"
#include "md/species.h"
#include "md/structure.h"

#include <math.h>

/* Scalars of the present step, in device memory, so that nothing must be waited for in the timed
 * loop; host code reads them with mds_state_fetch_scalars(). */
typedef struct mds_scalars {
    double potential_eV;
    double virial_eV[3][3]; /* W_ab = Σ r_a f_b = −dE/dε_ab; stress = −W/V. Symmetric. */
    double kinetic_eV;      /* written by the protocol */
    double kinetic_tensor_eV[3][3]; /* Σ m v_a v_b (twice the kinetic energy on the trace) */
    double conserved_eV;            /* written by the protocol: total energy or its extension */
    double n_edges;                 /* neighbour pairs or graph edges used, directed */
    double rebuilt;                 /* 1 when the neighbour list was rebuilt in this step */
    double dangerous;               /* rebuilds so far that came later than the skin allows */
    /* Written by devices without host access alone, where the host can only look late: */
    double volume_A3; /* after this step */
    double fill;      /* the fullest row of the neighbour list over its capacity, at the last build;
                         near 1 the list should be given more room before it overflows */
    double fault;     /* an mds_step_fault; later steps leave the state as it was */
    double fault_value;
} mds_scalars;

/* What kernels can find wrong. fault_value is what they found. */
typedef enum mds_step_fault {
    MDS_FAULT_NONE,
    MDS_FAULT_CAPACITY,   /* a row of the neighbour list has more entries than room: how many */
    MDS_FAULT_NOT_FINITE, /* a position is not a number: which atom, counted from 0 */
    MDS_FAULT_IMAGES,     /* the cell has become thinner than a seventh of cutoff + skin: how many
                             cells those are */
    MDS_FAULT_STRAIN,     /* the barostat strained the cell too much: by how much */
    MDS_FAULT_ENERGY,     /* the potential energy is not a finite number: what it is */
    MDS_FAULT_DENSITY,    /* the electron density at an atom has no root: which atom, from 0 */
    MDS_FAULT_EDGES       /* a graph has more edges than room: how many */
} mds_step_fault;

/* What kernels need to know that changes from step to step. It lies in device memory, so that a
 * recorded step can be launched again without new arguments. */
typedef struct mds_step_block {
    int64_t step; /* state->step as the kernels see it; the last kernel of a step adds one */
    double h[3][3], inverse[3][3], volume; /* the cell, as in mds_box */
    int periodic[3];
    int rebuild;        /* 1 while the neighbour list of this step must be rebuilt */
    int fault;          /* mds_step_fault; kernels return at once when it is set */
    double fault_value; /* see mds_scalars */
} mds_step_block;

typedef struct mds_state {
    mds_device *device;
    int n;
    mds_box
        box; /* authoritative with host access; otherwise d's is, and this is the last fetched */
    mds_species species;
    double *x, *v, *f; /* (n,3) device */
    double *mass;      /* (n) device */
    int *type;         /* (n) device */
    mds_scalars *s;    /* device */
    mds_step_block *d; /* device; NULL where the host has access to device memory */
    int64_t step;
    int degrees_of_freedom; /* 3n − 3 once the centre-of-mass motion is removed, else 3n */
} mds_state;

/* Copies a structure to the device (and, without host access, makes the step block); v is zero when
 * the structure has none. Zero-initialise first.
 */
mds_status mds_state_init(mds_state *state, mds_device *device, const mds_structure *structure);
void mds_state_fini(mds_state *state); /* accepts a zeroed struct */
/* Back to the host (with velocities). `out` uninitialised. */
mds_status mds_state_fetch(const mds_state *state, mds_structure *out);
mds_status mds_state_fetch_scalars(const mds_state *state, mds_scalars *out);
/* The error that the fault in fetched scalars stands for; MDS_OK when there is none. */
mds_status mds_scalars_check_fault(const mds_scalars *s);
/* Without host access: writes box and step into the step block, or reads them from it (waits).
 * Otherwise nothing to do. */
mds_status mds_state_push_block(mds_state *state);
mds_status mds_state_pull_block(mds_state *state);

/* Maxwell–Boltzmann velocities at `temperature_K` from (seed, MDS_RNG_VELOCITY), centre-of-mass
 * motion removed, then scaled to the temperature exactly (as `velocity create` of LAMMPS). n = 1 is
 * left at rest. Sets degrees_of_freedom. */
mds_status mds_state_draw_velocities(mds_state *state, double temperature_K, uint64_t seed);

/* 2K / (k_B · degrees of freedom). */
double mds_state_temperature(const mds_state *state, double kinetic_eV);

/* P = (2K + tr W) / 3V in GPa; NaN without a volume. */
static inline double mds_virial_pressure_GPa(double kinetic_eV, double virial_trace_eV,
                                             double volume_A3)
{
    return volume_A3 > 0.0
               ? MDS_EV_A3_TO_GPA * (2.0 * kinetic_eV + virial_trace_eV) / (3.0 * volume_A3)
               : NAN;
}

/* Host-access devices: kinetic energy and its tensor from v and mass into state->s. */
void mds_state_kinetic_cpu(mds_state *state);

#endif

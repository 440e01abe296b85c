/* A probe observes the run and publishes series: columns of numbers in one of four pools. One
 * folder under probe/, one line in probes.def; the store derives its datasets from the series
 * tables, so a new probe needs no other edit.
 *
 * Probes run in the worker, between the timed brackets (never inside one); sample() allocates
 * nothing, prints nothing and touches no file. Those of the telemetry pool run in a thread of
 * their own (case/sampler.h). */
#ifndef MDS_PROBE_PROBE_H
#define MDS_PROBE_PROBE_H

#include "device/region.h"
#include "md/state.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum mds_pool {
    MDS_POOL_STEPS,      /* a row per step, first step and warm-up included */
    MDS_POOL_COMPONENTS, /* a row per step of the component pass */
    MDS_POOL_MEMORY,     /* a row every memory_every steps */
    MDS_POOL_TELEMETRY,  /* rows by time */
    MDS_POOL_COUNT
} mds_pool;

const char *mds_pool_name(mds_pool pool); /* "steps", "components", ...: the HDF5 group */

typedef enum mds_cell_type { MDS_CELL_F8, MDS_CELL_I8 } mds_cell_type;

/* Every cell is 8 bytes, whatever its type. */
typedef union mds_cell {
    double f8;
    int64_t i8;
} mds_cell;

typedef struct mds_series {
    const char *key; /* dataset name with the unit in it: "energy_potential_eV" */
    mds_cell_type type;
    const char *unit; /* "eV"; "1" for a pure number */
    const char *long_name;
} mds_series;

/* Flags of a step (series "flags" of the steps pool). */
enum {
    MDS_STEP_FIRST = 1, /* the first step: set-up, capture */
    MDS_STEP_WARMUP = 2,
    MDS_STEP_REBUILT = 4,    /* the neighbour list was rebuilt */
    MDS_STEP_THROTTLED = 8,  /* a clock was throttled */
    MDS_STEP_PREEMPTED = 16, /* the kernel took the core away during the step */
    MDS_STEP_RECORDED = 32   /* ran kernel by kernel or recorded a graph: not one launch of it */
};

/* What a probe of another pool than the steps' may look at after a step. */
typedef struct mds_observation {
    const mds_state *state;
    mds_device *device;
    const mds_regions *regions;                    /* component pass only, else NULL */
    int64_t step;                                  /* 0-based from the first step */
    double wall_s;                                 /* of this step; component pass only */
    const struct mds_telemetry_reading *telemetry; /* telemetry pool only, else NULL */
    double time_s;                                 /* since the case began; telemetry pool only */
    int phase;                                     /* mds_phase; telemetry pool only */
    int64_t process_bytes; /* this process on the device, by the driver, when telemetry read it
                              last; -1: not known; memory pool only */
    int statm; /* /proc/self/statm, opened by the runner before the loop; -1: not there or not now
                */
} mds_observation;

/* Steps that are over, as arrays of `count` values: what probes of the steps pool work on, many
 * steps at a time, because making rows one by one costs more than reading the clock. Energies,
 * virial, pairs and volume are NaN for steps whose thermodynamics were not asked for. */
typedef struct mds_step_batch {
    int count;
    const mds_state *state;
    const double *wall_s, *device_s;
    const int64_t *flags;
    const double *potential_eV, *kinetic_eV, *conserved_eV, *virial_trace_eV, *n_edges, *volume_A3;
} mds_step_batch;

typedef struct mds_probe_class {
    const char *name, *summary;
    mds_pool pool;
    const mds_series *series; /* (series_count) */
    int series_count;
    /* Fills one cell per series. Values that are not known are NaN (f8) or -1 (i8). */
    void (*sample)(const mds_observation *observation, mds_cell *row);
    /* The steps pool has this instead: columns[c] (count) for series c, written from its start. */
    void (*sample_steps)(const mds_step_batch *batch, mds_cell *const *columns);
} mds_probe_class;

int mds_probe_count(void);
const mds_probe_class *mds_probe_get(int i);

/* All series of a pool, over the probes in order; columns of the sample buffers and of the store.
 */
int mds_pool_column_count(mds_pool pool);
const mds_series *mds_pool_column(mds_pool pool, int column);
int mds_pool_find_column(mds_pool pool, const char *key); /* -1 when absent */

/* Calls every probe of the pool (any but the steps pool); row has mds_pool_column_count(pool)
 * cells. */
void mds_pool_sample(mds_pool pool, const mds_observation *observation, mds_cell *row);
/* The steps pool: columns has mds_pool_column_count(MDS_POOL_STEPS) pointers. */
void mds_pool_sample_steps(const mds_step_batch *batch, mds_cell *const *columns);

#endif

/* One row of /cases: the plan's facts, what happened, and the record. One table of columns
 * (schema.c) says which member is which dataset; creating, writing and reading derive from it. */
#ifndef MDS_STORE_ROW_H
#define MDS_STORE_ROW_H

#include "case/record.h"

typedef struct mds_row {
    /* known when the store is created */
    char key[24]; /* hexadecimal */
    char system[MDS_SYSTEM_NAME_SIZE], protocol[MDS_PROTOCOL_NAME_SIZE];
    char model[MDS_MODEL_NAME_SIZE], engine[MDS_MODEL_NAME_SIZE];
    char precision[16];
    char teacher[MDS_MODEL_NAME_SIZE]; /* model that the others are compared with; "": none */
    int64_t n_atoms_asked, n_atoms, repeat, seed;
    int64_t steps, warmup_asked;
    double dt_fs, temperature_K, pressure_GPa, predicted_s;
    int64_t integrates; /* 0: replay, no drift verdict */
    int64_t conservative;
    int64_t start[MDS_POOL_COUNT], count[MDS_POOL_COUNT];
    int64_t frame_every, frame_count; /* of the trajectory: steps from frame to frame, and room */
    /* written by the rank that runs the case */
    uint8_t status; /* mds_case_status, written last */
    char reason[256];
    int64_t attempt, rank;
    int64_t source; /* of a merged file: which of /provenance/sources the row came from, or -1 */
    char device[64], host[64], device_sharing[64];
    double t_start, t_end;        /* s since the epoch */
    int64_t done[MDS_POOL_COUNT]; /* rows of each pool that are valid */
    int64_t frames_done;
    int64_t warmup; /* warm-up steps, the first step not counted */
    int64_t threads, synthetic, degrees_of_freedom;
    int64_t device_clock;                  /* 1: latencies are of the device's event clock */
    char telemetry[64];                    /* where the readings came from, or why there are none */
    char compared_to[MDS_MODEL_NAME_SIZE]; /* teacher of the force error; "": there is none */
    int64_t compared_frames;
    double volume_A3;
    mds_record record;
} mds_row;

typedef enum mds_column_type {
    MDS_COLUMN_I8,
    MDS_COLUMN_U1,
    MDS_COLUMN_F8,
    MDS_COLUMN_TEXT
} mds_column_type;

/* When a column is written. */
typedef enum mds_column_phase {
    MDS_COLUMN_PLAN,   /* at creation */
    MDS_COLUMN_BEGIN,  /* when a rank takes the case */
    MDS_COLUMN_FLUSH,  /* with every flush */
    MDS_COLUMN_RESULT, /* when the case ends */
    MDS_COLUMN_STATUS  /* last of all */
} mds_column_phase;

typedef struct mds_column {
    char name[48];
    mds_column_type type;
    mds_column_phase phase;
    size_t offset, size; /* in mds_row */
    const char *unit;
    char long_name[96];
} mds_column;

/* The columns of /cases in the order of creation; static, shared. */
int mds_column_count(void);
void mds_column_get(int i, mds_column *out);

#define MDS_SCHEMA_NAME    "mdsweep-results"
#define MDS_SCHEMA_VERSION "1.5.0"
enum { MDS_SCHEMA_MINOR = 5 }; /* of the version; a file of a smaller one lacks columns */

#endif

/* Sample buffers of the running case, shared between the worker, which writes, and its rank, which
 * reads while the case runs. One anonymous shared mapping, made before the fork; no locks: the
 * worker fills a row, then publishes it by raising the pool's row count (release); the rank reads
 * counts (acquire) and then rows below them. Layout per pool: column-major, column c at cells +
 * c·capacity. */
#ifndef MDS_CASE_SAMPLES_H
#define MDS_CASE_SAMPLES_H

#include "base/status.h"
#include "probe/probe.h"

#include <stdatomic.h>

typedef enum mds_phase {
    MDS_PHASE_IDLE,
    MDS_PHASE_SETUP, /* building, equilibrating, creating the model */
    MDS_PHASE_FIRST,
    MDS_PHASE_WARMUP,
    MDS_PHASE_STEADY,
    MDS_PHASE_COMPONENTS,
    MDS_PHASE_FINISHED,
    MDS_PHASE_COUNT
} mds_phase;

const char *mds_phase_name(mds_phase phase);

/* How far the forces of a model are from another's, the teacher's, on the same frames. */
typedef struct mds_force_error {
    char teacher[48]; /* "": they were not compared */
    int frames;
    double rmse_eV_A;    /* of a component */
    double relative;     /* of all of them: |F - F_teacher| / |F_teacher|; NaN without forces */
    double largest_eV_A; /* of an atom */
} mds_force_error;

/* What the components of a step do, by formula, and what the device can, as it was measured beside
 * them. */
typedef struct mds_case_work {
    bool known;
    double flop[MDS_REGION_COUNT], bytes[MDS_REGION_COUNT]; /* 0: nothing is known */
    double peak_flop_s, peak_bytes_s;                       /* NaN: not measured */
} mds_case_work;

/* What the worker tells about the case, beside the series. Plain data in shared memory. */
typedef struct mds_samples_header {
    _Atomic int64_t heartbeat; /* changes whenever the worker gets on */
    _Atomic int phase;
    _Atomic int64_t rows[MDS_POOL_COUNT]; /* published rows */
    _Atomic int64_t frames;               /* published frames of the trajectory */
    int case_index, attempt;
    int status; /* mds_status of the case once FINISHED */
    char message[512];
    /* facts of the run */
    char device[64], device_model[96], device_uuid[64], engine[48], precision[16];
    char telemetry[64]; /* source of telemetry, or why there is none */
    int threads;
    int synthetic;     /* weights were synthetic */
    int device_clock;  /* the host does not wait for a step: its latency is the events' time */
    double setup_s;    /* from the command to the first step */
    double loop_s;     /* the steady loop as a whole */
    double loop_cpu_s; /* CPU time of the worker's thread in it: less, when it had to wait */
    double volume_A3;  /* at the start of the steady part */
    int64_t device_total_bytes;
    int degrees_of_freedom, n_atoms;
    int64_t warmup_done, steady_done;
    int64_t dangerous_builds; /* neighbour list builds that came too late, in the steady part */
    mds_force_error force_error;
    mds_case_work work;
} mds_samples_header;

typedef struct mds_samples {
    mds_samples_header *header;
    mds_cell *cells[MDS_POOL_COUNT];
    int64_t capacity[MDS_POOL_COUNT]; /* rows */
    int columns[MDS_POOL_COUNT];
    void *mapping;
    size_t mapping_bytes;
    double *frame_area; /* NULL: none */
    size_t frame_bytes;
} mds_samples;

/* Where the frames of a case lie in the frame area. Worker and rank make it from the same two
 * numbers. */
typedef struct mds_frame_area {
    int n;
    int64_t capacity;  /* frames */
    double *mass;      /* (n) u */
    double *z;         /* (n) atomic numbers */
    double *step;      /* (capacity) row of the case in the steps pool */
    double *edges;     /* (capacity,3,3) Å, rows are the cell vectors */
    double *positions; /* (capacity,n,3) Å, not wrapped */
} mds_frame_area;

/* Maps buffers of the given capacities (rows per pool). Pages are only used once written. */
mds_status mds_samples_create(const int64_t capacity[MDS_POOL_COUNT], mds_samples *out);
void mds_samples_destroy(mds_samples *samples); /* accepts a zeroed struct */

/* Adds the frame area, which cases that store no frames do without; before the fork as well. */
mds_status mds_samples_add_frames(mds_samples *samples, size_t bytes);
/* What a case of n atoms needs of it; 0 for no frames. */
double mds_frame_bytes(int n, int64_t frames);
/* MDS_ERR_INTERNAL when the area has no room for that. */
mds_status mds_samples_frame_area(const mds_samples *samples, int n, int64_t frames,
                                  mds_frame_area *out);

/* Empties for another case: counts 0, phase IDLE, message "". */
void mds_samples_reset(mds_samples *samples, int case_index, int attempt);

/* Worker: puts the pages of the first `rows` rows in place, so that the loop neither faults nor
 * seems to leak (its own samples would raise the resident set). */
void mds_samples_touch(mds_samples *samples, mds_pool pool, int64_t rows);
/* Worker: appends one row to a pool (dropped when full). */
void mds_samples_append(mds_samples *samples, mds_pool pool, const mds_cell *row);
/* The same for many rows, in place: where the next rows of each column go (columns of the pool; how
 * many of `count` there is room for is returned), and then their publication. */
int mds_samples_next(mds_samples *samples, mds_pool pool, int count, mds_cell **columns);
void mds_samples_publish(mds_samples *samples, mds_pool pool, int count);
void mds_samples_beat(mds_samples *samples, mds_phase phase);

/* Reader: rows published, and column c (valid below that count). */
int64_t mds_samples_rows(const mds_samples *samples, mds_pool pool);
const mds_cell *mds_samples_column(const mds_samples *samples, mds_pool pool, int column);
int64_t mds_samples_frames(const mds_samples *samples); /* published */

#endif

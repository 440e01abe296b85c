/* A study: the resolved configuration as plain data, and a case: one point of its matrix. Made by
 * config/ and sweep/, read by everything above; nothing here parses or computes. */
#ifndef MDS_CASE_STUDY_H
#define MDS_CASE_STUDY_H

#include "model/model.h"
#include "probe/probe.h"
#include "protocol/protocol.h"
#include "system/builder.h"

typedef enum mds_timing {
    MDS_TIMING_EVENT, /* device events in a ring, read late: nothing waits in the timed loop */
    MDS_TIMING_SYNC,  /* every step ends with a synchronisation */
    MDS_TIMING_OFF /* only the loop as a whole is timed: what profiling costs is the difference */
} mds_timing;

enum { MDS_DEVICE_NAME_SIZE = 32, MDS_PATH_SIZE = 512 };

/* `run:` of the configuration, after overrides for one case. */
typedef struct mds_run {
    int64_t steps;           /* steady steps, timed */
    int64_t warmup;          /* steps after the first that are timed but not counted */
    int64_t component_steps; /* steps of the component pass, after the steady part */
    int64_t equilibration;   /* steps of the start state's dynamics; -1: what the system needs */
    int64_t memory_every, energy_every;
    double timestep_fs; /* NaN until the system's own is put in */
    double temperature_K, pressure_GPa;
    uint64_t seed;
    char device[MDS_DEVICE_NAME_SIZE]; /* "auto", "cpu", "sim", "cuda" */
    mds_precision precision;           /* may be AUTO: the model resolves it */
    mds_timing timing;
    double timeout_s;       /* no step for so long ends the case */
    double memory_limit_MB; /* address space of the worker; 0: none */
    double leak_tolerance_MB;
    int threads;         /* 0: cores of the affinity mask */
    double telemetry_hz; /* readings per second; 0: none */
} mds_run;

typedef struct mds_targets {
    double mean_ms, p95_over_mean, p99_over_mean, memory_delta_MB, us_per_atom, cv, energy_drift;
} mds_targets;

/* A model of the matrix: a built-in name or an entry of `models:`. */
typedef struct mds_study_model {
    char name[MDS_MODEL_NAME_SIZE];
    char base[MDS_MODEL_NAME_SIZE]; /* built-in name it starts from, or "" when `engine` is given */
    char engine[MDS_MODEL_NAME_SIZE];
    int set_count; /* options the user gave, in order */
    struct mds_study_set {
        char key[48];
        char text[MDS_OPTION_TEXT_SIZE];
        double number;
        bool is_text;
    } set[MDS_OPTION_MAX];
} mds_study_model;

/* A condition on a case: an empty list matches everything. Names for text axes. */
typedef struct mds_rule {
    char system[8][MDS_SYSTEM_NAME_SIZE], protocol[8][MDS_PROTOCOL_NAME_SIZE],
        model[8][MDS_MODEL_NAME_SIZE];
    int systems, protocols, models;
    int64_t size[16];
    int sizes;
    int line; /* of the configuration */
} mds_rule;

/* Per-axis-value override: keys of `run` that replace the general ones where the rule matches. */
typedef struct mds_override {
    mds_rule when;
    mds_run run;    /* only members with their bit in `given` count */
    uint32_t given; /* bit per entry of config's run-key table */
} mds_override;

typedef struct mds_study {
    char name[64];
    char path[MDS_PATH_SIZE]; /* of the configuration file */
    int system_count, size_count, protocol_count, model_count, repeats;
    mds_system_spec *systems;
    int *sizes;
    mds_protocol_spec *protocols;
    mds_study_model *models;
    mds_rule *exclude;
    int exclude_count;
    mds_override *overrides;
    int override_count;
    mds_run run;
    mds_targets targets;
    char output[MDS_PATH_SIZE];
    int64_t trajectory_every;          /* 0: none */
    char teacher[MDS_MODEL_NAME_SIZE]; /* model that the others are compared with; "none", "" */
    bool nvtx;                         /* marks for profilers (--nvtx); not part of the text */
    char *text;                        /* the configuration as given */
    char *resolved;                    /* as resolved: libconfig text that gives this study again */
} mds_study;

void mds_study_fini(mds_study *study); /* accepts a zeroed struct */

#define MDS_CASE_STATUS_LIST(X)                                                                    \
    X(PENDING, 0)                                                                                  \
    X(RUNNING, 1)                                                                                  \
    X(DONE, 2)                                                                                     \
    X(FAILED, 3)                                                                                   \
    X(SKIPPED, 4)

typedef enum mds_case_status {
#define MDS_CASE_STATUS_ENUM(id, value) MDS_CASE_##id = value,
    MDS_CASE_STATUS_LIST(MDS_CASE_STATUS_ENUM)
#undef MDS_CASE_STATUS_ENUM
        MDS_CASE_STATUS_COUNT
} mds_case_status;

const char *mds_case_status_name(mds_case_status status); /* "PENDING", ... */

/* One case. Small: a plan has up to 10^6 of them. */
typedef struct mds_case {
    int system, size, protocol, model, repeat; /* indices into the study's axes */
    uint64_t key;                              /* hash of the canonical name=value text */
    int n_asked, n_atoms;
    mds_case_status status; /* PENDING, or SKIPPED with its reason */
    const char *reason;     /* owned by the matrix */
    mds_run run;
    double cost_s;       /* predicted, whole case */
    double memory_bytes; /* predicted, engine */
} mds_case;

/* The full spec of the case's model (large, so made on demand). */
mds_status mds_case_model_spec(const mds_study *study, const mds_case *point, mds_model_spec *out);

/* "silicon/64/nve/reference/r0" into out; returns out. */
char *mds_case_label(const mds_study *study, const mds_case *point, char *out, size_t size);

/* The rows a case needs in each pool. */
int64_t mds_case_rows(const mds_case *point, mds_pool pool);

/* The frames it stores: the first steady step and every trajectory_every-th after it. */
int64_t mds_case_frames(const mds_study *study, const mds_case *point);

#endif

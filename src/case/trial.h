/* Private to the runner: a case while it runs, and the timed steps. */
#ifndef MDS_CASE_TRIAL_H
#define MDS_CASE_TRIAL_H

#include "case/frames.h"
#include "case/runner.h"

#include <sys/resource.h>

enum {
    MDS_TRIAL_COLUMNS = 64, /* at most, of a sampled pool */
    MDS_TRIAL_RING = 32     /* steps that are over but not in the samples yet, at most */
};

/* Steps that are over but not in the samples yet, oldest first, as the arrays that probes work on.
 */
typedef struct mds_step_ring {
    int count;
    int64_t first; /* how many steps came before the oldest: its event slots */
    double wall_s[MDS_TRIAL_RING], device_s[MDS_TRIAL_RING];
    int64_t flags[MDS_TRIAL_RING];
    double potential_eV[MDS_TRIAL_RING], kinetic_eV[MDS_TRIAL_RING], conserved_eV[MDS_TRIAL_RING],
        virial_trace_eV[MDS_TRIAL_RING], n_edges[MDS_TRIAL_RING], volume_A3[MDS_TRIAL_RING];
} mds_step_ring;

typedef struct mds_trial {
    const mds_study *study;
    const mds_case *point;
    const mds_run *run; /* &point->run */
    mds_samples *samples;
    int64_t started_ns;

    mds_device *device;
    mds_structure start;
    mds_model_spec spec;
    mds_state state;
    mds_model *model;
    mds_frame_store frames;
    mds_protocol *protocol;
    mds_regions regions;

    int statm;
    struct rlimit old_limit;
    bool limited;

    /* the timed loop */
    bool dynamics;           /* the protocol integrates: there is a kinetic energy to judge */
    bool waits;              /* MDS_TIMING_SYNC */
    bool has_events;         /* the device has a clock that is not the host's */
    bool host_access;        /* the host reads the device's scalars where they are */
    unsigned thermo_want;    /* what a step with thermodynamics asks of the model */
    double kinetic_limit_eV; /* above it the trajectory has exploded */
    mds_observation observation;
    mds_step_ring ring;
    mds_frame_area frames_out; /* where the trajectory goes; capacity 0: nowhere */
    int64_t frames_ns;         /* what storing frames took */
    int64_t step;              /* taken so far, first step and warm-up included */
    int64_t begin_ns;          /* where the next bracket begins; 0: the clock must be read */
    int64_t published_ns;      /* when rows were published last */
    int64_t resident_ns;       /* when the resident set was read last */
    int resident_skip;         /* memory rows since then */
} mds_trial;

/* Makes the loop ready: event ring, sample pages, everything that would allocate or fault. */
mds_status mds_trial_arm(mds_trial *trial);

/* `count` timed steps with their samples, in `phase`; the flags go into every row. */
mds_status mds_trial_segment(mds_trial *trial, mds_phase phase, int64_t count, int64_t flags);

/* The same steps with nothing sampled: the loop as a whole is timed (MDS_TIMING_OFF). */
mds_status mds_trial_bare_segment(mds_trial *trial, mds_phase phase, int64_t count);

/* `count` steps with the regions on, into the components pool. */
mds_status mds_trial_components(mds_trial *trial, int64_t count);

#endif

/* Private to the runner: a case while it runs, and the timed steps. */
#ifndef MDS_CASE_TRIAL_H
#define MDS_CASE_TRIAL_H

#include "case/frames.h"
#include "case/runner.h"
#include "case/sampler.h"

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

/* What the steps of a device without host access leave for a late look (trial_late.c). */
typedef struct mds_trial_late {
    mds_scalars *scalars;                /* (MDS_TRIAL_RING) pinned; by slot */
    bool thermodynamics[MDS_TRIAL_RING]; /* asked for in this slot's step */
    int64_t settled, *done;              /* steps of this segment that are over; their counter */
    int64_t steps;                       /* all steps that are over */
    double fill;                         /* of the neighbour list, at the last of them */
    int64_t stale_until;                 /* steps before this one do not know of the last room */
    int64_t looked_ns;
} mds_trial_late;

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
    mds_marks marks; /* on with --nvtx */

    mds_sampler *sampler; /* NULL: no telemetry */
    long preemptions;     /* of this thread so far */
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
    mds_trial_late late;       /* without host access */
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

/* Elements and masses, which no step changes, and the pages of all frames: in the loop they would
 * fault, and look like a leak. */
mds_status mds_trial_arm_frames(mds_trial *trial);
/* Stores a frame after the present step. */
mds_status mds_trial_store_frame(mds_trial *trial);

/* For trial_late.c. Rows of the oldest steps until `keep` are left; their times are in the ring. */
void mds_trial_publish(mds_trial *trial, int keep);
/* Puts the scalars of step k of the ring into it; MDS_ERR_NUMERIC when they mean nothing. */
mds_status mds_trial_keep_scalars(mds_trial *trial, int k, const mds_scalars *s,
                                  bool thermodynamics);

/* Without host access. arm: after mds_trial_arm()'s events; disarm accepts what was not armed. */
mds_status mds_trial_late_arm(mds_trial *trial);
void mds_trial_late_disarm(mds_trial *trial);
/* A segment begins; `done` (may be NULL) counts its steps that are over. */
void mds_trial_late_begin(mds_trial *trial, int64_t *done);
/* One step in its bracket; looks at older ones when that is due. */
mds_status mds_trial_late_step(mds_trial *trial, bool thermodynamics, int64_t flags);
/* Looks at the steps that are over, oldest first; with `wait`, waits until at most `keep` are left.
 * The first that went wrong ends it with its error; late.settled is then its number. */
mds_status mds_trial_late_settle(mds_trial *trial, int keep, bool wait);
/* Puts the name of the step that `status` is about before the stored message; i: the last one
 * taken. */
void mds_trial_late_name(const mds_trial *trial, mds_phase phase, int64_t i, mds_status status);
/* After step i of a loop that samples nothing: faults, and room in the neighbour list. */
mds_status mds_trial_late_bare(mds_trial *trial, int64_t i);

/* The same steps with nothing sampled: the loop as a whole is timed (MDS_TIMING_OFF). */
mds_status mds_trial_bare_segment(mds_trial *trial, mds_phase phase, int64_t count);

/* `count` steps with the regions on, into the components pool. */
mds_status mds_trial_components(mds_trial *trial, int64_t count);

/* What the components do and what the device can (samples->header->work), where the engine says it.
 * After everything that is timed. */
void mds_trial_work(mds_trial *trial);

/* Last of all: compares the forces of a replay with the teacher's (samples->header->force_error).
 */
void mds_trial_compare(mds_trial *trial);

/* Times that the kernel took the core away from this thread so far. */
long mds_trial_preemptions(void);
/* Flags the doubtful ones among the `over` oldest steps of the ring (trial_doubt.c). */
void mds_trial_flag_doubtful(mds_trial *trial, int over);

#endif

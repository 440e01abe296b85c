/* A protocol says how a state moves: an integrator with its thermostat or barostat, or the replay
 * of given frames. One folder under protocol/, one line in protocols.def.
 *
 * The protocol calls the model (through mds_model_compute) where its scheme needs forces; a step of
 * every protocol here costs exactly one force evaluation. Noise comes from base/rng.h with
 * (seed, stream, state->step, atom), so that trajectories repeat bit for bit anywhere. */
#ifndef MDS_PROTOCOL_PROTOCOL_H
#define MDS_PROTOCOL_PROTOCOL_H

#include "base/option.h"
#include "model/model.h"

typedef struct mds_protocol mds_protocol;
typedef struct mds_protocol_class mds_protocol_class;

enum { MDS_PROTOCOL_NAME_SIZE = 48 };

typedef struct mds_protocol_spec {
    char name[MDS_PROTOCOL_NAME_SIZE]; /* "nvt", "nvt-langevin", a name of the configuration */
    const mds_protocol_class *class;
    mds_options options;
} mds_protocol_spec;

/* Frames for `replay`: positions of the same atoms, one after the other. Host memory. */
typedef struct mds_frames {
    int count, n;
    const double *x;    /* (count,n,3) Å */
    const mds_box *box; /* (count) */
} mds_frames;

typedef struct mds_protocol_config {
    double dt_fs, temperature_K, pressure_GPa;
    uint64_t seed;
    const mds_frames *frames; /* borrowed for the protocol's life; NULL unless `needs_frames` */
    mds_regions *regions;     /* borrowed; may be NULL */
} mds_protocol_config;

struct mds_protocol_class {
    const char *name, *summary;
    const mds_option *options;
    bool needs_virial;     /* NPT: refused at plan time for models without a stress */
    bool needs_frames;     /* replay */
    bool integrates;       /* false: no dynamics, no temperature, no drift verdict */
    const char *conserved; /* what conserved_eV is, for reports: "total energy", ... */

    mds_status (*create)(const mds_protocol_spec *spec, const mds_protocol_config *config,
                         mds_state *state, mds_model *model, mds_protocol **out);
    void (*destroy)(mds_protocol *protocol);
    /* Advances by one step: x, v, f, box, s (kinetic, kinetic tensor, conserved; the potential part
     * by the model), state->step + 1. */
    mds_status (*step)(mds_protocol *protocol, unsigned want);
    /* The same on a CUDA device, as work on its stream (see mds_engine.compute_cuda): all that
     * changes is in the step block, whose step it advances; state->step is the caller's.
     * MDS_CUDA_FN(function); NULL: not on CUDA. */
    mds_status (*step_cuda)(mds_protocol *protocol, unsigned want);
};

/* A step recorded as a graph, one for each kind of `want` (0, MDS_WANT_VIRIAL). */
typedef struct mds_step_graph {
    mds_graph *graph;
    int64_t generation; /* of the device, after the step that ran unrecorded; 0: none has */
} mds_step_graph;

/* Embedded first in every protocol's struct. */
struct mds_protocol {
    const mds_protocol_class *class;
    mds_protocol_spec spec;
    mds_protocol_config config;
    mds_state *state; /* borrowed */
    mds_model *model; /* borrowed */
    mds_step_graph graphs[2];
};

int mds_protocol_count(void);
const mds_protocol_class *mds_protocol_get(int i);
const mds_protocol_class *mds_protocol_find(const char *name);

/* Built-in names: nve, nvt (= nvt-langevin), nvt-langevin, nvt-svr, nvt-nhc, npt (= npt-iso),
 * npt-iso, npt-aniso, replay. MDS_ERR_CONFIG with the nearest word. */
int mds_protocol_name_count(void);
const char *mds_protocol_name(int i);
mds_status mds_protocol_resolve(const char *name, mds_protocol_spec *out);
/* A spec of class `type` with presets, to be changed by mds_options_set_*(). */
mds_status mds_protocol_spec_init(mds_protocol_spec *spec, const char *name, const char *type);

/* Whether it runs on such a device: MDS_ERR_UNSUPPORTED with the reason. Cheap: called for every
 * case of a plan. */
mds_status mds_protocol_supports(const mds_protocol_spec *spec, mds_device_kind kind);
/* Computes the first forces; the state must have been prepared for the model. */
mds_status mds_protocol_create(const mds_protocol_spec *spec, const mds_protocol_config *config,
                               mds_state *state, mds_model *model, mds_protocol **out);
void mds_protocol_destroy(mds_protocol *protocol); /* accepts NULL */
/* want: MDS_WANT_VIRIAL so that the pressure of this step is known. */
mds_status mds_protocol_step(mds_protocol *protocol, unsigned want);
/* On CUDA: whether the next step with `want` is one launch of a graph that was recorded before. */
bool mds_protocol_is_recorded(const mds_protocol *protocol, unsigned want);

/* P = (2K + tr W) / 3V in GPa, from a fetched scalar block; NaN without a virial or volume. */
double mds_pressure_GPa(const mds_scalars *s, double volume);

#endif

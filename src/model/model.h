/* A model computes energy, forces and virial of a state. An engine is the code of a family of
 * models: one folder under model/, one line in engines.def, one const table at the bottom of its
 * file.
 *
 * Life: create (reads files, checks options; no atoms known) → prepare (atoms known: topology,
 * buffers; may be called again for another state) → compute, once per step → destroy.
 * Units: eV, Å. Not thread-safe: a model belongs to one worker. */
#ifndef MDS_MODEL_MODEL_H
#define MDS_MODEL_MODEL_H

#include "base/option.h"
#include "device/ops.h"
#include "device/region.h"
#include "md/state.h"

#include <stdint.h>

typedef struct mds_model mds_model;
typedef struct mds_engine mds_engine;

typedef enum mds_precision {
    MDS_PRECISION_AUTO,
    MDS_PRECISION_FP64,
    MDS_PRECISION_FP32,
    MDS_PRECISION_TF32,
    MDS_PRECISION_TF32X3,
    MDS_PRECISION_FP16,
    MDS_PRECISION_COUNT
} mds_precision;

const char *mds_precision_name(mds_precision precision);
mds_status mds_precision_parse(const char *word,
                               mds_precision *out); /* MDS_ERR_CONFIG lists words */

enum { MDS_MODEL_NAME_SIZE = 48 };

/* What the user asked for: plain data, made by mds_model_resolve(), copied freely. */
typedef struct mds_model_spec {
    char name[MDS_MODEL_NAME_SIZE]; /* "reference", "lj", a name of the configuration, ... */
    const mds_engine *engine;       /* static */
    mds_options options;            /* of engine->options */
    mds_precision precision;        /* resolved: never AUTO */
    uint64_t seed;                  /* for synthetic weights; 0 otherwise */
} mds_model_spec;

/* What is known about the atoms at plan time, before any are built. */
typedef struct mds_model_target {
    mds_species species;
    int n_atoms;
    bool periodic; /* in all three directions */
} mds_model_target;

enum { MDS_CAP_STRESS = 1u, MDS_CAP_CONSERVATIVE = 2u, MDS_CAP_NONPERIODIC = 4u };

enum { MDS_WANT_VIRIAL = 1u }; /* energy and forces are always computed */

/* What a component computes and moves in one step, by formula. */
typedef struct mds_work {
    double flop;  /* additions and multiplications of its matrix products and sums */
    double bytes; /* each input, weights included, read once, each output written once */
} mds_work;

struct mds_engine {
    const char *name;    /* "sw" */
    const char *summary; /* one line */
    const mds_option *options;
    unsigned caps;
    unsigned precisions; /* bit 1 << MDS_PRECISION_FP64, ... */
    mds_precision default_precision;

    /* required */
    mds_status (*create)(const mds_model_spec *spec, mds_device *device, mds_model **out);
    void (*destroy)(mds_model *model); /* accepts a partial object */
    mds_status (*prepare)(mds_model *model, const mds_state *state);
    mds_status (*compute)(mds_model *model, mds_state *state, unsigned want);

    /* optional: MDS_ERR_UNSUPPORTED with the reason when the engine cannot do this target (element
     * missing, file missing, ...). Cheap: called for every case of a plan. NULL: everything. */
    mds_status (*supports)(const mds_model_spec *spec, const mds_model_target *target);
    /* optional: the caps of this spec, where `caps` is only what all of the engine's models have.
     */
    unsigned (*caps_of)(const mds_model_spec *spec);
    /* optional: predicted seconds per step of n atoms on one core or one GPU; orders the sweep. */
    double (*cost_s)(const mds_model_spec *spec, const mds_model_target *target,
                     mds_device_kind kind);
    /* optional: predicted engine bytes for n atoms. */
    double (*memory_bytes)(const mds_model_spec *spec, const mds_model_target *target);
    /* optional: neighbour skin and cutoff used, for reports; 0 when there is none. */
    double (*cutoff)(const mds_model *model);
    /* optional: networks that are averaged (a committee). The engine then has an option "member":
     * one of them alone, from 0; -1 is the mean. NULL: one. */
    int (*members)(const mds_model *model);
    /* optional: what a model itself expects of the error of its forces in the last compute(), per
     * atom: out (n) eV/Å, mean absolute error of a component. Waits and allocates: not within a
     * step. MDS_ERR_UNSUPPORTED where this model of the engine has no such thing. */
    mds_status (*expected_error)(mds_model *model, double *out);
    /* optional: compute() on a CUDA device, as work on its stream that can be recorded in a graph:
     * no allocation and no waiting once it has run. What it finds wrong it leaves in the step block
     * (md/state.h). MDS_CUDA_FN(function); NULL: not on CUDA. */
    mds_status (*compute_cuda)(mds_model *model, mds_state *state, unsigned want);
    /* optional: more room for what a full neighbour list (mds_scalars.fill) announces. Called
     * between steps; may wait and allocate. */
    mds_status (*make_room)(mds_model *model, mds_state *state);
    /* optional: the work of a step like the last one, s its scalars; `out` (MDS_REGION_COUNT) is
     * zero where nothing is said. For shares of the device's peak in tables. */
    void (*work)(const mds_model *model, const mds_scalars *s, mds_work *out);
    bool on_sim; /* may run on sim (all run on cpu) */
    bool hidden; /* for tests only: not listed */
};

/* Embedded first in every engine's struct. mds_model_create() fills it when create() succeeded; an
 * engine whose destroy() needs the device sets `device` itself, first of all. */
struct mds_model {
    const mds_engine *engine;
    mds_model_spec spec;
    mds_device *device;
    mds_regions *regions; /* where components are timed; may be NULL; borrowed */
    int n_prepared; /* kept by the wrappers: compute() is refused for another number of atoms */
};

/* The engines, in the order of engines.def. */
int mds_engine_count(void);
const mds_engine *mds_engine_get(int i);
const mds_engine *mds_engine_find(const char *name); /* NULL when unknown */

/* The built-in model names ("reference", "lj", "sw", "sutton-chen", ...), for lists and errors. */
int mds_model_name_count(void);
const char *mds_model_name(int i);
const char *mds_model_summary(int i);

/* Makes a spec for built-in `name`, for atoms of `target` (which decides what "reference" means).
 * MDS_ERR_CONFIG with the nearest name when unknown; MDS_ERR_UNSUPPORTED when "reference" has
 * nothing for these elements. */
mds_status mds_model_resolve(const char *name, const mds_model_target *target,
                             mds_precision precision, mds_model_spec *out);
/* A spec of `engine` with its preset options, to be changed by mds_options_set_*(). */
mds_status mds_model_spec_init(mds_model_spec *spec, const char *name, const char *engine,
                               mds_precision precision);

/* Checked wrappers: these are what the rest of the program calls. */
unsigned mds_model_caps(const mds_model_spec *spec); /* MDS_CAP_... */
/* Made-up weights: the cost of a step means something, its results do not. By a seed, or by the
 * option `synthetic` of engines that have one. */
bool mds_model_is_synthetic(const mds_model_spec *spec);
/* MDS_ERR_UNSUPPORTED for synthetic weights, unless their option `dynamics` allows it: forces that
 * mean nothing drive atoms into each other, and then the cost means nothing either. */
mds_status mds_model_supports_dynamics(const mds_model_spec *spec);
mds_status mds_model_supports(const mds_model_spec *spec, const mds_model_target *target,
                              bool want_virial, mds_device_kind kind);
double mds_model_cost_s(const mds_model_spec *spec, const mds_model_target *target,
                        mds_device_kind kind);
double mds_model_memory_bytes(const mds_model_spec *spec, const mds_model_target *target);
mds_status mds_model_create(const mds_model_spec *spec, mds_device *device, mds_model **out);
void mds_model_destroy(mds_model *model); /* accepts NULL */
/* Networks that the model averages, 1 where it is no committee. */
int mds_model_members(const mds_model *model);
void mds_model_set_regions(mds_model *model, mds_regions *regions);
mds_status mds_model_prepare(mds_model *model, const mds_state *state);
/* Writes state->f, state->s->potential_eV, ->n_edges, ->rebuilt, and ->virial_eV when wanted (NaN
 * otherwise). MDS_ERR_NUMERIC when the state is not computable. */
mds_status mds_model_compute(mds_model *model, mds_state *state, unsigned want);
/* Work of the components of a step like the last one, out (MDS_REGION_COUNT); false, and zeros,
 * where the engine does not say. */
bool mds_model_work(const mds_model *model, const mds_scalars *s, mds_work *out);
/* Numbers and products of networks in `precision`: of what the operations do, where they have not
 * got it (fp16: float32, exact); then false. */
bool mds_precision_product(mds_precision precision, mds_real *real, mds_product *product);
/* The model's own estimate of its force errors (mds_engine.expected_error). */
mds_status mds_model_expected_error(mds_model *model, double *out);
/* Grows what is nearly full; nothing for engines that need no such thing. */
mds_status mds_model_make_room(mds_model *model, mds_state *state);

#endif

/* Thermal start states. A case starts from atoms that already move as they do at its temperature,
 * made by the classical reference of the material, so that every model begins with the same
 * configuration and none is timed on a perfect lattice.
 *
 *   crystal: lattice → velocities at 2T (half of it becomes potential energy, by equipartition)
 *            → Langevin dynamics, 0.4 ps
 *   water:   molecules on a lattice → FIRE → velocities at T → Langevin dynamics, 1.2 ps
 *   neither a reference nor time for one (file systems of other elements; run.equilibration = 0):
 *            the structure as built, with Maxwell–Boltzmann velocities at T
 *
 * The centre of mass ends at rest. Everything is drawn from one seed that is a hash of the cache
 * key, so a state depends on nothing but what the key names, and the cache only saves time. */
#include "case/relax.h"
#include "case/runner.h"

#include "base/log.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_SIZE = 1024, BEAT_EVERY = 10, RELAX_STEPS = 150 };

/* How long the dynamics needs, by the potential energy of 512 atoms. A crystal only has to exchange
 * heat with itself: it is within 1 meV/atom of its long mean after 0.2 ps. Water has to find its
 * hydrogen bonds: of 40 meV/atom 4 are left after 1.2 ps, and half that after each further ps; it
 * gets there soonest with a friction that still lets molecules turn. */
typedef struct recipe {
    double time_fs, friction_1_ps;
} recipe;

static const recipe for_crystals = {400.0, 20.0}, for_liquids = {1200.0, 10.0};

/* Below the largest forces in the liquid (3 eV/Å at 300 K) and so no waste of steps. */
static const double relaxed_eV_A = 0.5;

typedef struct entry {
    char key[KEY_SIZE]; /* "" while unused */
    mds_structure structure;
    int64_t used; /* by the cache's count of look-ups */
} entry;

struct mds_start_cache {
    int count;
    int64_t lookups;
    entry *entries;
};

typedef struct pulse {
    void (*call)(void *context);
    void *context;
} pulse;

/* What equilibrate() works with. */
typedef struct bench {
    mds_device *device;
    mds_state state;
    mds_model *model;
    mds_protocol *protocol;
} bench;

mds_status mds_start_cache_create(int entries, mds_start_cache **out)
{
    mds_start_cache *cache = calloc(1, sizeof *cache);

    *out = NULL;
    if (cache) {
        cache->count = entries > 0 ? entries : 1;
        cache->entries = calloc((size_t)cache->count, sizeof *cache->entries);
    }
    if (!cache || !cache->entries) {
        mds_start_cache_destroy(cache);
        return mds_fail(MDS_ERR_NOMEM, "no memory for %d start states", entries);
    }
    *out = cache;
    return MDS_OK;
}

void mds_start_cache_destroy(mds_start_cache *cache)
{
    if (!cache)
        return;
    for (int i = 0; cache->entries && i < cache->count; ++i)
        mds_structure_fini(&cache->entries[i].structure);
    free(cache->entries);
    free(cache);
}

static const entry *find(mds_start_cache *cache, const char *key)
{
    cache->lookups++;
    for (int i = 0; i < cache->count; ++i) {
        if (strcmp(cache->entries[i].key, key) == 0) {
            cache->entries[i].used = cache->lookups;
            return &cache->entries[i];
        }
    }
    return NULL;
}

/* Keeps a copy in the place of what was not needed for longest. */
static mds_status keep(mds_start_cache *cache, const char *key, const mds_structure *structure)
{
    entry *oldest = &cache->entries[0];

    for (int i = 1; i < cache->count; ++i)
        if (cache->entries[i].used < oldest->used)
            oldest = &cache->entries[i];
    mds_structure_fini(&oldest->structure);
    oldest->key[0] = '\0';

    const mds_status status = mds_structure_copy(&oldest->structure, structure);

    if (status == MDS_OK) {
        snprintf(oldest->key, sizeof oldest->key, "%s", key);
        oldest->used = cache->lookups;
    }
    return status;
}

/* Everything that a start state depends on, and nothing else. */
static void make_key(const mds_study *study, const mds_case *point, char key[KEY_SIZE])
{
    const mds_system_spec *system = &study->systems[point->system];
    char options[KEY_SIZE / 2];

    snprintf(key, KEY_SIZE,
             "seed=%" PRIu64 " system=%s %s n=%d temperature_K=%.17g equilibration=%" PRId64,
             study->run.seed, system->name,
             mds_options_format(&system->options, options, sizeof options), point->n_asked,
             point->run.temperature_K, point->run.equilibration);
}

static void dismantle(bench *b)
{
    mds_protocol_destroy(b->protocol);
    mds_model_destroy(b->model);
    mds_state_fini(&b->state);
    mds_device_close(b->device);
}

/* The reference of these elements, ready for the state; b->model stays NULL when there is none. */
static mds_status find_reference(const mds_system_spec *system, const mds_structure *structure,
                                 bench *b)
{
    const bool *periodic = structure->box.periodic;
    const mds_model_target target = {.species = structure->species,
                                     .n_atoms = structure->n,
                                     .periodic = periodic[0] && periodic[1] && periodic[2]};
    mds_model_spec spec;
    mds_status status;

    MDS_TRY(mds_model_resolve("reference", &target, MDS_PRECISION_AUTO, &spec));
    MDS_TRY(mds_model_supports(&spec, &target, false, MDS_DEVICE_CPU));
    MDS_TRY(mds_model_create(&spec, b->device, &b->model));
    MDS_TRY(mds_model_prepare(b->model, &b->state));
out:
    if (status == MDS_OK)
        return MDS_OK;
    mds_model_destroy(b->model);
    b->model = NULL;
    if (status == MDS_ERR_NOMEM)
        return status;

    /* A user's file may hold anything, say hydrogen peroxide, that other models can do. */
    if (status != MDS_ERR_UNSUPPORTED && strcmp(system->class->name, "file") != 0)
        return status;
    mds_log(MDS_LOG_DEBUG, "start state of %s: not equilibrated, %s", system->name, mds_error());
    mds_error_clear();
    return MDS_OK;
}

static mds_status run_dynamics(bench *b, double dt_fs, double temperature_K, uint64_t seed,
                               double friction_1_ps, int64_t steps, const pulse *beat)
{
    const mds_protocol_config config = {
        .dt_fs = dt_fs, .temperature_K = temperature_K, .seed = seed};
    mds_protocol_spec spec;
    mds_status status;

    MDS_TRY(mds_protocol_resolve("nvt-langevin", &spec));
    MDS_TRY(mds_options_set_number(&spec.options, "friction_1_ps", friction_1_ps));
    MDS_TRY(mds_protocol_create(&spec, &config, &b->state, b->model, &b->protocol));
    for (int64_t i = 0; i < steps; ++i) {
        MDS_TRY(mds_protocol_step(b->protocol, 0));
        if (beat->call && i % BEAT_EVERY == 0)
            beat->call(beat->context);
    }
out:
    return status;
}

/* Relaxes what was put together at random, draws velocities, and runs the dynamics. */
static mds_status equilibrate(const mds_system_spec *system, const mds_case *point, uint64_t seed,
                              const pulse *beat, bench *b)
{
    const double temperature = point->run.temperature_K;
    const bool disordered = system->class->disordered;
    const mds_relax relax = {RELAX_STEPS, relaxed_eV_A, beat->call, beat->context};
    const recipe *needs = disordered ? &for_liquids : &for_crystals;
    const double dt_fs = system->class->timestep_fs;
    int64_t steps = point->run.equilibration;
    mds_status status = MDS_OK;

    if (steps < 0)
        steps = (int64_t)(needs->time_fs / dt_fs + 0.5);
    if (!b->model || temperature == 0.0)
        steps = 0;
    if (b->model && disordered)
        MDS_TRY(mds_relax_state(&relax, b->model, &b->state));

    /* At a minimum of the energy half of the heat goes into the positions; a relaxed liquid is hot
     * enough there. */
    const bool at_minimum = steps > 0 && !disordered;

    MDS_TRY(mds_state_draw_velocities(&b->state, (at_minimum ? 2.0 : 1.0) * temperature, seed));
    if (steps > 0)
        MDS_TRY(run_dynamics(b, dt_fs, temperature, seed, needs->friction_1_ps, steps, beat));
out:
    return status;
}

/* Langevin noise moves the whole; a start state stands still. */
static void stop_center_of_mass(mds_structure *structure)
{
    double momentum[3] = {0.0, 0.0, 0.0}, mass = 0.0;

    for (int i = 0; i < structure->n; ++i) {
        mass += structure->mass[i];
        for (int k = 0; k < 3; ++k)
            momentum[k] += structure->mass[i] * structure->v[3 * (size_t)i + k];
    }
    for (int i = 0; i < structure->n; ++i)
        for (int k = 0; k < 3; ++k)
            structure->v[3 * (size_t)i + k] -= momentum[k] / mass;
}

static mds_status make_state(const mds_system_spec *system, const mds_case *point, uint64_t seed,
                             const pulse *beat, mds_structure *out)
{
    bench b = {0};
    mds_structure built = {0};
    mds_status status;

    memset(out, 0, sizeof *out);
    MDS_TRY(mds_system_build(system, point->n_asked, seed, &built));
    MDS_TRY(mds_device_open("cpu", &b.device));
    MDS_TRY(mds_state_init(&b.state, b.device, &built));
    if (point->run.equilibration != 0 || system->class->disordered)
        MDS_TRY(find_reference(system, &built, &b));
    MDS_TRY(equilibrate(system, point, seed, beat, &b));
    MDS_TRY(mds_state_fetch(&b.state, out));
    stop_center_of_mass(out);
out:
    dismantle(&b);
    mds_structure_fini(&built);
    return status;
}

mds_status mds_start_state(mds_start_cache *cache, const mds_study *study, const mds_case *point,
                           void (*call)(void *context), void *context, mds_structure *out)
{
    const mds_system_spec *system = &study->systems[point->system];
    const pulse beat = {call, context};
    char key[KEY_SIZE];
    mds_status status = MDS_OK;

    memset(out, 0, sizeof *out);
    make_key(study, point, key);

    const entry *known = find(cache, key);

    if (known)
        return mds_structure_copy(out, &known->structure);
    MDS_TRY(make_state(system, point, mds_hash_text(MDS_HASH_START, key), &beat, out));
    MDS_TRY(keep(cache, key, out));
out:
    if (status != MDS_OK) {
        mds_structure_fini(out);
        mds_error_prefix("start state of %s: ", system->name);
    }
    return status;
}

/* A study of one case, made by hand, for the tests of the runner and the record. */
#ifndef MDS_TESTS_UNIT_CASE_STUDY_FIXTURE_H
#define MDS_TESTS_UNIT_CASE_STUDY_FIXTURE_H

#include "case/runner.h"

#include "harness/test.h"

typedef struct fixture {
    mds_study study;
    mds_case point;
    mds_start_cache *cache;
    mds_samples samples;
    mds_system_spec system;
    mds_protocol_spec protocol;
    mds_study_model model;
    int size;
} fixture;

/* Short and quiet: what a test needs more of it sets itself before fixture_run(). */
static inline void fixture_init(fixture *f, const char *system, int size, const char *protocol,
                                const char *model)
{
    memset(f, 0, sizeof *f);
    CHECK_OK(mds_system_resolve(system, &f->system));
    CHECK_OK(mds_protocol_resolve(protocol, &f->protocol));
    snprintf(f->model.name, sizeof f->model.name, "%s", model);
    f->size = size;
    f->study = (mds_study){.system_count = 1,
                           .size_count = 1,
                           .protocol_count = 1,
                           .model_count = 1,
                           .repeats = 1,
                           .systems = &f->system,
                           .sizes = &f->size,
                           .protocols = &f->protocol,
                           .models = &f->model};
    f->study.run = (mds_run){.steps = 40,
                             .warmup = 5,
                             .component_steps = 6,
                             .equilibration = 0,
                             .memory_every = 10,
                             .energy_every = 1,
                             .timestep_fs = NAN,
                             .temperature_K = 300,
                             .seed = 11,
                             .timeout_s = 60,
                             .leak_tolerance_MB = 10};
    f->point = (mds_case){.n_asked = size, .run = f->study.run};
    int repeat[3];

    CHECK_OK(mds_system_plan(&f->system, size, &f->point.n_atoms, repeat));
    CHECK_OK(mds_start_cache_create(4, &f->cache));
}

/* "fault" and its options. */
static inline void fixture_set_engine(fixture *f, const char *engine, const char *key,
                                      const char *text)
{
    snprintf(f->model.engine, sizeof f->model.engine, "%s", engine);
    f->model.set[f->model.set_count].is_text = true;
    snprintf(f->model.set[f->model.set_count].key, sizeof f->model.set->key, "%s", key);
    snprintf(f->model.set[f->model.set_count].text, sizeof f->model.set->text, "%s", text);
    ++f->model.set_count;
}

static inline mds_status fixture_run(fixture *f, const char *device)
{
    int64_t capacity[MDS_POOL_COUNT];

    for (int pool = 0; pool < MDS_POOL_COUNT; ++pool)
        capacity[pool] = mds_case_rows(&f->point, (mds_pool)pool);
    mds_samples_destroy(&f->samples);
    CHECK_OK(mds_samples_create(capacity, &f->samples));
    CHECK_OK(mds_samples_add_frames(
        &f->samples,
        (size_t)mds_frame_bytes(f->point.n_atoms, mds_case_frames(&f->study, &f->point))));
    return mds_case_run(&f->study, &f->point, 0, 1, device, f->cache, &f->samples);
}

static inline void fixture_fini(fixture *f)
{
    mds_samples_destroy(&f->samples);
    mds_start_cache_destroy(f->cache);
}

static inline const mds_cell *fixture_column(const fixture *f, mds_pool pool, const char *key)
{
    const int column = mds_pool_find_column(pool, key);

    if (column < 0)
        fail_msg("no series %s", key);
    return mds_samples_column(&f->samples, pool, column);
}

#endif

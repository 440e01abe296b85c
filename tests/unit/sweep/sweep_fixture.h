/* Studies made by hand (the configuration is a layer beside this one). */
#ifndef MDS_TESTS_SWEEP_FIXTURE_H
#define MDS_TESTS_SWEEP_FIXTURE_H

#include "harness/test.h"

#include "case/study_keys.h"
#include "sweep/matrix.h"

/* NULL-terminated lists; sizes end with 0. */
static inline mds_study make_study(const char *const *systems, const int *sizes,
                                   const char *const *protocols, const char *const *models)
{
    mds_study s = {.repeats = 1};

    while (systems[s.system_count])
        ++s.system_count;
    while (sizes[s.size_count])
        ++s.size_count;
    while (protocols[s.protocol_count])
        ++s.protocol_count;
    while (models[s.model_count])
        ++s.model_count;
    s.systems = calloc((size_t)s.system_count + 1, sizeof *s.systems);
    s.sizes = calloc((size_t)s.size_count + 1, sizeof *s.sizes);
    s.protocols = calloc((size_t)s.protocol_count + 1, sizeof *s.protocols);
    s.models = calloc((size_t)s.model_count + 1, sizeof *s.models);
    s.exclude = calloc(8, sizeof *s.exclude);
    s.overrides = calloc(8, sizeof *s.overrides);
    for (int i = 0; i < s.system_count; ++i)
        CHECK_OK(mds_system_resolve(systems[i], &s.systems[i]));
    for (int i = 0; i < s.size_count; ++i)
        s.sizes[i] = sizes[i];
    for (int i = 0; i < s.protocol_count; ++i)
        CHECK_OK(mds_protocol_resolve(protocols[i], &s.protocols[i]));
    for (int i = 0; i < s.model_count; ++i) {
        snprintf(s.models[i].name, sizeof s.models[i].name, "%s", models[i]);
        snprintf(s.models[i].base, sizeof s.models[i].base, "%s", models[i]);
    }
    mds_fields_preset(mds_run_fields, &s.run);
    return s;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define SIZES(...) ((const int[]){__VA_ARGS__, 0})

/* The bit of a run key in mds_override.given. */
static inline uint32_t run_bit(const char *key)
{
    return UINT32_C(1) << (mds_fields_find(mds_run_fields, key) - mds_run_fields);
}

/* The case with this label, or NULL. */
static inline const mds_case *find_case(const mds_study *study, const mds_matrix *matrix,
                                        const char *label)
{
    char text[256];

    for (int i = 0; i < matrix->count; ++i)
        if (strcmp(mds_case_label(study, &matrix->cases[i], text, sizeof text), label) == 0)
            return &matrix->cases[i];
    return NULL;
}

#endif

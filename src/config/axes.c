/* The axes of the sweep: what names mean, and what may not be: empty, twice, out of range. */
#include "config/reader.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const config_setting_t *find_axis(mds_config_reader *reader, const config_setting_t *sweep,
                                         const char *name, const char *example)
{
    const config_setting_t *axis = config_setting_get_member(sweep, name);

    if (!axis)
        mds_config_problem(reader, sweep, "sweep has no %s, such as %s = [%s];", name, name,
                           example);
    return axis;
}

/* The texts of an axis without those that are wrong or there twice; the settings in `at`. */
static int read_names(mds_config_reader *reader, const config_setting_t *axis, const char *what,
                      const config_setting_t **at, const char **names)
{
    const int count = axis ? mds_config_elements(reader, axis, at, MDS_CONFIG_AXIS_MAX) : 0;
    int kept = 0;

    for (int i = 0; i < count; ++i) {
        const char *text = mds_config_text(reader, at[i], what);
        bool twice = false;

        for (int k = 0; text && k < kept && !twice; ++k)
            twice = strcmp(names[k], text) == 0;
        if (twice)
            mds_config_problem(reader, at[i], "%s '%.100s' is in %s twice", what, text,
                               config_setting_name(axis));
        if (!text || twice)
            continue;
        at[kept] = at[i];
        names[kept++] = text;
    }
    return kept;
}

/* "cells/mix.xyz" is called "mix" in tables and keys: a name that libconfig takes in `systems`, and
 * that is no built-in one. */
static void name_of_path(const char *path, char *out, size_t size)
{
    const char *slash = strrchr(path, '/');
    const char *stem = slash ? slash + 1 : path;
    const char *dot = strrchr(stem, '.');
    size_t length = dot && dot > stem ? (size_t)(dot - stem) : strlen(stem);
    int used = isalpha((unsigned char)*stem) ? 0 : snprintf(out, size, "file-");

    for (size_t i = 0; i < length && (size_t)used + 1 < size; ++i) {
        const char c = stem[i];
        out[used++] = isalnum((unsigned char)c) || c == '-' || c == '_' ? c : '-';
    }
    out[used] = '\0';
    if (mds_system_find(out) && (size_t)used + 5 < size)
        snprintf(out + used, size - (size_t)used, "-xyz");
}

static bool resolve_system(mds_config_reader *reader, const config_setting_t *at, const char *name,
                           mds_system_spec *out)
{
    const int defined = mds_config_find_system(reader, name);
    const char *words[MDS_CONFIG_WORDS_MAX];

    if (defined >= 0) {
        *out = reader->systems.systems[defined];
        return !reader->systems.bad[defined];
    }
    if (mds_config_is_path(name)) {
        char called[MDS_SYSTEM_NAME_SIZE];
        name_of_path(name, called, sizeof called);
        return mds_config_file_system(reader, at, called, name, out) &&
               mds_config_check_system(reader, at, out);
    }
    if (!mds_system_find(name)) {
        const int count = mds_config_system_words(reader, words, MDS_CONFIG_WORDS_MAX);
        mds_config_unknown_word(reader, at, "system", name, words, count);
        return false;
    }
    if (mds_system_resolve(name, out) == MDS_OK)
        return mds_config_check_system(reader, at, out);
    mds_config_problem(reader, at, "%s", mds_error());
    return false;
}

static void read_systems(mds_config_reader *reader, const config_setting_t *axis,
                         const config_setting_t **at, const char **names)
{
    mds_study *study = reader->study;
    const int count = read_names(reader, axis, "system", at, names);

    study->systems = mds_config_alloc(reader, count, sizeof *study->systems);
    reader->written = mds_config_alloc(reader, count, sizeof *reader->written);
    for (int i = 0; i < count && !reader->nomem; ++i) {
        mds_system_spec *spec = &study->systems[study->system_count];
        bool twice = false;

        if (!resolve_system(reader, at[i], names[i], spec))
            continue;
        for (int k = 0; k < study->system_count && !twice; ++k)
            twice = strcmp(study->systems[k].name, spec->name) == 0;
        if (twice) {
            mds_config_problem(reader, at[i],
                               "two systems would be called '%s'; give '%.200s' a name in the "
                               "section systems",
                               spec->name, names[i]);
            continue;
        }
        snprintf(reader->written[study->system_count++], MDS_PATH_SIZE, "%s", names[i]);
    }
}

static void read_sizes(mds_config_reader *reader, const config_setting_t *axis,
                       const config_setting_t **at)
{
    static const mds_field field = {
        .option = {.key = "size", .type = MDS_OPTION_INT, .unit = "atoms", .min = 1, .max = 1e6},
        .kind = MDS_FIELD_INT,
        .size = sizeof(int),
    };
    mds_study *study = reader->study;
    const int count = axis ? mds_config_elements(reader, axis, at, MDS_CONFIG_AXIS_MAX) : 0;

    study->sizes = mds_config_alloc(reader, count, sizeof *study->sizes);
    for (int i = 0; i < count && !reader->nomem; ++i) {
        int size;
        bool twice = false;

        if (!mds_config_read_field(reader, at[i], &field, &size))
            continue;
        for (int k = 0; k < study->size_count && !twice; ++k)
            twice = study->sizes[k] == size;
        if (twice)
            mds_config_problem(reader, at[i], "size %d is in sizes twice", size);
        else
            study->sizes[study->size_count++] = size;
    }
}

static bool resolve_protocol(mds_config_reader *reader, const config_setting_t *at,
                             const char *name, mds_protocol_spec *out)
{
    const int defined = mds_config_find_protocol(reader, name);
    const char *words[MDS_CONFIG_WORDS_MAX];
    const int count = mds_config_protocol_words(reader, words, MDS_CONFIG_WORDS_MAX);

    if (defined >= 0) {
        *out = reader->protocols.protocols[defined];
        return !reader->protocols.bad[defined];
    }
    if (mds_protocol_resolve(name, out) == MDS_OK)
        return true;
    mds_config_unknown_word(reader, at, "protocol", name, words, count);
    return false;
}

static void read_protocols(mds_config_reader *reader, const config_setting_t *axis,
                           const config_setting_t **at, const char **names)
{
    mds_study *study = reader->study;
    const int count = read_names(reader, axis, "protocol", at, names);

    study->protocols = mds_config_alloc(reader, count, sizeof *study->protocols);
    for (int i = 0; i < count && !reader->nomem; ++i)
        study->protocol_count +=
            resolve_protocol(reader, at[i], names[i], &study->protocols[study->protocol_count]);
}

static bool resolve_model(mds_config_reader *reader, const config_setting_t *at, const char *name,
                          mds_study_model *out)
{
    const int defined = mds_config_find_model(reader, name);
    const char *words[MDS_CONFIG_WORDS_MAX];
    const int count = mds_config_model_words(reader, words, MDS_CONFIG_WORDS_MAX);

    if (defined >= 0) {
        *out = reader->models.models[defined];
        return !reader->models.bad[defined];
    }
    for (int i = 0; i < mds_model_name_count(); ++i)
        if (strcmp(mds_model_name(i), name) == 0) {
            snprintf(out->name, sizeof out->name, "%s", name);
            snprintf(out->base, sizeof out->base, "%s", name);
            return true;
        }
    mds_config_unknown_word(reader, at, "model", name, words, count);
    return false;
}

static void read_models(mds_config_reader *reader, const config_setting_t *axis,
                        const config_setting_t **at, const char **names)
{
    mds_study *study = reader->study;
    const int count = read_names(reader, axis, "model", at, names);

    study->models = mds_config_alloc(reader, count, sizeof *study->models);
    for (int i = 0; i < count && !reader->nomem; ++i)
        study->model_count +=
            resolve_model(reader, at[i], names[i], &study->models[study->model_count]);
}

/* A model of the sweep, whose times can be compared as well, or a built-in one. */
static void check_teacher(mds_config_reader *reader, const config_setting_t *sweep)
{
    const mds_study *study = reader->study;
    const config_setting_t *at = config_setting_get_member(sweep, "teacher");
    const char *words[MDS_CONFIG_WORDS_MAX];
    int count = 0;

    if (!at || !*study->teacher || strcmp(study->teacher, "none") == 0)
        return;
    for (int i = 0; i < study->model_count && count < MDS_CONFIG_WORDS_MAX; ++i)
        words[count++] = study->models[i].name;
    for (int i = 0; i < mds_model_name_count() && count < MDS_CONFIG_WORDS_MAX; ++i)
        words[count++] = mds_model_name(i);
    for (int i = 0; i < count; ++i)
        if (strcmp(words[i], study->teacher) == 0)
            return;
    mds_config_unknown_word(reader, at, "teacher", study->teacher, words, count);
}

void mds_config_read_axes(mds_config_reader *reader, const config_setting_t *sweep)
{
    const config_setting_t **at = mds_config_alloc(reader, MDS_CONFIG_AXIS_MAX, sizeof *at);
    const char **names = mds_config_alloc(reader, MDS_CONFIG_AXIS_MAX, sizeof *names);

    if (!reader->nomem) {
        read_systems(reader, find_axis(reader, sweep, "systems", "\"silicon\""), at, names);
        read_sizes(reader, find_axis(reader, sweep, "sizes", "64, 256"), at);
        read_protocols(reader, find_axis(reader, sweep, "protocols", "\"nve\""), at, names);
        read_models(reader, find_axis(reader, sweep, "models", "\"reference\""), at, names);
        check_teacher(reader, sweep);
    }
    free(at);
    free(names);
}

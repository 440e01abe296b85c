/* The sections systems, protocols and models: entries that add names, or replace built-in ones. An
 * entry names what it starts from, and sets options that the plug-in's own table checks. */
#include "base/text.h"
#include "config/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool mds_config_is_path(const char *name)
{
    static const char *const endings[] = {".xyz", ".extxyz"};
    const size_t length = strlen(name);

    for (int i = 0; i < 2; ++i) {
        const size_t tail = strlen(endings[i]);
        if (length > tail && strcmp(name + length - tail, endings[i]) == 0)
            return true;
    }
    return strchr(name, '/') != NULL;
}

/* `text` relative to the configuration's folder when there is such a file, else as it is; made
 * absolute, so that the resolved configuration loads from anywhere. */
static const char *locate(const mds_config_reader *reader, const config_setting_t *setting,
                          const char *text, char *out, size_t size)
{
    char joined[2 * MDS_PATH_SIZE];
    const char *base = text[0] == '/' || mds_config_origin(setting) ? "" : reader->folder;

    snprintf(joined, sizeof joined, "%s%s", base, text);
    char *full = realpath(joined, NULL);
    if (!full)
        full = realpath(text, NULL);
    snprintf(out, size, "%s", full && strlen(full) < size ? full : text);
    free(full);
    return out;
}

/* The text of a member, or NULL (reported when it is there and no text). */
static const char *member_text(mds_config_reader *reader, const config_setting_t *group,
                               const char *name)
{
    const config_setting_t *member = config_setting_get_member(group, name);

    return member ? mds_config_text(reader, member, name) : NULL;
}

/* One option of a plug-in from a setting, by value. */
typedef struct option_value {
    const char *key;
    bool is_text;
    double number;
    char text[MDS_OPTION_TEXT_SIZE];
} option_value;

/* False after reporting. */
static bool read_value(mds_config_reader *reader, const config_setting_t *setting,
                       option_value *out)
{
    memset(out, 0, sizeof *out);
    out->key = config_setting_name(setting);
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        out->number = (double)config_setting_get_int64(setting);
        return true;
    case CONFIG_TYPE_FLOAT:
        out->number = config_setting_get_float(setting);
        return true;
    case CONFIG_TYPE_BOOL:
        out->number = config_setting_get_bool(setting) ? 1.0 : 0.0;
        return true;
    case CONFIG_TYPE_STRING: {
        const char *text = config_setting_get_string(setting);
        if (strlen(text) >= sizeof out->text) {
            mds_config_problem(reader, setting, "option '%.47s': text longer than %d bytes",
                               out->key, MDS_OPTION_TEXT_SIZE - 1);
            return false;
        }
        out->is_text = true;
        snprintf(out->text, sizeof out->text, "%s", text);
        return true;
    }
    default:
        mds_config_problem(reader, setting, "option '%.47s' takes one value, not a list or group",
                           out->key);
        return false;
    }
}

static mds_status apply(mds_options *options, const option_value *value)
{
    return value->is_text ? mds_options_set_text(options, value->key, value->text)
                          : mds_options_set_number(options, value->key, value->number);
}

/* A file that an option names is looked for beside the configuration first. */
static void locate_value(const mds_config_reader *reader, const config_setting_t *setting,
                         const mds_options *options, option_value *value)
{
    const mds_option *o = mds_options_find(options, value->key);
    char path[MDS_OPTION_TEXT_SIZE];

    if (!o || !value->is_text || o->choices || !strpbrk(value->text, "./"))
        return;
    locate(reader, setting, value->text, path, sizeof path);
    if (access(path, F_OK) == 0)
        snprintf(value->text, sizeof value->text, "%s", path);
}

/* mds_error() says what is wrong with the option; a key of `run` is a likely mistake. */
static void report_option(mds_config_reader *reader, const config_setting_t *setting,
                          const char *what, const char *name)
{
    const char *key = config_setting_name(setting);

    if (mds_fields_find(mds_run_fields, key))
        mds_config_problem(reader, setting,
                           "%s '%s' has no option '%s'; it belongs in run or in an entry of "
                           "overrides",
                           what, name, key);
    else
        mds_config_problem(reader, setting, "%s '%s': %s", what, name, mds_error());
}

static bool is_skipped(const char *name, const char *const skip[3])
{
    for (int i = 0; i < 3; ++i)
        if (skip[i] && strcmp(skip[i], name) == 0)
            return true;
    return false;
}

/* All members but `skip` as options of one table. */
static bool read_options(mds_config_reader *reader, const config_setting_t *group, const char *what,
                         const char *const skip[3], mds_options *options)
{
    bool right = true;

    for (int i = 0; i < config_setting_length(group); ++i) {
        const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
        option_value value;

        if (is_skipped(config_setting_name(setting), skip))
            continue;
        if (!read_value(reader, setting, &value)) {
            right = false;
            continue;
        }
        locate_value(reader, setting, options, &value);
        if (apply(options, &value) != MDS_OK) {
            report_option(reader, setting, what, config_setting_name(group));
            right = false;
        }
    }
    return right;
}

bool mds_config_file_system(mds_config_reader *reader, const config_setting_t *setting,
                            const char *name, const char *file, mds_system_spec *out)
{
    char path[MDS_OPTION_TEXT_SIZE];

    locate(reader, setting, file, path, sizeof path);
    if (access(path, R_OK) != 0 || (!strchr(path, '/') && !mds_config_is_path(path))) {
        mds_config_problem(reader, setting, "system '%.60s': no readable file %.200s%s%.150s", name,
                           file, *reader->folder && file[0] != '/' ? " here or in " : "",
                           file[0] != '/' ? reader->folder : "");
        return false;
    }
    if (mds_system_resolve(path, out) != MDS_OK) {
        mds_config_problem(reader, setting, "system '%.60s': %.400s", name, mds_error());
        return false;
    }
    memset(out->name, 0, sizeof out->name); /* equal names, equal bytes: it held the path */
    snprintf(out->name, sizeof out->name, "%.*s", MDS_SYSTEM_NAME_SIZE - 1, name);
    return true;
}

bool mds_config_check_system(mds_config_reader *reader, const config_setting_t *setting,
                             const mds_system_spec *spec)
{
    mds_species species;

    if (mds_system_species(spec, &species) == MDS_OK)
        return true;
    mds_config_problem(reader, setting, "system '%s': %.400s", spec->name, mds_error());
    return false;
}

static bool read_system(mds_config_reader *reader, const config_setting_t *group,
                        mds_system_spec *out)
{
    static const char *const skip_file[3] = {"file"}, *const skip_type[3] = {"type", "base"};
    const char *name = config_setting_name(group), *words[MDS_CONFIG_WORDS_MAX];
    const config_setting_t *file = config_setting_get_member(group, "file");
    const char *type = config_setting_get_member(group, "type")
                           ? member_text(reader, group, "type")
                           : member_text(reader, group, "base");

    snprintf(out->name, sizeof out->name, "%.*s", MDS_SYSTEM_NAME_SIZE - 1, name);
    if (file && !type) {
        const char *path = mds_config_text(reader, file, "file");
        return path && mds_config_file_system(reader, file, name, path, out) &&
               read_options(reader, group, "system", skip_file, &out->options) &&
               mds_config_check_system(reader, file, out);
    }
    if (!type && mds_system_find(name))
        type = name;
    if (!type) {
        mds_config_problem(
            reader, group,
            "system '%.47s' needs file = \"....xyz\" or type = \"a built-in system\"", name);
        return false;
    }
    const mds_system_class *class = mds_system_find(type);
    if (!class) {
        int count = 0;
        for (; count < mds_system_count() && count < MDS_CONFIG_WORDS_MAX; ++count)
            words[count] = mds_system_get(count)->name;
        mds_config_unknown_word(reader, group, "system type", type, words, count);
        return false;
    }
    out->class = class;
    mds_options_init(&out->options, class->options);
    return read_options(reader, group, "system", skip_type, &out->options) &&
           mds_config_check_system(reader, group, out);
}

static bool read_protocol(mds_config_reader *reader, const config_setting_t *group,
                          mds_protocol_spec *out)
{
    static const char *const skip[3] = {"type", "base"};
    const char *name = config_setting_name(group);
    const char *type = member_text(reader, group, "type");
    const char *base = member_text(reader, group, "base");
    mds_status status;

    if (type && mds_protocol_find(type))
        status = mds_protocol_spec_init(out, name, type);
    else
        status = mds_protocol_resolve(type ? type : base ? base : name, out);
    if (status != MDS_OK) {
        if (!type && !base)
            mds_config_problem(reader, group,
                               "protocol '%.47s' needs type = \"nve\", \"nvt\", \"npt\" or "
                               "\"replay\"",
                               name);
        else
            mds_config_problem(reader, group, "protocol '%.47s': %s", name, mds_error());
        return false;
    }
    memset(out->name, 0, sizeof out->name); /* as above */
    snprintf(out->name, sizeof out->name, "%.*s", MDS_PROTOCOL_NAME_SIZE - 1, name);
    return read_options(reader, group, "protocol", skip, &out->options);
}

enum { ENGINES_MAX = 32 };

/* The engines a model may mean: one, or for "reference" one per material. */
typedef struct candidates {
    int count;
    mds_options options[ENGINES_MAX];
    const mds_engine *engine[ENGINES_MAX];
} candidates;

static void add_candidate(candidates *list, const char *base, const mds_model_target *target)
{
    mds_model_spec spec;

    if (list->count == ENGINES_MAX ||
        mds_model_resolve(base, target, MDS_PRECISION_AUTO, &spec) != MDS_OK)
        return;
    for (int i = 0; i < list->count; ++i)
        if (list->engine[i] == spec.engine)
            return;
    list->engine[list->count] = spec.engine;
    list->options[list->count++] = spec.options;
}

static mds_status find_candidates(const mds_study_model *model, candidates *list)
{
    mds_model_target target = {.n_atoms = 64, .periodic = true};
    mds_model_spec spec;

    memset(list, 0, sizeof *list);
    if (model->engine[0]) {
        const mds_status status =
            mds_model_spec_init(&spec, model->name, model->engine, MDS_PRECISION_AUTO);
        if (status != MDS_OK)
            return status;
        list->engine[0] = spec.engine;
        list->options[list->count++] = spec.options;
        return MDS_OK;
    }
    for (int z = 1; z <= 118; ++z) {
        target.species.count = 0;
        mds_species_add(&target.species, z);
        add_candidate(list, model->base, &target);
    }
    target.species.count = 0;
    mds_species_add(&target.species, 8);
    mds_species_add(&target.species, 1);
    add_candidate(list, model->base, &target);
    return list->count ? MDS_OK : mds_model_resolve(model->base, &target, 0, &spec);
}

/* The option must be right for one of the engines; the message is of the first that knows the key.
 */
static bool check_option(mds_config_reader *reader, const config_setting_t *setting,
                         const char *name, candidates *list, option_value *value)
{
    const char *words[ENGINES_MAX * MDS_OPTION_MAX] = {NULL};
    int count = 0, knows = -1;

    for (int i = 0; i < list->count; ++i) {
        for (int k = 0; k < list->options[i].count; ++k)
            words[count++] = list->options[i].table[k].key;
        if (!mds_options_find(&list->options[i], value->key))
            continue;
        locate_value(reader, setting, &list->options[i], value);
        if (apply(&list->options[i], value) == MDS_OK)
            return true;
        knows = knows < 0 ? i : knows;
    }
    const char *near = mds_nearest_word(value->key, words, count);
    if (knows >= 0)
        (void)apply(&list->options[knows], value);
    else if (near)
        (void)mds_fail(MDS_ERR_CONFIG, "unknown option '%s', did you mean '%s'?", value->key, near);
    else
        (void)mds_fail(MDS_ERR_CONFIG, "unknown option '%s' (engine %s%s)", value->key,
                       list->engine[0]->name, list->count > 1 ? ", ..." : "");
    report_option(reader, setting, "model", name);
    return false;
}

/* Keeps the value as the study holds it; a definition cannot have more options than a table. */
static bool keep_value(mds_config_reader *reader, const config_setting_t *setting,
                       const option_value *value, mds_study_model *model)
{
    if (model->set_count == MDS_OPTION_MAX || strlen(value->key) >= sizeof model->set[0].key) {
        mds_config_problem(reader, setting, "model '%s' sets more than %d options", model->name,
                           MDS_OPTION_MAX);
        return false;
    }
    struct mds_study_set *set = &model->set[model->set_count++];
    snprintf(set->key, sizeof set->key, "%s", value->key);
    memcpy(set->text, value->text, sizeof set->text);
    set->number = value->number;
    set->is_text = value->is_text;
    return true;
}

static bool name_origin(mds_config_reader *reader, const config_setting_t *group,
                        mds_study_model *out)
{
    const char *name = config_setting_name(group);
    const char *engine = member_text(reader, group, "engine");
    const char *base = member_text(reader, group, "base");

    if (engine && base) {
        mds_config_problem(reader, group, "model '%s' has both engine and base, one is enough",
                           name);
        return false;
    }
    for (int i = 0; !engine && !base && i < mds_model_name_count(); ++i)
        if (strcmp(mds_model_name(i), name) == 0)
            base = name;
    if (!engine && !base) {
        mds_config_problem(reader, group,
                           "model '%s' needs engine = \"...\" or base = \"a built-in model\"",
                           name);
        return false;
    }
    snprintf(out->engine, sizeof out->engine, "%s", engine ? engine : "");
    snprintf(out->base, sizeof out->base, "%s", base ? base : "");
    return true;
}

static bool read_model(mds_config_reader *reader, const config_setting_t *group,
                       mds_study_model *out)
{
    static const char *const skip[3] = {"engine", "base"};
    bool right = true;

    snprintf(out->name, sizeof out->name, "%.*s", MDS_MODEL_NAME_SIZE - 1,
             config_setting_name(group));
    if (!name_origin(reader, group, out))
        return false;
    candidates *list = mds_config_alloc(reader, 1, sizeof *list);
    if (!list)
        return false;
    if (find_candidates(out, list) != MDS_OK) {
        const bool named = strncmp(mds_error(), "model '", 7) == 0;
        mds_config_problem(reader, group, "%s%s%s%s", named ? "" : "model '",
                           named ? "" : out->name, named ? "" : "': ", mds_error());
        free(list);
        return false;
    }
    for (int i = 0; i < config_setting_length(group); ++i) {
        const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
        option_value value;

        if (is_skipped(config_setting_name(setting), skip))
            continue;
        right = read_value(reader, setting, &value) &&
                check_option(reader, setting, out->name, list, &value) &&
                keep_value(reader, setting, &value, out) && right;
    }
    free(list);
    return right;
}

/* Every member of a section must be a group with a name of fitting length. */
static bool check_entry(mds_config_reader *reader, const config_setting_t *entry, const char *what)
{
    if (!config_setting_is_group(entry)) {
        mds_config_problem(reader, entry, "%s '%.60s' takes a group { }", what,
                           config_setting_name(entry));
        return false;
    }
    if (strlen(config_setting_name(entry)) >= MDS_MODEL_NAME_SIZE) {
        mds_config_problem(reader, entry, "the name '%.60s...' is longer than %d bytes",
                           config_setting_name(entry), MDS_MODEL_NAME_SIZE - 1);
        return false;
    }
    return true;
}

_Static_assert((int)MDS_MODEL_NAME_SIZE <= (int)MDS_SYSTEM_NAME_SIZE &&
                   (int)MDS_MODEL_NAME_SIZE <= (int)MDS_PROTOCOL_NAME_SIZE,
               "check_entry() tests the shortest name");

void mds_config_read_definitions(mds_config_reader *reader)
{
    static const char *const names[] = {"systems", "protocols", "models"};
    static const char *const what[] = {"system", "protocol", "model"};
    mds_config_definitions *const lists[] = {&reader->systems, &reader->protocols, &reader->models};

    for (int kind = 0; kind < 3; ++kind) {
        const config_setting_t *section = mds_config_section(reader, names[kind]);
        mds_config_definitions *d = lists[kind];
        const int count = section ? config_setting_length(section) : 0;

        d->bad = mds_config_alloc(reader, count, sizeof *d->bad);
        d->systems = kind == 0 ? mds_config_alloc(reader, count, sizeof *d->systems) : NULL;
        d->protocols = kind == 1 ? mds_config_alloc(reader, count, sizeof *d->protocols) : NULL;
        d->models = kind == 2 ? mds_config_alloc(reader, count, sizeof *d->models) : NULL;
        if (reader->nomem)
            return;
        for (int i = 0; i < count; ++i) {
            const config_setting_t *entry = config_setting_get_elem(section, (unsigned)i);
            char *name = kind == 0   ? d->systems[i].name
                         : kind == 1 ? d->protocols[i].name
                                     : d->models[i].name;

            d->bad[i] = !check_entry(reader, entry, what[kind]) ||
                        !(kind == 0   ? read_system(reader, entry, &d->systems[i])
                          : kind == 1 ? read_protocol(reader, entry, &d->protocols[i])
                                      : read_model(reader, entry, &d->models[i]));
            snprintf(name, MDS_MODEL_NAME_SIZE, "%.*s", MDS_MODEL_NAME_SIZE - 1,
                     config_setting_name(entry));
            d->count = i + 1;
        }
    }
}

#define FIND(kind)                                                                                 \
    for (int i = 0; i < reader->kind.count; ++i)                                                   \
        if (strcmp(reader->kind.kind[i].name, name) == 0)                                          \
            return i;                                                                              \
    return -1

int mds_config_find_system(const mds_config_reader *reader, const char *name)
{
    FIND(systems);
}

int mds_config_find_protocol(const mds_config_reader *reader, const char *name)
{
    FIND(protocols);
}

int mds_config_find_model(const mds_config_reader *reader, const char *name)
{
    FIND(models);
}

int mds_config_system_words(const mds_config_reader *reader, const char **words, int max)
{
    int count = 0;

    for (int i = 0; i < reader->systems.count && count < max; ++i)
        words[count++] = reader->systems.systems[i].name;
    for (int i = 0; i < mds_system_count() && count < max; ++i)
        words[count++] = mds_system_get(i)->name;
    return count;
}

int mds_config_protocol_words(const mds_config_reader *reader, const char **words, int max)
{
    int count = 0;

    for (int i = 0; i < reader->protocols.count && count < max; ++i)
        words[count++] = reader->protocols.protocols[i].name;
    for (int i = 0; i < mds_protocol_name_count() && count < max; ++i)
        words[count++] = mds_protocol_name(i);
    return count;
}

int mds_config_model_words(const mds_config_reader *reader, const char **words, int max)
{
    int count = 0;

    for (int i = 0; i < reader->models.count && count < max; ++i)
        words[count++] = reader->models.models[i].name;
    for (int i = 0; i < mds_model_name_count() && count < max; ++i)
        words[count++] = mds_model_name(i);
    return count;
}

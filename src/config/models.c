/* Entries of the section models: an engine or a built-in model, with options. The options of a
 * model that means another engine for each material are right when they are right for one of these.
 */
#include "config/options.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
                         const char *name, candidates *list, mds_config_option *value)
{
    const char *words[ENGINES_MAX * MDS_OPTION_MAX] = {NULL};
    int count = 0, knows = -1;

    for (int i = 0; i < list->count; ++i) {
        for (int k = 0; k < list->options[i].count; ++k)
            words[count++] = list->options[i].table[k].key;
        if (!mds_options_find(&list->options[i], value->key))
            continue;
        mds_config_locate_value(reader, setting, &list->options[i], value);
        if (mds_config_apply(&list->options[i], value) == MDS_OK)
            return true;
        knows = knows < 0 ? i : knows;
    }
    const char *near = mds_nearest_word(value->key, words, count);
    if (knows >= 0)
        (void)mds_config_apply(&list->options[knows], value);
    else if (near)
        (void)mds_fail(MDS_ERR_CONFIG, "unknown option '%s', did you mean '%s'?", value->key, near);
    else
        (void)mds_fail(MDS_ERR_CONFIG, "unknown option '%s' (engine %s%s)", value->key,
                       list->engine[0]->name, list->count > 1 ? ", ..." : "");
    mds_config_report_option(reader, setting, "model", name);
    return false;
}

/* Keeps the value as the study holds it; a definition cannot have more options than a table. */
static bool keep_value(mds_config_reader *reader, const config_setting_t *setting,
                       const mds_config_option *value, mds_study_model *model)
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
    const char *engine = mds_config_member_text(reader, group, "engine");
    const char *base = mds_config_member_text(reader, group, "base");

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

bool mds_config_read_model(mds_config_reader *reader, const config_setting_t *group,
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
        mds_config_option value;

        if (mds_config_is_skipped(config_setting_name(setting), skip))
            continue;
        right = mds_config_read_value(reader, setting, &value) &&
                check_option(reader, setting, out->name, list, &value) &&
                keep_value(reader, setting, &value, out) && right;
    }
    free(list);
    return right;
}

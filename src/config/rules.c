/* Conditions on cases: sweep.exclude leaves cases out, overrides changes their run keys. */
#include "config/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const condition_keys[] = {"system", "size", "protocol", "model", NULL};

enum { RULE_NAMES = 8, RULE_SIZES = 16, NAME_SIZE = 48 };

_Static_assert(sizeof(((mds_rule *)0)->system) == RULE_NAMES * NAME_SIZE &&
                   sizeof(((mds_rule *)0)->protocol) == RULE_NAMES * NAME_SIZE &&
                   sizeof(((mds_rule *)0)->model) == RULE_NAMES * NAME_SIZE &&
                   sizeof(((mds_rule *)0)->size) == RULE_SIZES * sizeof(int64_t),
               "the shapes of mds_rule");

static bool is_word(const char *word, const char *const *words, int count)
{
    for (int i = 0; i < count; ++i)
        if (strcmp(words[i], word) == 0)
            return true;
    return false;
}

/* A system may be named as the axis writes it, also when that is a path. */
static const char *axis_name(const mds_config_reader *reader, const char *word)
{
    for (int i = 0; i < reader->study->system_count; ++i)
        if (strcmp(reader->written[i], word) == 0)
            return reader->study->systems[i].name;
    return word;
}

static int all_words(const mds_config_reader *reader, char kind, const char **words, int max)
{
    int count = 0;

    for (int i = 0; kind == 's' && i < reader->study->system_count && count < max; ++i)
        words[count++] = reader->study->systems[i].name;
    if (kind == 's')
        return count + mds_config_system_words(reader, words + count, max - count);
    return kind == 'p' ? mds_config_protocol_words(reader, words, max)
                       : mds_config_model_words(reader, words, max);
}

/* Names of one kind ("system", "protocol", "model") into the rule's array. */
static void read_rule_names(mds_config_reader *reader, const config_setting_t *setting,
                            char (*out)[NAME_SIZE], int *count)
{
    const char *what = config_setting_name(setting), *words[MDS_CONFIG_WORDS_MAX];
    const config_setting_t *at[RULE_NAMES];
    const int known = all_words(reader, what[0], words, MDS_CONFIG_WORDS_MAX);
    const int given = mds_config_elements(reader, setting, at, RULE_NAMES);

    for (int i = 0; i < given; ++i) {
        const char *word = mds_config_text(reader, at[i], what);

        if (!word)
            continue;
        if (what[0] == 's')
            word = axis_name(reader, word);
        if (!is_word(word, words, known))
            mds_config_unknown_word(reader, at[i], what, word, words, known);
        else
            snprintf(out[(*count)++], NAME_SIZE, "%s", word);
    }
}

static void read_rule_sizes(mds_config_reader *reader, const config_setting_t *setting,
                            mds_rule *rule)
{
    static const mds_field field = {
        .option = {.key = "size", .type = MDS_OPTION_INT, .unit = "atoms", .min = 1, .max = 1e6},
        .kind = MDS_FIELD_INT64,
        .size = sizeof(int64_t),
    };
    const config_setting_t *at[RULE_SIZES];
    const int given = mds_config_elements(reader, setting, at, RULE_SIZES);

    for (int i = 0; i < given; ++i)
        rule->sizes += mds_config_read_field(reader, at[i], &field, &rule->size[rule->sizes]);
}

/* The conditions among the members; returns how many there were. */
static int read_rule(mds_config_reader *reader, const config_setting_t *group, mds_rule *rule)
{
    int conditions = 0;

    memset(rule, 0, sizeof *rule);
    rule->line = (int)config_setting_source_line(group);
    for (int i = 0; condition_keys[i]; ++i) {
        const config_setting_t *setting = config_setting_get_member(group, condition_keys[i]);

        if (!setting)
            continue;
        ++conditions;
        if (i == 0)
            read_rule_names(reader, setting, rule->system, &rule->systems);
        else if (i == 1)
            read_rule_sizes(reader, setting, rule);
        else if (i == 2)
            read_rule_names(reader, setting, rule->protocol, &rule->protocols);
        else
            read_rule_names(reader, setting, rule->model, &rule->models);
    }
    return conditions;
}

/* The groups of a list of groups; a single group counts as a list of one. Reports others. */
static int group_count(mds_config_reader *reader, const config_setting_t *list)
{
    if (!list || config_setting_is_group(list))
        return list ? 1 : 0;
    if (config_setting_is_list(list) ||
        (config_setting_type(list) == CONFIG_TYPE_ARRAY && config_setting_length(list) == 0))
        return config_setting_length(list);
    mds_config_problem(reader, list, "%s takes a list of groups ( { ... }, { ... } )",
                       config_setting_name(list));
    return 0;
}

static const config_setting_t *group_at(mds_config_reader *reader, const config_setting_t *list,
                                        int i)
{
    const config_setting_t *group =
        config_setting_is_group(list) ? list : config_setting_get_elem(list, (unsigned)i);

    if (config_setting_is_group(group))
        return group;
    mds_config_problem(reader, group, "%s takes a list of groups ( { ... }, { ... } )",
                       config_setting_name(list));
    return NULL;
}

void mds_config_read_exclude(mds_config_reader *reader, const config_setting_t *sweep)
{
    const config_setting_t *list = config_setting_get_member(sweep, "exclude");
    const int count = group_count(reader, list);
    mds_study *study = reader->study;

    study->exclude = mds_config_alloc(reader, count, sizeof *study->exclude);
    for (int i = 0; i < count && !reader->nomem; ++i) {
        const config_setting_t *group = group_at(reader, list, i);

        if (!group)
            continue;
        mds_rule *rule = &study->exclude[study->exclude_count++];
        if (read_rule(reader, group, rule) == 0)
            mds_config_problem(reader, group,
                               "a rule of exclude needs a system, size, protocol or model");
        for (int k = 0; k < config_setting_length(group); ++k) {
            const config_setting_t *setting = config_setting_get_elem(group, (unsigned)k);
            if (!is_word(config_setting_name(setting), condition_keys, 4))
                mds_config_unknown_key(reader, setting, "exclude", condition_keys, 4);
        }
    }
}

void mds_config_read_overrides(mds_config_reader *reader)
{
    const config_setting_t *list =
        config_setting_get_member(config_root_setting(&reader->tree), "overrides");
    const int count = group_count(reader, list);
    mds_study *study = reader->study;

    study->overrides = mds_config_alloc(reader, count, sizeof *study->overrides);
    for (int i = 0; i < count && !reader->nomem; ++i) {
        const config_setting_t *group = group_at(reader, list, i);

        if (!group)
            continue;
        mds_override entry = {.given = 0};
        const int conditions = read_rule(reader, group, &entry.when);
        mds_fields_preset(mds_run_fields, &entry.run);
        mds_config_read_group(reader, group, mds_run_fields, condition_keys, &entry.run,
                              &entry.given);
        if (conditions == 0)
            mds_config_problem(reader, group,
                               "an entry of overrides needs a system, size, protocol or model; "
                               "what holds for all belongs in run");
        else if (config_setting_length(group) == conditions)
            mds_config_problem(reader, group,
                               "an entry of overrides needs a key of run to set, such as steps");
        /* The command line and the environment beat everything in the file. */
        if (!mds_config_origin(group))
            entry.given &= ~reader->forced;
        if (entry.given)
            study->overrides[study->override_count++] = entry;
    }
}

#include "base/text.h"
#include "config/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *mds_config_origin(const config_setting_t *setting)
{
    return config_setting_get_hook(setting);
}

/* libconfig 1.5 names included files without the folder in which it found them, 1.7 with it. */
const char *mds_config_file(const mds_config_reader *reader, const char *included, char *out,
                            size_t size)
{
    const size_t length = strlen(reader->folder);

    if (!included)
        snprintf(out, size, "%s", reader->path);
    else if (included[0] == '/' || strncmp(included, reader->folder, length) == 0)
        snprintf(out, size, "%s", included);
    else
        snprintf(out, size, "%s%s", reader->folder, included);
    return out;
}

void mds_config_problem(mds_config_reader *reader, const config_setting_t *setting,
                        const char *format, ...)
{
    const char *origin = mds_config_origin(setting);
    char text[sizeof(((mds_problem *)0)->text)], file[2 * MDS_PATH_SIZE];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (origin) {
        mds_problems_add(reader->problems, "", 0, "%s: %s", origin, text);
        return;
    }
    /* What libconfig made of an integer that was too large is not what the user wrote. */
    for (int i = 0; config_setting_is_number(setting) && i < reader->large_count; ++i)
        if (reader->problems->list[i].line == (int)config_setting_source_line(setting))
            return;
    mds_config_file(reader, config_setting_source_file(setting), file, sizeof file);
    mds_problems_add(reader->problems, file, (int)config_setting_source_line(setting), "%s", text);
}

void *mds_config_alloc(mds_config_reader *reader, int count, size_t size)
{
    void *memory = calloc((size_t)(count > 0 ? count : 1), size);

    if (!memory)
        reader->nomem = true;
    return memory;
}

/* "a list", ... for messages about the wrong type. */
static const char *type_word(const config_setting_t *setting)
{
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_GROUP:
        return "a group { }";
    case CONFIG_TYPE_ARRAY:
    case CONFIG_TYPE_LIST:
        return "a list";
    case CONFIG_TYPE_BOOL:
        return "true or false";
    case CONFIG_TYPE_STRING:
        return "a text";
    default:
        return "a number";
    }
}

bool mds_config_read_field(mds_config_reader *reader, const config_setting_t *setting,
                           const mds_field *field, void *object)
{
    mds_status status;

    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        if (field->kind == MDS_FIELD_REAL)
            status = mds_field_set_real(field, object, (double)config_setting_get_int64(setting));
        else
            status = mds_field_set_integer(field, object, config_setting_get_int64(setting));
        break;
    case CONFIG_TYPE_FLOAT:
        status = mds_field_set_real(field, object, config_setting_get_float(setting));
        break;
    case CONFIG_TYPE_STRING:
        status = mds_field_set_text(field, object, config_setting_get_string(setting));
        break;
    default:
        mds_config_problem(reader, setting, "%s takes a %s, not %s", field->option.key,
                           field->option.type == MDS_OPTION_TEXT  ? "text in quotes"
                           : field->option.type == MDS_OPTION_INT ? "whole number"
                                                                  : "number",
                           type_word(setting));
        return false;
    }
    if (status != MDS_OK)
        mds_config_problem(reader, setting, "%s", mds_error());
    return status == MDS_OK;
}

/* "a, b, c" of the words, cut where it gets long. */
static const char *join(const char *const *words, int count, char *out, size_t size)
{
    size_t used = 0;

    out[0] = '\0';
    for (int i = 0; i < count && used + 60 < size; ++i)
        used += (size_t)snprintf(out + used, size - used, "%s%.48s", i ? ", " : "", words[i]);
    return out;
}

/* The section in which `key` would be right, or NULL. */
static const char *home_of(const char *key)
{
    static const char *const axes[] = {"systems", "sizes", "protocols", "models", "exclude"};
    static const struct {
        const char *name;
        const mds_field *table;
    } sections[] = {
        {"sweep", mds_sweep_fields},
        {"run", mds_run_fields},
        {"output", mds_output_fields},
        {"targets", mds_targets_fields},
    };

    for (size_t i = 0; i < sizeof axes / sizeof *axes; ++i)
        if (strcmp(axes[i], key) == 0)
            return "sweep";
    for (size_t i = 0; i < sizeof sections / sizeof *sections; ++i)
        if (mds_fields_find(sections[i].table, key))
            return sections[i].name;
    return NULL;
}

void mds_config_unknown_key(mds_config_reader *reader, const config_setting_t *setting,
                            const char *where, const char *const *words, int count)
{
    const char *key = config_setting_name(setting);
    const char *home = home_of(key);
    const char *near = mds_nearest_word(key, words, count);
    char all[360];

    if (home && strcmp(home, where) != 0)
        mds_config_problem(reader, setting, "unknown key '%s' in %s, it belongs in %s", key, where,
                           home);
    else if (near)
        mds_config_problem(reader, setting, "unknown key '%.80s' in %s, did you mean '%s'?", key,
                           where, near);
    else
        mds_config_problem(reader, setting, "unknown key '%.80s' in %s, which knows %s", key, where,
                           join(words, count, all, sizeof all));
}

void mds_config_unknown_word(mds_config_reader *reader, const config_setting_t *setting,
                             const char *what, const char *word, const char *const *words,
                             int count)
{
    const char *near = mds_nearest_word(word, words, count);
    char all[360];

    if (near)
        mds_config_problem(reader, setting, "unknown %s '%.100s', did you mean '%s'?", what, word,
                           near);
    else
        mds_config_problem(reader, setting, "unknown %s '%.100s', known are %s", what, word,
                           join(words, count, all, sizeof all));
}

static bool is_among(const char *word, const char *const *words)
{
    for (; words && *words; ++words)
        if (strcmp(*words, word) == 0)
            return true;
    return false;
}

void mds_config_read_group(mds_config_reader *reader, const config_setting_t *group,
                           const mds_field *table, const char *const *others, void *object,
                           uint32_t *given)
{
    const char *words[64];
    const char *where = config_setting_name(group);
    int count = 0;

    for (const mds_field *f = table; f->option.key && count < 64; ++f)
        words[count++] = f->option.key;
    for (int i = 0; others && others[i] && count < 64; ++i)
        words[count++] = others[i];
    for (int i = 0; i < config_setting_length(group); ++i) {
        const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
        const mds_field *field = mds_fields_find(table, config_setting_name(setting));

        if (field && mds_config_read_field(reader, setting, field, object)) {
            if (given)
                *given |= UINT32_C(1) << (field - table);
        } else if (!field && !is_among(config_setting_name(setting), others))
            mds_config_unknown_key(reader, setting, where ? where : "overrides", words, count);
    }
}

config_setting_t *mds_config_section(mds_config_reader *reader, const char *name)
{
    config_setting_t *section = config_setting_get_member(config_root_setting(&reader->tree), name);

    if (section && !config_setting_is_group(section)) {
        mds_config_problem(reader, section, "%s takes a group { }, not %s", name,
                           type_word(section));
        return NULL;
    }
    return section;
}

int mds_config_elements(mds_config_reader *reader, const config_setting_t *setting,
                        const config_setting_t **out, int max)
{
    const char *name = config_setting_name(setting);

    if (config_setting_is_group(setting)) {
        mds_config_problem(reader, setting, "%s takes a list [ ], not a group { }", name);
        return 0;
    }
    if (config_setting_is_scalar(setting)) {
        out[0] = setting;
        return 1;
    }
    const int count = config_setting_length(setting);
    if (count == 0)
        mds_config_problem(reader, setting, "%s is empty, at least one value is needed", name);
    if (count > max) {
        mds_config_problem(reader, setting, "%s has %d values, at most %d are possible", name,
                           count, max);
        return 0;
    }
    for (int i = 0; i < count; ++i)
        out[i] = config_setting_get_elem(setting, (unsigned)i);
    return count;
}

const char *mds_config_text(mds_config_reader *reader, const config_setting_t *setting,
                            const char *what)
{
    if (config_setting_type(setting) != CONFIG_TYPE_STRING) {
        mds_config_problem(reader, setting, "a %s is a text in quotes, not %s", what,
                           type_word(setting));
        return NULL;
    }
    const char *text = config_setting_get_string(setting);
    if (text && *text)
        return text;
    mds_config_problem(reader, setting, "a %s is an empty text", what);
    return NULL;
}

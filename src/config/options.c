/* Options of plug-ins as entries of the sections systems, protocols and models give them. */
#include "config/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* `text` relative to the configuration's folder when there is such a file, else as it is; made
 * absolute, so that the resolved configuration loads from anywhere. */
const char *mds_config_locate(const mds_config_reader *reader, const config_setting_t *setting,
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
const char *mds_config_member_text(mds_config_reader *reader, const config_setting_t *group,
                                   const char *name)
{
    const config_setting_t *member = config_setting_get_member(group, name);

    return member ? mds_config_text(reader, member, name) : NULL;
}

/* False after reporting. */
bool mds_config_read_value(mds_config_reader *reader, const config_setting_t *setting,
                           mds_config_option *out)
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

mds_status mds_config_apply(mds_options *options, const mds_config_option *value)
{
    return value->is_text ? mds_options_set_text(options, value->key, value->text)
                          : mds_options_set_number(options, value->key, value->number);
}

/* A file that an option names is looked for beside the configuration first. */
void mds_config_locate_value(const mds_config_reader *reader, const config_setting_t *setting,
                             const mds_options *options, mds_config_option *value)
{
    const mds_option *o = mds_options_find(options, value->key);
    char path[MDS_OPTION_TEXT_SIZE];

    if (!o || !value->is_text || o->choices || !strpbrk(value->text, "./"))
        return;
    mds_config_locate(reader, setting, value->text, path, sizeof path);
    if (access(path, F_OK) == 0)
        snprintf(value->text, sizeof value->text, "%s", path);
}

/* mds_error() says what is wrong with the option; a key of `run` is a likely mistake. */
void mds_config_report_option(mds_config_reader *reader, const config_setting_t *setting,
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

bool mds_config_is_skipped(const char *name, const char *const skip[3])
{
    for (int i = 0; i < 3; ++i)
        if (skip[i] && strcmp(skip[i], name) == 0)
            return true;
    return false;
}

/* All members but `skip` as options of one table. */
bool mds_config_read_options(mds_config_reader *reader, const config_setting_t *group,
                             const char *what, const char *const skip[3], mds_options *options)
{
    bool right = true;

    for (int i = 0; i < config_setting_length(group); ++i) {
        const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
        mds_config_option value;

        if (mds_config_is_skipped(config_setting_name(setting), skip))
            continue;
        if (!mds_config_read_value(reader, setting, &value)) {
            right = false;
            continue;
        }
        mds_config_locate_value(reader, setting, options, &value);
        if (mds_config_apply(options, &value) != MDS_OK) {
            mds_config_report_option(reader, setting, what, config_setting_name(group));
            right = false;
        }
    }
    return right;
}

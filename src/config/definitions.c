/* The sections systems, protocols and models (whose entries are read in models.c): entries that add
 * names, or replace built-in ones. An entry names what it starts from, and sets options that the
 * plug-in's own table checks. */
#include "config/options.h"

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

bool mds_config_file_system(mds_config_reader *reader, const config_setting_t *setting,
                            const char *name, const char *file, mds_system_spec *out)
{
    char path[MDS_OPTION_TEXT_SIZE];

    mds_config_locate(reader, setting, file, path, sizeof path);
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
                           ? mds_config_member_text(reader, group, "type")
                           : mds_config_member_text(reader, group, "base");

    snprintf(out->name, sizeof out->name, "%.*s", MDS_SYSTEM_NAME_SIZE - 1, name);
    if (file && !type) {
        const char *path = mds_config_text(reader, file, "file");
        return path && mds_config_file_system(reader, file, name, path, out) &&
               mds_config_read_options(reader, group, "system", skip_file, &out->options) &&
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
    return mds_config_read_options(reader, group, "system", skip_type, &out->options) &&
           mds_config_check_system(reader, group, out);
}

static bool read_protocol(mds_config_reader *reader, const config_setting_t *group,
                          mds_protocol_spec *out)
{
    static const char *const skip[3] = {"type", "base"};
    const char *name = config_setting_name(group);
    const char *type = mds_config_member_text(reader, group, "type");
    const char *base = mds_config_member_text(reader, group, "base");
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
    return mds_config_read_options(reader, group, "protocol", skip, &out->options);
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
                                      : mds_config_read_model(reader, entry, &d->models[i]));
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

/* The protocols of protocols.def and the names users give them. */
#include "base/text.h"
#include "protocol/protocol.h"

#include <stdio.h>
#include <string.h>

#define MDS_PROTOCOL(name) extern const mds_protocol_class mds_protocol_##name;
#include "protocol/protocols.def"
#undef MDS_PROTOCOL

/* Ends with NULL, so that the table is legal C even while no protocol is listed. */
static const mds_protocol_class *const classes[] = {
#define MDS_PROTOCOL(name) &mds_protocol_##name,
#include "protocol/protocols.def"
#undef MDS_PROTOCOL
    NULL,
};

/* A name is a class with at most one option preset. The plain name of a class comes first and
 * leaves every option at its preset, so that "nvt" and "nvt" with options stay one family. */
typedef struct preset {
    const char *name, *class, *key, *value;
} preset;

static const preset presets[] = {
    {"nve", "nve", NULL, NULL},
    {"nvt", "nvt", NULL, NULL},
    {"nvt-langevin", "nvt", "thermostat", "langevin"},
    {"nvt-svr", "nvt", "thermostat", "svr"},
    {"nvt-nhc", "nvt", "thermostat", "nose-hoover"},
    {"npt", "npt", NULL, NULL},
    {"npt-iso", "npt", "coupling", "isotropic"},
    {"npt-aniso", "npt", "coupling", "anisotropic"},
    {"replay", "replay", NULL, NULL},
};

enum { PRESETS = (int)(sizeof presets / sizeof *presets) };

int mds_protocol_count(void)
{
    return (int)(sizeof classes / sizeof *classes) - 1;
}

const mds_protocol_class *mds_protocol_get(int i)
{
    return i < 0 || i >= mds_protocol_count() ? NULL : classes[i];
}

const mds_protocol_class *mds_protocol_find(const char *name)
{
    for (int i = 0; classes[i]; ++i)
        if (strcmp(classes[i]->name, name) == 0)
            return classes[i];
    return NULL;
}

int mds_protocol_name_count(void)
{
    return PRESETS;
}

const char *mds_protocol_name(int i)
{
    return i < 0 || i >= PRESETS ? NULL : presets[i].name;
}

static mds_status unknown(const char *name)
{
    const char *words[PRESETS];

    for (int i = 0; i < PRESETS; ++i)
        words[i] = presets[i].name;
    const char *near = mds_nearest_word(name, words, PRESETS);
    if (near)
        return mds_fail(MDS_ERR_CONFIG, "unknown protocol '%s', did you mean '%s'?", name, near);
    return mds_fail(MDS_ERR_CONFIG, "unknown protocol '%s' (`mdsweep list protocols` shows them)",
                    name);
}

mds_status mds_protocol_spec_init(mds_protocol_spec *spec, const char *name, const char *type)
{
    memset(spec, 0, sizeof *spec);
    if (strlen(name) >= sizeof spec->name)
        return mds_fail(MDS_ERR_CONFIG, "protocol name '%.60s...' is longer than %d bytes", name,
                        MDS_PROTOCOL_NAME_SIZE - 1);
    for (int i = 0; i < PRESETS; ++i) {
        const preset *p = &presets[i];

        if (strcmp(p->name, type) != 0)
            continue;
        snprintf(spec->name, sizeof spec->name, "%s", name);
        spec->class = mds_protocol_find(p->class);
        if (!spec->class)
            return mds_fail(MDS_ERR_INTERNAL, "protocol '%s' is not in this build", p->class);
        mds_options_init(&spec->options, spec->class->options);
        return p->key ? mds_options_set_text(&spec->options, p->key, p->value) : MDS_OK;
    }
    return unknown(type);
}

mds_status mds_protocol_resolve(const char *name, mds_protocol_spec *out)
{
    return mds_protocol_spec_init(out, name, name);
}

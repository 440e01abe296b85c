#include "system/builder.h"

#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MDS_SYSTEM(name) extern const mds_system_class mds_system_##name;
#include "system/systems.def"
#undef MDS_SYSTEM

static const mds_system_class *const classes[] = {
#define MDS_SYSTEM(name) &mds_system_##name,
#include "system/systems.def"
#undef MDS_SYSTEM
};

enum { CLASSES = (int)(sizeof classes / sizeof *classes), ATOMS_MAX = 100000000 };

int mds_system_count(void)
{
    return CLASSES;
}

const mds_system_class *mds_system_get(int i)
{
    return i < 0 || i >= CLASSES ? NULL : classes[i];
}

const mds_system_class *mds_system_find(const char *name)
{
    for (int i = 0; i < CLASSES; ++i)
        if (strcmp(classes[i]->name, name) == 0)
            return classes[i];
    return NULL;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), tail = strlen(end);

    return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* A system is called by its path; of a path that is too long for a name the end is kept, which
 * tells files apart better than the beginning. The option has the whole path. */
static mds_status resolve_file(const char *path, mds_system_spec *out)
{
    const size_t length = strlen(path);
    struct stat facts;

    if (length >= MDS_OPTION_TEXT_SIZE)
        return mds_fail(MDS_ERR_CONFIG, "the path of system '...%s' is longer than %d bytes",
                        path + length - 40, MDS_OPTION_TEXT_SIZE - 1);
    if (stat(path, &facts) != 0)
        return mds_fail(MDS_ERR_IO, "system file '%s': %s", path, strerror(errno));
    if (S_ISDIR(facts.st_mode))
        return mds_fail(MDS_ERR_IO, "system file '%s' is a folder; name an extended-XYZ file in it",
                        path);
    out->class = mds_system_find("file");
    if (length < sizeof out->name)
        snprintf(out->name, sizeof out->name, "%s", path);
    else
        snprintf(out->name, sizeof out->name, "...%s", path + length + 4 - sizeof out->name);
    mds_options_init(&out->options, out->class->options);
    return mds_options_set_text(&out->options, "path", path);
}

mds_status mds_system_resolve(const char *name, mds_system_spec *out)
{
    const char *words[CLASSES];

    memset(out, 0, sizeof *out);
    out->class = mds_system_find(name);
    if (out->class) {
        snprintf(out->name, sizeof out->name, "%s", name);
        mds_options_init(&out->options, out->class->options);
        return MDS_OK;
    }
    if (strchr(name, '/') || ends_with(name, ".xyz") || ends_with(name, ".extxyz"))
        return resolve_file(name, out);
    for (int i = 0; i < CLASSES; ++i)
        words[i] = classes[i]->name;

    const char *near = mds_nearest_word(name, words, CLASSES);

    if (near)
        return mds_fail(MDS_ERR_CONFIG, "unknown system '%s', did you mean '%s'?", name, near);
    return mds_fail(MDS_ERR_CONFIG,
                    "unknown system '%s' (`mdsweep list systems` shows them; a structure file's "
                    "name ends in .xyz or .extxyz)",
                    name);
}

static mds_status check_size(const mds_system_spec *spec, int n_asked)
{
    if (n_asked < 1 || n_asked > ATOMS_MAX)
        return mds_fail(MDS_ERR_CONFIG, "system '%s': a size of %d atoms; 1 to %d are possible",
                        spec->name, n_asked, ATOMS_MAX);
    return MDS_OK;
}

mds_status mds_system_plan(const mds_system_spec *spec, int n_asked, int *n_atoms, int repeat[3])
{
    const mds_status status = check_size(spec, n_asked);

    *n_atoms = repeat[0] = repeat[1] = repeat[2] = 0;
    return status == MDS_OK ? spec->class->plan(spec, n_asked, n_atoms, repeat) : status;
}

mds_status mds_system_species(const mds_system_spec *spec, mds_species *out)
{
    memset(out, 0, sizeof *out);
    return spec->class->species(spec, out);
}

mds_status mds_system_build(const mds_system_spec *spec, int n_asked, uint64_t seed,
                            mds_structure *out)
{
    const mds_status status = check_size(spec, n_asked);

    memset(out, 0, sizeof *out);
    return status == MDS_OK ? spec->class->build(spec, n_asked, seed, out) : status;
}

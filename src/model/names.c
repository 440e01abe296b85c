/* The built-in model names: "reference" and "student", which mean something else for each material,
 * a few presets of one engine under a telling name, and every engine under its own name. */
#include "base/text.h"
#include "model/model.h"

#include <stdio.h>
#include <string.h>

/* An engine with one text option preset (NULL: none). */
typedef struct preset {
    const char *name, *summary;
    const char *engine;
    const char *key, *value;
} preset;

static const preset presets[] = {
    {"sutton-chen", "Sutton-Chen embedded atom: Cu, Al", "eam", "form", "sutton-chen"},
    {"finnis-sinclair", "Finnis-Sinclair: Fe", "eam", "form", "finnis-sinclair"},
    {"ani-2x", "ANI-2x, ensemble of 8: H C N O S F Cl; needs its weights", "ani", NULL, NULL},
    {"orb-v2", "Orb v2, 15 layers, direct forces; needs its weights", "orb", "variant", "orb-v2"},
    {"orb-mptraj-only-v2", "Orb v2, trained on MPtraj alone", "orb", "variant",
     "orb-mptraj-only-v2"},
    {"orb-d3-v2", "Orb v2 with D3 dispersion learned", "orb", "variant", "orb-d3-v2"},
    {"orb-d3-sm-v2", "the same with 10 layers", "orb", "variant", "orb-d3-sm-v2"},
    {"orb-d3-xs-v2", "the same with 5 layers", "orb", "variant", "orb-d3-xs-v2"},
    {"orb-v3-direct-20-omat", "Orb v3 direct, 20 neighbours, OMat24", "orb", "variant",
     "orb-v3-direct-20-omat"},
    {"orb-v3-direct-20-mpa", "Orb v3 direct, 20 neighbours, MPtraj and Alexandria", "orb",
     "variant", "orb-v3-direct-20-mpa"},
    {"orb-v3-direct-inf-omat", "Orb v3 direct, 120 neighbours, OMat24", "orb", "variant",
     "orb-v3-direct-inf-omat"},
    {"orb-v3-direct-inf-mpa", "Orb v3 direct, 120 neighbours, MPtraj and Alexandria", "orb",
     "variant", "orb-v3-direct-inf-mpa"},
    {"orb-v3-conservative-20-omat", "Orb v3 conservative, 20 neighbours, OMat24", "orb", "variant",
     "orb-v3-conservative-20-omat"},
    {"orb-v3-conservative-20-mpa", "Orb v3 conservative, 20 neighbours, MPtraj and Alexandria",
     "orb", "variant", "orb-v3-conservative-20-mpa"},
    {"orb-v3-conservative-inf-omat", "Orb v3 conservative, 120 neighbours, OMat24", "orb",
     "variant", "orb-v3-conservative-inf-omat"},
    {"orb-v3-conservative-inf-mpa", "Orb v3 conservative, 120 neighbours, MPtraj and Alexandria",
     "orb", "variant", "orb-v3-conservative-inf-mpa"},
};

enum { PRESETS = (int)(sizeof presets / sizeof *presets) };

/* What "reference" (spec/classical-potentials.md §2) and "student" (docs/models-student.md) mean
 * for a set of elements. */
typedef struct material {
    int z[3]; /* 0 ends */
    const char *text;
    const char *engine;
    const char *key, *value;
    const char *student; /* weights for engine ani; NULL: there is none */
} material;

static const material materials[] = {
    {{14, 0, 0}, "Si", "sw", NULL, NULL, "built-in:student/silicon"},
    {{29, 0, 0}, "Cu", "eam", "form", "sutton-chen", "built-in:student/copper"},
    {{13, 0, 0}, "Al", "eam", "form", "sutton-chen", "built-in:student/aluminum"},
    {{26, 0, 0}, "Fe", "eam", "form", "finnis-sinclair", "built-in:student/iron"},
    {{8, 1, 0}, "H2O", "spcfw", NULL, NULL, "built-in:student/water"},
    {{18, 0, 0}, "Ar", "lj", NULL, NULL, NULL},
};

enum { MATERIALS = (int)(sizeof materials / sizeof *materials) };

/* Names that depend on the material; they are the first of the list. */
static const struct {
    const char *name, *summary;
} by_material[] = {
    {"reference", "the classical reference of the material: Si sw, Cu Al Fe eam, H2O spcfw, Ar lj"},
    {"student", "small ANI network that learned the reference: Si, Cu, Al, Fe, H2O"},
};

enum { REFERENCE, STUDENT, BY_MATERIAL };

/* The i-th engine that is listed, or NULL. */
static const mds_engine *listed_engine(int i)
{
    for (int k = 0; k < mds_engine_count(); ++k)
        if (!mds_engine_get(k)->hidden && i-- == 0)
            return mds_engine_get(k);
    return NULL;
}

int mds_model_name_count(void)
{
    int count = BY_MATERIAL + PRESETS;

    for (int k = 0; k < mds_engine_count(); ++k)
        count += !mds_engine_get(k)->hidden;
    return count;
}

const char *mds_model_name(int i)
{
    if (i < 0)
        return NULL;
    if (i < BY_MATERIAL)
        return by_material[i].name;
    i -= BY_MATERIAL;
    if (i < PRESETS)
        return presets[i].name;
    const mds_engine *engine = listed_engine(i - PRESETS);
    return engine ? engine->name : NULL;
}

const char *mds_model_summary(int i)
{
    if (i < 0)
        return NULL;
    if (i < BY_MATERIAL)
        return by_material[i].summary;
    i -= BY_MATERIAL;
    if (i < PRESETS)
        return presets[i].summary;
    const mds_engine *engine = listed_engine(i - PRESETS);
    return engine ? engine->summary : NULL;
}

mds_status mds_model_spec_init(mds_model_spec *spec, const char *name, const char *engine,
                               mds_precision precision)
{
    memset(spec, 0, sizeof *spec);
    if (strlen(name) >= sizeof spec->name)
        return mds_fail(MDS_ERR_CONFIG, "model name '%.60s...' is longer than %d bytes", name,
                        MDS_MODEL_NAME_SIZE - 1);
    snprintf(spec->name, sizeof spec->name, "%s", name);
    spec->engine = mds_engine_find(engine);
    if (!spec->engine) {
        const char *words[64];
        int count = 0;

        for (; count < 64 && listed_engine(count); ++count)
            words[count] = listed_engine(count)->name;
        const char *near = mds_nearest_word(engine, words, count);
        return mds_fail(MDS_ERR_CONFIG, "model '%s': unknown engine '%s'%s%s%s", name, engine,
                        near ? ", did you mean '" : " (`mdsweep list models` shows them)",
                        near ? near : "", near ? "'?" : "");
    }
    mds_options_init(&spec->options, spec->engine->options);
    spec->precision = precision == MDS_PRECISION_AUTO ? spec->engine->default_precision : precision;
    return MDS_OK;
}

static mds_status make(mds_model_spec *out, const char *name, const char *engine, const char *key,
                       const char *value, mds_precision precision)
{
    const mds_status status = mds_model_spec_init(out, name, engine, precision);

    return status == MDS_OK && key ? mds_options_set_text(&out->options, key, value) : status;
}

/* One thread, unless a configuration says otherwise: a step takes some ten microseconds, and to
 * wake others takes as long. */
static mds_status make_student(mds_model_spec *out, const char *name, const char *weights,
                               mds_precision precision)
{
    const mds_status status = make(out, name, "ani", "weights", weights, precision);

    return status == MDS_OK ? mds_options_set_number(&out->options, "threads", 1.0) : status;
}

/* True when the two sets of elements are equal. */
static bool matches(const material *m, const mds_species *species)
{
    int count = 0;

    for (; count < 3 && m->z[count]; ++count)
        if (mds_species_find(species, m->z[count]) < 0)
            return false;
    return count == species->count;
}

static mds_status resolve_material(int which, const mds_model_target *target,
                                   mds_precision precision, mds_model_spec *out)
{
    const char *name = by_material[which].name;
    char elements[96] = "", known[96] = "";

    if (!target)
        return mds_fail(MDS_ERR_UNSUPPORTED, "model '%s' needs to know the elements", name);
    for (int i = 0; i < MATERIALS; ++i) {
        const material *m = &materials[i];

        if (which == STUDENT && !m->student)
            continue;
        if (matches(m, &target->species))
            return which == STUDENT ? make_student(out, name, m->student, precision)
                                    : make(out, name, m->engine, m->key, m->value, precision);
        const size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", m->text);
    }
    for (int i = 0; i < target->species.count; ++i) {
        const size_t used = strlen(elements);
        snprintf(elements + used, sizeof elements - used, "%s%s", i ? " " : "",
                 mds_element_symbol(target->species.z[i]));
    }
    return mds_fail(MDS_ERR_UNSUPPORTED, "model '%s' has nothing for %s; it knows %s", name,
                    elements, known);
}

mds_status mds_model_resolve(const char *name, const mds_model_target *target,
                             mds_precision precision, mds_model_spec *out)
{
    const char *words[64];
    int count = 0;

    for (int i = 0; i < BY_MATERIAL; ++i)
        if (strcmp(name, by_material[i].name) == 0)
            return resolve_material(i, target, precision, out);
    for (int i = 0; i < PRESETS; ++i)
        if (strcmp(presets[i].name, name) == 0)
            return make(out, name, presets[i].engine, presets[i].key, presets[i].value, precision);
    if (mds_engine_find(name) && !mds_engine_find(name)->hidden)
        return make(out, name, name, NULL, NULL, precision);
    for (; count < 64 && mds_model_name(count); ++count)
        words[count] = mds_model_name(count);
    const char *near = mds_nearest_word(name, words, count);
    if (near)
        return mds_fail(MDS_ERR_CONFIG, "unknown model '%s', did you mean '%s'?", name, near);
    return mds_fail(MDS_ERR_CONFIG, "unknown model '%s' (`mdsweep list models` shows them)", name);
}

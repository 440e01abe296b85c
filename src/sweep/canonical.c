#include "sweep/canonical.h"

#include "base/text.h"
#include "case/study_keys.h"
#include "model/built_in.h"
#include "sweep/matrix.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct mds_digest {
    char path[MDS_OPTION_TEXT_SIZE];
    uint64_t value;
} mds_digest;

void mds_digests_fini(mds_digests *digests)
{
    free(digests->list);
    memset(digests, 0, sizeof *digests);
}

/* False when `path` is no file that can be read. */
static bool digest_of(mds_digests *digests, const char *path, uint64_t *out)
{
    struct stat facts;
    char *text = NULL;
    size_t length = 0;

    for (int i = 0; i < digests->count; ++i)
        if (strcmp(digests->list[i].path, path) == 0) {
            *out = digests->list[i].value;
            return true;
        }
    const mds_built_in *file = mds_built_in_find(path);
    if (file) {
        *out = mds_hash(MDS_HASH_START, file->bytes, file->size);
        return true;
    }
    if (!strpbrk(path, "./") || stat(path, &facts) != 0 || !S_ISREG(facts.st_mode) ||
        mds_read_file(path, &text, &length) != MDS_OK)
        return false;
    *out = mds_hash(MDS_HASH_START, text, length);
    free(text);
    mds_digest *list = realloc(digests->list, (size_t)(digests->count + 1) * sizeof *digests->list);
    if (list) {
        digests->list = list;
        snprintf(list[digests->count].path, sizeof list[0].path, "%s", path);
        list[digests->count++].value = *out;
    }
    return true;
}

static void add_text(mds_digests *digests, const char *prefix, const char *key, const char *text,
                     mds_strbuf *out)
{
    uint64_t digest;

    if (digest_of(digests, text, &digest))
        mds_strbuf_add(out, " %s.%s=#%016" PRIx64, prefix, key, digest);
    else
        mds_strbuf_add(out, " %s.%s=%s", prefix, key, text);
}

/* The options that differ from their presets, sorted by key; a preset given explicitly is none, so
 * that writing out a default keeps the key. */
static void add_options(mds_digests *digests, const char *prefix, const mds_options *options,
                        mds_strbuf *out)
{
    int order[MDS_OPTION_MAX], count = 0;

    for (int i = 0; i < options->count; ++i) {
        int k = count++;
        for (; k > 0 && strcmp(options->table[order[k - 1]].key, options->table[i].key) > 0; --k)
            order[k] = order[k - 1];
        order[k] = i;
    }
    for (int k = 0; k < count; ++k) {
        const mds_option *o = &options->table[order[k]];
        const mds_option_value *v = &options->value[order[k]];
        char number[40];

        if (o->type == MDS_OPTION_TEXT) {
            if (strcmp(v->text, o->preset_text ? o->preset_text : "") != 0)
                add_text(digests, prefix, o->key, v->text, out);
        } else if (v->number != o->preset)
            mds_strbuf_add(out, " %s.%s=%s", prefix, o->key,
                           mds_format_real(v->number, number, sizeof number));
    }
}

/* As the study has it, in the order given: only skipped cases get here. */
static void add_definition(const mds_study_model *model, mds_strbuf *out)
{
    char number[40];

    mds_strbuf_add(out, " model.base=%s model.engine=%s", model->base, model->engine);
    for (int i = 0; i < model->set_count; ++i)
        mds_strbuf_add(out, " model.%s=%s", model->set[i].key,
                       model->set[i].is_text
                           ? model->set[i].text
                           : mds_format_real(model->set[i].number, number, sizeof number));
}

void mds_canonical_model(mds_digests *digests, const mds_study *study, const mds_case *point,
                         const mds_model_spec *spec, mds_strbuf *out)
{
    const mds_study_model *model = &study->models[point->model];

    mds_strbuf_add(out, "model=%s", model->name);
    if (!spec) {
        add_definition(model, out);
        mds_strbuf_add(out, " model_precision=%s", mds_precision_name(point->run.precision));
        return;
    }
    mds_strbuf_add(out, " model.engine=%s", spec->engine->name);
    add_options(digests, "model", &spec->options, out);
    if (spec->seed)
        mds_strbuf_add(out, " model.seed=%" PRIu64, spec->seed);
    mds_strbuf_add(out, " model_precision=%s", mds_precision_name(spec->precision));
}

void mds_canonical_protocol(mds_digests *digests, const mds_study *study, int protocol,
                            mds_strbuf *out)
{
    const mds_protocol_spec *spec = &study->protocols[protocol];

    mds_strbuf_add(out, "protocol=%s protocol.class=%s", spec->name, spec->class->name);
    add_options(digests, "protocol", &spec->options, out);
}

void mds_canonical_run(const mds_run *run, mds_strbuf *out)
{
    const mds_field *fields[32];
    int count = 0;

    for (const mds_field *f = mds_run_fields; f->option.key; ++f) {
        if (!f->in_key)
            continue;
        int k = count++;
        for (; k > 0 && strcmp(fields[k - 1]->option.key, f->option.key) > 0; --k)
            fields[k] = fields[k - 1];
        fields[k] = f;
    }
    for (int k = 0; k < count; ++k) {
        char text[64];
        mds_strbuf_add(out, "%srun.%s=%s", k ? " " : "", fields[k]->option.key,
                       mds_field_format(fields[k], run, text, sizeof text));
    }
}

void mds_canonical_system(mds_digests *digests, const mds_study *study, int system, mds_strbuf *out)
{
    const mds_system_spec *spec = &study->systems[system];

    mds_strbuf_add(out, "system=%s system.class=%s", spec->name, spec->class->name);
    add_options(digests, "system", &spec->options, out);
}

int mds_canonical_sizes(const mds_case *point, char *out, size_t size)
{
    return snprintf(out, size, "n_asked=%d n_atoms=%d", point->n_asked, point->n_atoms);
}

int mds_canonical_repeat(int repeat, char *out, size_t size)
{
    return snprintf(out, size, "repeat=%d", repeat);
}

char *mds_case_canonical(const mds_study *study, const mds_case *point, char *out, size_t size)
{
    mds_digests digests = {0};
    mds_strbuf text = {0};
    mds_model_spec spec;
    char part[64];
    const bool resolved = mds_case_model_spec(study, point, &spec) == MDS_OK;

    mds_canonical_model(&digests, study, point, resolved ? &spec : NULL, &text);
    mds_canonical_sizes(point, part, sizeof part);
    mds_strbuf_add(&text, " %s ", part);
    mds_canonical_protocol(&digests, study, point->protocol, &text);
    mds_canonical_repeat(point->repeat, part, sizeof part);
    mds_strbuf_add(&text, " %s ", part);
    mds_canonical_run(&point->run, &text);
    mds_strbuf_add(&text, " ");
    mds_canonical_system(&digests, study, point->system, &text);
    snprintf(out, size, "%s", mds_strbuf_text(&text));
    mds_strbuf_fini(&text);
    mds_digests_fini(&digests);
    return out;
}

/* Expansion. What is dear to know (the atoms of a system at a size, what a model can do there, the
 * parts of the canonical text) is found once and looked up; the innermost loop only combines, so
 * that a plan of 100,000 cases takes a fraction of a second. */
#include "sweep/matrix.h"

#include "base/text.h"
#include "case/samples.h"
#include "case/study_keys.h"
#include "sweep/canonical.h"
#include "sweep/cost.h"
#include "sweep/filter.h"
#include "sweep/rule.h"
#include "sweep/schedule.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CASES_MAX = 2000000 };

static const double FRAME_BYTES_MAX = 2147483648.0;

/* Texts that cases point to: each once. */
typedef struct pool {
    char **list;
    int count;
} pool;

/* What a model does for a system at a size, under what a protocol and the run ask for. */
typedef struct ability {
    int model;
    mds_precision asked, precision;
    mds_device_kind kind;
    bool virial, moves;
    const mds_protocol_class *idle; /* the protocol that does not run there, or NULL */
    const char *reason;             /* why not, or NULL */
    double call_s, memory_bytes;
    char *text; /* canonical */
} ability;

/* The part of the text that a run gives; compared by the members that enter keys. */
typedef struct run_part {
    mds_run run;
    char *text;
} run_part;

/* A start state already paid for at the present system and size. */
typedef struct start {
    double temperature_K;
    uint64_t seed;
    int64_t equilibration;
} start;

typedef struct expansion {
    const mds_study *study;
    const char *device;
    mds_filter *filter;
    mds_matrix *out;
    mds_rules rules;
    mds_digests digests;
    pool *texts;
    char **system_text, **protocol_text;
    run_part *runs;
    int run_count;
    /* of the present system and size */
    mds_model_target target;
    int n_atoms;
    const char *no_atoms; /* why this size cannot be built, or NULL */
    start *starts;
    int start_count;
    ability *abilities;
    int ability_count;
    int capacity, rejected;
} expansion;

static mds_status no_memory(void)
{
    return mds_fail(MDS_ERR_NOMEM, "no memory for the cases of the sweep");
}

/* The list with room for one more element: it has room up to the next power of two. NULL without
 * memory, and the list is as before. */
static void *grow(void *list, int count, size_t size)
{
    if (count > 0 && (count & (count - 1)) != 0)
        return list;
    return realloc(list, (size_t)(count ? 2 * count : 1) * size);
}

/* A lasting copy of the text; NULL without memory. */
static const char *intern(pool *texts, const char *text)
{
    for (int i = texts->count - 1; i >= 0; --i)
        if (strcmp(texts->list[i], text) == 0)
            return texts->list[i];
    char **list = grow(texts->list, texts->count, sizeof *list);
    if (!list)
        return NULL;
    texts->list = list;
    char *copy = strdup(text);
    if (copy)
        texts->list[texts->count++] = copy;
    return copy;
}

static void texts_destroy(pool *texts)
{
    for (int i = 0; texts && i < texts->count; ++i)
        free(texts->list[i]);
    if (texts)
        free(texts->list);
    free(texts);
}

/* Moves the buffer's text out and leaves it empty. */
static char *take_text(mds_strbuf *buf)
{
    char *text = buf->failed ? NULL : strdup(mds_strbuf_text(buf));

    mds_strbuf_fini(buf);
    return text;
}

static mds_status prepare_axes(expansion *e)
{
    const mds_study *study = e->study;
    mds_strbuf buf = {0};

    e->system_text = calloc((size_t)study->system_count + 1, sizeof *e->system_text);
    e->protocol_text = calloc((size_t)study->protocol_count + 1, sizeof *e->protocol_text);
    if (!e->system_text || !e->protocol_text)
        return no_memory();
    for (int i = 0; i < study->system_count; ++i) {
        mds_canonical_system(&e->digests, study, i, &buf);
        if (!(e->system_text[i] = take_text(&buf)))
            return no_memory();
    }
    for (int i = 0; i < study->protocol_count; ++i) {
        mds_canonical_protocol(&e->digests, study, i, &buf);
        if (!(e->protocol_text[i] = take_text(&buf)))
            return no_memory();
    }
    return MDS_OK;
}

static bool same_run(const mds_run *a, const mds_run *b)
{
    for (const mds_field *f = mds_run_fields; f->option.key; ++f)
        if (f->in_key &&
            memcmp((const char *)a + f->offset, (const char *)b + f->offset, f->size) != 0)
            return false;
    return true;
}

static mds_status run_text(expansion *e, const mds_run *run, const char **out)
{
    mds_strbuf buf = {0};

    for (int i = e->run_count - 1; i >= 0; --i)
        if (same_run(&e->runs[i].run, run)) {
            *out = e->runs[i].text;
            return MDS_OK;
        }
    run_part *runs = grow(e->runs, e->run_count, sizeof *runs);
    if (!runs)
        return no_memory();
    e->runs = runs;
    mds_canonical_run(run, &buf);
    char *text = take_text(&buf);
    if (!text)
        return no_memory();
    e->runs[e->run_count++] = (run_part){*run, text};
    *out = text;
    return MDS_OK;
}

/* "auto" becomes what there is here; "cuda:1" is a cuda. */
static mds_device_kind device_kind(const char *name)
{
    if (strncmp(name, "cuda", 4) == 0)
        return MDS_DEVICE_CUDA;
    return strncmp(name, "sim", 3) == 0 ? MDS_DEVICE_SIM : MDS_DEVICE_CPU;
}

static mds_status fill_ability(expansion *e, const mds_case *point, ability *a)
{
    mds_strbuf buf = {0};
    mds_model_spec spec;
    mds_status status = mds_case_model_spec(e->study, point, &spec);
    const bool resolved = status == MDS_OK;

    if (resolved) {
        a->precision = spec.precision;
        status = mds_model_supports(&spec, &e->target, a->virial, a->kind);
        if (status == MDS_OK && a->moves)
            status = mds_model_supports_dynamics(&spec);
        if (status == MDS_OK && a->idle)
            status = mds_protocol_supports(&e->study->protocols[point->protocol], a->kind);
    }
    if (status == MDS_ERR_NOMEM)
        return status;
    if (status != MDS_OK && !(a->reason = intern(e->texts, mds_error())))
        return no_memory();
    if (status == MDS_OK) {
        a->call_s = mds_model_cost_s(&spec, &e->target, a->kind);
        a->memory_bytes = mds_model_memory_bytes(&spec, &e->target);
    }
    mds_canonical_model(&e->digests, e->study, point, resolved ? &spec : NULL, &buf);
    a->text = take_text(&buf);
    return a->text ? MDS_OK : no_memory();
}

static mds_status find_ability(expansion *e, const mds_case *point, const ability **out)
{
    const mds_protocol_spec *protocol = &e->study->protocols[point->protocol];
    const mds_device_kind kind = device_kind(point->run.device);
    const bool runs = mds_protocol_supports(protocol, kind) == MDS_OK;
    const ability want = {
        .model = point->model,
        .asked = point->run.precision,
        .precision = point->run.precision,
        .kind = kind,
        .virial = protocol->class->needs_virial,
        .moves = protocol->class->integrates,
        .idle = runs ? NULL : protocol->class,
    };

    for (int i = 0; i < e->ability_count; ++i) {
        const ability *a = &e->abilities[i];
        if (a->model == want.model && a->asked == want.asked && a->kind == want.kind &&
            a->virial == want.virial && a->moves == want.moves && a->idle == want.idle) {
            *out = a;
            return MDS_OK;
        }
    }
    ability *list = grow(e->abilities, e->ability_count, sizeof *list);
    if (!list)
        return no_memory();
    e->abilities = list;
    ability *a = &list[e->ability_count++];
    *a = want;
    *out = a;
    return fill_ability(e, point, a);
}

static void forget_abilities(expansion *e)
{
    for (int i = 0; i < e->ability_count; ++i)
        free(e->abilities[i].text);
    e->ability_count = 0;
}

static uint64_t key_of(const char *const parts[6])
{
    uint64_t hash = MDS_HASH_START;

    for (int i = 0; i < 6; ++i) {
        if (i)
            hash = mds_hash(hash, " ", 1);
        hash = mds_hash_text(hash, parts[i]);
    }
    return hash;
}

static mds_status add_case(expansion *e, const mds_case *point)
{
    mds_matrix *m = e->out;

    if (m->count == e->capacity) {
        const int capacity = e->capacity ? 2 * e->capacity : 256;
        mds_case *more = realloc(m->cases, (size_t)capacity * sizeof *more);

        if (!more)
            return no_memory();
        m->cases = more;
        e->capacity = capacity;
    }
    m->cases[m->count++] = *point;
    return MDS_OK;
}

/* Makes this case pay for its start state unless an earlier one did: protocols, models and repeats
 * share it. */
static mds_status add_start_cost(expansion *e, mds_case *point)
{
    const start now = {point->run.temperature_K, point->run.seed, point->run.equilibration};

    for (int i = 0; i < e->start_count; ++i)
        if (e->starts[i].temperature_K == now.temperature_K && e->starts[i].seed == now.seed &&
            e->starts[i].equilibration == now.equilibration)
            return MDS_OK;
    start *starts = grow(e->starts, e->start_count, sizeof *starts);
    if (!starts)
        return no_memory();
    e->starts = starts;
    starts[e->start_count++] = now;
    point->cost_s += mds_cost_start(e->study, point, &e->target);
    return MDS_OK;
}

/* All repeats of a point whose axes are set. */
static mds_status expand_repeats(expansion *e, mds_case *point)
{
    const mds_study *study = e->study;
    const ability *able = NULL;
    const char *run_part_text = NULL;
    char sizes[64], repeat[32];
    mds_status status;

    mds_rules_run(&e->rules, study, point, &point->run);
    if (strcmp(point->run.device, "auto") == 0)
        snprintf(point->run.device, sizeof point->run.device, "%s", e->device);
    status = find_ability(e, point, &able);
    if (status == MDS_OK)
        status = run_text(e, &point->run, &run_part_text);
    if (status != MDS_OK)
        return status;
    mds_canonical_sizes(point, sizes, sizeof sizes);
    const char *const parts[6] = {able->text, sizes,         e->protocol_text[point->protocol],
                                  repeat,     run_part_text, e->system_text[point->system]};
    const double frames_s = mds_cost_frames(&study->protocols[point->protocol], &e->target);
    point->run.precision = able->precision;
    point->reason = e->no_atoms ? e->no_atoms : able->reason;
    point->status = point->reason ? MDS_CASE_SKIPPED : MDS_CASE_PENDING;
    point->memory_bytes = point->reason ? 0.0 : able->memory_bytes;
    for (point->repeat = 0; point->repeat < study->repeats; ++point->repeat) {
        mds_canonical_repeat(point->repeat, repeat, sizeof repeat);
        point->key = key_of(parts);
        point->cost_s = point->reason ? 0.0 : frames_s + mds_cost_case(study, point, able->call_s);
        if (e->filter && !mds_filter_match(e->filter, study, point)) {
            ++e->rejected;
            continue;
        }
        if (!point->reason)
            status = add_start_cost(e, point);
        if (status == MDS_OK)
            status = add_case(e, point);
        if (status != MDS_OK)
            return status;
    }
    return MDS_OK;
}

/* Atoms and elements of a system at a size, or why there are none. */
static mds_status enter_size(expansion *e, int system, int size)
{
    const mds_system_spec *spec = &e->study->systems[system];
    int repeat[3];

    e->start_count = 0;
    e->no_atoms = NULL;
    e->target = (mds_model_target){.periodic = true};
    mds_status status = mds_system_plan(spec, e->study->sizes[size], &e->n_atoms, repeat);
    if (status == MDS_OK)
        status = mds_system_species(spec, &e->target.species);
    e->target.n_atoms = e->n_atoms;
    if (status == MDS_OK)
        return MDS_OK;
    if (status == MDS_ERR_NOMEM)
        return status;
    e->no_atoms = intern(e->texts, mds_error());
    return e->no_atoms ? MDS_OK : no_memory();
}

static mds_status expand_size(expansion *e, int system, int size)
{
    const mds_study *study = e->study;
    mds_status status = enter_size(e, system, size);

    for (int protocol = 0; protocol < study->protocol_count && status == MDS_OK; ++protocol)
        for (int model = 0; model < study->model_count && status == MDS_OK; ++model) {
            mds_case point = {.system = system,
                              .size = size,
                              .protocol = protocol,
                              .model = model,
                              .n_asked = study->sizes[size],
                              .n_atoms = e->n_atoms};

            if (!mds_rules_exclude(&e->rules, &point))
                status = expand_repeats(e, &point);
        }
    forget_abilities(e);
    return status;
}

static mds_status check_count(const mds_study *study)
{
    const double cases = (double)study->system_count * study->size_count * study->protocol_count *
                         study->model_count * study->repeats;

    if (cases > CASES_MAX)
        return mds_fail(MDS_ERR_CONFIG, "the sweep has %.0f cases, at most %d are possible", cases,
                        CASES_MAX);
    return MDS_OK;
}

static mds_status check_empty(const expansion *e, const char *filter)
{
    char hint[160];

    if (e->out->count > 0)
        return MDS_OK;
    if (e->rejected > 0)
        return mds_fail(MDS_ERR_USAGE, "the filter '%.200s' leaves none of %d cases%s", filter,
                        e->rejected, mds_filter_hint(e->filter, e->study, hint, sizeof hint));
    return mds_fail(MDS_ERR_CONFIG, "the sweep has no cases: %s",
                    e->study->exclude_count ? "the rules of exclude leave none"
                                            : "an axis is empty");
}

/* The frames of a case wait in shared memory until its rank has written them. */
static mds_status check_frames(const expansion *e)
{
    for (int i = 0; i < e->out->count && e->study->trajectory_every > 0; ++i) {
        const mds_case *point = &e->out->cases[i];
        const int64_t frames = mds_case_frames(e->study, point);
        const double bytes = mds_frame_bytes(point->n_atoms, frames);
        char label[256], need[32];

        if (bytes > FRAME_BYTES_MAX)
            return mds_fail(MDS_ERR_CONFIG,
                            "%s: %lld frames of %d atoms take %s of shared memory, at most %s is "
                            "possible; raise output.trajectory_every (%lld) or lower run.steps",
                            mds_case_label(e->study, point, label, sizeof label), (long long)frames,
                            point->n_atoms, mds_format_bytes(bytes, need, sizeof need), "2 GiB",
                            (long long)e->study->trajectory_every);
    }
    return MDS_OK;
}

static void release(expansion *e)
{
    forget_abilities(e);
    for (int i = 0; e->system_text && i < e->study->system_count; ++i)
        free(e->system_text[i]);
    for (int i = 0; e->protocol_text && i < e->study->protocol_count; ++i)
        free(e->protocol_text[i]);
    for (int i = 0; i < e->run_count; ++i)
        free(e->runs[i].text);
    free(e->system_text);
    free(e->protocol_text);
    free(e->runs);
    free(e->starts);
    free(e->abilities);
    mds_rules_fini(&e->rules);
    mds_digests_fini(&e->digests);
    mds_filter_destroy(e->filter);
}

mds_status mds_matrix_expand(const mds_study *study, const char *filter, const char *device,
                             mds_matrix *out)
{
    expansion e = {.study = study, .device = device, .out = out};
    mds_status status;

    memset(out, 0, sizeof *out);
    e.texts = calloc(1, sizeof *e.texts);
    out->storage = e.texts;
    if (!e.texts)
        return no_memory();
    MDS_TRY(check_count(study));
    if (filter && *filter)
        MDS_TRY(mds_filter_parse(filter, &e.filter));
    MDS_TRY(mds_rules_init(&e.rules, study));
    MDS_TRY(prepare_axes(&e));
    for (int system = 0; system < study->system_count; ++system)
        for (int size = 0; size < study->size_count; ++size)
            MDS_TRY(expand_size(&e, system, size));
    MDS_TRY(check_empty(&e, filter));
    MDS_TRY(check_frames(&e));
    MDS_TRY(mds_schedule_make(study, out));
out:
    release(&e);
    if (status != MDS_OK)
        mds_matrix_fini(out);
    return status;
}

void mds_matrix_fini(mds_matrix *matrix)
{
    free(matrix->cases);
    free(matrix->order);
    texts_destroy(matrix->storage);
    memset(matrix, 0, sizeof *matrix);
}

/* Every model beside its teacher: times of the same system, size and protocol, force errors from
 * the replay cases and energies from the NVE cases of that system and size. */
#include "report/tables.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const mds_table_column comparison_columns[] = {
    {"system", "system", 48, NULL, "1", "system"},
    {"protocol", "protocol", 48, NULL, "1", "protocol of the times"},
    {"n_atoms", "atoms", 0, "%.0f", "1", "number of atoms"},
    {"model", "model", 64, NULL, "1", "model"},
    {"teacher", "teacher", 48, NULL, "1", "model that it is compared with"},
    {"repeats", "runs", 0, "%.0f", "1", "finished repeats"},
    {"mean_ms", "mean ms", 0, "%.5f", "ms", "mean step latency"},
    {"p95_ms", "P95 ms", 0, "%.5f", "ms", "95th percentile of the step latency"},
    {"us_per_atom", "us/atom", 0, "%.3f", "us", "median step latency per atom"},
    {"speedup", "speed-up", 0, "%.3g", "1", "the teacher's us/atom over this one's"},
    {"engine_peak_MB", "engine MB", 0, "%.3f", "MB", "engine allocator, peak"},
    {"rss_peak_MB", "RSS MB", 0, "%.1f", "MB", "resident set, peak"},
    {"force_rmse_meV_A", "dF meV/A", 0, "%.3f", "meV/angstrom",
     "rms difference of a force component from the teacher's, on the same frames"},
    {"force_error_rel", "dF/F", 0, "%.2e", "1", "that over the rms component of the teacher's"},
    {"energy_drift_rel", "drift rel", 0, "%.2e", "1", "(E_end - E_0)/|E_0| in NVE"},
    {"energy_slope_meV_atom_ps", "slope meV/atom/ps", 0, "%.2e", "meV/ps",
     "least-squares slope per atom in NVE"},
    {"notes", "notes", 96, NULL, "1", "why a number is not known"},
};

/* X(id, word, what it means) */
#define NOTE_LIST(X)                                                                               \
    X(TEACHER, "teacher", "what the others are compared with")                                     \
    X(SYNTHETIC, "synthetic", "made-up weights: only times and memory mean something")             \
    X(NO_TEACHER, "no-teacher", "no finished case of the teacher like this one: no speed-up")      \
    X(NO_REPLAY, "no-replay", "no finished replay case of this model and size: no force error")    \
    X(NOT_COMPARED, "not-compared", "its replay case did not compare forces: no force error")      \
    X(NO_NVE, "no-nve", "no finished NVE case of this model and size: no drift")                   \
    X(NO_ENERGY, "no-energy", "its NVE case has no energies: no drift")

enum {
#define NOTE_ENUM(id, word, text) NOTE_##id,
    NOTE_LIST(NOTE_ENUM)
#undef NOTE_ENUM
        NOTES
};

static const char *const note_words[] = {
#define NOTE_WORD(id, word, text) word,
    NOTE_LIST(NOTE_WORD)
#undef NOTE_WORD
};

static const char *const note_texts[] = {
#define NOTE_TEXT(id, word, text) text,
    NOTE_LIST(NOTE_TEXT)
#undef NOTE_TEXT
};

/* A finished point with its names as numbers, in the order in which the file has them. */
typedef struct entry {
    int system, protocol, model;
    int64_t size;
    const mds_point *point;
    const mds_row *row; /* of its first finished repeat */
} entry;

typedef struct comparison {
    const mds_groups *groups;
    const char **systems, **protocols, **models; /* distinct names, borrowed */
    int system_count, protocol_count, model_count;
    entry *entries; /* (count), sorted */
    int count;
    unsigned used; /* bit per note */
} comparison;

static int number_of(const char *name, const char **names, int *count)
{
    for (int i = *count - 1; i >= 0; --i)
        if (strcmp(names[i], name) == 0)
            return i;
    names[*count] = name;
    return (*count)++;
}

static const mds_row *finished_row(const mds_groups *groups, const mds_point *point)
{
    for (int i = 0; i < point->count; ++i)
        if (groups->results->rows[point->first + i].status == MDS_CASE_DONE)
            return &groups->results->rows[point->first + i];
    return NULL;
}

static int order(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_entries(const void *left, const void *right)
{
    const entry *a = left, *b = right;
    int result = order(a->system, b->system);

    if (!result)
        result = order(a->protocol, b->protocol);
    if (!result)
        result = order(a->size, b->size);
    return result ? result : order(a->model, b->model);
}

static void fini(comparison *c)
{
    free(c->systems);
    free(c->protocols);
    free(c->models);
    free(c->entries);
}

static mds_status init(comparison *c, const mds_groups *groups)
{
    const size_t n = (size_t)groups->point_count + 1;

    *c = (comparison){.groups = groups,
                      .systems = calloc(n, sizeof *c->systems),
                      .protocols = calloc(n, sizeof *c->protocols),
                      .models = calloc(n, sizeof *c->models),
                      .entries = calloc(n, sizeof *c->entries)};
    if (!c->systems || !c->protocols || !c->models || !c->entries) {
        fini(c);
        return mds_fail(MDS_ERR_NOMEM, "no memory to compare %d points", groups->point_count);
    }
    for (int i = 0; i < groups->point_count; ++i) {
        const mds_point *point = &groups->points[i];
        const mds_row *row = finished_row(groups, point);

        if (row)
            c->entries[c->count++] =
                (entry){.system = number_of(row->system, c->systems, &c->system_count),
                        .protocol = number_of(row->protocol, c->protocols, &c->protocol_count),
                        .model = number_of(row->model, c->models, &c->model_count),
                        .size = row->n_atoms_asked,
                        .point = point,
                        .row = row};
    }
    if (c->count)
        qsort(c->entries, (size_t)c->count, sizeof *c->entries, compare_entries);
    return MDS_OK;
}

static const entry *find(const comparison *c, int system, int protocol, int64_t size, int model)
{
    const entry key = {.system = system, .protocol = protocol, .model = model, .size = size};

    return bsearch(&key, c->entries, (size_t)c->count, sizeof key, compare_entries);
}

/* The finished case of the same system, size and model in the first protocol that is right. */
static const entry *find_other(const comparison *c, const entry *e, bool (*right)(const mds_row *))
{
    for (int protocol = 0; protocol < c->protocol_count; ++protocol) {
        const entry *other = find(c, e->system, protocol, e->size, e->model);

        if (other && right(other->row))
            return other;
    }
    return NULL;
}

static bool is_replay(const mds_row *row)
{
    return !row->integrates;
}

static bool is_nve(const mds_row *row)
{
    return row->integrates && strncmp(row->protocol, "nve", 3) == 0;
}

static bool is_teacher(const entry *e)
{
    return strcmp(e->row->model, e->row->teacher) == 0;
}

/* The teacher's case of the same system, protocol and size, or NULL. */
static const entry *find_teacher(const comparison *c, const entry *e)
{
    for (int model = 0; model < c->model_count; ++model)
        if (strcmp(c->models[model], e->row->teacher) == 0)
            return find(c, e->system, e->protocol, e->size, model);
    return NULL;
}

static double metric(const comparison *c, const entry *e, mds_metric id)
{
    return e ? mds_point_metric(c->groups, e->point, id) : NAN;
}

static void add_times(const comparison *c, const entry *e, unsigned *notes, mds_table *table)
{
    const entry *teacher = find_teacher(c, e);
    /* Of the medians: a mean of few steps on a busy machine is that of its longest. */
    const double typical = metric(c, e, MDS_METRIC_US_PER_ATOM);

    if (!teacher)
        *notes |= 1u << NOTE_NO_TEACHER;
    mds_table_add_number(table, 1e3 * metric(c, e, MDS_METRIC_LATENCY_MEAN));
    mds_table_add_number(table, 1e3 * metric(c, e, MDS_METRIC_LATENCY_P95));
    mds_table_add_number(table, typical);
    mds_table_add_number(table, metric(c, teacher, MDS_METRIC_US_PER_ATOM) / typical);
    mds_table_add_number(table, 1e-6 * metric(c, e, MDS_METRIC_ENGINE_PEAK));
    mds_table_add_number(table, 1e-6 * metric(c, e, MDS_METRIC_RSS_PEAK));
}

static void add_force_error(const comparison *c, const entry *e, unsigned *notes, mds_table *table)
{
    const entry *replay = find_other(c, e, is_replay);
    const bool compared = replay && strcmp(replay->row->compared_to, e->row->teacher) == 0;

    if (is_teacher(e))
        *notes |= 1u << NOTE_TEACHER;
    else if (!replay)
        *notes |= 1u << NOTE_NO_REPLAY;
    else if (!compared && e->row->synthetic != 1)
        *notes |= 1u << NOTE_NOT_COMPARED;
    if (!compared)
        replay = NULL;
    mds_table_add_number(table, 1e3 * metric(c, replay, MDS_METRIC_FORCE_RMSE));
    mds_table_add_number(table, metric(c, replay, MDS_METRIC_FORCE_ERROR));
}

static void add_energy(const comparison *c, const entry *e, unsigned *notes, mds_table *table)
{
    const entry *nve = find_other(c, e, is_nve);
    const double drift = metric(c, nve, MDS_METRIC_ENERGY_DRIFT);

    if (!nve)
        *notes |= 1u << NOTE_NO_NVE;
    else if (isnan(drift) && e->row->synthetic != 1)
        *notes |= 1u << NOTE_NO_ENERGY;
    mds_table_add_number(table, drift);
    mds_table_add_number(table, metric(c, nve, MDS_METRIC_ENERGY_SLOPE));
}

static void add_row(comparison *c, const entry *e, mds_table *table)
{
    unsigned notes = e->row->synthetic == 1 ? 1u << NOTE_SYNTHETIC : 0u;
    char model[96];
    mds_strbuf words = {0};

    mds_table_add_text(table, e->row->system);
    mds_table_add_text(table, e->row->protocol);
    mds_table_add_number(table, (double)e->row->n_atoms);
    mds_table_add_text(table, mds_row_model(e->row, model, sizeof model));
    mds_table_add_text(table, e->row->teacher);
    mds_table_add_number(table, e->point->done);
    add_times(c, e, &notes, table);
    add_force_error(c, e, &notes, table);
    add_energy(c, e, &notes, table);
    for (int k = 0; k < NOTES; ++k)
        if (notes & 1u << k)
            mds_strbuf_add(&words, "%s%s", words.length ? ", " : "", note_words[k]);
    mds_table_add_text(table, mds_strbuf_text(&words));
    mds_strbuf_fini(&words);
    c->used |= notes;
}

/* Models of one system, protocol and size, the teacher first; nothing where it is alone. */
static void add_group(comparison *c, int first, int end, mds_table *table)
{
    bool others = false;

    for (int i = first; i < end; ++i)
        others = others || (*c->entries[i].row->teacher && !is_teacher(&c->entries[i]));
    for (int pass = 0; others && pass < 2; ++pass)
        for (int i = first; i < end; ++i)
            if (*c->entries[i].row->teacher && is_teacher(&c->entries[i]) == (pass == 0))
                add_row(c, &c->entries[i], table);
}

static void add_legend(const comparison *c, mds_table *table)
{
    for (int k = 0; k < NOTES; ++k)
        if (c->used & 1u << k)
            mds_table_add_note(table, note_words[k], note_texts[k]);
}

static mds_status fill_comparison(const mds_results *results, const mds_groups *groups,
                                  mds_table *table)
{
    comparison c;
    const mds_status status = init(&c, groups);

    (void)results;
    if (status != MDS_OK)
        return status;
    for (int i = 0, end; i < c.count; i = end) {
        const entry *a = &c.entries[i], *b = a;

        for (end = i; end < c.count; b = &c.entries[++end])
            if (b->system != a->system || b->protocol != a->protocol || b->size != a->size)
                break;
        add_group(&c, i, end, table);
    }
    add_legend(&c, table);
    fini(&c);
    return MDS_OK;
}

const mds_report_class mds_table_comparison = {
    .columns = comparison_columns,
    .column_count = sizeof comparison_columns / sizeof comparison_columns[0],
    .fill = fill_comparison,
};

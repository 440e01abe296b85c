#include "sweep/schedule.h"

#include <stdlib.h>

/* For qsort, which takes no context: what it needs of a case. */
typedef struct place {
    double cost_s;
    uint64_t key;
    int index, repeat;
    bool skipped;
} place;

/* Runnable first; repeat by repeat; the longest first; ties in the order of the axes. */
static int by_schedule(const void *left, const void *right)
{
    const place *a = left, *b = right;

    if (a->skipped != b->skipped)
        return a->skipped ? 1 : -1;
    if (!a->skipped && a->repeat != b->repeat)
        return a->repeat < b->repeat ? -1 : 1;
    if (a->cost_s != b->cost_s)
        return a->cost_s > b->cost_s ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

static int by_key(const void *left, const void *right)
{
    const place *a = left, *b = right;

    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

static mds_status check_keys(const mds_study *study, const mds_matrix *m, place *places)
{
    char a[256], b[256];

    qsort(places, (size_t)m->count, sizeof *places, by_key);
    for (int i = 1; i < m->count; ++i)
        if (places[i].key == places[i - 1].key)
            return mds_fail(MDS_ERR_CONFIG, "the cases %s and %s are the same case (key %016llx)",
                            mds_case_label(study, &m->cases[places[i - 1].index], a, sizeof a),
                            mds_case_label(study, &m->cases[places[i].index], b, sizeof b),
                            (unsigned long long)places[i].key);
    return MDS_OK;
}

mds_status mds_schedule_make(const mds_study *study, mds_matrix *m)
{
    place *places = malloc((size_t)m->count * sizeof *places);
    mds_status status = MDS_OK;

    m->order = malloc((size_t)m->count * sizeof *m->order);
    if (!places || !m->order) {
        free(places);
        return mds_fail(MDS_ERR_NOMEM, "no memory for the order of %d cases", m->count);
    }
    for (int i = 0; i < m->count; ++i) {
        const mds_case *c = &m->cases[i];
        places[i] = (place){c->cost_s, c->key, i, c->repeat, c->status == MDS_CASE_SKIPPED};
        m->runnable += !places[i].skipped;
        m->cost_s += c->cost_s;
    }
    status = check_keys(study, m, places);
    qsort(places, (size_t)m->count, sizeof *places, by_schedule);
    for (int i = 0; i < m->count; ++i)
        m->order[i] = places[i].index;
    free(places);
    return status;
}

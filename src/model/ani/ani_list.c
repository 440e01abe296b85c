#include "model/ani/ani_list.h"

#include <string.h>

static int up(int count, int unit)
{
    return (count + unit - 1) / unit * unit;
}

/* Slots: element by element, each from a whole block on. */
static void sort_atoms(ani_list *list, int *slot)
{
    const ani_atoms *atoms = &list->atoms;
    int next[ANI_ELEMENTS_MAX];

    memset(list->count, 0, sizeof list->count);
    for (int i = 0; i < atoms->n; ++i)
        ++list->count[list->kind[i]];
    for (int e = 0; e < atoms->live; ++e) {
        next[e] = list->blocks[e] * list->lanes;
        list->blocks[e + 1] = list->blocks[e] + up(list->count[e], list->lanes) / list->lanes;
    }
    for (int i = 0; i < atoms->n; ++i)
        slot[i] = next[list->kind[i]]++;
}

mds_status ani_list_set_atoms(ani_list *list, mds_device *device, int n, const int *type,
                              const int *kind_of, int live, int features)
{
    ani_atoms *atoms = &list->atoms;
    const size_t count = (size_t)n, pairs = count * (size_t)live;
    const size_t ints = 2 * count + 4 * pairs + 2;
    const mds_status status = mds_device_reserve(device, ints * sizeof(int), "ani atoms",
                                                 &list->per_atom, &list->per_atom_bytes);

    if (status != MDS_OK)
        return status;
    int *at = list->per_atom;
    int *slot = at + count;
    list->kind = at;
    atoms->slot = slot;
    atoms->near = slot + count;
    atoms->close = atoms->near + pairs;
    atoms->start = atoms->close + pairs;
    atoms->pool_start = atoms->start + pairs + 1;
    atoms->n = n;
    atoms->live = live;
    atoms->features = features;
    list->builds = -1;
    for (int i = 0; i < n; ++i)
        list->kind[i] = kind_of[type[i]];
    sort_atoms(list, slot);
    return MDS_OK;
}

/* Counts of candidates by (atom, element) become offsets. A vector more than there are candidates,
 * because filter() writes before it knows what to keep, and the next atom may be another thread's.
 */
static void make_offsets(ani_list *list, const mds_neighbor *neighbors)
{
    ani_atoms *atoms = &list->atoms;
    int *start = (int *)atoms->start, *pool = (int *)atoms->pool_start;

    start[0] = pool[0] = 0;
    for (int i = 0; i < atoms->n; ++i) {
        const int *index = neighbors->index + neighbors->start[i];
        const int at = i * atoms->live;
        int count[ANI_ELEMENTS_MAX] = {0};

        for (int c = 0; c < neighbors->count[i]; ++c)
            ++count[list->kind[neighbors->owner[index[c]]]];
        for (int e = 0; e < atoms->live; ++e) {
            start[at + e + 1] = start[at + e] + count[e];
            pool[at + e + 1] = pool[at + e] + up(count[e] + ANI_LANES_MAX, ANI_LANES_MAX);
        }
    }
}

static void fill(ani_list *list, const mds_neighbor *neighbors, int *candidate)
{
    const ani_atoms *atoms = &list->atoms;

    for (int i = 0; i < atoms->n; ++i) {
        const int *index = neighbors->index + neighbors->start[i];
        int next[ANI_ELEMENTS_MAX];

        for (int e = 0; e < atoms->live; ++e)
            next[e] = atoms->start[i * atoms->live + e];
        for (int c = 0; c < neighbors->count[i]; ++c)
            candidate[next[list->kind[neighbors->owner[index[c]]]]++] = index[c];
    }
}

mds_status ani_list_refresh(ani_list *list, mds_device *device, const mds_neighbor *neighbors)
{
    ani_atoms *atoms = &list->atoms;

    if (list->builds == neighbors->builds)
        return MDS_OK;
    make_offsets(list, neighbors);
    const int last = atoms->n * atoms->live;
    /* Vectors are read and written beyond the last neighbour. */
    const size_t pool = (size_t)atoms->pool_start[last] + 2 * ANI_LANES_MAX;
    const size_t candidates = (size_t)atoms->start[last] + ANI_LANES_MAX;
    mds_status status = mds_device_reserve(device, candidates * sizeof(int), "ani candidates",
                                           &list->candidates, &list->candidates_bytes);
    if (status == MDS_OK)
        status = mds_device_reserve(device, pool * (4 * list->real_size + sizeof(int)),
                                    "ani neighbours", &list->pool, &list->pool_bytes);
    if (status != MDS_OK)
        return status;
    char *at = list->pool;
    void **const fields[4] = {&atoms->ux, &atoms->uy, &atoms->uz, &atoms->dist};
    for (int k = 0; k < 4; ++k, at += pool * list->real_size)
        *fields[k] = at;
    atoms->row = (int *)(void *)at;
    atoms->candidate = list->candidates;
    fill(list, neighbors, list->candidates);
    list->builds = neighbors->builds;
    return MDS_OK;
}

void ani_list_fini(ani_list *list, mds_device *device)
{
    mds_device_free(device, list->per_atom);
    mds_device_free(device, list->candidates);
    mds_device_free(device, list->pool);
    memset(list, 0, sizeof *list);
}

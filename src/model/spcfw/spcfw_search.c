/* The search for pairs within reach, and its pruning. */
#include "model/spcfw/spcfw_list_private.h"

#include <string.h>

/* Lowest and highest coordinates of the slots begin … end−1; 1e30 and −1e30 of none. */
static void bounds_of(const spcfw_list *list, int begin, int end, double bounds[2][3])
{
    for (int d = 0; d < 3; ++d) {
        double lowest = 1e30, highest = -1e30;

        for (int slot = begin; slot < end; ++slot) {
            const double x = list->cluster[slot / SPCFW_CLUSTER].x[d][slot % SPCFW_CLUSTER];

            lowest = x < lowest ? x : lowest;
            highest = x > highest ? x : highest;
        }
        bounds[0][d] = lowest;
        bounds[1][d] = highest;
    }
}

/* Those of every cluster (none beyond the last), and of all together. */
static void set_bounds(spcfw_list *list, double cell[2][3])
{
    for (int c = 0; c < (int)spcfw_list_padded(list->clusters); ++c) {
        const int begin = c * SPCFW_CLUSTER, end = begin + SPCFW_CLUSTER;
        double bounds[2][3];

        bounds_of(list, begin, end < list->n ? end : list->n, bounds);
        for (int k = 0; k < 6; ++k)
            list->bounds[k / 3][k % 3][c] = bounds[k / 3][k % 3];
    }
    bounds_of(list, 0, list->n, cell);
}

/* The images that can be within reach, one of each pair +s, −s, and the cell itself first. Two
 * atoms whose fractions along an edge differ by at most w are at least (|k| − w) heights apart when
 * one is moved by k. */
mds_status spcfw_list_set_shifts(spcfw_list *list, const mds_box *box)
{
    double lowest[3] = {1e30, 1e30, 1e30}, highest[3] = {-1e30, -1e30, -1e30};
    int most[3], count = 1;

    for (int slot = 0; slot < list->n; ++slot) {
        double s[3];

        mds_box_to_fractional(box, list->built.x[slot], s);
        for (int d = 0; d < 3; ++d) {
            lowest[d] = s[d] < lowest[d] ? s[d] : lowest[d];
            highest[d] = s[d] > highest[d] ? s[d] : highest[d];
        }
    }
    for (int d = 0; d < 3; ++d) {
        const double reach = list->reach / box->height[d] + highest[d] - lowest[d];

        if (reach > 100.0)
            return mds_fail(MDS_ERR_CAPACITY,
                            "the cell is %.3g Å thick: too many images within %.3g Å",
                            box->height[d], list->reach);
        most[d] = (int)reach;
    }
    const size_t all = (size_t)(2 * most[0] + 1) * (2 * most[1] + 1) * (2 * most[2] + 1);
    size_t room = list->shift_room, same = room;
    mds_status status = spcfw_list_grow(list, &list->shift, &room, 0, all, sizeof *list->shift);

    if (status == MDS_OK)
        status =
            spcfw_list_grow(list, &list->shift_field, &same, 0, all, sizeof *list->shift_field);
    if (status == MDS_OK)
        status = spcfw_list_grow(list, &list->shift_move, &list->shift_room, 0, all,
                                 sizeof *list->shift_move);
    if (status != MDS_OK)
        return status;
    memset(list->shift[0], 0, sizeof *list->shift);
    for (int c = 0; c <= most[2]; ++c)
        for (int b = c ? -most[1] : 0; b <= most[1]; ++b)
            for (int a = c || b ? -most[0] : 1; a <= most[0]; ++a) {
                list->shift[count][0] = a;
                list->shift[count][1] = b;
                list->shift[count][2] = c;
                ++count;
            }
    list->shifts = count;
    return MDS_OK;
}

/* Whether the molecule that `search` is for, moved, is out of reach of everything in the cell. */
static bool apart(const double cell[2][3], const double bounds[2][3], const double move[3],
                  double reach2)
{
    double gap2 = 0.0;

    for (int d = 0; d < 3; ++d) {
        const double above = bounds[0][d] + move[d] - cell[1][d];
        const double below = cell[0][d] - bounds[1][d] - move[d];
        const double gap = above > below ? above : below;

        gap2 += gap > 0.0 ? gap * gap : 0.0;
    }
    return gap2 >= reach2;
}

/* An entry of `count` clusters at the end of the index, made even with the empty cluster. */
static void close_entry(const spcfw_list *list, spcfw_pairs *pairs, spcfw_entry entry, int count)
{
    entry.begin = entry.whole = pairs->indices;
    entry.end = entry.begin + count;
    if (!count)
        return;
    if (count % 2)
        pairs->index[entry.end++] = list->clusters;
    while (entry.shift == 0 && entry.whole < entry.end &&
           pairs->index[entry.whole] * SPCFW_CLUSTER <= 3 * entry.molecule + 2)
        ++entry.whole;
    pairs->entry[pairs->entries++] = entry;
    pairs->indices = entry.end;
}

static mds_status make_room(spcfw_list *list, spcfw_pairs *pairs, size_t entries, size_t indices)
{
    mds_status status = spcfw_list_grow(list, &pairs->index, &pairs->index_room,
                                        (size_t)pairs->indices, (size_t)pairs->indices + indices,
                                        sizeof *pairs->index);

    if (status == MDS_OK)
        status = spcfw_list_grow(list, &pairs->entry, &pairs->entry_room, (size_t)pairs->entries,
                                 (size_t)pairs->entries + entries, sizeof *pairs->entry);
    return status;
}

static void aim(const spcfw_list *list, spcfw_search *search, int molecule, int shift)
{
    for (int slot = 3 * molecule, a = 0; a < 3; ++a, ++slot)
        for (int d = 0; d < 3; ++d)
            search->x[a][d] = list->cluster[slot / SPCFW_CLUSTER].x[d][slot % SPCFW_CLUSTER] +
                              list->shift_move[shift][d];
    search->first = shift ? -1 : 3 * molecule;
}

static mds_status find_entry(spcfw_list *list, spcfw_search *search, int molecule, int shift)
{
    spcfw_pairs *outer = &list->outer;
    const mds_status status = make_room(list, outer, 1, (size_t)list->clusters + 2);

    if (status != MDS_OK)
        return status;
    int *found = outer->index + outer->indices;
    int count = list->kernels->search(search, found);

    if (count % 2)
        found[count++] = list->clusters;
    count = list->kernels->prune(search, found, count, found, &list->pairs);
    close_entry(list, outer, (spcfw_entry){.molecule = molecule, .shift = shift}, count);
    return MDS_OK;
}

mds_status spcfw_list_search(spcfw_list *list)
{
    double cell[2][3];
    spcfw_search search = {
        .cluster = list->cluster, .clusters = list->clusters, .reach2 = list->reach * list->reach};

    set_bounds(list, cell);
    memcpy(search.bounds, list->bounds, sizeof search.bounds);
    list->outer.entries = list->outer.indices = 0;
    list->pairs = 0;
    for (int m = 0; m < list->molecules; ++m) {
        double bounds[2][3];

        bounds_of(list, 3 * m, 3 * m + 3, bounds);
        for (int s = 0; s < list->shifts; ++s) {
            const double *move = list->shift_move[s];

            if (s &&
                apart((const double(*)[3])cell, (const double(*)[3])bounds, move, search.reach2))
                continue;
            aim(list, &search, m, s);
            for (int d = 0; d < 3; ++d) {
                search.lowest[d] = bounds[0][d] + move[d];
                search.highest[d] = bounds[1][d] + move[d];
            }
            const mds_status status = find_entry(list, &search, m, s);

            if (status != MDS_OK)
                return status;
        }
    }
    return MDS_OK;
}

/* The inner list: what of the outer one is within the inner reach now. */
mds_status spcfw_list_prune(spcfw_list *list)
{
    const spcfw_pairs *outer = &list->outer;
    spcfw_pairs *inner = &list->inner;
    spcfw_search search = {.cluster = list->cluster,
                           .clusters = list->clusters,
                           .reach2 = list->inner_reach * list->inner_reach};
    int64_t unused = 0;

    inner->entries = inner->indices = 0;
    /* One more than the outer list: a pruning writes its next index before it knows whether to. */
    const mds_status status =
        make_room(list, inner, (size_t)outer->entries, (size_t)outer->indices + 2);
    if (status != MDS_OK)
        return status;
    for (int e = 0; e < outer->entries; ++e) {
        const spcfw_entry *entry = &outer->entry[e];

        aim(list, &search, entry->molecule, entry->shift);
        const int count = list->kernels->prune(&search, outer->index + entry->begin,
                                               entry->end - entry->begin,
                                               inner->index + inner->indices, &unused);
        close_entry(list, inner, *entry, count);
    }
    return MDS_OK;
}

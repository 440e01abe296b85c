#include "md/neighbor_private.h"

#include <limits.h>
#include <string.h>

enum { MOST_CLASSES = 128, MOST_CACHE = 1 << 22, PENDING_PAD = -1 };

static int *translation(const mds_neighbor_private *p, int row)
{
    return p->shift + 3 * (size_t)row;
}

static uint32_t hash_image(int owner, const int t[3])
{
    uint64_t h = (uint32_t)owner * UINT64_C(0x9E3779B97F4A7C15);

    h = (h ^ (uint32_t)t[0]) * UINT64_C(0xD6E8FEB86659FD93);
    h = (h ^ (uint32_t)t[1]) * UINT64_C(0xD6E8FEB86659FD93);
    h = (h ^ (uint32_t)t[2]) * UINT64_C(0xD6E8FEB86659FD93);
    return (uint32_t)(h >> 32);
}

/* The slot of an image: where it is, or the empty one where it belongs. */
static int *find_slot(const mds_neighbor_private *p, int owner, const int t[3])
{
    const uint32_t mask = (uint32_t)p->slot_count - 1;

    for (uint32_t k = hash_image(owner, t) & mask;; k = (k + 1) & mask) {
        const int row = p->slots[k];

        if (row < 0 || (p->owner[row] == owner && memcmp(translation(p, row), t, 12) == 0))
            return &p->slots[k];
    }
}

/* An empty table for at least `rows` ghosts, at most half full; refilled with those that exist. */
static mds_status make_slots(mds_neighbor *list, int rows)
{
    mds_neighbor_private *p = list->priv;
    int count = 256;

    while (count < 2 * rows && count < 1 << 30)
        count *= 2;
    const mds_status status = mds_neighbor_grow(p->device, &p->slots_buffer,
                                                (size_t)count * sizeof(int), 0, "ghost table");
    if (status != MDS_OK)
        return status;
    p->slots = p->slots_buffer.memory;
    p->slot_count = count;
    memset(p->slots, -1, (size_t)count * sizeof(int));
    for (int row = list->n; row < list->m; ++row)
        *find_slot(p, p->owner[row], translation(p, row)) = row;
    return MDS_OK;
}

/* Atoms that were wrapped by the same cells see an image as the same row. */
static mds_status classify(mds_neighbor *list, int n)
{
    mds_neighbor_private *p = list->priv;
    int first[MOST_CLASSES], classes = 0; /* an atom of each class */
    mds_status status = MDS_OK;

    MDS_TRY(mds_neighbor_grow(p->device, &p->class_buffer, (size_t)n * sizeof(int), 0,
                              "classes of atoms"));
    p->atom_class = p->class_buffer.memory;
    p->classes = 0;
    for (int i = 0; i < n; ++i) {
        const int *w = p->bins.wrap + 3 * (size_t)i;
        int k = 0;

        while (k < classes && memcmp(p->bins.wrap + 3 * (size_t)first[k], w, 3 * sizeof *w) != 0)
            ++k;
        if (k == MOST_CLASSES)
            return MDS_OK;
        if (k == classes)
            first[classes++] = i;
        p->atom_class[i] = k;
    }
    const int64_t cells = (int64_t)classes * p->bins.images;
    if (cells > MOST_CACHE)
        return MDS_OK;
    MDS_TRY(mds_neighbor_grow(p->device, &p->cache_buffer, (size_t)cells * sizeof(int), 0,
                              "rows of images"));
    p->row_cache = p->cache_buffer.memory;
    memset(p->row_cache, -1, (size_t)cells * sizeof(int));
    p->classes = classes;
out:
    return status;
}

static mds_status reserve_lists(mds_neighbor *list, int n)
{
    mds_neighbor_private *p = list->priv;
    const size_t count = (size_t)n;
    mds_status status = MDS_OK;

    MDS_TRY(mds_neighbor_grow(p->device, &p->start_buffer, (count + 1) * sizeof(int), 0,
                              "neighbour rows"));
    MDS_TRY(
        mds_neighbor_grow(p->device, &p->count_buffer, count * sizeof(int), 0, "neighbour counts"));
    MDS_TRY(mds_neighbor_grow(p->device, &p->hits_buffer,
                              ((size_t)p->bins.images + MDS_NEIGHBOR_OVERRUN) * sizeof(int), 0,
                              "neighbour candidates"));
    MDS_TRY(mds_neighbor_grow(p->device, &p->owner_buffer, count * sizeof(int), 0, "ghosts"));
    MDS_TRY(mds_neighbor_grow(p->device, &p->shift_buffer, count * 3 * sizeof(int), 0, "ghosts"));
    p->start = p->start_buffer.memory;
    p->count = p->count_buffer.memory;
    p->hits = p->hits_buffer.memory;
    p->owner = p->owner_buffer.memory;
    p->shift = p->shift_buffer.memory;
    for (int i = 0; i < n; ++i)
        p->owner[i] = i;
    memset(p->shift, 0, count * 3 * sizeof(int));
out:
    return status;
}

/* Room for `more` entries and as many new ghosts, so that the loop over them cannot fail. */
static mds_status make_room(mds_neighbor *list, int64_t used, int more)
{
    mds_neighbor_private *p = list->priv;
    const int64_t entries = used + more + p->options.row_pad;
    const int64_t rows = (int64_t)list->m + more;
    mds_status status = MDS_OK;

    if (entries > INT_MAX || rows >= 1 << 30)
        return mds_fail(MDS_ERR_CAPACITY, "a neighbour list of more than 2^30 entries or images");
    MDS_TRY(mds_neighbor_grow(p->device, &p->index_buffer, (size_t)entries * sizeof(int),
                              (size_t)used * sizeof(int), "neighbour list"));
    MDS_TRY(mds_neighbor_grow(p->device, &p->owner_buffer, (size_t)rows * sizeof(int),
                              (size_t)list->m * sizeof(int), "ghosts"));
    MDS_TRY(mds_neighbor_grow(p->device, &p->shift_buffer, (size_t)rows * 3 * sizeof(int),
                              (size_t)list->m * 3 * sizeof(int), "ghosts"));
    p->index = p->index_buffer.memory;
    p->owner = p->owner_buffer.memory;
    p->shift = p->shift_buffer.memory;
    if (rows - list->n > p->slot_count / 2)
        status = make_slots(list, (int)(rows - list->n));
out:
    return status;
}

/* Row of the image at `place` as seen by atom i, made if it is new. Relative to unwrapped positions
 * the image's translation is t − wrap(owner) + wrap(i). */
static int row_of(mds_neighbor *list, int i, int place)
{
    mds_neighbor_private *p = list->priv;
    const mds_neighbor_bins *bins = &p->bins;
    const int owner = bins->image_owner[place];
    const int *t = bins->image_shift + 3 * (size_t)place;
    const int *wi = bins->wrap + 3 * (size_t)i, *wo = bins->wrap + 3 * (size_t)owner;
    const int seen[3] = {t[0] - wo[0] + wi[0], t[1] - wo[1] + wi[1], t[2] - wo[2] + wi[2]};

    if (seen[0] == 0 && seen[1] == 0 && seen[2] == 0)
        return owner;
    int *slot = find_slot(p, owner, seen);
    if (*slot < 0) {
        *slot = list->m++;
        p->owner[*slot] = owner;
        memcpy(translation(p, *slot), seen, sizeof seen);
    }
    return *slot;
}

static int clip(int b, int low, int high)
{
    return b < low ? low : b > high ? high : b;
}

/* All images within reach of atom i, or for a half list those in later places. */
static int find_hits(const mds_neighbor_private *p, int i)
{
    const mds_neighbor_bins *bins = &p->bins;
    const bool half = p->options.kind == MDS_NEIGHBOR_HALF;
    const int *b = bins->bin_of + 3 * (size_t)i;
    const int across0 = bins->high[0] - bins->low[0] + 1,
              across1 = bins->high[1] - bins->low[1] + 1;
    const double *centre = bins->wrapped + 3 * (size_t)i, limit = bins->reach * bins->reach;
    const double *x = bins->x, *y = bins->y, *z = bins->z;
    int count = 0;

    for (int k = 0; k < bins->run_count; ++k) {
        const mds_neighbor_run *run = &bins->runs[k];
        const int b1 = b[1] + run->db, b2 = b[2] + run->dc;

        if (b1 < bins->low[1] || b1 > bins->high[1] || b2 < bins->low[2] || b2 > bins->high[2])
            continue;
        const int row = ((b2 - bins->low[2]) * across1 + (b1 - bins->low[1])) * across0;
        const int low = clip(b[0] + run->low, bins->low[0], bins->high[0]) - bins->low[0];
        const int high = clip(b[0] + run->high, bins->low[0], bins->high[0]) - bins->low[0];
        const int first = bins->bin_start[row + low], last = bins->bin_start[row + high + 1];

        if (run->db != 0 || run->dc != 0) {
            count = p->collect(x, y, z, first, last, centre, limit, p->hits, count);
        } else {
            if (!half)
                count = p->collect(x, y, z, first, bins->home[i], centre, limit, p->hits, count);
            count = p->collect(x, y, z, bins->home[i] + 1, last, centre, limit, p->hits, count);
        }
    }
    return count;
}

/* Turns the hits of atom i into rows. */
static void list_hits(mds_neighbor *list, int i, int hits, int *restrict out)
{
    const mds_neighbor_private *p = list->priv;
    const int *restrict places = p->hits;

    if (p->classes == 0) {
        for (int k = 0; k < hits; ++k)
            out[k] = row_of(list, i, places[k]);
        return;
    }
    int *restrict cache = p->row_cache + (size_t)p->atom_class[i] * (size_t)p->bins.images;
    for (int k = 0; k < hits; ++k) {
        const int place = places[k];

        if (cache[place] < 0)
            cache[place] = row_of(list, i, place);
        out[k] = cache[place];
    }
}

mds_status mds_neighbor_search(mds_neighbor *list, int n)
{
    mds_neighbor_private *p = list->priv;
    const int pad = p->options.row_pad;
    int64_t used = 0;
    mds_status status = MDS_OK;

    list->n = list->m = n;
    list->entries = 0;
    MDS_TRY(classify(list, n));
    MDS_TRY(reserve_lists(list, n));
    MDS_TRY(make_slots(list, p->bins.images - n));
    for (int i = 0; i < n; ++i) {
        const int hits = find_hits(p, i);

        MDS_TRY(make_room(list, used, hits));
        list_hits(list, i, hits, p->index + used);
        p->start[i] = (int)used;
        p->count[i] = hits;
        used += hits;
        list->entries += hits;
        while (pad > 1 && used % pad != 0)
            p->index[used++] = PENDING_PAD;
    }
    p->start[n] = (int)used;
    /* Only now is the pad row's number known. */
    for (int i = 0; i < n && pad > 1; ++i)
        for (int k = p->start[i] + p->count[i]; k < p->start[i + 1]; ++k)
            p->index[k] = list->m;
out:
    return status;
}

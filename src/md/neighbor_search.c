#include "md/neighbor_private.h"

#include <limits.h>
#include <string.h>

/* Rows: the atoms where they were wrapped to, and room for every image that may become a ghost. An
 * image becomes one when the first atom lists it, so that rows near in the list are near in memory.
 */
static mds_status reserve_rows(mds_neighbor *list, int n)
{
    mds_neighbor_private *p = list->priv;
    const mds_neighbor_bins *bins = &p->bins;
    const size_t count = (size_t)n, images = (size_t)bins->images;
    mds_status status = MDS_OK;

    MDS_TRY(mds_neighbor_grow(p->device, &p->start_buffer, (count + 1) * sizeof(int), 0,
                              "neighbour rows"));
    MDS_TRY(
        mds_neighbor_grow(p->device, &p->count_buffer, count * sizeof(int), 0, "neighbour counts"));
    MDS_TRY(mds_neighbor_grow(p->device, &p->hits_buffer,
                              (images + MDS_NEIGHBOR_OVERRUN) * sizeof(int), 0,
                              "neighbour candidates"));
    MDS_TRY(mds_neighbor_grow(p->device, &p->row_buffer, images * sizeof(int), 0, "images"));
    MDS_TRY(mds_neighbor_grow(p->device, &p->owner_buffer, images * sizeof(int), 0, "ghosts"));
    MDS_TRY(mds_neighbor_grow(p->device, &p->shift_buffer, images * 3 * sizeof(int), 0, "ghosts"));
    p->start = p->start_buffer.memory;
    p->count = p->count_buffer.memory;
    p->hits = p->hits_buffer.memory;
    p->row_of_image = p->row_buffer.memory;
    p->owner = p->owner_buffer.memory;
    p->shift = p->shift_buffer.memory;
    memset(p->row_of_image, -1, images * sizeof(int));
    for (int i = 0; i < n; ++i) {
        p->row_of_image[bins->home[i]] = i;
        p->owner[i] = i;
        for (int k = 0; k < 3; ++k)
            p->shift[3 * (size_t)i + k] = -bins->wrap[3 * (size_t)i + k];
    }
out:
    return status;
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

/* Turns the hits of an atom into rows. */
static void list_hits(mds_neighbor *list, int hits, int *restrict out)
{
    const mds_neighbor_private *p = list->priv;
    const int *restrict hit = p->hits;
    int *restrict row_of = p->row_of_image;

    for (int k = 0; k < hits; ++k) {
        const int image = hit[k];
        int row = row_of[image];

        if (row < 0) {
            const int owner = p->bins.image_owner[image];

            row = row_of[image] = list->m++;
            p->owner[row] = owner;
            for (int c = 0; c < 3; ++c)
                p->shift[3 * (size_t)row + c] = p->bins.image_shift[3 * (size_t)image + c] -
                                                p->bins.wrap[3 * (size_t)owner + c];
        }
        out[k] = row;
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
    MDS_TRY(reserve_rows(list, n));
    for (int i = 0; i < n; ++i) {
        const int hits = find_hits(p, i);
        const int64_t most = used + hits + pad;

        if (most > INT_MAX)
            return mds_fail(MDS_ERR_CAPACITY, "a neighbour list of more than 2^31 entries");
        MDS_TRY(mds_neighbor_grow(p->device, &p->index_buffer, (size_t)most * sizeof(int),
                                  (size_t)used * sizeof(int), "neighbour list"));
        p->index = p->index_buffer.memory;
        list_hits(list, hits, p->index + used);
        p->start[i] = (int)used;
        p->count[i] = hits;
        list->entries += hits;
        used += hits;
        if (pad > 1)
            used += (pad - used % pad) % pad;
    }
    p->start[n] = (int)used;
    /* Only now is the pad row's number known. */
    for (int i = 0; i < n; ++i)
        for (int k = p->start[i] + p->count[i]; k < p->start[i + 1]; ++k)
            p->index[k] = list->m;
out:
    return status;
}

#include "model/spcfw/spcfw_list.h"

#include <math.h>
#include <string.h>

/* ---- memory ------------------------------------------------------------------------------------
 */

static mds_status take(spcfw_list *list, size_t bytes, void *out)
{
    void *memory = NULL;
    mds_status status = mds_device_alloc(list->device, bytes, "water pair list", &memory);

    memcpy(out, &memory, sizeof memory);
    return status;
}

/* Makes room for `need` elements, keeping the first `used`. */
static mds_status grow(spcfw_list *list, void *array, size_t *room, size_t used, size_t need,
                       size_t size)
{
    void *old, *larger = NULL;

    if (need <= *room)
        return MDS_OK;
    memcpy(&old, array, sizeof old);
    mds_status status = take(list, (need + need / 2) * size, &larger);
    if (status != MDS_OK)
        return status;
    if (used)
        memcpy(larger, old, used * size);
    mds_device_free(list->device, old);
    memcpy(array, &larger, sizeof larger);
    *room = need + need / 2;
    return MDS_OK;
}

void spcfw_list_fini(spcfw_list *list)
{
    void *const memory[] = {
        list->cluster,     list->atom,        list->offset,      list->move,
        list->built.x,     list->pruned.x,    list->hh,          list->shift,
        list->shift_move,  list->shift_field, list->outer.entry, list->outer.index,
        list->inner.entry, list->inner.index, list->order,       list->column,
        list->height,      list->place,       list->bounds[0][0]};

    for (size_t i = 0; i < sizeof memory / sizeof *memory; ++i)
        if (memory[i])
            mds_device_free(list->device, memory[i]);
    memset(list, 0, sizeof *list);
}

/* Thin enough to prune well, thick enough to last a few steps of 0.5 fs. */
static const double inner_skin = 0.35;

static size_t padded(int clusters)
{
    return ((size_t)clusters + 7) / 8 * 8;
}

mds_status spcfw_list_prepare(spcfw_list *list, mds_device *device, const spcfw_kernels *kernels,
                              int n, double cutoff, double skin)
{
    mds_status status = MDS_OK;

    spcfw_list_fini(list);
    list->device = device;
    list->kernels = kernels;
    list->cutoff = cutoff;
    list->reach = cutoff + skin;
    list->inner_reach = cutoff + fmin(inner_skin, skin);
    list->n = n;
    list->molecules = n / 3;
    list->clusters = (n + SPCFW_CLUSTER - 1) / SPCFW_CLUSTER;
    const size_t slots = (size_t)n, molecules = slots / 3, lanes = padded(list->clusters);

    MDS_TRY(take(list, ((size_t)list->clusters + 1) * sizeof *list->cluster, &list->cluster));
    MDS_TRY(take(list, slots * sizeof *list->atom, &list->atom));
    MDS_TRY(take(list, slots * sizeof *list->offset, &list->offset));
    MDS_TRY(take(list, slots * sizeof *list->move, &list->move));
    MDS_TRY(take(list, slots * sizeof *list->built.x, &list->built.x));
    MDS_TRY(take(list, slots * sizeof *list->pruned.x, &list->pruned.x));
    MDS_TRY(take(list, molecules * sizeof *list->hh, &list->hh));
    MDS_TRY(take(list, molecules * sizeof *list->order, &list->order));
    MDS_TRY(take(list, molecules * sizeof *list->column, &list->column));
    MDS_TRY(take(list, molecules * sizeof *list->height, &list->height));
    MDS_TRY(take(list, molecules * sizeof *list->place, &list->place));
    MDS_TRY(take(list, 6 * lanes * sizeof(double), &list->bounds[0][0]));
    for (size_t k = 1; k < 6; ++k)
        list->bounds[k / 3][k % 3] = list->bounds[0][0] + k * lanes;
    for (int slot = 0; slot < (list->clusters + 1) * SPCFW_CLUSTER; ++slot) {
        spcfw_cluster *c = &list->cluster[slot / SPCFW_CLUSTER];
        const bool used = slot < n;

        c->q[slot % SPCFW_CLUSTER] = !used ? 0.0 : slot % 3 ? 1.0 : SPCFW_OXYGEN;
        for (int d = 0; d < 3; ++d) /* empty slots: out of everyone's reach */
            c->x[d][slot % SPCFW_CLUSTER] = 1e6;
    }
out:
    if (status != MDS_OK)
        spcfw_list_fini(list);
    return status;
}

/* ---- positions ---------------------------------------------------------------------------------
 */

void spcfw_lattice_vector(const mds_box *box, const int k[3], double out[3])
{
    for (int d = 0; d < 3; ++d)
        out[d] = k[0] * box->h[0][d] + k[1] * box->h[1][d] + k[2] * box->h[2][d];
}

static void set_moves(spcfw_list *list, const mds_box *box)
{
    list->box = *box;
    for (int slot = 0; slot < list->n; ++slot)
        spcfw_lattice_vector(box, list->offset[slot], list->move[slot]);
    for (int s = 0; s < list->shifts; ++s)
        spcfw_lattice_vector(box, list->shift[s], list->shift_move[s]);
}

static void place_slots(spcfw_list *list, const double *x)
{
    for (int slot = 0; slot < list->n; ++slot) {
        spcfw_cluster *c = &list->cluster[slot / SPCFW_CLUSTER];
        const double *from = x + 3 * list->atom[slot], *move = list->move[slot];
        const int lane = slot % SPCFW_CLUSTER;

        for (int d = 0; d < 3; ++d)
            c->x[d][lane] = from[d] + move[d];
    }
}

static void set_mark(const spcfw_list *list, spcfw_mark *mark)
{
    for (int slot = 0; slot < list->n; ++slot)
        for (int d = 0; d < 3; ++d)
            mark->x[slot][d] = list->cluster[slot / SPCFW_CLUSTER].x[d][slot % SPCFW_CLUSTER];
    memcpy(mark->inverse, list->box.inverse, sizeof mark->inverse);
}

/* Square of the largest distance of a slot from where the deformation of the cell would have taken
 * it; NaN when a position is. */
static double largest_move2(const spcfw_list *list, const spcfw_mark *mark,
                            const double deform[3][3])
{
    double largest = 0.0;

    for (int slot = 0; slot < list->n; ++slot) {
        const spcfw_cluster *c = &list->cluster[slot / SPCFW_CLUSTER];
        const double *b = mark->x[slot];
        double u2 = 0.0;

        for (int d = 0; d < 3; ++d) {
            const double u = c->x[d][slot % SPCFW_CLUSTER] -
                             (b[0] * deform[0][d] + b[1] * deform[1][d] + b[2] * deform[2][d]);

            u2 += u * u;
        }
        largest = u2 <= largest ? largest : u2;
        if (isnan(u2))
            return u2;
    }
    return largest;
}

/* Whether a list made at `mark` out to `reach` still holds all pairs within `need`. A pair further
 * apart than `reach` then is now at least (1 − |D − 1|) reach away but for what both atoms moved on
 * their own. D is the deformation of the cell since, |·| the Frobenius norm, a bound of the
 * spectral one. */
static bool still_good(const spcfw_list *list, const spcfw_mark *mark, double reach, double need,
                       double *moved2)
{
    double deform[3][3], strain2 = 0.0;

    for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j) {
            deform[i][j] = 0.0;
            for (int k = 0; k < 3; ++k)
                deform[i][j] += mark->inverse[i][k] * list->box.h[k][j];
            strain2 += (deform[i][j] - (i == j)) * (deform[i][j] - (i == j));
        }
    const double slack = 0.5 * ((1.0 - sqrt(strain2)) * reach - need);

    *moved2 = largest_move2(list, mark, (const double(*)[3])deform);
    return slack >= 0.0 && *moved2 <= slack * slack;
}

/* ---- build: molecules ---------------------------------------------------------------------------
 */

/* The translation that takes d to its shortest image. A vector shorter than half the smallest
 * height of the cell is the shortest already: any lattice vector is at least one height long. */
static void nearest_image(const mds_box *box, const double d[3], int k[3])
{
    const double height = fmin(box->height[0], fmin(box->height[1], box->height[2]));
    double image[3] = {d[0], d[1], d[2]}, s[3];

    k[0] = k[1] = k[2] = 0;
    if (4.0 * (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]) < height * height)
        return;
    mds_box_minimum_image(box, image);
    for (int i = 0; i < 3; ++i)
        image[i] -= d[i];
    mds_box_to_fractional(box, image, s);
    for (int i = 0; i < 3; ++i)
        k[i] = (int)lrint(s[i]);
}

/* Puts the oxygen into the cell and its hydrogens beside it; `s` gets the oxygen's fractions. */
static mds_status make_whole(const mds_box *box, const double *x, int molecule, int place[3][3],
                             double s[3])
{
    const double *o = x + 9 * (size_t)molecule;

    for (int k = 0; k < 9; ++k)
        if (!isfinite(o[k]) || fabs(o[k]) > 1e9)
            return mds_fail(MDS_ERR_NUMERIC, "the position of atom %d is %g Å",
                            3 * molecule + k / 3, o[k]);
    mds_box_to_fractional(box, o, s);
    for (int d = 0; d < 3; ++d) {
        place[0][d] = -(int)floor(s[d]);
        s[d] += place[0][d];
    }
    for (int a = 1; a < 3; ++a) {
        const double bond[3] = {o[3 * a] - o[0], o[3 * a + 1] - o[1], o[3 * a + 2] - o[2]};

        nearest_image(box, bond, place[a]);
        for (int d = 0; d < 3; ++d)
            place[a][d] += place[0][d];
    }
    return MDS_OK;
}

/* Sorts the molecules into columns along c about one cluster wide, up one column and down the next,
 * so that eight consecutive atoms are a compact cluster. */
static mds_status sort_molecules(spcfw_list *list, const mds_box *box, const double *x)
{
    enum { COLUMNS = 4096 };
    const double edge = cbrt(box->volume * SPCFW_CLUSTER / list->n);
    int across[2], begin[COLUMNS + 1] = {0}, filled[COLUMNS] = {0};

    for (int d = 0; d < 2; ++d)
        across[d] = (int)fmin(64.0, fmax(1.0, rint(box->height[d] / edge)));
    for (int i = 0; i < list->molecules; ++i) {
        double s[3];
        int cell[2];
        mds_status status = make_whole(box, x, i, list->place[i], s);

        if (status != MDS_OK)
            return status;
        for (int d = 0; d < 2; ++d) {
            const int at = (int)(s[d] * across[d]);

            cell[d] = at < across[d] ? at : across[d] - 1;
        }
        const int column = cell[1] * across[0] + (cell[1] % 2 ? across[0] - 1 - cell[0] : cell[0]);

        list->column[i] = column;
        list->height[i] = column % 2 ? -s[2] : s[2];
        ++begin[column + 1];
    }
    for (int c = 0; c < across[0] * across[1]; ++c)
        begin[c + 1] += begin[c];
    /* Counting by column, insertion by height. */
    for (int i = 0; i < list->molecules; ++i) {
        const int column = list->column[i];
        int at = begin[column] + filled[column]++;

        while (at > begin[column] && list->height[list->order[at - 1]] > list->height[i]) {
            list->order[at] = list->order[at - 1];
            --at;
        }
        list->order[at] = i;
    }
    return MDS_OK;
}

static void fill_slots(spcfw_list *list, const mds_box *box, const double *x)
{
    list->hh_any = false;
    for (int m = 0; m < list->molecules; ++m) {
        const int i = list->order[m];
        double move[2][3], d[3];

        for (int a = 0; a < 3; ++a) {
            list->atom[3 * m + a] = 3 * i + a;
            memcpy(list->offset[3 * m + a], list->place[i][a], sizeof *list->offset);
        }
        for (int a = 0; a < 2; ++a)
            spcfw_lattice_vector(box, list->place[i][a + 1], move[a]);
        for (int k = 0; k < 3; ++k)
            d[k] = x[9 * i + 6 + k] + move[1][k] - x[9 * i + 3 + k] - move[0][k];
        nearest_image(box, d, list->hh[m]);
        list->hh_any |= list->hh[m][0] || list->hh[m][1] || list->hh[m][2];
    }
}

/* ---- build: pairs -------------------------------------------------------------------------------
 */

static void set_bounds(spcfw_list *list, double cell[2][3])
{
    for (int d = 0; d < 3; ++d) {
        cell[0][d] = 1e30;
        cell[1][d] = -1e30;
        for (int c = 0; c < (int)padded(list->clusters); ++c) {
            double lowest = 1e30, highest = -1e30;

            for (int lane = 0; lane < SPCFW_CLUSTER; ++lane) {
                if (c * SPCFW_CLUSTER + lane >= list->n)
                    break;
                lowest = fmin(lowest, list->cluster[c].x[d][lane]);
                highest = fmax(highest, list->cluster[c].x[d][lane]);
            }
            list->bounds[0][d][c] = lowest;
            list->bounds[1][d][c] = highest;
            cell[0][d] = fmin(cell[0][d], lowest);
            cell[1][d] = fmax(cell[1][d], highest);
        }
    }
}

/* The images that can be within reach, one of each pair +s, −s, and the cell itself first. Two
 * atoms whose fractions along an edge differ by at most w are at least (|k| − w) heights apart when
 * one is moved by k. */
static mds_status set_shifts(spcfw_list *list, const mds_box *box)
{
    double lowest[3] = {1e30, 1e30, 1e30}, highest[3] = {-1e30, -1e30, -1e30};
    int most[3], count = 1;

    for (int slot = 0; slot < list->n; ++slot) {
        double s[3];

        mds_box_to_fractional(box, list->built.x[slot], s);
        for (int d = 0; d < 3; ++d) {
            lowest[d] = fmin(lowest[d], s[d]);
            highest[d] = fmax(highest[d], s[d]);
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
    mds_status status = grow(list, &list->shift, &room, 0, all, sizeof *list->shift);

    if (status == MDS_OK)
        status = grow(list, &list->shift_field, &same, 0, all, sizeof *list->shift_field);
    if (status == MDS_OK)
        status = grow(list, &list->shift_move, &list->shift_room, 0, all, sizeof *list->shift_move);
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

static bool apart(double cell[2][3], double x[3][3], double reach2)
{
    double gap2 = 0.0;

    for (int d = 0; d < 3; ++d) {
        const double lowest = fmin(x[0][d], fmin(x[1][d], x[2][d]));
        const double highest = fmax(x[0][d], fmax(x[1][d], x[2][d]));
        const double gap = fmax(0.0, fmax(lowest - cell[1][d], cell[0][d] - highest));

        gap2 += gap * gap;
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
    mds_status status = grow(list, &pairs->index, &pairs->index_room, (size_t)pairs->indices,
                             (size_t)pairs->indices + indices, sizeof *pairs->index);

    if (status == MDS_OK)
        status = grow(list, &pairs->entry, &pairs->entry_room, (size_t)pairs->entries,
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

static mds_status find_pairs(spcfw_list *list)
{
    double cell[2][3];
    spcfw_pairs *outer = &list->outer;
    spcfw_search search = {
        .cluster = list->cluster, .clusters = list->clusters, .reach2 = list->reach * list->reach};

    set_bounds(list, cell);
    memcpy(search.bounds, list->bounds, sizeof search.bounds);
    outer->entries = outer->indices = 0;
    list->pairs = 0;
    for (int m = 0; m < list->molecules; ++m)
        for (int s = 0; s < list->shifts; ++s) {
            aim(list, &search, m, s);
            if (s && apart(cell, search.x, search.reach2))
                continue;
            const mds_status status = make_room(list, outer, 1, (size_t)list->clusters + 2);

            if (status != MDS_OK)
                return status;
            int *found = outer->index + outer->indices;
            int count = list->kernels->search(&search, found);

            if (count % 2)
                found[count++] = list->clusters;
            count = list->kernels->prune(&search, found, count, found, &list->pairs);
            close_entry(list, outer, (spcfw_entry){.molecule = m, .shift = s}, count);
        }
    return MDS_OK;
}

/* The inner list: what of the outer one is within the inner reach now. */
static mds_status prune_pairs(spcfw_list *list)
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
    set_mark(list, &list->pruned);
    return MDS_OK;
}

/* ---- build and update ---------------------------------------------------------------------------
 */

static mds_status build(spcfw_list *list, const mds_box *box, const double *x)
{
    mds_status status = sort_molecules(list, box, x);

    if (status != MDS_OK)
        return status;
    fill_slots(list, box, x);
    list->shifts = 0;
    set_moves(list, box);
    place_slots(list, x);
    set_mark(list, &list->built);
    status = set_shifts(list, box);
    if (status != MDS_OK)
        return status;
    set_moves(list, box);
    ++list->builds;
    return find_pairs(list);
}

mds_status spcfw_list_update(spcfw_list *list, const mds_state *state, bool *rebuilt)
{
    const double skin = list->reach - list->cutoff;
    double moved2;
    mds_status status = MDS_OK;

    *rebuilt = false;
    if (list->valid) {
        if (memcmp(list->box.h, state->box.h, sizeof list->box.h) != 0)
            set_moves(list, &state->box);
        place_slots(list, state->x);
        if (still_good(list, &list->pruned, list->inner_reach, list->cutoff, &moved2))
            return MDS_OK;
        *rebuilt = !still_good(list, &list->built, list->reach, list->inner_reach, &moved2);
        list->dangerous += moved2 > skin * skin;
    } else {
        *rebuilt = true;
    }
    list->valid = false;
    if (*rebuilt)
        status = build(list, &state->box, state->x);
    if (status == MDS_OK)
        status = prune_pairs(list);
    list->valid = status == MDS_OK;
    return status;
}

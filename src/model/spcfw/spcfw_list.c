#include "model/spcfw/spcfw_list_private.h"

#include <math.h>
#include <string.h>

/* Å. Thin enough to prune well, thick enough to last a few steps of 0.5 fs. */
static const double inner_skin = 0.35;

/* ---- memory ---- */

static mds_status take(spcfw_list *list, size_t bytes, void *out)
{
    void *memory = NULL;
    mds_status status = mds_device_alloc(list->device, bytes, "water pair list", &memory);

    memcpy(out, &memory, sizeof memory);
    return status;
}

mds_status spcfw_list_grow(spcfw_list *list, void *array, size_t *room, size_t used, size_t need,
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

size_t spcfw_list_padded(int clusters)
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
    const size_t slots = (size_t)n, molecules = slots / 3,
                 lanes = spcfw_list_padded(list->clusters);

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

/* ---- positions ---- */

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

/* ---- build and update ---- */

static mds_status build(spcfw_list *list, const mds_box *box, const double *x)
{
    mds_status status = spcfw_list_lay_out(list, box, x);

    if (status != MDS_OK)
        return status;
    list->shifts = 0;
    set_moves(list, box);
    place_slots(list, x);
    set_mark(list, &list->built);
    status = spcfw_list_set_shifts(list, box);
    if (status != MDS_OK)
        return status;
    set_moves(list, box);
    ++list->builds;
    return spcfw_list_search(list);
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
        status = spcfw_list_prune(list);
    set_mark(list, &list->pruned);
    list->valid = status == MDS_OK;
    return status;
}

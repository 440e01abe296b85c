#include "md/neighbor.h"

#include "md/neighbor_math.h"
#include "md/neighbor_ops.h"
#include "md/neighbor_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where padding points: so far that every cutoff rejects it, near enough that its square is finite
 * in float32 too. */
#define PAD_POSITION 1e9

mds_status mds_neighbor_grow(mds_device *device, mds_neighbor_buffer *buffer, size_t bytes,
                             size_t keep, const char *what)
{
    mds_neighbor_buffer bigger = {0};

    if (bytes <= buffer->capacity)
        return MDS_OK;
    /* Some room beyond the need: the next list is a little longer or shorter than this one. */
    const size_t want = bytes + (keep ? bytes / 2 : bytes / 8) + 256;
    if (keep == 0)
        return mds_device_reserve(device, want, what, &buffer->memory, &buffer->capacity);
    const mds_status status =
        mds_device_reserve(device, want, what, &bigger.memory, &bigger.capacity);
    if (status != MDS_OK)
        return status;
    memcpy(bigger.memory, buffer->memory, keep);
    mds_device_free(device, buffer->memory);
    *buffer = bigger;
    return MDS_OK;
}

/* Lists out of the host's reach; a list without a priv is one. */
static const mds_neighbor_ops *const remote = MDS_CUDA_FN(&mds_neighbor_cuda);

mds_status mds_neighbor_create(mds_device *device, const mds_neighbor_options *options,
                               mds_neighbor **out)
{
    *out = NULL;
    if (!(options->cutoff > 0.0) || !isfinite(options->cutoff) || !(options->skin >= 0.0) ||
        !isfinite(options->skin))
        return mds_fail(MDS_ERR_CONFIG,
                        "a neighbour list with cutoff %g Å and skin %g Å; the cutoff must be "
                        "positive and the skin not negative",
                        options->cutoff, options->skin);
    if (options->row_pad < 0 || options->row_pad > 64)
        return mds_fail(MDS_ERR_CONFIG, "neighbour rows padded to %d entries; 0 to 64 are possible",
                        options->row_pad);
    if (remote && mds_device_get_kind(device) == MDS_DEVICE_CUDA)
        return remote->create(device, options, out);
    if (!mds_device_host_access(device))
        return mds_fail(MDS_ERR_UNSUPPORTED,
                        "device %s: its memory is out of the host's reach, which this neighbour "
                        "list needs",
                        mds_device_get_info(device)->name);
    mds_neighbor *list = calloc(1, sizeof *list);
    mds_neighbor_private *priv = calloc(1, sizeof *priv);
    if (!list || !priv) {
        free(list);
        free(priv);
        return mds_fail(MDS_ERR_NOMEM, "no memory for a neighbour list");
    }
    priv->device = device;
    priv->options = *options;
    mds_neighbor_collect *versions[2];
    mds_neighbor_collect_versions(versions, 2);
    priv->collect = versions[0];
    list->priv = priv;
    *out = list;
    return MDS_OK;
}

void mds_neighbor_destroy(mds_neighbor *list)
{
    if (!list)
        return;
    mds_neighbor_private *p = list->priv;
    if (!p) {
        remote->destroy(list);
        return;
    }
    mds_neighbor_buffer *const all[] = {
        &p->xe_buffer,    &p->offset_buffer, &p->x0_buffer,    &p->owner_buffer, &p->shift_buffer,
        &p->start_buffer, &p->count_buffer,  &p->index_buffer, &p->row_buffer,   &p->hits_buffer,
    };

    for (size_t i = 0; i < sizeof all / sizeof all[0]; ++i)
        mds_device_free(p->device, all[i]->memory);
    mds_neighbor_free_bins(p->device, &p->bins);
    free(p);
    free(list);
}

mds_status mds_neighbor_make_room(mds_neighbor *list, mds_state *state)
{
    return list->priv ? MDS_OK : remote->make_room(list, state);
}

void mds_neighbor_invalidate(mds_neighbor *list)
{
    if (list->priv)
        list->priv->valid = false;
    else
        remote->invalidate(list);
}

static bool same_cell(const mds_box *a, const mds_box *b)
{
    return memcmp(a->h, b->h, sizeof a->h) == 0 &&
           memcmp(a->periodic, b->periodic, sizeof a->periodic) == 0;
}

/* Puts the atoms into their rows and returns the largest squared displacement since the build; a
 * position that is not finite gives infinity. */
static double advance(mds_neighbor_private *p, int n, const double *restrict x)
{
    const double *restrict x0 = p->x0, *restrict o = p->offset;
    double *restrict xe = p->xe, most = 0.0, sum = 0.0;

    for (int i = 0; i < n; ++i) {
        const double a = x[3 * i], b = x[3 * i + 1], c = x[3 * i + 2];
        const double da = a - x0[3 * i], db = b - x0[3 * i + 1], dc = c - x0[3 * i + 2];
        const double square = da * da + db * db + dc * dc;

        xe[4 * i] = a + o[4 * i];
        xe[4 * i + 1] = b + o[4 * i + 1];
        xe[4 * i + 2] = c + o[4 * i + 2];
        most = square > most ? square : most;
        sum += square;
    }
    /* A NaN would lose every comparison above, but not the sum. */
    return isfinite(sum) ? most : INFINITY;
}

/* The largest squared displacement when the cell has changed: from the positions that an affine
 * deformation would have given, x0 A with A = h0⁻¹ h. */
static double affine_displacement(const mds_neighbor_private *p, int n, const double *x,
                                  const double a[3][3])
{
    double most = 0.0, sum = 0.0;

    for (int i = 0; i < n; ++i) {
        const double *x0 = p->x0 + 3 * (size_t)i, *xi = x + 3 * (size_t)i;
        double square = 0.0;

        for (int k = 0; k < 3; ++k) {
            const double u = xi[k] - (x0[0] * a[0][k] + x0[1] * a[1][k] + x0[2] * a[2][k]);

            square += u * u;
        }
        most = square > most ? square : most;
        sum += square;
    }
    return isfinite(sum) ? most : INFINITY;
}

/* out = cells · h, with a fourth zero. */
static void lattice_vector(const double h[3][3], const int cells[3], double *restrict out)
{
    const double a = cells[0], b = cells[1], c = cells[2];

    out[0] = a * h[0][0] + b * h[1][0] + c * h[2][0];
    out[1] = a * h[0][1] + b * h[1][1] + c * h[2][1];
    out[2] = a * h[0][2] + b * h[1][2] + c * h[2][2];
    out[3] = 0.0;
}

static void set_offsets(mds_neighbor *list, const mds_box *box)
{
    mds_neighbor_private *p = list->priv;
    double h[3][3]; /* a copy, which the stores below cannot be suspected of changing */

    memcpy(h, box->h, sizeof h);
    for (int i = 0; i < list->n; ++i)
        lattice_vector((const double(*)[3])h, p->shift + 3 * (size_t)i, p->offset + 4 * (size_t)i);
    for (int row = list->n; row < list->m; ++row) {
        const int *t = p->shift + 3 * (size_t)row, *from = p->shift + 3 * (size_t)p->owner[row];
        const int cells[3] = {t[0] - from[0], t[1] - from[1], t[2] - from[2]};

        lattice_vector((const double(*)[3])h, cells, p->offset + 4 * (size_t)row);
    }
    p->offset_box = *box;
}

static void refresh_ghosts(mds_neighbor *list)
{
    mds_neighbor_private *p = list->priv;
    double *xe = p->xe;
    const double *restrict offset = p->offset;
    const int *restrict owner = p->owner;

    for (int row = list->n; row < list->m; ++row) {
        const double *from = xe + 4 * (size_t)owner[row], *o = offset + 4 * (size_t)row;
        const double a = from[0] + o[0], b = from[1] + o[1], c = from[2] + o[2];
        double *to = xe + 4 * (size_t)row;

        to[0] = a;
        to[1] = b;
        to[2] = c;
        to[3] = 0.0;
    }
}

static void publish(mds_neighbor *list)
{
    const mds_neighbor_private *p = list->priv;

    list->xe = p->xe;
    list->owner = p->owner;
    list->shift = p->shift;
    list->start = p->start;
    list->count = p->count;
    list->index = p->index;
}

static mds_status build(mds_neighbor *list, const mds_state *state)
{
    mds_neighbor_private *p = list->priv;
    const size_t n = (size_t)state->n;
    const bool half = p->options.kind == MDS_NEIGHBOR_HALF;
    mds_status status = MDS_OK;

    p->valid = false;
    MDS_TRY(mds_neighbor_fill_bins(p->device, &p->bins, &state->box, state->n, state->x,
                                   p->options.cutoff + p->options.skin, half));
    MDS_TRY(mds_neighbor_search(list, state->n));
    const size_t rows = (size_t)list->m + 1;
    MDS_TRY(mds_neighbor_grow(p->device, &p->xe_buffer, rows * 4 * sizeof(double), 0,
                              "positions with ghosts"));
    MDS_TRY(mds_neighbor_grow(p->device, &p->offset_buffer, rows * 4 * sizeof(double), 0,
                              "offsets of images"));
    MDS_TRY(mds_neighbor_grow(p->device, &p->x0_buffer, n * 3 * sizeof(double), 0,
                              "positions at the build"));
    p->xe = p->xe_buffer.memory;
    p->offset = p->offset_buffer.memory;
    p->x0 = p->x0_buffer.memory;
    memcpy(p->x0, state->x, n * 3 * sizeof(double));
    for (size_t i = 0; i < n; ++i)
        p->xe[4 * i + 3] = 0.0;
    for (int k = 0; k < 4; ++k)
        p->xe[4 * (rows - 1) + k] = k < 3 ? PAD_POSITION : 0.0;
    set_offsets(list, &state->box);
    advance(p, state->n, state->x);
    refresh_ghosts(list);
    publish(list);
    p->built = state->box;
    p->valid = true;
    p->tested = false;
    ++list->builds;
out:
    return status;
}

/* Whether the list still holds; brings the atoms' rows and all offsets up to date if so. */
static bool still_good(mds_neighbor *list, const mds_state *state)
{
    mds_neighbor_private *p = list->priv;
    const bool first_test = !p->tested;
    double a[3][3], limit = 0.5 * p->options.skin;

    if (!p->valid || list->n != state->n || p->options.skin == 0.0 ||
        memcmp(p->built.periodic, state->box.periodic, sizeof p->built.periodic) != 0)
        return false;
    if (!same_cell(&p->offset_box, &state->box))
        set_offsets(list, &state->box);
    double moved = advance(p, state->n, state->x);
    if (!same_cell(&p->built, &state->box)) {
        limit = mds_neighbor_allowance((const double(*)[3])p->built.inverse,
                                       (const double(*)[3])state->box.h, p->options.cutoff,
                                       p->options.skin, a);
        moved = affine_displacement(p, state->n, state->x, (const double(*)[3])a);
    }
    p->tested = true;
    if (limit >= 0.0 && moved <= limit * limit)
        return true;
    if (first_test || moved > p->options.skin * p->options.skin)
        ++list->dangerous;
    return false;
}

mds_status mds_neighbor_update(mds_neighbor *list, mds_state *state)
{
    if (!list->priv)
        return remote->update(list, state);
    const bool good = still_good(list, state);

    if (!good) {
        const mds_status status = build(list, state);

        if (status != MDS_OK)
            return status;
    } else {
        refresh_ghosts(list);
    }
    state->s->rebuilt = good ? 0.0 : 1.0;
    state->s->dangerous = (double)list->dangerous;
    return MDS_OK;
}

void mds_neighbor_fold_forces(const mds_neighbor *list, const double *fe, double *f)
{
    const int *owner = list->owner;

    for (int i = 0; i < list->n; ++i)
        for (int k = 0; k < 3; ++k)
            f[3 * (size_t)i + k] = fe[4 * (size_t)i + k];
    for (int row = list->n; row < list->m; ++row) {
        double *to = f + 3 * (size_t)owner[row];

        for (int k = 0; k < 3; ++k)
            to[k] += fe[4 * (size_t)row + k];
    }
}

/* The neighbour list on a CUDA device, seen from the host: memory, and when kernels are launched.
 * Only the first update for a number of atoms waits: it builds a list that is only counted, and
 * sizes the rows by that. */
#include "md/neighbor_device.h"

#include "md/neighbor_ops.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Rows get this much more room than the fullest one needs, and again as soon as they are fuller
 * than NEARLY_FULL: the fullest row of a liquid varies by some ten percent. */
#define ROOM        1.3
#define NEARLY_FULL 0.9
enum { ROOM_ENTRIES = 16 };

/* Bins cost a launch in every step and make only builds faster, which are few: from so many atoms
 * on, if the cell has at least twice as many as an atom looks at (docs/cuda-step.md). */
#define BIN_GAIN 2.0
enum { BINS_FROM = 3072 };

typedef struct buffer {
    void *memory;
    size_t capacity; /* bytes */
} buffer;

typedef struct device_list {
    mds_neighbor list; /* what users hold; its priv is NULL */
    mds_device *device;
    mds_neighbor_options options;
    mds_neighbor_work work;
    int bins_from;      /* atoms */
    mds_status pending; /* an error of invalidate(), which cannot say so itself */
    buffer atoms, rows;
} device_list;

static device_list *of(mds_neighbor *list)
{
    return (device_list *)list;
}

static mds_status create(mds_device *device, const mds_neighbor_options *options,
                         mds_neighbor **out)
{
    device_list *self = calloc(1, sizeof *self);

    if (!self)
        return mds_fail(MDS_ERR_NOMEM, "no memory for a neighbour list");
    self->device = device;
    self->options = *options;
    self->work.cutoff = options->cutoff;
    self->work.skin = options->skin;
    self->work.bin_gain = BIN_GAIN;
    self->bins_from = BINS_FROM;
    *out = &self->list;
    return MDS_OK;
}

static void destroy(mds_neighbor *list)
{
    device_list *self = of(list);

    mds_device_free(self->device, self->atoms.memory);
    mds_device_free(self->device, self->rows.memory);
    free(self);
}

/* Hands out pieces of one allocation, each on its own cache line. */
static void *take(char *base, size_t *used, size_t bytes)
{
    void *piece = base ? base + *used : NULL;

    *used += (bytes + 127) / 128 * 128;
    return piece;
}

/* The arrays of a list of n atoms in memory that begins at `base`; with NULL only their size. */
static size_t lay_out(mds_neighbor_work *w, int n, char *base)
{
    const size_t count = (size_t)n;
    const size_t blocks = (count + MDS_NEIGHBOR_ADVANCE_BLOCK - 1) / MDS_NEIGHBOR_ADVANCE_BLOCK;
    size_t used = 0;

    w->n = n;
    w->control = take(base, &used, sizeof *w->control);
    w->xw = take(base, &used, count * 4 * sizeof *w->xw);
    w->x0 = take(base, &used, count * 3 * sizeof *w->x0);
    w->wrap = take(base, &used, count * 3 * sizeof *w->wrap);
    w->count = take(base, &used, count * sizeof *w->count);
    w->moved = take(base, &used, blocks * sizeof *w->moved);
    if (w->bin_room > 0) {
        w->bin_count = take(base, &used, (size_t)mds_neighbor_bins_at_most(n) * sizeof(int));
        w->bin_atom = take(base, &used, (size_t)w->bin_room * sizeof *w->bin_atom);
    }
    return used;
}

/* "No list yet", without waiting. */
static mds_status forget(device_list *self)
{
    return mds_device_fill(self->device, &self->work.control->valid, 0,
                           sizeof self->work.control->valid);
}

static mds_status run(device_list *self, mds_state *state)
{
    mds_neighbor_work *w = &self->work;

    w->x = state->x;
    w->d = state->d;
    w->s = state->s;
    mds_status status = mds_neighbor_launch_advance(self->device, w);
    if (status == MDS_OK && w->bin_room > 0)
        status = mds_neighbor_launch_file(self->device, w);
    return status == MDS_OK ? mds_neighbor_launch_rebuild(self->device, w) : status;
}

static mds_status read_control(device_list *self, mds_neighbor_control *out)
{
    mds_status status =
        mds_device_copy(self->device, out, self->work.control, sizeof *out, MDS_COPY_TO_HOST);

    if (status == MDS_OK)
        status = mds_device_sync(self->device);
    if (status == MDS_OK) {
        self->list.entries = out->entries;
        self->list.builds = out->builds;
        self->list.dangerous = out->dangerous;
    }
    return status;
}

/* The fault in the step block, as an error. */
static mds_status read_fault(device_list *self, const mds_state *state)
{
    mds_step_block block;
    mds_status status =
        mds_device_copy(self->device, &block, state->d, sizeof block, MDS_COPY_TO_HOST);

    if (status == MDS_OK)
        status = mds_device_sync(self->device);
    const mds_scalars found = {.fault = block.fault, .fault_value = block.fault_value};
    return status == MDS_OK ? mds_scalars_check_fault(&found) : status;
}

/* Rows with room for `most` entries and some; the list in them is lost. */
static mds_status size_rows(device_list *self, unsigned most)
{
    mds_neighbor_work *w = &self->work;
    const double want = ROOM * most + ROOM_ENTRIES;
    mds_status status = MDS_OK;

    if (want > INT_MAX / 2)
        return mds_fail(MDS_ERR_CAPACITY, "%u neighbours of one atom", most);
    const int stride = ((int)want + 31) / 32 * 32; /* rows begin on cache lines */
    /* Recorded work holds the old rows' length: also where the memory has room for longer ones, an
     * allocation must tell that it is void. */
    if (stride != w->stride) {
        mds_device_free(self->device, self->rows.memory);
        self->rows.memory = NULL;
        self->rows.capacity = 0;
    }
    MDS_TRY(mds_device_reserve(self->device, (size_t)w->n * (size_t)stride * sizeof *w->entry,
                               "neighbour list", &self->rows.memory, &self->rows.capacity));
    w->stride = stride;
    w->entry = self->rows.memory;
    MDS_TRY(forget(self));
    self->list.view = (mds_neighbor_view){
        .n = w->n, .stride = stride, .xw = w->xw, .count = w->count, .entry = w->entry, .d = w->d};
out:
    return status;
}

/* For a new number of atoms. */
static mds_status size(device_list *self, mds_state *state)
{
    mds_neighbor_work *w = &self->work;
    mds_neighbor_control control;
    mds_status status = MDS_OK;

    self->list.n = 0; /* until this has come to a good end */
    if (state->n > 1 << MDS_ENTRY_ATOM_BITS)
        return mds_fail(MDS_ERR_CAPACITY, "%d atoms; the neighbour list of a GPU takes %d",
                        state->n, 1 << MDS_ENTRY_ATOM_BITS);
    w->bin_room = state->n >= self->bins_from ? MDS_NEIGHBOR_BIN_ROOM * state->n : 0;
    MDS_TRY(mds_device_reserve(self->device, lay_out(w, state->n, NULL), "neighbour list's atoms",
                               &self->atoms.memory, &self->atoms.capacity));
    lay_out(w, state->n, self->atoms.memory);
    MDS_TRY(mds_device_fill(self->device, w->control, 0, sizeof *w->control));
    w->stride = 0;
    MDS_TRY(run(self, state));
    MDS_TRY(read_fault(self, state));
    MDS_TRY(read_control(self, &control));
    MDS_TRY(size_rows(self, control.most));
    MDS_TRY(mds_device_fill(self->device, w->control, 0, sizeof *w->control));
    self->list.n = state->n;
out:
    return status;
}

static mds_status update(mds_neighbor *list, mds_state *state)
{
    device_list *self = of(list);
    mds_status status = self->pending;

    self->pending = MDS_OK;
    if (status == MDS_OK && list->n != state->n)
        status = size(self, state);
    if (status == MDS_OK)
        status = run(self, state);
    list->view.d = state->d;
    return status;
}

static mds_status make_room(mds_neighbor *list, mds_state *state)
{
    device_list *self = of(list);
    mds_neighbor_control control;

    if (list->n == 0 || list->n != state->n)
        return MDS_OK;
    const mds_status status = read_control(self, &control);
    if (status != MDS_OK || control.most < NEARLY_FULL * self->work.stride)
        return status;
    return size_rows(self, control.most);
}

static void invalidate(mds_neighbor *list)
{
    if (list->n > 0)
        of(list)->pending = forget(of(list));
}

void mds_neighbor_device_set_bins(mds_neighbor *list, int atoms, double gain)
{
    of(list)->bins_from = atoms;
    of(list)->work.bin_gain = gain;
}

mds_status mds_neighbor_device_binned(mds_neighbor *list, bool *out)
{
    mds_neighbor_control control;
    const mds_status status = read_control(of(list), &control);

    *out = status == MDS_OK && of(list)->work.bin_room > 0 && control.binned &&
           control.fullest == 0;
    return status;
}

const mds_neighbor_ops mds_neighbor_cuda = {
    .create = create,
    .destroy = destroy,
    .update = update,
    .make_room = make_room,
    .invalidate = invalidate,
};

/* The neighbour list on a CUDA device: two or three kernels per update, of which all but the first
 * return at once in most steps.
 *
 * `advance` brings the wrapped positions up to date and finds the largest displacement; its last
 * block decides, and if the list has become too old, wraps all atoms anew. `rebuild` then gives
 * each atom a warp, whose lanes look at one other atom each, with all images of it that can be
 * near: n/32 rounds per row, about right for the thousand atoms this is made for. With more atoms
 * `file_atoms` stands in between, which wraps them and puts them into bins; the lanes then look at
 * what the bins around their atom hold (neighbor_cells.cuh). */
#include "device/cuda/launch.cuh"

#include "md/reduce.cuh"

extern "C" {
#include "md/neighbor_device.h"
#include "md/neighbor_math.h"
#include "md/neighbor_view.h"
}

#include "md/neighbor_cells.cuh"

/* Beyond this many cells from home an atom has no meaningful position left. */
#define FARTHEST_CELL 1e8

enum { REBUILD_BLOCK = 128, ATOMS_PER_BLOCK = REBUILD_BLOCK / 32 };

/* What a block of `advance` must know to test an atom. */
typedef struct deformation {
    int valid, changed; /* the list may be good; the cell is not that of the build */
    double h[3][3], a[3][3], limit;
} deformation;

/* For one thread. All loads come first and none depends on another, so that they are waited for
 * together: this is in the way of every step. */
static __device__ void look_at_cell(const mds_neighbor_work &w, deformation *f)
{
    const mds_neighbor_control *c = w.control;
    double h[3][3], built[3][3];
    int moved = 0, other = 0;

    for (int k = 0; k < 9; ++k) {
        h[k / 3][k % 3] = w.d->h[k / 3][k % 3];
        built[k / 3][k % 3] = c->built_h[k / 3][k % 3];
    }
    for (int k = 0; k < 3; ++k)
        other |= c->built_periodic[k] ^ w.d->periodic[k];
    f->valid = c->valid && other == 0 && w.skin > 0.0;
    for (int k = 0; k < 9; ++k) {
        moved |= h[k / 3][k % 3] != built[k / 3][k % 3];
        f->h[k / 3][k % 3] = h[k / 3][k % 3];
    }
    f->changed = moved;
    f->limit = moved ? mds_neighbor_allowance(c->built_inverse, h, w.cutoff, w.skin, f->a)
                     : 0.5 * w.skin;
}

/* x + wrap·h into xw. */
static __device__ void place(const mds_neighbor_work &w, const double h[3][3], int i)
{
    const double *x = w.x + 3 * (size_t)i;
    const int *cells = w.wrap + 3 * (size_t)i;
    const double a = cells[0], b = cells[1], c = cells[2];
    double *to = w.xw + 4 * (size_t)i;

    for (int k = 0; k < 3; ++k)
        to[k] = x[k] + (a * h[0][k] + b * h[1][k] + c * h[2][k]);
    to[3] = 0.0;
}

/* Squared displacement of atom i since the build, from where the change of the cell would have
 * taken it; infinity when it is not a number. */
static __device__ double displacement(const mds_neighbor_work &w, const deformation &f, int i)
{
    const double *x = w.x + 3 * (size_t)i, *x0 = w.x0 + 3 * (size_t)i;
    double square = 0.0;

    for (int k = 0; k < 3; ++k) {
        const double from = f.changed ? x0[0] * f.a[0][k] + x0[1] * f.a[1][k] + x0[2] * f.a[2][k]
                                      : x0[k];
        const double u = x[k] - from;

        square += u * u;
    }
    return square < INFINITY ? square : INFINITY;
}

/* For one thread: whether the list is still good, and what is written about it. */
static __device__ bool decide(const mds_neighbor_work &w, const deformation &f, double moved)
{
    mds_neighbor_control *c = w.control;
    const bool good = f.valid && f.limit >= 0.0 && moved <= f.limit * f.limit;

    /* As the host counts them, see mds_neighbor.dangerous. */
    if (f.valid && !good && (!c->tested || moved > w.skin * w.skin))
        ++c->dangerous;
    c->tested = good;
    w.d->rebuild = !good;
    w.s->rebuilt = good ? 0.0 : 1.0;
    w.s->dangerous = (double)c->dangerous;
    return good;
}

/* For one thread: remembers the cell, and how far the list reaches in it. */
static __device__ void begin_build(const mds_neighbor_work &w)
{
    mds_neighbor_control *c = w.control;
    const mds_step_block *d = w.d;

    c->most = c->entries = 0;
    c->valid = 1;
    ++c->builds;
    for (int k = 0; k < 3; ++k) {
        double square = 0.0;

        for (int j = 0; j < 3; ++j) {
            c->built_h[k][j] = d->h[k][j];
            c->built_inverse[k][j] = d->inverse[k][j];
            square += d->inverse[j][k] * d->inverse[j][k];
        }
        c->built_periodic[k] = d->periodic[k];
        /* |s_k| <= |r| |column k of h⁻¹|, and that is one over the height. */
        c->reach[k] = d->periodic[k] ? (w.cutoff + w.skin) * sqrt(square) : 0.0;
        if (c->reach[k] > MDS_NEIGHBOR_CELLS) {
            w.d->fault = MDS_FAULT_IMAGES;
            w.d->fault_value = c->reach[k];
        }
    }
}

/* Atom i into the cell, where its fractional coordinates are s. False: it has no position. */
static __device__ bool wrap_atom(const mds_neighbor_work &w, int i, double s[3])
{
    const mds_step_block *d = w.d;
    const double *x = w.x + 3 * (size_t)i;
    bool known = true;

    for (int k = 0; k < 3; ++k) {
        s[k] = x[0] * d->inverse[0][k] + x[1] * d->inverse[1][k] + x[2] * d->inverse[2][k];
        const double cell = d->periodic[k] ? floor(s[k]) : 0.0;
        const bool here = fabs(s[k]) < INFINITY && fabs(cell) <= FARTHEST_CELL;

        known = known && here;
        s[k] = here ? s[k] - cell : 0.0;
        w.wrap[3 * (size_t)i + k] = here ? -(int)cell : 0;
        w.x0[3 * (size_t)i + k] = x[k];
    }
    place(w, d->h, i);
    return known;
}

/* For one thread: atom `lost`, if there is one, has no position. */
static __device__ void judge_positions(const mds_neighbor_work &w, int lost)
{
    if (lost >= w.n)
        return;
    w.control->valid = 0;
    w.d->fault = MDS_FAULT_NOT_FINITE;
    w.d->fault_value = lost;
}

/* For a block: all atoms into the cell. */
static __device__ void wrap_atoms(const mds_neighbor_work &w)
{
    __shared__ int lost;
    double s[3];

    if (threadIdx.x == 0) {
        lost = w.n;
        begin_build(w);
    }
    __syncthreads();
    for (int i = (int)threadIdx.x; i < w.n; i += (int)blockDim.x)
        if (!wrap_atom(w, i, s))
            atomicMin(&lost, i);
    __syncthreads();
    if (threadIdx.x == 0)
        judge_positions(w, lost);
}

/* For a block: empty bins. */
static __device__ void clear_bins(const mds_neighbor_work &w)
{
    const int most = mds_neighbor_bins_at_most(w.n);

    if (threadIdx.x == 0) {
        begin_build(w);
        mds_choose_bins(w);
        w.control->lost = w.n;
    }
    for (int k = (int)threadIdx.x; k < most; k += (int)blockDim.x)
        w.bin_count[k] = 0;
}

static __global__ void advance(mds_neighbor_work w)
{
    __shared__ deformation f;
    __shared__ int good;
    const int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    double moved = 0.0;

    if (w.d->fault)
        return;
    if (threadIdx.x == 0)
        look_at_cell(w, &f);
    __syncthreads();
    if (f.valid && i < w.n) {
        place(w, f.h, i);
        moved = displacement(w, f, i);
    }
    moved = mds_block_max(moved);
    if (threadIdx.x == 0)
        w.moved[blockIdx.x] = moved;
    if (!mds_last_block(&w.control->ticket))
        return;
    moved = 0.0;
    for (int b = (int)threadIdx.x; b < (int)gridDim.x; b += (int)blockDim.x)
        moved = w.moved[b] > moved ? w.moved[b] : moved;
    moved = mds_block_max(moved);
    if (threadIdx.x == 0)
        good = decide(w, f, moved);
    __syncthreads();
    if (good)
        return;
    if (w.bin_room > 0)
        clear_bins(w);
    else
        wrap_atoms(w);
}

static __global__ void file_atoms(mds_neighbor_work w)
{
    const int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    mds_neighbor_control *c = w.control;
    double s[3];

    if (!w.d->rebuild || w.d->fault)
        return;
    if (i < w.n) {
        if (!wrap_atom(w, i, s))
            atomicMin(&c->lost, i);
        if (c->binned)
            mds_file_atom(w, s, i);
    }
    if (mds_last_block(&c->ticket) && threadIdx.x == 0)
        judge_positions(w, c->lost);
}

/* The images of atom j near atom i, in ascending order, into out (if there is room for them);
 * returns how many there are. */
static __device__ int list_images(const mds_neighbor_work &w, const mds_surroundings &e, int i,
                                  int j, uint32_t *out, int room)
{
    const double *xi = w.xw + 4 * (size_t)i, *xj = w.xw + 4 * (size_t)j;
    const double d[3] = {xj[0] - xi[0], xj[1] - xi[1], xj[2] - xi[2]};
    int low[3], high[3], count = 0;

    for (int k = 0; k < 3; ++k) {
        const double s = d[0] * e.inverse[0][k] + d[1] * e.inverse[1][k] + d[2] * e.inverse[2][k];
        const bool periodic = e.reach[k] > 0.0;

        /* The margin is for rounding; within seven cells no image is beyond these bounds. */
        low[k] = periodic ? (int)fmax(ceil(-s - e.reach[k] - 1e-9), -8.0) : 0;
        high[k] = periodic ? (int)fmin(floor(e.reach[k] - s + 1e-9), 7.0) : 0;
    }
    for (int a = low[0]; a <= high[0]; ++a)
        for (int b = low[1]; b <= high[1]; ++b)
            for (int c = low[2]; c <= high[2]; ++c) {
                if ((i == j && a == 0 && b == 0 && c == 0) || !mds_image_is_near(e, d, a, b, c))
                    continue;
                if (count < room)
                    out[count] = mds_entry_pack(j, a, b, c);
                ++count;
            }
    return count;
}

/* For a warp: the row of atom i; returns its length in all lanes. */
static __device__ int list_row(const mds_neighbor_work &w, const mds_surroundings &e, int i)
{
    const int lane = (int)threadIdx.x & 31;
    uint32_t *row = w.entry + (size_t)i * (size_t)w.stride;
    int used = 0;

    for (int first = 0; first < w.n; first += 32) {
        const int j = first + lane;
        const int mine = j < w.n ? list_images(w, e, i, j, row, 0) : 0;

        if (__ballot_sync(MDS_FULL_WARP, mine > 0) == 0u)
            continue;
        int place = mds_warp_scan(mine);
        const int total = __shfl_sync(MDS_FULL_WARP, place, 31);
        place += used - mine;
        if (mine > 0 && place < w.stride)
            list_images(w, e, i, j, row + place, w.stride - place);
        used += total;
    }
    return used;
}

/* For one thread. */
static __device__ void survey(const mds_neighbor_work &w, mds_surroundings *e)
{
    const mds_neighbor_control *c = w.control;
    const double reach = (w.cutoff + w.skin) * (1.0 + 1e-12);

    e->limit = reach * reach;
    for (int k = 0; k < 9; ++k) {
        e->h[k / 3][k % 3] = c->built_h[k / 3][k % 3];
        e->inverse[k / 3][k % 3] = c->built_inverse[k / 3][k % 3];
        e->reach[k / 3] = c->reach[k / 3];
    }
    e->bin_size = 0;
    if (w.bin_room == 0 || !c->binned || c->fullest != 0)
        return;
    e->bin_size = c->bin_size;
    for (int k = 0; k < 3; ++k) {
        e->bins[k] = c->bins[k];
        e->span[k] = c->span[k];
        e->periodic[k] = c->built_periodic[k];
    }
}

static __global__ void rebuild(mds_neighbor_work w)
{
    __shared__ mds_surroundings e;
    const int i = (int)(blockIdx.x * ATOMS_PER_BLOCK + threadIdx.x / 32);
    mds_neighbor_control *c = w.control;

    if (!w.d->rebuild || w.d->fault)
        return;
    if (threadIdx.x == 0)
        survey(w, &e);
    __syncthreads();
    if (i < w.n) {
        const int length = e.bin_size > 0 ? mds_list_binned_row(w, e, i) : list_row(w, e, i);

        if (threadIdx.x % 32 == 0) {
            w.count[i] = length < w.stride ? length : w.stride;
            atomicMax(&c->most, (unsigned)length);
            atomicAdd(&c->entries, (unsigned)length);
        }
    }
    if (!mds_last_block(&c->ticket) || threadIdx.x != 0 || w.stride == 0)
        return;
    w.s->fill = (double)c->most / w.stride;
    if (c->most > (unsigned)w.stride) {
        w.d->fault = MDS_FAULT_CAPACITY;
        w.d->fault_value = c->most;
    }
}

extern "C" mds_status mds_neighbor_launch_advance(mds_device *device, const mds_neighbor_work *work)
{
    const int block = MDS_NEIGHBOR_ADVANCE_BLOCK;

    return MDS_LAUNCH(device, advance, (work->n + block - 1) / block, block, 0, *work);
}

extern "C" mds_status mds_neighbor_launch_file(mds_device *device, const mds_neighbor_work *work)
{
    const int block = MDS_NEIGHBOR_ADVANCE_BLOCK;

    return MDS_LAUNCH(device, file_atoms, (work->n + block - 1) / block, block, 0, *work);
}

extern "C" mds_status mds_neighbor_launch_rebuild(mds_device *device, const mds_neighbor_work *work)
{
    return MDS_LAUNCH(device, rebuild, (work->n + ATOMS_PER_BLOCK - 1) / ATOMS_PER_BLOCK,
                      REBUILD_BLOCK, 0, *work);
}

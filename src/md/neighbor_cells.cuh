/* Bins for the neighbour list on a CUDA device: parallel to the cell, at least as wide as the list
 * reaches, counted in exact integers, so that an image's bin is its atom's bin plus whole cells. A
 * row is collected from the bins around its atom and then sorted, because whoever came first to a
 * bin stands first in it: the row is the one that a walk over all atoms gives.
 *
 * Include after device/cuda/launch.cuh, neighbor_device.h and neighbor_view.h. */
#ifndef MDS_MD_NEIGHBOR_CELLS_CUH
#define MDS_MD_NEIGHBOR_CELLS_CUH

/* Widths are that much more than the reach, so that rounding cannot move a pair two bins apart. */
#define MDS_BIN_MARGIN 1e-6

/* What the warps of a block share: the cell, and how far the list reaches in it. */
typedef struct mds_surroundings {
    double h[3][3], inverse[3][3], reach[3], limit;
    int bins[3], span[3], periodic[3], bin_size;
} mds_surroundings;

/* For one thread: bins for this cell, as many as there is room for. */
static __device__ void mds_choose_bins(const mds_neighbor_work &w)
{
    mds_neighbor_control *c = w.control;
    const int most = mds_neighbor_bins_at_most(w.n);
    int bins[3], stencil = 1;

    for (int k = 0; k < 3; ++k) {
        double square = 0.0;

        for (int j = 0; j < 3; ++j)
            square += w.d->inverse[j][k] * w.d->inverse[j][k];
        const double reach = (w.cutoff + w.skin) * sqrt(square) * (1.0 + MDS_BIN_MARGIN);

        bins[k] = (int)fmin(fmax(floor(1.0 / reach), 1.0), 1024.0);
        c->span[k] = reach > 1.0 ? (int)fmin(ceil(reach), (double)MDS_NEIGHBOR_CELLS) : 1;
        if (!w.d->periodic[k])
            c->span[k] = bins[k] > 1; /* what is outside counts to the outermost bin */
        stencil *= 2 * c->span[k] + 1;
    }
    while (bins[0] * bins[1] * bins[2] > most) {
        int widest = bins[1] > bins[0] ? 1 : 0;

        widest = bins[2] > bins[widest] ? 2 : widest;
        bins[widest] -= 1 + bins[widest] / 16;
    }
    for (int k = 0; k < 3; ++k)
        c->bins[k] = bins[k];
    const int all = bins[0] * bins[1] * bins[2];

    c->bin_size = w.bin_room / all;
    c->binned = all >= w.bin_gain * stencil;
    c->fullest = 0;
}

/* The bin along one direction of the fractional coordinate s. */
static __device__ int mds_bin_along(double s, int bins)
{
    return (int)fmin(fmax(s * bins, 0.0), bins - 1.0);
}

/* Puts atom i, at the fractional coordinates s within the cell, into its bin. A bin that is full
 * makes this build go without. */
static __device__ void mds_file_atom(const mds_neighbor_work &w, const double s[3], int i)
{
    mds_neighbor_control *c = w.control;
    int bin = 0;

    for (int k = 0; k < 3; ++k)
        bin = bin * c->bins[k] + mds_bin_along(s[k], c->bins[k]);
    const int place = atomicAdd(&w.bin_count[bin], 1);

    if (place < c->bin_size)
        w.bin_atom[(size_t)bin * (size_t)c->bin_size + (size_t)place] = i;
    else
        atomicMax(&c->fullest, (unsigned)place + 1u);
}

/* Whether the image of an atom d away, shifted by (a, b, c) cells, is near. */
static __device__ bool mds_image_is_near(const mds_surroundings &e, const double d[3], int a, int b,
                                         int c)
{
    const double x = d[0] + (a * e.h[0][0] + b * e.h[1][0] + c * e.h[2][0]);
    const double y = d[1] + (a * e.h[0][1] + b * e.h[1][1] + c * e.h[2][1]);
    const double z = d[2] + (a * e.h[0][2] + b * e.h[1][2] + c * e.h[2][2]);

    return x * x + y * y + z * z <= e.limit;
}

/* One bin near an atom, as a lane holds it: its atoms, and the cells it is shifted by. */
typedef struct mds_near_bin {
    int first, count, shift[3];
} mds_near_bin;

/* Bin number `index` of the (2 span + 1)³ around the bin `home`. */
static __device__ mds_near_bin mds_bin_near(const mds_neighbor_work &w, const mds_surroundings &e,
                                            const int home[3], int index)
{
    mds_near_bin near = {0, 0, {0, 0, 0}};
    int bin = 0, scale = 1;

    for (int k = 2; k >= 0; --k) {
        const int side = 2 * e.span[k] + 1, bins = e.bins[k];
        const int at = home[k] + index % side - e.span[k];
        const int shift = at >= 0 ? at / bins : -((bins - 1 - at) / bins);

        index /= side;
        if (index < 0 || (shift != 0 && !e.periodic[k]))
            return near;
        near.shift[k] = shift;
        bin += scale * (at - shift * bins);
        scale *= bins;
    }
    if (index > 0) /* beyond the last one */
        return near;
    near.first = bin * e.bin_size;
    near.count = w.bin_count[bin];
    return near;
}

/* Sum of `value` over this lane and those before it. */
static __device__ int mds_warp_scan(int value)
{
    const int lane = (int)threadIdx.x & 31;

    for (int step = 1; step < 32; step *= 2) {
        const int before = __shfl_sync(MDS_FULL_WARP, value, (lane - step) & 31);

        value += lane >= step ? before : 0;
    }
    return value;
}

/* For a warp: collects the row of atom i from 32 bins, of which each lane holds one. */
static __device__ int mds_collect_bins(const mds_neighbor_work &w, const mds_surroundings &e, int i,
                                       const mds_near_bin &mine, uint32_t *row, int used)
{
    const int lane = (int)threadIdx.x & 31;
    const double *xi = w.xw + 4 * (size_t)i;
    const int upto = mds_warp_scan(mine.count);
    const int total = __shfl_sync(MDS_FULL_WARP, upto, 31);

    for (int first = 0; first < total; first += 32) {
        const int place = first + lane;
        int owner = 0, shift[3];
        bool near = false;

        /* The lane whose bin has candidate number `place`. */
        for (int step = 16; step > 0; step /= 2)
            if (__shfl_sync(MDS_FULL_WARP, upto, owner + step - 1) <= place)
                owner += step;
        const int before = __shfl_sync(MDS_FULL_WARP, upto - mine.count, owner);
        const int from = __shfl_sync(MDS_FULL_WARP, mine.first, owner);
        for (int k = 0; k < 3; ++k)
            shift[k] = __shfl_sync(MDS_FULL_WARP, mine.shift[k], owner);
        const int j = place < total ? w.bin_atom[from + place - before] : i;

        if (place < total && (j != i || shift[0] != 0 || shift[1] != 0 || shift[2] != 0)) {
            const double *xj = w.xw + 4 * (size_t)j;
            const double d[3] = {xj[0] - xi[0], xj[1] - xi[1], xj[2] - xi[2]};

            near = mds_image_is_near(e, d, shift[0], shift[1], shift[2]);
        }
        const unsigned all = __ballot_sync(MDS_FULL_WARP, near);
        const int to = used + __popc(all & ((1u << lane) - 1u));

        if (near && to < w.stride)
            row[to] = mds_entry_pack(j, shift[0], shift[1], shift[2]);
        used += __popc(all);
    }
    return used;
}

/* For a warp: ascending order, by a bitonic network whose comparators all put the smaller one
 * first. So what lies beyond the end counts as larger than anything and needs no memory. */
static __device__ void mds_sort_row(uint32_t *row, int count)
{
    const int lane = (int)threadIdx.x & 31;

    for (int top = 0; 1 << top < count; ++top)
        for (int bits = top; bits >= 0; --bits) {
            const int step = 1 << bits;

            __syncwarp(MDS_FULL_WARP);
            for (int p = lane; p >> bits << (bits + 1) < count; p += 32) {
                const int block = p >> bits << (bits + 1), at = p & (step - 1);
                /* The first step of a merge compares what lies opposite. */
                const int a = block + at, b = block + (bits == top ? 2 * step - 1 - at : step + at);

                if (b < count && row[b] < row[a]) {
                    const uint32_t larger = row[a];

                    row[a] = row[b];
                    row[b] = larger;
                }
            }
        }
}

/* For a warp: the row of atom i from the bins; returns its length in all lanes. */
static __device__ int mds_list_binned_row(const mds_neighbor_work &w, const mds_surroundings &e,
                                          int i)
{
    const double *xi = w.xw + 4 * (size_t)i;
    uint32_t *row = w.entry + (size_t)i * (size_t)w.stride;
    int home[3], stencil = 1, used = 0;

    for (int k = 0; k < 3; ++k) {
        home[k] = mds_bin_along(
            xi[0] * e.inverse[0][k] + xi[1] * e.inverse[1][k] + xi[2] * e.inverse[2][k], e.bins[k]);
        stencil *= 2 * e.span[k] + 1;
    }
    for (int first = 0; first < stencil; first += 32) {
        const int index = first + ((int)threadIdx.x & 31);
        const mds_near_bin mine = mds_bin_near(w, e, home, index);

        used = mds_collect_bins(w, e, i, mine, row, used);
    }
    mds_sort_row(row, used < w.stride ? used : w.stride);
    return used;
}

#endif

/* The graph on a CUDA device, out of the neighbour list, in three kernels: `select` gives each atom
 * a warp that ranks its neighbours and keeps the nearest, `connect` writes the edges and finds out
 * which of them each atom receives, `gather` lists those.
 *
 * A receiver's edges need no sort: the list is symmetric, so that whoever has an edge to atom j
 * stands in j's own row, as (i, −s) where i's row has (j, s). The warp of j looks up in each
 * neighbour's row what rank j has there. */
#include "device/cuda/launch.cuh"

extern "C" {
#include "model/orb/orb_cuda.h"
}

#include "md/reduce.cuh"
#include "model/row.cuh"

enum { BLOCK = 128, WARPS = BLOCK / 32, SHARED_MOST = 48 * 1024 };

static int blocks_of(int n)
{
    return (n + WARPS - 1) / WARPS;
}

static __device__ inline int lane_of(void)
{
    return (int)threadIdx.x & 31;
}

static __device__ inline int warp_sum(int value)
{
    for (int bit = 16; bit > 0; bit /= 2)
        value += __shfl_xor_sync(MDS_FULL_WARP, value, bit);
    return value;
}

/* For a block: start[i] = count[0] + … + count[i − 1], start[n] their sum, which all threads get;
 * none is more than `most`, so that an overflow leaves every index in range. */
static __device__ int running_sums(const int *count, int n, int most, int *start)
{
    __shared__ int part[BLOCK];
    const volatile int *fresh = count; /* by other blocks, just now */
    const int thread = (int)threadIdx.x, each = (n + BLOCK - 1) / BLOCK;
    const int first = thread * each < n ? thread * each : n;
    const int last = first + each < n ? first + each : n;
    int sum = 0;

    for (int i = first; i < last; ++i)
        sum += fresh[i];
    part[thread] = sum;
    for (int step = 1; step < BLOCK; step *= 2) {
        __syncthreads();
        const int before = thread >= step ? part[thread - step] : 0;

        __syncthreads();
        part[thread] += before;
    }
    __syncthreads();
    const int total = part[BLOCK - 1];

    sum = part[thread] - sum;
    for (int i = first; i < last; ++i) {
        start[i] = sum < most ? sum : most;
        sum += fresh[i];
    }
    if (thread == 0)
        start[n] = total < most ? total : most;
    return total;
}

/* For a warp: the squares of the distances to the entries of atom i's row, of the components as
 * float32 has them; infinity beyond the cutoff. Returns how many are within. */
static __device__ int measure(const orb_cuda_graph &g, int i, int entries, double *square)
{
    const mds_cell cell = mds_cell_of(g.d);
    const uint32_t *row = g.list.entry + (size_t)i * (size_t)g.list.stride;
    double x[3];
    int within = 0;

    mds_load_position(&g.list, i, x);
    for (int c = lane_of(); c < entries; c += 32) {
        double v[3];

        mds_row_vector(&g.list, &cell, row[c], x, v);
        const double a = (double)(float)v[0], b = (double)(float)v[1], z = (double)(float)v[2];
        /* Rounded after each operation, as the host does it, or else equal distances are not. */
        const double d2 = __dadd_rn(__dadd_rn(__dmul_rn(a, a), __dmul_rn(b, b)), __dmul_rn(z, z));
        const bool in = d2 < ORB_CUTOFF * ORB_CUTOFF;

        square[c] = in ? d2 : (double)INFINITY;
        within += in;
    }
    __syncwarp();
    return warp_sum(within);
}

/* Entries of a row are in the order of (receiver, translation), so that a place in the row settles
 * what equal distances leave open. */
static __device__ void rank_row(const orb_cuda_graph &g, int i, int entries, const double *square)
{
    int *rank = g.rank + (size_t)i * (size_t)g.list.stride;

    for (int c = lane_of(); c < entries; c += 32) {
        const double mine = square[c];
        int place = 0;

        for (int o = 0; o < entries; ++o)
            place += square[o] < mine || (square[o] == mine && o < c);
        if (!(mine < (double)INFINITY) || place >= g.k)
            place = -1;
        rank[c] = place;
        if (place >= 0)
            g.chosen[(size_t)i * (size_t)g.k + place] = c;
    }
}

/* For one thread: whether the edges have room, and how much there is left. Their number varies less
 * than the length of a row, so room is asked for when 4 % are left (the list: 15 %). */
static __device__ void look_at_room(const orb_cuda_graph &g, int edges)
{
    if (g.d->rebuild)
        *g.list_fill = g.s->fill;
    const double full = 1.0 - 4.0 * (1.0 - (double)edges / g.room);

    g.s->fill = g.full || full < *g.list_fill ? *g.list_fill : full;
    if (edges > g.room) {
        g.d->fault = MDS_FAULT_EDGES;
        g.d->fault_value = edges;
    }
}

static __global__ void orb_select(const orb_cuda_graph g)
{
    MDS_DYNAMIC_SHARED(double, squares);
    const int warp = (int)threadIdx.x / 32, i = (int)blockIdx.x * WARPS + warp;

    if (g.d->fault)
        return;
    if (i < g.list.n) {
        double *square = squares + (size_t)warp * (size_t)g.list.stride;
        const int entries = g.list.count[i], within = measure(g, i, entries, square);

        rank_row(g, i, entries, square);
        if (lane_of() == 0)
            g.kept[i] = within < g.k ? within : g.k;
    }
    if (!mds_last_block(g.ticket))
        return;
    const int edges = running_sums(g.kept, g.list.n, g.room, g.start);

    if (threadIdx.x == 0)
        look_at_room(g, edges);
}

/* Place of (j, −s) in the row of atom i, given the entry (i, s) of the row of j. */
static __device__ int mirrored(const orb_cuda_graph &g, int j, uint32_t entry)
{
    const int bits = MDS_ENTRY_SHIFT_BITS, bias = MDS_ENTRY_SHIFT_BIAS;
    const int a = (int)(entry >> 2 * bits & 15) - bias, b = (int)(entry >> bits & 15) - bias;
    const uint32_t wanted = mds_entry_pack(j, -a, -b, -((int)(entry & 15) - bias));
    const int i = mds_entry_atom(entry);
    const uint32_t *row = g.list.entry + (size_t)i * (size_t)g.list.stride;
    int low = 0, high = g.list.count[i] - 1;

    while (low < high) {
        const int middle = (low + high) / 2;

        if (row[middle] < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return row[low] == wanted ? low : -1;
}

/* For a warp: the edges that atom i sends. */
static __device__ void send(const orb_cuda_graph &g, int i)
{
    const mds_cell cell = mds_cell_of(g.d);
    const uint32_t *row = g.list.entry + (size_t)i * (size_t)g.list.stride;
    const int *chosen = g.chosen + (size_t)i * (size_t)g.k;
    double x[3];

    mds_load_position(&g.list, i, x);
    for (int c = lane_of(); c < g.kept[i]; c += 32) {
        const uint32_t entry = row[chosen[c]];
        const size_t e = (size_t)(g.start[i] + c);
        double v[3];

        g.distance[e] = sqrt(mds_row_vector(&g.list, &cell, entry, x, v));
        g.sender[e] = i;
        g.receiver[e] = mds_entry_atom(entry);
        for (int k = 0; k < 3; ++k)
            g.vector[3 * e + k] = v[k];
    }
}

/* For a warp: which neighbours of atom j have an edge to it; returns how many. */
static __device__ int receive(const orb_cuda_graph &g, int j)
{
    const size_t begin = (size_t)j * (size_t)g.list.stride;
    int number = 0;

    for (int c = lane_of(); c < g.list.count[j]; c += 32) {
        const uint32_t entry = g.list.entry[begin + c];
        const int i = mds_entry_atom(entry), place = mirrored(g, j, entry);
        const int rank = place < 0 ? -1 : g.rank[(size_t)i * (size_t)g.list.stride + place];

        g.arriving[begin + c] = rank < 0 ? -1 : g.start[i] + rank;
        number += rank >= 0;
    }
    return warp_sum(number);
}

static __global__ void orb_connect(const orb_cuda_graph g)
{
    const int i = (int)blockIdx.x * WARPS + (int)threadIdx.x / 32;

    if (g.d->fault)
        return;
    if (i < g.list.n) {
        const int received = receive(g, i);

        send(g, i);
        if (lane_of() == 0)
            g.received[i] = received;
    }
    for (int e = g.start[g.list.n] + (int)(blockIdx.x * BLOCK + threadIdx.x); e < g.room;
         e += (int)gridDim.x * BLOCK) {
        g.sender[e] = g.receiver[e] = 0;
        g.distance[e] = ORB_CUTOFF;
        for (int k = 0; k < 3; ++k)
            g.vector[3 * (size_t)e + k] = 0.0;
    }
    if (mds_last_block(g.ticket))
        running_sums(g.received, g.list.n, g.room, g.receiver_start);
}

static __global__ void orb_gather(const orb_cuda_graph g)
{
    const int j = (int)blockIdx.x * WARPS + (int)threadIdx.x / 32, lane = lane_of();

    if (g.d->fault || j >= g.list.n)
        return; /* the whole warp */
    const int *arriving = g.arriving + (size_t)j * (size_t)g.list.stride;
    const int entries = g.list.count[j];
    int *to = g.receiver_edges + g.receiver_start[j];

    for (int first = 0; first < entries; first += 32) {
        const int e = first + lane < entries ? arriving[first + lane] : -1;
        const unsigned there = __ballot_sync(MDS_FULL_WARP, e >= 0);

        if (e >= 0)
            to[__popc(there & ((1u << lane) - 1u))] = e;
        to += __popc(there);
    }
}

extern "C" mds_status orb_cuda_select(mds_device *device, const orb_cuda_graph *graph)
{
    const size_t shared = (size_t)WARPS * (size_t)graph->list.stride * sizeof(double);

    if (shared > SHARED_MOST)
        return mds_fail(MDS_ERR_CAPACITY, "orb: an atom has more than %d neighbours within 6 Å",
                        (int)(SHARED_MOST / WARPS / sizeof(double)));
    return MDS_LAUNCH(device, orb_select, blocks_of(graph->list.n), BLOCK, shared, *graph);
}

extern "C" mds_status orb_cuda_connect(mds_device *device, const orb_cuda_graph *graph)
{
    const int blocks = blocks_of(graph->list.n);
    const mds_status status = MDS_LAUNCH(device, orb_connect, blocks, BLOCK, 0, *graph);

    return status == MDS_OK ? MDS_LAUNCH(device, orb_gather, blocks, BLOCK, 0, *graph) : status;
}

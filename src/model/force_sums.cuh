/* Sums of force kernels, in a fixed order: over the lanes of a warp, the warps of a block, and the
 * blocks of the grid, which the last block to finish adds up and writes to the state's scalars.
 * Include after device/cuda/launch.cuh. */
#ifndef MDS_MODEL_FORCE_SUMS_CUH
#define MDS_MODEL_FORCE_SUMS_CUH

extern "C" {
#include "md/neighbor_view.h"
#include "model/force_sums.h"
}
#include "md/reduce.cuh"

/* Threads of a block whose warps have an atom each. Four warps are one for each scheduler of a
 * multiprocessor; more would leave multiprocessors idle at the sizes this is for. */
enum { MDS_FORCE_BLOCK = 128, MDS_FORCE_WARPS = MDS_FORCE_BLOCK / 32 };

static inline int mds_force_blocks(int n)
{
    return (n + MDS_FORCE_WARPS - 1) / MDS_FORCE_WARPS;
}

static __device__ inline int mds_lane(void)
{
    return (int)threadIdx.x % 32;
}

/* The atom of this warp; the last block's may be beyond the last atom. */
static __device__ inline int mds_warp_atom(void)
{
    return (int)blockIdx.x * MDS_FORCE_WARPS + (int)threadIdx.x / 32;
}

/* Each lane gives half of its 2·half numbers to the lane `bit` away and takes over the sums of the
 * other half, until it has one. By templates, so that all numbers stay in registers. */
template <int half> static __device__ inline void mds_halve_sums(double *value, int bit)
{
    const bool upper = mds_lane() & bit;

#pragma unroll
    for (int k = 0; k < half; ++k) {
        const double mine = upper ? value[k + half] : value[k];
        const double other = upper ? value[k] : value[k + half];

        value[k] = mine + __shfl_xor_sync(MDS_FULL_WARP, other, bit);
    }
    if (half > 1)
        mds_halve_sums<(half > 1 ? half / 2 : 1)>(value, bit / 2);
}

/* The sums of MDS_SUMS numbers over the lanes of a warp: lane l gets number l / 2. That takes 16
 * shuffles, where number by number it would be five times as many. All lanes must call. */
static __device__ inline double mds_warp_sums(double value[MDS_SUMS])
{
    mds_halve_sums<MDS_SUMS / 2>(value, 16);
    return value[0] + __shfl_xor_sync(MDS_FULL_WARP, value[0], 1);
}

/* The sum of one number over a warp, in all lanes. */
static __device__ inline double mds_warp_sum(double value)
{
#pragma unroll
    for (int bit = 16; bit > 0; bit /= 2)
        value += __shfl_xor_sync(MDS_FULL_WARP, value, bit);
    return value;
}

/* Energy, edges and virial from the sums over everything; an energy that is none is a fault. */
static __device__ inline void mds_write_totals(const mds_force_out *out, const double *total)
{
    static const int at[9] = {0, 3, 4, 3, 1, 5, 4, 5, 2};
    mds_scalars *s = out->s;
    double *w = &s->virial_eV[0][0];

    s->potential_eV = total[MDS_SUM_ENERGY];
    s->n_edges = total[MDS_SUM_EDGES];
    for (int k = 0; k < 9; ++k)
        w[k] = out->virial ? total[MDS_SUM_VIRIAL + at[k]] : (double)NAN;
    if (!isfinite(total[MDS_SUM_ENERGY])) {
        out->d->fault_value = total[MDS_SUM_ENERGY];
        out->d->fault = MDS_FAULT_ENERGY;
    }
}

/* The block's sums of what its warps got from mds_warp_sums(): number k in thread k. Blocks are of
 * at most 8 warps. All threads must call. */
static __device__ inline double mds_block_sums(double warp_sum)
{
    __shared__ double share[8][MDS_SUMS];
    const int thread = (int)threadIdx.x;
    double sum = 0.0;

    if (mds_lane() % 2 == 0)
        share[thread / 32][mds_lane() / 2] = warp_sum;
    __syncthreads();
    for (int w = 0; thread < MDS_SUMS && w < (int)blockDim.x / 32; ++w)
        sum += share[w][thread];
    return sum;
}

/* Adds up the blocks' sums. True in the threads of one block, the last one, and there
 * total[0 … MDS_SUMS) is the whole, in shared memory; everything that other blocks wrote before is
 * visible then. All threads of all blocks must call. */
static __device__ inline bool mds_grid_sums(const mds_force_out *out, double block_sum,
                                            double **total)
{
    enum { PARTS = 16, BATCH = 16 };
    __shared__ double part[PARTS][MDS_SUMS];
    const int thread = (int)threadIdx.x, column = thread % MDS_SUMS;
    const int all = (int)blockDim.x / MDS_SUMS, first = thread / MDS_SUMS;
    const int parts = all < PARTS ? all : PARTS;
    /* Written by other blocks while this one runs: never to be taken from a stale line. */
    volatile double *partial = out->partial;

    if (thread < MDS_SUMS)
        partial[(size_t)blockIdx.x * MDS_SUMS + thread] = block_sum;
    if (!mds_last_block(out->ticket))
        return false;
    if (first < parts) {
        double some = 0.0;

        /* Many loads on their way at once: one after the other they would take longer than all the
         * rest of the kernel. */
        for (int b = first; b < (int)gridDim.x; b += BATCH * parts) {
            double of[BATCH];

#pragma unroll
            for (int k = 0; k < BATCH; ++k)
                of[k] = b + k * parts < (int)gridDim.x
                            ? partial[(size_t)(b + k * parts) * MDS_SUMS + column]
                            : 0.0;
#pragma unroll
            for (int k = 0; k < BATCH; ++k)
                some += of[k];
        }
        part[first][column] = some;
    }
    __syncthreads();
    for (int p = 1; thread < MDS_SUMS && p < parts; ++p)
        part[0][thread] += part[p][thread];
    __syncthreads();
    *total = part[0];
    return true;
}

/* The end of a force kernel: sums, and the scalars of the state from them. */
static __device__ inline void mds_finish_forces(const mds_force_out *out, double warp_sum)
{
    double *total;

    if (mds_grid_sums(out, mds_block_sums(warp_sum), &total) && threadIdx.x == 0)
        mds_write_totals(out, total);
}

/* Adds to an atom's sums a pair at distance vector d (to the neighbour) with f = g d on the atom;
 * `share` of the pair's virial belongs to it. */
static __device__ inline void mds_add_force(double sum[MDS_SUMS], double g, const double d[3],
                                            double share)
{
    const double fx = g * d[0], fy = g * d[1], fz = g * d[2];
    const double x = share * d[0], y = share * d[1], z = share * d[2];

    sum[MDS_SUM_FORCE] += fx;
    sum[MDS_SUM_FORCE + 1] += fy;
    sum[MDS_SUM_FORCE + 2] += fz;
    sum[MDS_SUM_VIRIAL] -= x * fx;
    sum[MDS_SUM_VIRIAL + 1] -= y * fy;
    sum[MDS_SUM_VIRIAL + 2] -= z * fz;
    sum[MDS_SUM_VIRIAL + 3] -= x * fy;
    sum[MDS_SUM_VIRIAL + 4] -= x * fz;
    sum[MDS_SUM_VIRIAL + 5] -= y * fz;
}

/* An atom's force; called by all lanes of its warp with what they got from mds_warp_sums(). */
static __device__ inline void mds_write_force(const mds_force_out *out, int i, double warp_sum)
{
    const int k = mds_lane() / 2;

    if (k < 3 && mds_lane() % 2 == 0)
        out->f[3 * (size_t)i + k] = warp_sum;
}

#endif

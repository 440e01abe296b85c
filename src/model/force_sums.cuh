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

/* The sum of `count` (2, 4 … 32) numbers over the lanes of a warp: lane l gets number
 * l / (32 / count). That takes about `count` shuffles, where number by number it would be five
 * times as many. All lanes must call. */
template <int count> static __device__ inline double mds_warp_sums(double (&value)[count])
{
    mds_halve_sums<count / 2>(value, 16);
#pragma unroll
    for (int bit = 16 / count; bit > 0; bit /= 2)
        value[0] += __shfl_xor_sync(MDS_FULL_WARP, value[0], bit);
    return value[0];
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
template <int count>
static __device__ inline void mds_write_totals(const mds_force_out *out, const double *total)
{
    static const int at[9] = {0, 3, 4, 3, 1, 5, 4, 5, 2};
    mds_scalars *s = out->s;
    double *w = &s->virial_eV[0][0];

    s->potential_eV = total[MDS_SUM_ENERGY];
    s->n_edges = total[MDS_SUM_EDGES];
    for (int k = 0; k < 9; ++k)
        w[k] = count == MDS_SUMS_VIRIAL ? total[(MDS_SUM_VIRIAL + at[k]) % count] : (double)NAN;
    if (!isfinite(total[MDS_SUM_ENERGY])) {
        out->d->fault_value = total[MDS_SUM_ENERGY];
        out->d->fault = MDS_FAULT_ENERGY;
    }
}

/* The block's sums of what its warps got from mds_warp_sums(): number k in thread k < count. Blocks
 * are of at most 8 warps and at least `count` threads. All threads must call. */
template <int count> static __device__ inline double mds_block_sums(double warp_sum)
{
    __shared__ double share[8][count];
    const int thread = (int)threadIdx.x;
    double sum = 0.0;

    if (mds_lane() % (32 / count) == 0)
        share[thread / 32][mds_lane() / (32 / count)] = warp_sum;
    __syncthreads();
    for (int w = 0; thread < count && w < (int)blockDim.x / 32; ++w)
        sum += share[w][thread];
    return sum;
}

/* Adds up the blocks' sums. True in the threads of one block, the last one, and there
 * total[0 … count) is the whole, in shared memory; everything that other blocks wrote before is
 * visible then. All threads of all blocks must call. */
template <int count>
static __device__ inline bool mds_grid_sums(const mds_force_out *out, double block_sum,
                                            double **total)
{
    enum { PARTS = 16 };
    __shared__ double part[PARTS][count];
    const int thread = (int)threadIdx.x, all = (int)blockDim.x / count;
    const int parts = all < PARTS ? all : PARTS;
    /* Written by other blocks while this one runs: never to be taken from a stale line. */
    volatile double *partial = out->partial;

    if (thread < count)
        partial[(size_t)blockIdx.x * count + thread] = block_sum;
    if (!mds_last_block(out->ticket))
        return false;
    if (thread / count < parts) {
        double some = 0.0;

#pragma unroll 4
        for (int b = thread / count; b < (int)gridDim.x; b += parts)
            some += partial[(size_t)b * count + thread % count];
        part[thread / count][thread % count] = some;
    }
    __syncthreads();
    for (int p = 1; thread < count && p < parts; ++p)
        part[0][thread] += part[p][thread];
    __syncthreads();
    *total = part[0];
    return true;
}

/* The end of a force kernel: sums, and the scalars of the state from them. */
template <int count>
static __device__ inline void mds_finish_forces(const mds_force_out *out, double warp_sum)
{
    double *total;

    if (mds_grid_sums<count>(out, mds_block_sums<count>(warp_sum), &total) && threadIdx.x == 0)
        mds_write_totals<count>(out, total);
}

/* Adds to an atom's sums a pair at distance vector d (to the neighbour) with f = g d on the atom;
 * `share` of the pair's virial belongs to it. */
template <int count>
static __device__ inline void mds_add_force(double (&sum)[count], double g, const double d[3],
                                            double share)
{
    const double fx = g * d[0], fy = g * d[1], fz = g * d[2];

    sum[MDS_SUM_FORCE] += fx;
    sum[MDS_SUM_FORCE + 1] += fy;
    sum[MDS_SUM_FORCE + 2] += fz;
    if (count == MDS_SUMS_VIRIAL) { /* the modulo keeps what is never run within the array */
        sum[MDS_SUM_VIRIAL % count] -= share * d[0] * fx;
        sum[(MDS_SUM_VIRIAL + 1) % count] -= share * d[1] * fy;
        sum[(MDS_SUM_VIRIAL + 2) % count] -= share * d[2] * fz;
        sum[(MDS_SUM_VIRIAL + 3) % count] -= share * d[0] * fy;
        sum[(MDS_SUM_VIRIAL + 4) % count] -= share * d[0] * fz;
        sum[(MDS_SUM_VIRIAL + 5) % count] -= share * d[1] * fz;
    }
}

/* One number of an atom's force; called by all lanes of its warp with mds_warp_sums(). */
template <int count>
static __device__ inline void mds_write_force(const mds_force_out *out, int i, double sum)
{
    const int k = mds_lane() / (32 / count);

    if (k < 3 && mds_lane() % (32 / count) == 0)
        out->f[3 * (size_t)i + k] = sum;
}

#endif

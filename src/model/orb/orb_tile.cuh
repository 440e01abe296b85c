/* What blocks of the fp16 path do with a tile of rows: 8 warps, each with 32 of 256 columns and all
 * rows of the tile. Included by orb_fused*.cu alone.
 *
 * Operands: rows of x from shared memory by ldmatrix, weights straight from L2 into registers. Each
 * warp needs other weights than the rest, so that going through shared memory would only be a
 * detour; they are packed in the order of the lanes (orb_fused_pack()), 16 bytes to a lane for 16
 * columns and 16 terms, and asked for ORB_AHEAD steps before they are used. */
#ifndef MDS_MODEL_ORB_ORB_TILE_CUH
#define MDS_MODEL_ORB_ORB_TILE_CUH

#include "device/cuda/mma.cuh"

extern "C" {
#include "model/orb/orb_fused.h"
}

enum {
    ORB_WARPS = 8,
    ORB_BLOCK = 32 * ORB_WARPS,   /* threads */
    ORB_COLUMNS = 32 * ORB_WARPS, /* of a product of the block; a warp's 32 are 4 parts of 8 */
    ORB_PARTS = 4,
    ORB_PAIRS = 2, /* of parts, which share 16 bytes of packed weights */
    ORB_AHEAD = 4, /* a step is 16 terms */
    ORB_PAD = 8    /* halves after each row in shared memory, see mma.cuh */
};

/* Where a lane's packed weights of the block's columns from `column` on begin; a pair of parts is
 * 32·steps further. */
static __device__ inline const uint4 *orb_packed_at(const uint16_t *packed, int column, int steps)
{
    const int pair = column / 16 + (int)threadIdx.x / 32 * ORB_PAIRS;

    return (const uint4 *)packed + (int64_t)pair * steps * 32 + mds_mma_lane();
}

template <int tiles>
static __device__ inline void orb_tile_zero(mds_mma_sum (&sum)[tiles][ORB_PARTS])
{
#pragma unroll
    for (int t = 0; t < tiles; ++t)
#pragma unroll
        for (int j = 0; j < ORB_PARTS; ++j)
            sum[t][j] = mds_mma_zero();
}

/* One step: 16 terms of all rows by the warp's columns. */
template <int tiles>
static __device__ inline void orb_tile_step(const __half *x, int ldx, const uint4 (&w)[ORB_PAIRS],
                                            mds_mma_sum (&sum)[tiles][ORB_PARTS])
{
    const mds_half_b b[ORB_PARTS] = {
        {{w[0].x, w[0].y}}, {{w[0].z, w[0].w}}, {{w[1].x, w[1].y}}, {{w[1].z, w[1].w}}};

#pragma unroll
    for (int t = 0; t < tiles; ++t)
        mds_mma_half_row<ORB_PARTS>(sum[t], mds_load_half_a(x + t * 16 * ldx, ldx), b);
}

/* sum += x (16·tiles rows, 16·steps terms) · wᵀ; pairs of packed weights are `stride` apart.
 * `steps` is a multiple of ORB_AHEAD. */
template <int tiles>
static __device__ inline void orb_tile_multiply(const __half *x, int ldx, const uint4 *w,
                                                int stride, int steps,
                                                mds_mma_sum (&sum)[tiles][ORB_PARTS])
{
    uint4 ring[ORB_AHEAD][ORB_PAIRS];

#pragma unroll
    for (int d = 0; d < ORB_AHEAD; ++d)
#pragma unroll
        for (int p = 0; p < ORB_PAIRS; ++p)
            ring[d][p] = __ldg(w + p * stride + d * 32);
#pragma unroll 1
    for (int k = 0; k < steps; k += ORB_AHEAD)
#pragma unroll
        for (int d = 0; d < ORB_AHEAD; ++d) {
            uint4 now[ORB_PAIRS];

#pragma unroll
            for (int p = 0; p < ORB_PAIRS; ++p) {
                now[p] = ring[d][p];
                if (k + d + ORB_AHEAD < steps)
                    ring[d][p] = __ldg(w + p * stride + (k + d + ORB_AHEAD) * 32);
            }
            orb_tile_step<tiles>(x + (k + d) * 16, ldx, now, sum);
        }
}

/* Rows first … of x, `cols` halves each, into shared memory; zeros from row `count` on. */
static __device__ inline void orb_tile_load(int rows, int first, int count, const uint16_t *x,
                                            int ldx, int cols, __half *to, int ldto)
{
    const int packs = cols / 8;

    for (int i = (int)threadIdx.x; i < rows * packs; i += ORB_BLOCK) {
        const int row = i / packs, at = i % packs * 8;
        uint4 pack = make_uint4(0, 0, 0, 0);

        if (first + row < count)
            pack = *(const uint4 *)(x + (int64_t)(first + row) * ldx + at);
        *(uint4 *)(to + row * ldto + at) = pack;
    }
}

#endif

/* One product of few rows: a block has 64 columns, its eight warps 32 of them and a quarter of the
 * terms each, so that many blocks and warps ask for different weights at the same time. The
 * quarters are added in their order. See orb_fused.h. */
#include "model/orb/orb_rows.cuh"
#include "model/orb/orb_tile.cuh"

enum { COLUMNS = 64, QUARTERS = 4, LD_SUM = COLUMNS + 4 };

/* The rows of x by their norm; the first block of columns keeps them. */
static __device__ inline void settle(const orb_fused_job *job, int rows, int first, __half *to,
                                     int ld)
{
    for (int i = (int)threadIdx.x / 32; i < rows; i += ORB_WARPS) {
        const int64_t row = first + i;
        float v[HELD] = {}, old[HELD];

        if (row < job->rows) {
            load_held(job->u + row * ORB_FUSED_WIDTH, v);
            norm_held(job->kind, job->eps, job->gamma, job->beta, v);
            load_held(job->old + row * ORB_FUSED_WIDTH, old);
#pragma unroll
            for (int q = 0; q < HELD; ++q)
                v[q] += old[q];
            if (blockIdx.y == 0) {
                store_held(job->sum + row * ORB_FUSED_WIDTH, v);
                store_halves(job->sum16 + row * job->ldsum16, v);
            }
        }
        store_halves((uint16_t *)to + i * ld, v);
    }
}

static __device__ inline void store_pair(const orb_fused_job *job, int64_t row, int column,
                                         float v[2])
{
    if (job->bias) {
        v[0] += job->bias[column];
        v[1] += job->bias[column + 1];
    }
    if (job->activate) {
        v[0] = activated(job->kind, v[0]);
        v[1] = activated(job->kind, v[1]);
    }
    if (job->y)
        *(float2 *)(job->y + row * job->outs + column) = make_float2(v[0], v[1]);
    else
        *(unsigned *)(job->y16 + row * job->outs + column) = mds_half_pair(v[0], v[1]);
}

template <int tiles>
static __device__ inline void multiply_quarter(const orb_fused_job *job, const __half *x, int ld,
                                               mds_mma_sum (&sum)[tiles][ORB_PARTS])
{
    const int warp = (int)threadIdx.x / 32, quarter = warp / 2, steps = job->inputs / 16;
    const int pair = (int)blockIdx.y * (COLUMNS / 16) + warp % 2 * ORB_PAIRS;
    const int part = steps / QUARTERS;
    const uint4 *w = (const uint4 *)job->w + ((int64_t)pair * steps + quarter * part) * 32;

    orb_tile_zero<tiles>(sum);
    orb_tile_multiply<tiles>(x + quarter * part * 16, ld, w + mds_mma_lane(), steps * 32, part,
                             sum);
}

template <int tiles>
static __global__ void __launch_bounds__(ORB_BLOCK) fused_product(const orb_fused_job job)
{
    enum { ROWS = 16 * tiles };
    MDS_DYNAMIC_SHARED(__half, x);
    float *const parts = (float *)x; /* when x has been read */
    const int first = (int)blockIdx.x * ROWS, ld = job.inputs + ORB_PAD;
    const int warp = (int)threadIdx.x / 32;
    mds_mma_sum sum[tiles][ORB_PARTS];

    if (job.u)
        settle(&job, ROWS, first, x, ld);
    else
        orb_tile_load(ROWS, first, job.rows, job.x, job.ldx, job.inputs, x, ld);
    if (job.outs == 0)
        return; /* the whole grid */
    __syncthreads();
    multiply_quarter<tiles>(&job, x, ld, sum);
    __syncthreads();
#pragma unroll
    for (int t = 0; t < tiles; ++t)
#pragma unroll
        for (int j = 0; j < ORB_PARTS; ++j)
#pragma unroll
            for (int r = 0; r < 4; r += 2)
                *(float2 *)(parts + (warp / 2 * ROWS + t * 16 + mds_mma_row(r)) * LD_SUM +
                            warp % 2 * 32 + 8 * j +
                            mds_mma_column(r)) = make_float2(sum[t][j].x[r], sum[t][j].x[r + 1]);
    __syncthreads();
    for (int i = (int)threadIdx.x; i < ROWS * COLUMNS / 2; i += ORB_BLOCK) {
        const int row = i / (COLUMNS / 2), column = i % (COLUMNS / 2) * 2;
        float v[2] = {0.0f, 0.0f};

        if (first + row >= job.rows)
            break; /* no barrier follows */
#pragma unroll
        for (int q = 0; q < QUARTERS; ++q) {
            v[0] += parts[(q * ROWS + row) * LD_SUM + column];
            v[1] += parts[(q * ROWS + row) * LD_SUM + column + 1];
        }
        store_pair(&job, first + row, (int)blockIdx.y * COLUMNS + column, v);
    }
}

static size_t bytes_of(int inputs, int tiles)
{
    const size_t x = (size_t)(16 * tiles) * (size_t)(inputs + ORB_PAD) * sizeof(__half);
    const size_t parts = (size_t)(16 * tiles) * QUARTERS * LD_SUM * sizeof(float);

    return x > parts ? x : parts;
}

/* Low tiles for few rows, so that there are many; higher ones when weights would be read often. */
static int tiles_of(const orb_fused_job *job)
{
    enum { MANY = 512 };
    int tiles = job->rows > MANY ? 4 : 2;

    while (tiles > 1 && bytes_of(job->inputs, tiles) > orb_fused_shared_limit())
        tiles /= 2;
    return tiles;
}

extern "C" mds_status orb_fused_product(mds_device *device, const orb_fused_job *job)
{
    const int tiles = tiles_of(job);
    const size_t bytes = bytes_of(job->inputs, tiles);
    const dim3 grid((unsigned)((job->rows + 16 * tiles - 1) / (16 * tiles)),
                    (unsigned)(job->outs ? job->outs / COLUMNS : 1));
    void (*const orb_product)(orb_fused_job) = tiles == 4   ? fused_product<4>
                                               : tiles == 2 ? fused_product<2>
                                                            : fused_product<1>;

    if (job->outs % COLUMNS || job->inputs % (QUARTERS * ORB_FUSED_STEP) || job->inputs == 0 ||
        job->ldx % 8 || (job->u && job->inputs != ORB_FUSED_WIDTH))
        return mds_fail(MDS_ERR_INTERNAL, "orb: a product of %d by %d does not go into tiles",
                        job->outs, job->inputs);
    if (job->rows == 0)
        return MDS_OK;
    const cudaError_t error =
        cudaFuncSetAttribute(orb_product, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)bytes);
    if (error != cudaSuccess)
        return mds_cuda_status(error, "shared memory of orb's fp16 products");
    return MDS_LAUNCH(device, orb_product, grid, ORB_BLOCK, bytes, *job);
}

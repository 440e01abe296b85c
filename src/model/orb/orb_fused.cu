/* A network of three layers and its norm on a tile of rows, in one kernel. See orb_fused.h and
 * orb_tile.cuh.
 *
 * Shared memory: x (later 256 columns of the second hidden layer at a time), the first hidden layer
 * (later the outputs as floats, for norms need whole rows), senders and receivers. The second
 * hidden layer goes into the third product as it comes, 256 columns at a time, so that it is never
 * whole.
 *
 *               x and block   first hidden    16 rows    32 rows    64 rows
 *     H =  512     256+8         512+8         25.2 KB    50.4 KB   100.9 KB   edges
 *     H = 1024     256+8        1024+8         41.6 KB    83.2 KB   166.4 KB   edges
 *     H =  512     768+8         512+8         41.6 KB    83.2 KB   166.4 KB   atoms
 *     H = 1024     768+8        1024+8         58.0 KB   116.0 KB   232.0 KB   atoms (too much)
 *
 * Registers of a thread: sums of a 256-column product 16 for each 16 rows, those of the third
 * product as many, 32 for weights on their way. */
#include "model/orb/orb_rows.cuh"
#include "model/orb/orb_tile.cuh"

/* Rows of a block in shared memory. */
typedef struct tile_memory {
    __half *x, *hidden;
    float *u;
    int *sender, *receiver;
    int ldx, ldh, ldu;
} tile_memory;

static __host__ __device__ inline int wide_of(int inputs)
{
    return (inputs > ORB_COLUMNS ? inputs : ORB_COLUMNS) + ORB_PAD;
}

static __device__ inline tile_memory memory_of(const orb_fused_mlp *mlp, int rows, __half *base)
{
    tile_memory m;

    m.ldx = wide_of(mlp->inputs);
    m.ldh = mlp->hidden + ORB_PAD;
    m.ldu = ORB_FUSED_WIDTH + 4;
    m.x = base;
    m.hidden = base + rows * m.ldx;
    m.u = (float *)m.hidden;
    m.sender = (int *)(m.hidden + rows * m.ldh);
    m.receiver = m.sender + rows;
    return m;
}

/* What the atoms at both ends add to a pair of columns. */
static __device__ inline void add_atoms(const orb_fused_rows *job, int sender, int receiver,
                                        int column, float v[2])
{
    const int hidden = job->mlp.hidden;
    const float2 s = *(const float2 *)(job->p + (int64_t)sender * 2 * hidden + column);
    const float2 r = *(const float2 *)(job->p + ((int64_t)receiver * 2 + 1) * hidden + column);

    v[0] += s.x + r.x;
    v[1] += s.y + r.y;
}

/* act(sum + bias) of the block's columns from `column` on into rows of halves `to` (whose first
 * column that is); `atoms`: with what the atoms add. */
template <int tiles>
static __device__ inline void
store_activated(const orb_fused_rows *job, const tile_memory *m, const float *bias, int column,
                bool atoms, const mds_mma_sum (&sum)[tiles][ORB_PARTS], __half *to, int ldto)
{
    const int warp_column = (int)threadIdx.x / 32 * 32;

#pragma unroll
    for (int t = 0; t < tiles; ++t)
#pragma unroll
        for (int r = 0; r < 4; r += 2) {
            const int row = t * 16 + mds_mma_row(r);
            const int sender = atoms ? m->sender[row] : 0, receiver = atoms ? m->receiver[row] : 0;

#pragma unroll
            for (int j = 0; j < ORB_PARTS; ++j) {
                const int at = warp_column + 8 * j + mds_mma_column(r);
                const float2 b = *(const float2 *)(bias + column + at);
                float v[2] = {sum[t][j].x[r] + b.x, sum[t][j].x[r + 1] + b.y};

                if (atoms)
                    add_atoms(job, sender, receiver, column + at, v);
                *(unsigned *)(to + row * ldto + at) =
                    mds_half_pair(activated(job->mlp.kind, v[0]), activated(job->mlp.kind, v[1]));
            }
        }
}

/* The first hidden layer, whole. */
template <int tiles>
static __device__ inline void first_layer(const orb_fused_rows *job, const tile_memory *m)
{
    const int steps = job->mlp.inputs / 16;

    for (int column = 0; column < job->mlp.hidden; column += ORB_COLUMNS) {
        mds_mma_sum sum[tiles][ORB_PARTS];

        orb_tile_zero<tiles>(sum);
        orb_tile_multiply<tiles>(m->x, m->ldx, orb_packed_at(job->mlp.w[0], column, steps),
                                 steps * 32, steps, sum);
        store_activated<tiles>(job, m, job->mlp.b[0], column, job->p != NULL, sum,
                               m->hidden + column, m->ldh);
    }
}

/* The second hidden layer in blocks of columns, each at once into the third product, whose result
 * goes to m->u. */
template <int tiles>
static __device__ inline void other_layers(const orb_fused_rows *job, const tile_memory *m)
{
    const int steps = job->mlp.hidden / 16, part = ORB_COLUMNS / 16;
    mds_mma_sum out[tiles][ORB_PARTS];

    orb_tile_zero<tiles>(out);
    for (int column = 0; column < job->mlp.hidden; column += ORB_COLUMNS) {
        mds_mma_sum sum[tiles][ORB_PARTS];

        orb_tile_zero<tiles>(sum);
        orb_tile_multiply<tiles>(m->hidden, m->ldh, orb_packed_at(job->mlp.w[1], column, steps),
                                 steps * 32, steps, sum);
        __syncthreads(); /* the block of before has been read */
        store_activated<tiles>(job, m, job->mlp.b[1], column, false, sum, m->x, m->ldx);
        __syncthreads();
        orb_tile_multiply<tiles>(m->x, m->ldx,
                                 orb_packed_at(job->mlp.w[2], 0, steps) + column / 16 * 32,
                                 steps * 32, part, out);
    }
    /* Nobody reads the first hidden layer since the last barrier. */
#pragma unroll
    for (int t = 0; t < tiles; ++t)
#pragma unroll
        for (int j = 0; j < ORB_PARTS; ++j)
#pragma unroll
            for (int r = 0; r < 4; r += 2) {
                const int at = (int)threadIdx.x / 32 * 32 + 8 * j + mds_mma_column(r);
                const float2 b = *(const float2 *)(job->mlp.b[2] + at);

                *(float2 *)(m->u + (t * 16 + mds_mma_row(r)) * m->ldu + at) =
                    make_float2(out[t][j].x[r] + b.x, out[t][j].x[r + 1] + b.y);
            }
}

static __device__ inline void gates_of(const orb_fused_rows *job, int64_t row, const float v[HELD])
{
    const float c = job->envelope[row];

#pragma unroll
    for (int k = 0; k < 2; ++k) {
        float w[HELD], dot = 0.0f;

        load_held(job->gate_w[k], w);
#pragma unroll
        for (int q = 0; q < HELD; ++q)
            dot += v[q] * w[q];
        dot = warp_sum(dot) + job->gate_b[k];
        if (mds_mma_lane() == 0)
            job->gate[2 * row + k] = c / (1.0f + expf(-dot));
    }
}

/* Norm, residual, halves and gates: a warp per row. */
static __device__ inline void finish_row(const orb_fused_rows *job, int64_t row, const float *u)
{
    float v[HELD];

    load_held(u, v);
    norm_held(job->mlp.kind, job->mlp.eps, job->mlp.gamma, job->mlp.beta, v);
    if (job->y16)
        store_halves(job->y16 + row * ORB_FUSED_WIDTH, v);
    if (!job->sum)
        return;
    float *sum = job->sum + row * ORB_FUSED_WIDTH;
    if (job->old) {
        float old[HELD];

        load_held(job->old + row * ORB_FUSED_WIDTH, old);
#pragma unroll
        for (int q = 0; q < HELD; ++q)
            v[q] += old[q];
    }
    store_held(sum, v);
    if (job->sum16)
        store_halves(job->sum16 + row * job->ldsum16, v);
    if (job->gate)
        gates_of(job, row, v);
}

/* Blocks on a multiprocessor. Before compute capability 9.0 two of 32 rows would spill registers.
 */
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 900
#define ORB_BLOCKS(tiles) ((tiles) == 1 ? 2 : 1)
#else
#define ORB_BLOCKS(tiles) ((tiles) == 4 ? 1 : 2)
#endif

template <int tiles>
static __global__ void __launch_bounds__(ORB_BLOCK, ORB_BLOCKS(tiles))
    fused_network(const orb_fused_rows job)
{
    enum { ROWS = 16 * tiles };
    MDS_DYNAMIC_SHARED(__half, base);
    const tile_memory m = memory_of(&job.mlp, ROWS, base);
    const int count = job.count ? min(*job.count, job.room) : job.room;
    const int first = (int)blockIdx.x * ROWS, thread = (int)threadIdx.x;

    if (first >= count)
        return; /* the whole block */
    orb_tile_load(ROWS, first, count, job.x, job.ldx, job.mlp.inputs, m.x, m.ldx);
    if (job.p && thread < ROWS) {
        const bool there = first + thread < count;

        m.sender[thread] = there ? job.sender[first + thread] : 0;
        m.receiver[thread] = there ? job.receiver[first + thread] : 0;
    }
    __syncthreads();
    first_layer<tiles>(&job, &m);
    __syncthreads();
    other_layers<tiles>(&job, &m);
    __syncthreads();
    for (int row = thread / 32; row < ROWS && first + row < count; row += ORB_WARPS)
        finish_row(&job, first + row, m.u + row * m.ldu);
}

/* ---- launching ---- */

extern "C" size_t orb_fused_shared_bytes(const orb_fused_mlp *mlp, int tile)
{
    const size_t halves = (size_t)(wide_of(mlp->inputs) + mlp->hidden + ORB_PAD);

    return (size_t)tile * (halves * sizeof(__half) + 2 * sizeof(int));
}

extern "C" size_t orb_fused_shared_limit(void)
{
    int device = 0, bytes = 0;

    if (cudaGetDevice(&device) != cudaSuccess ||
        cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device) !=
            cudaSuccess)
        return 0;
    return (size_t)bytes;
}

/* Clocks of a multiplication and of a weight, each as 1/3200 of one, from what an H200 should do: a
 * multiprocessor 800 multiplications of halves by mma.sync and 64 bytes of weights from L2, all
 * together 3200 bytes. Which of them decides makes the best height: low tiles spread few rows over
 * the chip, high ones read the weights less often. A prediction; nothing but time depends on it. */
extern "C" int orb_fused_tile(mds_device *device, const orb_fused_mlp *mlp, int room)
{
    const int64_t cores =
        mds_device_get_info(device)->cores > 0 ? mds_device_get_info(device)->cores : 1;
    const int64_t limit = (int64_t)orb_fused_shared_limit();
    int64_t least = INT64_MAX;
    int best = 0;

    for (int tile = 16; tile <= 64; tile *= 2) {
        const int64_t blocks = ((int64_t)room + tile - 1) / tile;
        const int64_t busy = blocks < cores ? blocks : cores, waves = (blocks + cores - 1) / cores;
        const int64_t math = (int64_t)tile * 4, stream = 2 * 50, together = 2 * busy;
        int64_t clocks = math > stream ? math : stream;

        clocks = waves * (clocks > together ? clocks : together);
        if ((int64_t)orb_fused_shared_bytes(mlp, tile) <= limit && clocks <= least) {
            least = clocks;
            best = tile;
        }
    }
    return best;
}

extern "C" mds_status orb_fused_check(mds_device *device, const orb_fused_mlp *mlp)
{
    if (mlp->inputs % ORB_FUSED_STEP || mlp->inputs < ORB_FUSED_STEP || mlp->hidden % ORB_COLUMNS ||
        mlp->hidden < 2 * ORB_COLUMNS)
        return mds_fail(MDS_ERR_INTERNAL, "orb: %d inputs, %d hidden do not go into tiles",
                        mlp->inputs, mlp->hidden);
    if (orb_fused_tile(device, mlp, 1) == 0)
        return mds_fail(MDS_ERR_UNSUPPORTED,
                        "orb: precision fp16 needs %zu KiB of shared memory for a block, and %s "
                        "has less; the others need none",
                        orb_fused_shared_bytes(mlp, 16) / 1024, mds_device_get_info(device)->name);
    return MDS_OK;
}

extern "C" mds_status orb_fused_network(mds_device *device, const orb_fused_rows *rows)
{
    const int tile = rows->tile ? rows->tile : orb_fused_tile(device, &rows->mlp, rows->room);
    void (*const orb_network)(orb_fused_rows) = tile == 64   ? fused_network<4>
                                                : tile == 32 ? fused_network<2>
                                                             : fused_network<1>;
    const size_t bytes = orb_fused_shared_bytes(&rows->mlp, tile);
    const mds_status status = orb_fused_check(device, &rows->mlp);

    if (rows->ldx % 8 || (rows->sum16 && rows->ldsum16 % 4))
        return mds_fail(MDS_ERR_INTERNAL, "orb: rows %d and %d apart are not aligned", rows->ldx,
                        rows->ldsum16);
    if (status != MDS_OK || rows->room == 0)
        return status;
    const cudaError_t error =
        cudaFuncSetAttribute(orb_network, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)bytes);
    if (error != cudaSuccess)
        return mds_cuda_status(error, "shared memory of orb's fp16 kernels");
    return MDS_LAUNCH(device, orb_network, (rows->room + tile - 1) / tile, ORB_BLOCK, bytes, *rows);
}

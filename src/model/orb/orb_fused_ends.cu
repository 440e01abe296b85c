/* Both ends of the fp16 path: what atoms begin with, and the heads, each as one launch where the
 * operations of other precisions take three and twelve. In float32 throughout. See orb_fused.h. */
#include "model/orb/orb_rows.cuh"

extern "C" {
#include "device/act_math.h"
}

enum { THREADS = 256, WARPS = THREADS / 32, ATOMS = 4 /* of a block of the forces' head */ };

/* A block per atom. */
static __global__ void fused_start(const orb_fused_begin job)
{
    const int64_t atom = blockIdx.x, element = job.number[atom];
    const float4 *p = (const float4 *)(job.first_p + element * job.outs);

    for (int i = (int)threadIdx.x; i < job.outs / 4; i += THREADS)
        ((float4 *)(job.p + atom * job.outs))[i] = p[i];
    if (threadIdx.x < 32) {
        float v[HELD];

        load_held(job.encoded + element * ORB_FUSED_WIDTH, v);
        store_held(job.h + atom * ORB_FUSED_WIDTH, v);
        store_halves(job.in + atom * 3 * ORB_FUSED_WIDTH, v);
    }
}

extern "C" mds_status orb_fused_start(mds_device *device, int n, const orb_fused_begin *job)
{
    if (n == 0)
        return MDS_OK;
    return MDS_LAUNCH(device, fused_start, n, THREADS, 0, *job);
}

static __device__ inline float dot_held(const float a[HELD], const float b[HELD])
{
    float sum = 0.0f;

#pragma unroll
    for (int q = 0; q < HELD; ++q)
        sum += a[q] * b[q];
    return sum;
}

/* The hidden layer of `rows` rows of x into y; a warp has 32 of its columns. */
static __device__ inline void hidden_layer(const orb_fused_head *head, int kind, int rows,
                                           const float *x, float (*y)[ORB_FUSED_WIDTH])
{
    const mds_act_kind act = kind & ORB_FUSED_SILU ? MDS_ACT_SILU : MDS_ACT_SSP;
    float v[ATOMS][HELD] = {}, w[HELD];

#pragma unroll
    for (int r = 0; r < ATOMS; ++r)
        if (r < rows)
            load_held(x + r * ORB_FUSED_WIDTH, v[r]);
#pragma unroll 2
    for (int k = 0; k < ORB_FUSED_WIDTH / WARPS; ++k) {
        const int column = (int)threadIdx.x / 32 * (ORB_FUSED_WIDTH / WARPS) + k;

        load_held(head->w[0] + column * ORB_FUSED_WIDTH, w);
#pragma unroll
        for (int r = 0; r < ATOMS; ++r) {
            const float sum = warp_sum(dot_held(v[r], w)) + head->b[0][column];

            if (mds_mma_lane() == r)
                y[r][column] = mds_act_value_fp32(act, 0.0f, sum);
        }
    }
}

/* A block has four atoms, or the mean of all: then the energy, then the stress. */
static __global__ void __launch_bounds__(THREADS) fused_heads(int n, const orb_fused_heads job)
{
    __shared__ __align__(16) float y[ATOMS][ORB_FUSED_WIDTH];
    const int groups = (n + ATOMS - 1) / ATOMS, block = (int)blockIdx.x;
    const int which = block < groups ? 0 : block - groups + 1;
    const orb_fused_head head = job.head[which];
    const int first = which ? 0 : block * ATOMS;
    const int rows = which ? 1 : n - first < ATOMS ? n - first : ATOMS;
    const float *x = which ? job.mean : job.h + (int64_t)first * ORB_FUSED_WIDTH;

    hidden_layer(&head, job.kind, rows, x, y);
    __syncthreads();
    for (int i = (int)threadIdx.x / 32; i < rows * head.outs; i += WARPS) {
        const int r = i / head.outs, out = i % head.outs;
        float v[HELD], w[HELD];

        load_held(y[r], v);
        load_held(head.w[1] + out * ORB_FUSED_WIDTH, w);
        const float sum = warp_sum(dot_held(v, w));
        if (mds_mma_lane() == 0)
            head.y[(first + r) * head.outs + out] = sum + head.b[1][out];
    }
}

extern "C" mds_status orb_fused_heads_of(mds_device *device, int n, bool stress,
                                         const orb_fused_heads *job)
{
    const int groups = (n + ATOMS - 1) / ATOMS;

    if (n == 0)
        return MDS_OK;
    return MDS_LAUNCH(device, fused_heads, groups + (stress ? 2 : 1), THREADS, 0, n, *job);
}

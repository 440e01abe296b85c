/* Activations, and rows of 256 features that a warp holds: loads and stores, and their norm.
 * Included by orb_fused*.cu alone. */
#ifndef MDS_MODEL_ORB_ORB_ROWS_CUH
#define MDS_MODEL_ORB_ORB_ROWS_CUH

#include "device/cuda/mma.cuh"

extern "C" {
#include "model/orb/orb_fused.h"
}

static __device__ inline float warp_sum(float value)
{
#pragma unroll
    for (int step = 16; step > 0; step /= 2)
        value += __shfl_xor_sync(0xffffffffu, value, step);
    return value;
}

/* Both by the fast exponential: good to some 1e-7, where the result is kept to 5e-4. Neither gives
 * NaN for a number. */
static __device__ inline float activated(int kind, float x)
{
    if (kind & ORB_FUSED_SILU)
        return __fdividef(x, 1.0f + __expf(-fmaxf(x, -80.0f)));
    return fmaxf(x, 0.0f) + __logf(1.0f + __expf(-fabsf(x))) - 0.69314718055994531f;
}

/* A lane has columns 4·lane … and 128 + 4·lane … of a row. */
enum { HELD = 8 };

static __device__ inline void load_held(const float *row, float v[HELD])
{
#pragma unroll
    for (int q = 0; q < HELD; q += 4) {
        const float4 pack = *(const float4 *)(row + q * 32 + 4 * mds_mma_lane());

        v[q] = pack.x;
        v[q + 1] = pack.y;
        v[q + 2] = pack.z;
        v[q + 3] = pack.w;
    }
}

static __device__ inline void store_held(float *row, const float v[HELD])
{
#pragma unroll
    for (int q = 0; q < HELD; q += 4)
        *(float4 *)(row + q * 32 + 4 * mds_mma_lane()) =
            make_float4(v[q], v[q + 1], v[q + 2], v[q + 3]);
}

static __device__ inline void store_halves(uint16_t *row, const float v[HELD])
{
#pragma unroll
    for (int q = 0; q < HELD; q += 4)
        *(uint2 *)(row + q * 32 + 4 * mds_mma_lane()) =
            make_uint2(mds_half_pair(v[q], v[q + 1]), mds_half_pair(v[q + 2], v[q + 3]));
}

static __device__ inline void norm_held(int kind, float eps, const float *weight,
                                        const float *shift, float v[HELD])
{
    float mean = 0.0f, square = 0.0f, gamma[HELD], beta[HELD] = {};

    if (!(kind & ORB_FUSED_RMS)) {
#pragma unroll
        for (int q = 0; q < HELD; ++q)
            mean += v[q];
        mean = warp_sum(mean) / ORB_FUSED_WIDTH;
    }
#pragma unroll
    for (int q = 0; q < HELD; ++q) {
        v[q] -= mean;
        square += v[q] * v[q];
    }
    const float scale = 1.0f / sqrtf(warp_sum(square) / ORB_FUSED_WIDTH + eps);
    load_held(weight, gamma);
    if (shift)
        load_held(shift, beta);
#pragma unroll
    for (int q = 0; q < HELD; ++q)
        v[q] = v[q] * scale * gamma[q] + beta[q];
}

#endif

/* Products of small matrices by a warp on tensor cores, with sums in float32:
 *
 *     mds_mma_half(&d, a, b)        d (16,8) += a (16,16) · b (16,8), a and b float16
 *     mds_mma_half_row<n>(d, a, b)  the same with n matrices b, n of d, and one a
 *     mds_mma_tf32(&d, a, b)        d (16,8) += a (16,8) · b (8,8), a and b of 11 bits (TF32)
 *     mds_mma_tf32x3(&d, a, b)      the same of numbers in two such parts: some 22 bits
 *
 * All 32 lanes call together. A lane holds a part of each matrix, a "fragment"; which part is the
 * hardware's choice (PTX ISA, mma.m16n8k16 and mma.m16n8k8), the same for both kinds of d:
 *
 *     row    mds_mma_row(r), column mds_mma_column(r)   of d.x[r], r = 0 … 3; r and r + 1 (r even)
 *                                                       are neighbours in a row
 *
 * Loads from shared memory take the address of a tile's first element, the same in all lanes, and
 * the elements from one row to the next. b is given by its columns, (8 columns, terms): as weights
 * (outputs, inputs) lie. For halves rows start at multiples of 16 bytes; no two lanes meet in a
 * bank when ld ≡ 8 modulo 64. Of floats, when ld ≡ 4 modulo 32 (mds_load_tf32_b_rows, b as (terms,
 * columns): ld ≡ 8 modulo 32).
 *
 * compute capability 8.0 and later: one instruction each. 7.5: two m16n8k8 for halves (no
 * difference but in the order of sums), float32 arithmetic with shuffles for TF32 (right, and
 * slow). Shim: by tests/shim/src/matrix.cpp. The order within a product of 16 or 8 terms is the
 * hardware's, but always the same on one device: results repeat bit for bit, and differ between
 * kinds of devices.
 *
 * Halves: |x| ≥ 65520 becomes infinity, |x| < 2⁻²⁴ · 1/2 zero; nothing saturates, so that what does
 * not fit shows as infinity or NaN in the result. */
#ifndef MDS_DEVICE_CUDA_MMA_CUH
#define MDS_DEVICE_CUDA_MMA_CUH

#include "device/cuda/launch.cuh"

#include <cuda_fp16.h>

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
#define MDS_MMA_OLD 1 /* m16n8k8 of halves is all there is */
#endif

typedef struct mds_mma_sum {
    float x[4];
} mds_mma_sum;

/* Two halves in a word, the one of the lower column (a) or term (b) in the lower bits. */
typedef struct mds_half_a {
    unsigned x[4];
} mds_half_a;

typedef struct mds_half_b {
    unsigned x[2];
} mds_half_b;

/* The bits of a float whose lower 13 are zero. */
typedef struct mds_tf32_a {
    unsigned x[4];
} mds_tf32_a;

typedef struct mds_tf32_b {
    unsigned x[2];
} mds_tf32_b;

typedef struct mds_tf32x3_a {
    mds_tf32_a high, low;
} mds_tf32x3_a;

typedef struct mds_tf32x3_b {
    mds_tf32_b high, low;
} mds_tf32x3_b;

static __device__ inline int mds_mma_lane()
{
    return (int)(threadIdx.x & 31);
}

static __device__ inline int mds_mma_row(int r)
{
    return (mds_mma_lane() >> 2) + (r & 2) * 4;
}

static __device__ inline int mds_mma_column(int r)
{
    return (mds_mma_lane() & 3) * 2 + (r & 1);
}

static __device__ inline mds_mma_sum mds_mma_zero()
{
    const mds_mma_sum zero = {{0.0f, 0.0f, 0.0f, 0.0f}};

    return zero;
}

/* Two floats rounded to halves, as the word of a fragment. */
static __device__ inline unsigned mds_half_pair(float low, float high)
{
    return (unsigned)__half_as_ushort(__float2half_rn(low)) |
           (unsigned)__half_as_ushort(__float2half_rn(high)) << 16;
}

/* ---- loads of halves ---- */

/* Tiles of eight rows of eight halves; lane 8 m + i has the address of row i of tile m. */
static __device__ inline void mds_ldmatrix4(const __half *row, unsigned x[4])
{
#ifdef MDS_CUDA_SHIM
    mds_shim_matrix_lane lane = {row, 4, {0, 0, 0, 0}};

    MDS_SHIM_LDMATRIX(&lane);
    for (int r = 0; r < 4; ++r)
        x[r] = lane.got[r];
#else
    const unsigned at = (unsigned)__cvta_generic_to_shared(row);

    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3])
                 : "r"(at)
                 : "memory");
#endif
}

static __device__ inline mds_half_a mds_load_half_a(const __half *tile, int ld)
{
    const int lane = mds_mma_lane();
    mds_half_a a;

    mds_ldmatrix4(tile + (lane & 15) * ld + (lane >> 4) * 8, a.x);
    return a;
}

/* Two matrices b, of columns 0 … 7 and 8 … 15. */
static __device__ inline void mds_load_half_b2(const __half *tile, int ld, mds_half_b b[2])
{
    const int lane = mds_mma_lane();
    unsigned x[4];

    mds_ldmatrix4(tile + ((lane & 7) + (lane >> 4) * 8) * ld + (lane >> 3 & 1) * 8, x);
    b[0].x[0] = x[0];
    b[0].x[1] = x[1];
    b[1].x[0] = x[2];
    b[1].x[1] = x[3];
}

/* ---- products of halves ---- */

#ifdef MDS_CUDA_SHIM
static inline void mds_mma_shim(mds_mma_sum *d, const unsigned a[4], const unsigned *b, int n,
                                bool half)
{
    mds_shim_mma_lane lane = {a, b, d->x, n};

    if (half)
        MDS_SHIM_MMA(HALF, &lane);
    else
        MDS_SHIM_MMA(TF32, &lane);
}
#elif defined(MDS_MMA_OLD)
static __device__ inline void mds_mma_half8(mds_mma_sum *d, unsigned a0, unsigned a1, unsigned b)
{
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, "
                 "{%6}, {%0, %1, %2, %3};"
                 : "+f"(d->x[0]), "+f"(d->x[1]), "+f"(d->x[2]), "+f"(d->x[3])
                 : "r"(a0), "r"(a1), "r"(b));
}
#endif

static __device__ inline void mds_mma_half(mds_mma_sum *d, const mds_half_a &a, const mds_half_b &b)
{
#if defined(MDS_CUDA_SHIM)
    mds_mma_shim(d, a.x, b.x, 1, true);
#elif defined(MDS_MMA_OLD)
    mds_mma_half8(d, a.x[0], a.x[1], b.x[0]);
    mds_mma_half8(d, a.x[2], a.x[3], b.x[1]);
#else
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, "
                 "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(d->x[0]), "+f"(d->x[1]), "+f"(d->x[2]), "+f"(d->x[3])
                 : "r"(a.x[0]), "r"(a.x[1]), "r"(a.x[2]), "r"(a.x[3]), "r"(b.x[0]), "r"(b.x[1]));
#endif
}

/* The same a times n matrices b. */
template <int n>
static __device__ inline void mds_mma_half_row(mds_mma_sum (&d)[n], const mds_half_a &a,
                                               const mds_half_b (&b)[n])
{
#if defined(MDS_CUDA_SHIM)
    mds_mma_shim(d, a.x, b[0].x, n, true); /* they are nothing but their words */
#else
#pragma unroll
    for (int k = 0; k < n; ++k)
        mds_mma_half(&d[k], a, b[k]);
#endif
}

/* ---- TF32 ---- */

/* To the nearest TF32 number, ties away from zero; infinity and NaN stay what they are. */
static __device__ inline unsigned mds_tf32_bits(float x)
{
#if defined(MDS_CUDA_SHIM) || defined(MDS_MMA_OLD)
    const unsigned bits = __float_as_uint(x);

    return (bits & 0x7fffffffu) > 0x7f800000u ? bits : (bits + 0x1000u) & 0xffffe000u;
#elif defined(__CUDA_ARCH__)
    unsigned bits;

    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
    return bits;
#else
    return 0; /* the host's pass of nvcc, which never calls it */
#endif
}

/* What the higher part leaves of x, as TF32: together they have 22 bits of x. */
static __device__ inline unsigned mds_tf32_rest(float x, unsigned high)
{
    return mds_tf32_bits(x - __uint_as_float(high));
}

static __device__ inline mds_tf32_a mds_load_tf32_a(const float *tile, int ld)
{
    const int row = mds_mma_lane() >> 2, column = mds_mma_lane() & 3;
    mds_tf32_a a;

#pragma unroll
    for (int r = 0; r < 4; ++r)
        a.x[r] = mds_tf32_bits(tile[(row + (r & 1) * 8) * ld + column + (r >> 1) * 4]);
    return a;
}

static __device__ inline mds_tf32_b mds_load_tf32_b(const float *tile, int ld)
{
    const float *at = tile + (mds_mma_lane() >> 2) * ld + (mds_mma_lane() & 3);
    const mds_tf32_b b = {{mds_tf32_bits(at[0]), mds_tf32_bits(at[4])}};

    return b;
}

/* b as (8 terms, 8 columns). */
static __device__ inline mds_tf32_b mds_load_tf32_b_rows(const float *tile, int ld)
{
    const float *at = tile + (mds_mma_lane() & 3) * ld + (mds_mma_lane() >> 2);
    const mds_tf32_b b = {{mds_tf32_bits(at[0]), mds_tf32_bits(at[4 * ld])}};

    return b;
}

static __device__ inline mds_tf32x3_a mds_load_tf32x3_a(const float *tile, int ld)
{
    const int row = mds_mma_lane() >> 2, column = mds_mma_lane() & 3;
    mds_tf32x3_a a;

#pragma unroll
    for (int r = 0; r < 4; ++r) {
        const float x = tile[(row + (r & 1) * 8) * ld + column + (r >> 1) * 4];

        a.high.x[r] = mds_tf32_bits(x);
        a.low.x[r] = mds_tf32_rest(x, a.high.x[r]);
    }
    return a;
}

/* The two terms that a lane has of b, in two parts each. */
static __device__ inline mds_tf32x3_b mds_tf32x3_split_b(float first, float second)
{
    mds_tf32x3_b b;

    b.high.x[0] = mds_tf32_bits(first);
    b.high.x[1] = mds_tf32_bits(second);
    b.low.x[0] = mds_tf32_rest(first, b.high.x[0]);
    b.low.x[1] = mds_tf32_rest(second, b.high.x[1]);
    return b;
}

static __device__ inline mds_tf32x3_b mds_load_tf32x3_b(const float *tile, int ld)
{
    const float *at = tile + (mds_mma_lane() >> 2) * ld + (mds_mma_lane() & 3);

    return mds_tf32x3_split_b(at[0], at[4]);
}

static __device__ inline mds_tf32x3_b mds_load_tf32x3_b_rows(const float *tile, int ld)
{
    const float *at = tile + (mds_mma_lane() & 3) * ld + (mds_mma_lane() >> 2);

    return mds_tf32x3_split_b(at[0], at[4 * ld]);
}

static __device__ inline void mds_mma_tf32(mds_mma_sum *d, const mds_tf32_a &a, const mds_tf32_b &b)
{
#if defined(MDS_CUDA_SHIM)
    mds_mma_shim(d, a.x, b.x, 1, false);
#elif defined(MDS_MMA_OLD)
    const unsigned all = 0xffffffffu;
    const int lane = mds_mma_lane(), row = lane & ~3, column = (lane & 3) * 8;

#pragma unroll
    for (int k = 0; k < 8; ++k) {
        const unsigned word = b.x[k >> 2];
        const float a0 = __uint_as_float(__shfl_sync(all, a.x[k >> 2 << 1], row + (k & 3)));
        const float a1 = __uint_as_float(__shfl_sync(all, a.x[(k >> 2 << 1) + 1], row + (k & 3)));
        const float b0 = __uint_as_float(__shfl_sync(all, word, column + (k & 3)));
        const float b1 = __uint_as_float(__shfl_sync(all, word, column + 4 + (k & 3)));

        d->x[0] += a0 * b0;
        d->x[1] += a0 * b1;
        d->x[2] += a1 * b0;
        d->x[3] += a1 * b1;
    }
#else
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, "
                 "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(d->x[0]), "+f"(d->x[1]), "+f"(d->x[2]), "+f"(d->x[3])
                 : "r"(a.x[0]), "r"(a.x[1]), "r"(a.x[2]), "r"(a.x[3]), "r"(b.x[0]), "r"(b.x[1]));
#endif
}

/* The same a times n matrices b: products that do not wait for each other. */
template <int n>
static __device__ inline void mds_mma_tf32_row(mds_mma_sum (&d)[n], const mds_tf32_a &a,
                                               const mds_tf32_b (&b)[n])
{
#if defined(MDS_CUDA_SHIM)
    mds_mma_shim(d, a.x, b[0].x, n, false);
#else
#pragma unroll
    for (int k = 0; k < n; ++k)
        mds_mma_tf32(&d[k], a, b[k]);
#endif
}

/* The small products first; that of both lower parts is below what the sum can hold. */
static __device__ inline void mds_mma_tf32x3(mds_mma_sum *d, const mds_tf32x3_a &a,
                                             const mds_tf32x3_b &b)
{
    mds_mma_tf32(d, a.low, b.high);
    mds_mma_tf32(d, a.high, b.low);
    mds_mma_tf32(d, a.high, b.high);
}

#endif

#include "device/cuda/mma.cuh"

extern "C" {
#include "gpu/device/mma.h"
}

/* Rows of the operands in shared memory, padded as mma.cuh wants them. */
static __host__ __device__ int padded(int terms, int pad, int modulus)
{
    return (terms - pad + modulus - 1) / modulus * modulus + pad;
}

static __device__ void store(float *c, int cols, int tile, const mds_mma_sum *d)
{
    for (int r = 0; r < 4; ++r)
        c[(int64_t)(blockIdx.x * 16 + mds_mma_row(r)) * cols + tile * 8 + mds_mma_column(r)] =
            d->x[r];
}

static __global__ void product_half(int cols, int terms, const float *a, const float *b, float *c)
{
    MDS_DYNAMIC_SHARED(__half, as);
    const int ld = padded(terms, 8, 64), warp = (int)threadIdx.x / 32;
    __half *const bs = as + 16 * ld;
    mds_mma_sum d[2] = {mds_mma_zero(), mds_mma_zero()};

    for (int i = threadIdx.x; i < 16 * terms; i += blockDim.x)
        as[i / terms * ld + i % terms] = __float2half_rn(a[blockIdx.x * 16 * terms + i]);
    for (int i = threadIdx.x; i < cols * terms; i += blockDim.x)
        bs[i / terms * ld + i % terms] = __float2half_rn(b[i]);
    __syncthreads();
    for (int k = 0; k < terms; k += 16) {
        const mds_half_a left = mds_load_half_a(as + k, ld);
        mds_half_b right[2];

        mds_load_half_b2(bs + warp * 16 * ld + k, ld, right);
        mds_mma_half(&d[0], left, right[0]);
        mds_mma_half(&d[1], left, right[1]);
    }
    store(c, cols, 2 * warp, &d[0]);
    store(c, cols, 2 * warp + 1, &d[1]);
}

static __device__ void step_tf32(mds_mma_sum *d, int kind, const float *as, int ld, const float *b,
                                 int ldb)
{
    if (kind == MMA_TF32)
        mds_mma_tf32(d, mds_load_tf32_a(as, ld), mds_load_tf32_b(b, ldb));
    else if (kind == MMA_TF32_ROWS)
        mds_mma_tf32(d, mds_load_tf32_a(as, ld), mds_load_tf32_b_rows(b, ldb));
    else if (kind == MMA_TF32X3)
        mds_mma_tf32x3(d, mds_load_tf32x3_a(as, ld), mds_load_tf32x3_b(b, ldb));
    else
        mds_mma_tf32x3(d, mds_load_tf32x3_a(as, ld), mds_load_tf32x3_b_rows(b, ldb));
}

static __global__ void product_tf32(int kind, int cols, int terms, const float *a, const float *b,
                                    float *c)
{
    MDS_DYNAMIC_SHARED(float, as);
    const bool rows = kind == MMA_TF32_ROWS || kind == MMA_TF32X3_ROWS;
    const int ld = padded(terms, 4, 32), ldb = rows ? padded(cols, 8, 32) : ld;
    const int warp = (int)threadIdx.x / 32;
    float *const bs = as + 16 * ld;

    for (int i = threadIdx.x; i < 16 * terms; i += blockDim.x)
        as[i / terms * ld + i % terms] = a[blockIdx.x * 16 * terms + i];
    for (int i = threadIdx.x; i < cols * terms; i += blockDim.x)
        bs[rows ? i % terms * ldb + i / terms : i / terms * ldb + i % terms] = b[i];
    __syncthreads();
    for (int tile = 2 * warp; tile < 2 * warp + 2; ++tile) {
        mds_mma_sum d = mds_mma_zero();

        for (int k = 0; k < terms; k += 8)
            step_tf32(&d, kind, as + k, ld,
                      rows ? bs + k * ldb + 8 * tile : bs + 8 * tile * ldb + k, ldb);
        store(c, cols, tile, &d);
    }
}

static __global__ void convert(int n, const float *x, unsigned *half, float *back, unsigned *tf32)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;

    if (i >= n)
        return;
    half[i] = mds_half_pair(x[i], 0.0f);
    back[i] = __half2float(__float2half_rn(x[i]));
    tf32[i] = mds_tf32_bits(x[i]);
}

extern "C" mds_status mma_product(mds_device *device, mma_kind kind, int rows, int cols, int terms,
                                  const float *a, const float *b, float *c)
{
    const int ld = kind == MMA_HALF ? padded(terms, 8, 64) : padded(terms, 4, 32);
    const int by_columns = cols * ld, by_rows = terms * padded(cols, 8, 32);
    const size_t wide = 16 * ld + (by_columns > by_rows ? by_columns : by_rows);

    if (kind == MMA_HALF)
        return MDS_LAUNCH(device, product_half, rows / 16, cols / 16 * 32, 2 * wide, cols, terms, a,
                          b, c);
    return MDS_LAUNCH(device, product_tf32, rows / 16, cols / 16 * 32, 4 * wide, (int)kind, cols,
                      terms, a, b, c);
}

extern "C" mds_status mma_convert(mds_device *device, int n, const float *x, unsigned *half,
                                  float *back, unsigned *tf32)
{
    return MDS_LAUNCH(device, convert, (n + 63) / 64, 64, 0, n, x, half, back, tf32);
}
